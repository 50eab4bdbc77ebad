//! Segmentations: by rule, the first condition that holds decides; or by a model that
//! a run makes, of groups by rank over all accounts, or of groups of accounts that are
//! alike on a sample. What no condition covers is `unknown`, so that every account is in
//! exactly one group.

mod compile;
mod fitting;
mod link;
mod tiers;

use std::ops::RangeInclusive;
use std::sync::Arc;

use toml::Spanned;

pub use compile::{
    PLACES, counts_sql, cuts_sql, fitted, migration_parts_sql, migration_sql, modelled, path_sql, sample_sql,
    segments_sql, strata_sql, stratum_parts_sql, tiered, value_parts_sql,
};
pub use fitting::Fitting;
pub use tiers::{Basis, Tiers};

use super::diagnostic::{Mistake, Mistakes};
use super::document::{Document, Literal, Section};
use super::tag::Place;
use crate::segment::bounded::Limits;
use crate::segment::scale::Feature;

/// More groups than a reader keeps in mind are tags.
const MOST_GROUPS: usize = 7;
/// The group of accounts that no rule covers.
pub const UNKNOWN: &str = "unknown";

/// Columns of `customer_segments` beside segmentations.
const RESERVED: [&str; 3] = ["account_id", "as_of", "bucket"];

/// What can stand in SQL as it is.
fn is_word(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !name.is_empty() && name.chars().all(is_letter)
}

/// `sql/segments/<name>.toml`.
#[derive(Clone, Debug)]
pub struct Segmentation {
    pub name: String,
    pub file: String,
    /// The file as it is written, for carets.
    text: Arc<str>,
    pub label: String,
    pub label_zh: String,
    /// Of a fitted one those that were given a label.
    pub groups: Vec<Group>,
    /// Condition over `customer_tags`: accounts that are meant; all where there is none.
    pub population: Option<String>,
    pub method: Method,
    /// What a release has to keep.
    pub gates: Gates,
    /// Left out where no model can be made: a lake may have no such accounts.
    pub is_optional: bool,
}

/// What holds a release back, beside the limits of sizes.
#[derive(Clone, Copy, Debug)]
pub struct Gates {
    /// The adjusted Rand index of the groups before and now.
    pub least_agreement: f64,
    /// Of the rules that explain groups.
    pub least_fidelity: f64,
    /// How much worse an index of likeness may be than that of the model before.
    pub most_worse_percent: f64,
    /// Of the accounts that had a group those that have none now, whether they left or
    /// nothing is known of them any more.
    pub most_lost_percent: f64,
}

impl Gates {
    const DEFAULT: Self =
        Self { least_agreement: 0.8, least_fidelity: 0.7, most_worse_percent: 20.0, most_lost_percent: 20.0 };
    /// Nothing is bound: where rules say another group, the account has changed.
    const NONE: Self = Self {
        least_agreement: f64::NEG_INFINITY,
        least_fidelity: f64::NEG_INFINITY,
        most_worse_percent: f64::INFINITY,
        most_lost_percent: f64::INFINITY,
    };
}

#[derive(Clone, Debug)]
pub enum Method {
    /// By the conditions of the groups.
    Rules,
    /// By rank.
    Tiers(Tiers),
    /// By likeness.
    Balanced(Box<Fitting>),
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub label: String,
    pub label_zh: String,
    pub bound: Bound,
}

/// What makes an account one of a group.
#[derive(Clone, Debug)]
pub enum Bound {
    /// Condition over `customer_tags`, and segmentations that have a model.
    When(String),
    /// Those that rank next, up to so many hundredths of a percent.
    UpTo(u32),
    /// The model says it.
    Model,
}

impl Segmentation {
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Mistakes> {
        Document::read(file, text, |root| {
            let is_number = name.starts_with(|c: char| c.is_ascii_digit());
            if !is_word(name) || is_number || RESERVED.contains(&name) {
                root.mistake(
                    root.span(),
                    format!("`{name}` cannot be a column: small letters, digits and _, and not one that accounts have"),
                );
            }
            let label = root.required_text("label").map(Spanned::into_inner);
            let label_zh = root.required_text("label_zh").map(Spanned::into_inner);
            let (rules, quantile, pareto, balanced) = ("rules", "quantile", "pareto", "balanced_kmeans");
            let methods = [(rules, rules), (quantile, quantile), (pareto, pareto), (balanced, balanced)];
            let chosen = if root.has("method") { root.choice("method", &methods)? } else { rules };
            let has_model = chosen != rules;
            let bound = |section: &Section<'_>| match chosen {
                "rules" => section.required_text("when").map(|when| Bound::When(when.into_inner())),
                "balanced_kmeans" => Some(Bound::Model),
                _ => tiers::up_to(section).map(Bound::UpTo),
            };
            let groups = groups(root, &bound);
            if groups.is_empty() && chosen != balanced {
                root.mistake(root.span(), format!("a segmentation by {chosen} needs [[group]] blocks"));
            }
            let population = root.text("population").map(Spanned::into_inner);
            let gates = gates(root, if has_model { Gates::DEFAULT } else { Gates::NONE }, chosen == balanced);
            let is_optional = has_model && root.flag("optional").unwrap_or(false);
            let method = match chosen {
                "rules" => Method::Rules,
                "balanced_kmeans" => Method::Balanced(Box::new(fitting::read(root)?)),
                "quantile" => Method::Tiers(tiers::read(root, Basis::Accounts, &groups)?),
                _ => Method::Tiers(tiers::read(root, Basis::Sum, &groups)?),
            };
            Some(Self {
                name: name.to_owned(),
                file: file.to_owned(),
                text: text.into(),
                label: label?,
                label_zh: label_zh?,
                groups,
                population,
                method,
                gates,
                is_optional,
            })
        })
    }

    pub fn method_name(&self) -> &'static str {
        match &self.method {
            Method::Rules => "rules",
            Method::Tiers(Tiers { basis: Basis::Accounts, .. }) => "quantile",
            Method::Tiers(Tiers { basis: Basis::Sum, .. }) => "pareto",
            Method::Balanced(_) => "balanced_kmeans",
        }
    }

    /// A run makes a model of it, by which accounts are assigned until the next one.
    pub fn has_model(&self) -> bool {
        !matches!(self.method, Method::Rules)
    }

    /// What is fitted, of one by likeness.
    pub fn fitting(&self) -> Option<&Fitting> {
        match &self.method {
            Method::Balanced(fitting) => Some(fitting),
            Method::Rules | Method::Tiers(_) => None,
        }
    }

    pub fn tiers(&self) -> Option<&Tiers> {
        match &self.method {
            Method::Tiers(tiers) => Some(tiers),
            Method::Rules | Method::Balanced(_) => None,
        }
    }

    /// How large its groups may be, where they have limits.
    pub fn limits(&self) -> Option<Limits> {
        match &self.method {
            Method::Rules => None,
            Method::Tiers(tiers) => tiers.limits,
            Method::Balanced(fitting) => Some(fitting.balanced.limits),
        }
    }

    /// Everything that its model depends on.
    pub fn fingerprint(&self) -> Option<String> {
        // Labels may change, and so may names of groups that the model makes by itself.
        let groups: Vec<(&str, u32)> =
            self.groups.iter().filter_map(|group| Some((&*group.name, group.up_to()?))).collect();
        self.has_model().then(|| {
            let text = format!("{:?} {:?} {groups:?} {}", self.population, self.method, kwhy_udfs::VERSION);
            format!("{:016x}", twox_hash::XxHash64::oneshot(0, text.as_bytes()))
        })
    }

    /// Something is wrong with the file as a whole.
    pub fn mistake(&self, message: String) -> Mistake {
        Mistake::new(&self.file, &self.text, 0..0, message)
    }

    /// What groups by likeness are made of.
    pub fn features(&self) -> &[Feature] {
        self.fitting().map_or(&[], |fitting| &fitting.balanced.features)
    }

    fn mistake_at(&self, word: &str, message: String) -> Mistake {
        Mistake::new(&self.file, &self.text, super::model::find_word(&self.text, word), message)
    }

    /// Where SQL of it stands: of a feature, behind what explains, which may name it too.
    pub fn place(&self, sql: &str, is_feature: bool) -> Place {
        let from = if is_feature { self.text.find("[[feature]]").unwrap_or(0) } else { 0 };
        let found = super::model::find_word(&self.text[from..], sql);
        let span = if found.is_empty() { 0..self.text.len() } else { from + found.start..from + found.end };
        Place { file: self.file.as_str().into(), text: Arc::clone(&self.text), span }
    }
}

impl Group {
    /// The condition that makes accounts its own, of one by rules.
    pub fn when(&self) -> Option<&str> {
        match &self.bound {
            Bound::When(when) => Some(when),
            Bound::UpTo(_) | Bound::Model => None,
        }
    }

    /// Hundredths of a percent that it reaches up to, of one by rank.
    pub fn up_to(&self) -> Option<u32> {
        match self.bound {
            Bound::UpTo(hundredths) => Some(hundredths),
            Bound::When(_) | Bound::Model => None,
        }
    }
}

fn groups(root: &Section<'_>, bound: &dyn Fn(&Section<'_>) -> Option<Bound>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for section in root.sections("group") {
        let name = section.required_text("name");
        let label = section.required_text("label").map(Spanned::into_inner);
        let label_zh = section.required_text("label_zh").map(Spanned::into_inner);
        let bound = bound(&section);
        section.finish();
        if let (Some(name), Some(label), Some(label_zh), Some(bound)) = (name, label, label_zh, bound) {
            if !is_word(name.get_ref()) {
                section.mistake(
                    name.span(),
                    format!("`{}` is no name of a group: small letters, digits and _", name.get_ref()),
                );
            }
            if name.get_ref() == UNKNOWN {
                section.mistake(name.span(), "`unknown` are the accounts of which it cannot be said");
            }
            if groups.iter().any(|group| group.name == *name.get_ref()) {
                section.mistake(name.span(), format!("group `{}` stands here twice", name.get_ref()));
            }
            groups.push(Group { name: name.into_inner(), label, label_zh, bound });
        }
    }
    groups
}

/// Groups by rule or rank are exact, and have no indices of likeness.
fn gates(root: &Section<'_>, default: Gates, is_by_likeness: bool) -> Gates {
    let mut gates = default;
    if let Some(section) = root.table("gates") {
        gates.least_agreement = number_in(&section, "least_agreement", gates.least_agreement, 0.0..=1.0);
        gates.most_lost_percent = number_in(&section, "most_lost_percent", gates.most_lost_percent, 0.0..=100.0);
        if is_by_likeness {
            gates.least_fidelity = number_in(&section, "least_fidelity", gates.least_fidelity, 0.0..=1.0);
            let any = 0.0..=f64::INFINITY;
            gates.most_worse_percent = number_in(&section, "most_worse_percent", gates.most_worse_percent, any);
        }
        section.finish();
    }
    gates
}

/// How large groups may be, with what stands in `limits`.
fn limits(section: &Section<'_>, default: Limits) -> Limits {
    Limits {
        least_percent: number_in(section, "least_percent", default.least_percent, 0.0..=100.0),
        most_percent: number_in(section, "most_percent", default.most_percent, 0.0..=100.0),
        most_ratio: number_in(section, "most_ratio", default.most_ratio, 1.0..=f64::INFINITY),
    }
}

fn number_in(section: &Section<'_>, key: &'static str, default: f64, within: RangeInclusive<f64>) -> f64 {
    let Some(literal) = section.literal(key) else { return default };
    let found = number(section, key, default);
    if !within.contains(&found) {
        let (least, most) = within.into_inner();
        let told = if most.is_finite() { format!("from {least} to {most}") } else { format!("{least} or more") };
        section.mistake(literal.span(), format!("`{key}` is {told}"));
    }
    found
}

fn number(section: &Section<'_>, key: &'static str, default: f64) -> f64 {
    let Some(found) = section.literal(key) else { return default };
    let parsed = match found.get_ref() {
        Literal::Number(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    };
    parsed.unwrap_or_else(|| {
        section.mistake(found.span(), format!("`{key}` takes a number"));
        default
    })
}
