//! Tags: what is said of every account, one TOML block each, or one family of
//! many. Read from `sql/tags/*.toml` ([`read`]), multiplied over axes
//! ([`family`]), bound to their parameters ([`expression`]) and turned into the
//! SQL of one wide table ([`compile`]).

mod compile;
mod expression;
mod family;
mod link;
mod profile;
mod read;
mod version;
mod wide;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::document::Literal;

pub use compile::{Before, Wide};
pub use expression::{
    PERCENTILE, Pick, at, columns_of, columns_of_condition, parse_expression, paths_of_condition, text_results,
    with_values,
};
pub use link::link_tags;
pub use read::{TagFile, read_tags};
pub use wide::{ALIGNED, Compiled, Part, Side, WideRelation};

use super::TAGS;
use super::diagnostic::Mistake;

/// What a tag's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagType {
    Bool,
    Number,
    /// 1 to n by frozen quantile cuts among peers.
    Tier,
    Enum,
    Text,
    Date,
}

impl TagType {
    pub const ALL: [(&'static str, Self); 6] = [
        ("bool", Self::Bool),
        ("number", Self::Number),
        ("tier", Self::Tier),
        ("enum", Self::Enum),
        ("text", Self::Text),
        ("date", Self::Date),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether it has few values by nature.
    pub fn has_states(self) -> bool {
        matches!(self, Self::Bool | Self::Enum | Self::Tier)
    }
}

/// When a tag's value may be another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    Daily,
    Monthly,
    OnChange,
    PerSegmentation,
}

impl Refresh {
    pub const ALL: [(&'static str, Self); 4] = [
        ("daily", Self::Daily),
        ("monthly", Self::Monthly),
        ("on_change", Self::OnChange),
        ("per_segmentation", Self::PerSegmentation),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, refresh)| *refresh == self).map_or("", |(name, _)| name)
    }
}

/// A number or text of a definition that has a name, so that it can be changed
/// and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What holds; with hysteresis what must be reached.
    pub enter: Literal,
    /// With hysteresis: what must be kept.
    pub exit: Option<Literal>,
    pub unit: String,
}

impl Parameter {
    /// `40 %`; `110 % (108 % to stay)`.
    pub fn shown(&self) -> String {
        let unit = if self.unit == "1" { String::new() } else { format!(" {}", self.unit) };
        let texts = matches!(self.enter, Literal::Text(_) | Literal::List(_));
        match (&self.exit, texts) {
            (_, true) => self.enter.shown(),
            (None, _) => format!("{}{unit}", self.enter.shown()),
            (Some(exit), _) => format!("{}{unit} ({}{unit} to stay)", self.enter.shown(), exit.shown()),
        }
    }
}

/// Feature values, and the value that the tag has then.
#[derive(Clone, Debug)]
pub struct Case {
    pub given: BTreeMap<String, Literal>,
    /// `None` is null.
    pub expect: Option<Literal>,
    pub place: Place,
}

/// Where something stands in a project file.
#[derive(Clone, Debug)]
pub struct Place {
    pub file: Arc<str>,
    pub text: Arc<str>,
    pub span: Range<usize>,
}

impl Place {
    pub fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake::new(&self.file, &self.text, self.span.clone(), message)
    }

    /// The word within this place, where it stands there; else the place.
    pub fn of_word(&self, word: &str) -> Self {
        let inside = &self.text[self.span.clone()];
        let found = super::model::find_word(inside, word);
        let span = match found.is_empty() {
            true => self.span.clone(),
            false => self.span.start + found.start..self.span.start + found.end,
        };
        Self { span, ..self.clone() }
    }

    /// `sql/tags/load.toml:12`.
    pub fn line(&self) -> String {
        format!("{}:{}", self.file, self.text[..self.span.start].matches('\n').count() + 1)
    }
}

/// What a tag's value comes from.
#[derive(Clone, Debug)]
pub enum Body {
    /// An expression over one feature table, or over other tags.
    Sql(Expression),
    /// The tier of another tag.
    Tier { of: String, tiers: u32 },
}

/// An expression, parsed and bound to the tag's parameters.
#[derive(Clone, Debug)]
pub struct Expression {
    /// As it is written.
    pub written: String,
    /// In one spelling, with the parameters' values in it.
    pub enter: String,
    /// The same with the values at which a state is left.
    pub exit: Option<String>,
    /// Columns that it names.
    pub columns: BTreeSet<String>,
    /// Percentiles among peers that it asks for.
    pub picks: BTreeSet<Pick>,
}

/// One tag.
#[derive(Clone, Debug)]
pub struct Tag {
    pub name: String,
    pub label: String,
    pub label_zh: String,
    pub category: String,
    pub kind: TagType,
    pub unit: Option<String>,
    pub values: Vec<String>,
    /// The feature table that it reads; of a tag over tags the table of tags.
    pub feature: String,
    /// Which of several rows per account: `window_days = 90`.
    pub slice: Option<String>,
    pub evidence: String,
    pub body: Body,
    pub peers: String,
    pub parameters: BTreeMap<String, Parameter>,
    pub cases: Vec<Case>,
    pub definition: String,
    pub source: Option<String>,
    pub refresh: Refresh,
    pub sensitivity: u8,
    pub owner: Option<String>,
    pub since: Option<String>,
    /// The template of the family that it comes from.
    pub family: Option<String>,
    /// A text of few values, by which accounts are counted as by an enum; or a sensitive
    /// tag by which groups of accounts are counted all the same.
    pub is_profiled: bool,
    /// Why all accounts of the demo lake may have the same value.
    pub why_constant: Option<String>,
    /// The whole block.
    pub place: Place,
    /// The expression within it.
    pub sql_place: Place,
}

impl Tag {
    /// Whether accounts can be counted by it in a profile.
    pub fn is_attribute(&self) -> bool {
        self.kind.has_states() || self.is_profiled
    }

    /// Whether groups are counted by it although it is sensitive.
    pub fn is_sensitive_attribute(&self) -> bool {
        self.is_sensitive() && self.is_profiled
    }

    pub fn is_sensitive(&self) -> bool {
        self.sensitivity >= SENSITIVE
    }

    /// Whether its value stands on that of the release before.
    pub fn has_hysteresis(&self) -> bool {
        matches!(&self.body, Body::Sql(expression) if expression.exit.is_some())
    }

    pub fn is_over_tags(&self) -> bool {
        self.feature == TAGS || matches!(self.body, Body::Tier { .. })
    }

    /// Tags that it reads.
    pub fn tags_read(&self) -> Vec<&str> {
        match &self.body {
            Body::Tier { of, .. } => vec![of],
            Body::Sql(expression) if self.feature == TAGS => {
                let picked = expression.picks.iter().map(|pick| pick.tag.as_str());
                expression.columns.iter().map(String::as_str).chain(picked).collect()
            }
            Body::Sql(_) => Vec::new(),
        }
    }

    /// Tags whose values it reads, those of this account.
    fn values_read(&self) -> impl Iterator<Item = &str> {
        let columns = match &self.body {
            Body::Sql(expression) if self.feature == TAGS => Some(&expression.columns),
            _ => None,
        };
        let of = match &self.body {
            Body::Tier { of, .. } => Some(of),
            Body::Sql(_) => None,
        };
        columns.into_iter().flatten().chain(of).map(String::as_str)
    }

    /// Percentiles among peers that it is compared with.
    pub fn picks(&self) -> Vec<Pick> {
        match &self.body {
            Body::Sql(expression) => expression.picks.iter().cloned().collect(),
            Body::Tier { of, tiers } => (1..*tiers)
                .map(|tier| Pick { peers: self.peers.clone(), tag: of.clone(), percentile: tier * 100 / tiers })
                .collect(),
        }
    }

    /// What a column is called for people: `年用电量 (kWh)`.
    pub fn comment(&self) -> String {
        match self.unit.as_deref().filter(|unit| *unit != "1") {
            Some(unit) => format!("{} ({unit})", self.label_zh),
            None => self.label_zh.clone(),
        }
    }

    /// The expression as it is written; of a tier what stands for it.
    pub fn written(&self) -> String {
        match &self.body {
            Body::Sql(expression) => expression.written.trim().to_owned(),
            Body::Tier { of, tiers } => format!("tier {} of {of} among {} peers", tiers, self.peers),
        }
    }
}

/// Tags of this sensitivity are published in a table of their own.
pub const SENSITIVE: u8 = 3;

/// What must be there before a tag may have a value.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub name: String,
    pub label: String,
    /// Sources, or columns of them (`table.column`), of which one at least must be
    /// in the lake.
    pub sources: Vec<String>,
    pub feature: String,
    pub slice: Option<String>,
    /// Condition over the feature row.
    pub when: String,
    /// Why the value is unknown where the condition does not hold.
    pub reason: String,
    pub place: Place,
    pub when_place: Place,
}

/// A topic that tags are listed by.
#[derive(Clone, Debug)]
pub struct Category {
    pub name: String,
    pub label: String,
    pub label_zh: String,
}

/// Who is compared with whom: `[peers.<name>]`.
#[derive(Clone, Debug)]
pub struct Peers {
    pub name: String,
    pub label: String,
    /// Columns of the accounts, the widest group first.
    pub levels: Vec<String>,
    /// A group of fewer gives way to the next wider one.
    pub least_accounts: u32,
    pub place: Place,
}

/// All tags of a project.
#[derive(Clone, Debug, Default)]
pub struct Tags {
    /// Those over other tags after all that they read.
    pub tags: Vec<Tag>,
    pub evidence: BTreeMap<String, Evidence>,
    pub categories: BTreeMap<String, Category>,
    pub peers: BTreeMap<String, Peers>,
}

impl Tags {
    pub fn get(&self, name: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    /// All percentiles among peers that tags ask for.
    pub fn picks(&self) -> BTreeSet<Pick> {
        self.tags.iter().flat_map(Tag::picks).collect()
    }

    /// The tags named and all that they read, in order.
    pub fn with_read(&self, chosen: &dyn Fn(&Tag) -> bool) -> Vec<&Tag> {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        // What is read stands before who reads it.
        for tag in self.tags.iter().rev() {
            if chosen(tag) || wanted.contains(tag.name.as_str()) {
                wanted.insert(&tag.name);
                wanted.extend(tag.values_read());
            }
        }
        self.tags.iter().filter(|tag| wanted.contains(tag.name.as_str())).collect()
    }
}
