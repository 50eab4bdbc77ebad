//! Segmentations: by rule, the first condition that holds decides; or fitted, by a
//! model that a run makes of a sample. What no condition covers is `unknown`, so that
//! every account is in exactly one group.

mod compile;

use std::sync::Arc;

use toml::Spanned;

pub use compile::{
    PLACES, counts_sql, fitted, migration_parts_sql, migration_sql, path_sql, sample_sql, segments_sql, strata_sql,
    stratum_parts_sql,
};

use super::diagnostic::{Mistake, Mistakes, did_you_mean};
use super::document::{Document, Literal, Section};
use super::tag::{TagType, Tags, columns_of_condition};
use crate::segment::balanced::Balanced;
use crate::segment::bounded::Limits;
use crate::segment::scale::{Feature, Transform};

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
    pub method: Method,
    /// Of a fitted one: what a release has to keep.
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
}

#[derive(Clone, Debug)]
pub enum Method {
    /// By the conditions of the groups.
    Rules,
    Balanced(Box<Fitting>),
}

/// What is fitted, and on whom.
#[derive(Clone, Debug)]
pub struct Fitting {
    /// Condition over `customer_tags`: accounts that are meant; all where there is
    /// none.
    pub population: Option<String>,
    pub balanced: Balanced,
    /// Tags that the rules which explain the groups may be about.
    pub explain: Vec<String>,
    /// The rules themselves make the groups, not the nearest of the small clusters.
    pub is_by_rules: bool,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub label: String,
    pub label_zh: String,
    /// Condition over `customer_tags` and the cut tables; empty of a fitted one.
    pub when: String,
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
            let methods = [("rules", false), ("balanced_kmeans", true)];
            let is_fitted = if root.has("method") { root.choice("method", &methods)? } else { false };
            let groups = groups(root, is_fitted);
            let gates = if is_fitted { gates(root) } else { Gates::DEFAULT };
            let is_optional = is_fitted && root.flag("optional").unwrap_or(false);
            let method = match is_fitted {
                true => Method::Balanced(Box::new(fitting(root)?)),
                false => Method::Rules,
            };
            Some(Self {
                name: name.to_owned(),
                file: file.to_owned(),
                text: text.into(),
                label: label?,
                label_zh: label_zh?,
                groups,
                method,
                gates,
                is_optional,
            })
        })
    }

    pub fn method_name(&self) -> &'static str {
        match self.method {
            Method::Rules => "rules",
            Method::Balanced(_) => "balanced_kmeans",
        }
    }

    /// What is fitted, where it is not by rules.
    pub fn fitting(&self) -> Option<&Fitting> {
        match &self.method {
            Method::Rules => None,
            Method::Balanced(fitting) => Some(fitting),
        }
    }

    /// Everything that its model depends on.
    pub fn fingerprint(&self) -> Option<String> {
        self.fitting().map(|fitting| {
            format!(
                "{:016x}",
                twox_hash::XxHash64::oneshot(0, format!("{fitting:?} {}", kwhy_udfs::VERSION).as_bytes())
            )
        })
    }

    /// Something is wrong with the file as a whole.
    pub fn mistake(&self, message: String) -> Mistake {
        Mistake::new(&self.file, &self.text, 0..0, message)
    }

    /// Names that are no tags.
    pub fn link(&self, tags: &Tags, mistakes: &mut Mistakes) {
        let Some(fitting) = self.fitting() else { return };
        let expressions = fitting.balanced.features.iter().map(|feature| &feature.sql);
        let mut told: Vec<String> = Vec::new();
        for sql in expressions.chain(&fitting.population).chain(&fitting.explain) {
            match columns_of_condition(sql) {
                Err(message) => mistakes.push(self.mistake_at(sql, message)),
                Ok(names) => {
                    for name in names {
                        if !told.contains(&name) {
                            mistakes.0.extend(self.unfit(&name, tags));
                            told.push(name);
                        }
                    }
                }
            }
        }
        for name in &fitting.explain {
            if tags.get(name).is_some_and(|tag| tag.kind == TagType::Date) {
                let message = format!("`{name}` is a date, and rules are about numbers, flags and texts");
                mistakes.push(self.mistake_at(name, message));
            }
        }
    }

    /// What is wrong with a name that should be a tag.
    fn unfit(&self, name: &str, tags: &Tags) -> Option<Mistake> {
        match tags.get(name) {
            None => {
                let near = did_you_mean(name, tags.tags.iter().map(|tag| tag.name.as_str()));
                let hint = near.map_or("kwhy tags list shows all".to_owned(), |near| format!("did you mean `{near}`?"));
                Some(self.mistake_at(name, format!("no tag is called `{name}`")).with_hint(hint))
            }
            Some(tag) if tag.is_sensitive() => {
                Some(self.mistake_at(name, format!("`{name}` is sensitive: nothing that all may see is made of it")))
            }
            Some(_) => None,
        }
    }

    fn mistake_at(&self, word: &str, message: String) -> Mistake {
        Mistake::new(&self.file, &self.text, super::model::find_word(&self.text, word), message)
    }
}

fn groups(root: &Section<'_>, is_fitted: bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for section in root.sections("group") {
        let name = section.required_text("name");
        let label = section.required_text("label").map(Spanned::into_inner);
        let label_zh = section.required_text("label_zh").map(Spanned::into_inner);
        let when = match is_fitted {
            true => Some(String::new()),
            false => section.required_text("when").map(Spanned::into_inner),
        };
        section.finish();
        if let (Some(name), Some(label), Some(label_zh), Some(when)) = (name, label, label_zh, when) {
            if !is_word(name.get_ref()) {
                section.mistake(
                    name.span(),
                    format!("`{}` is no name of a group: small letters, digits and _", name.get_ref()),
                );
            }
            if groups.iter().any(|group| group.name == *name.get_ref()) {
                section.mistake(name.span(), format!("group `{}` stands here twice", name.get_ref()));
            }
            groups.push(Group { name: name.into_inner(), label, label_zh, when });
        }
    }
    if groups.is_empty() && !is_fitted {
        root.mistake(root.span(), "a segmentation by rules needs [[group]] blocks");
    }
    groups
}

fn gates(root: &Section<'_>) -> Gates {
    let mut gates = Gates::DEFAULT;
    if let Some(section) = root.table("gates") {
        gates.least_agreement = number(&section, "least_agreement", gates.least_agreement);
        gates.least_fidelity = number(&section, "least_fidelity", gates.least_fidelity);
        gates.most_worse_percent = number(&section, "most_worse_percent", gates.most_worse_percent);
        gates.most_lost_percent = number(&section, "most_lost_percent", gates.most_lost_percent);
        section.finish();
        if gates.least_agreement > 1.0 || !(0.0..=1.0).contains(&gates.least_fidelity) || gates.most_worse_percent < 0.0
        {
            section.mistake(
                section.span(),
                "`least_agreement` is at most 1, `least_fidelity` from 0 to 1, `most_worse_percent` 0 or more",
            );
        }
    }
    gates
}

fn fitting(root: &Section<'_>) -> Option<Fitting> {
    let population = root.text("population").map(Spanned::into_inner);
    let seed = root.integer("seed").unwrap_or(1).unsigned_abs();
    let (mut least_groups, mut most_groups) = (3, MOST_GROUPS);
    if let Some(section) = root.table("groups") {
        least_groups = section.integer("least").map_or(least_groups, |count| usize::try_from(count).unwrap_or(0));
        most_groups = section.integer("most").map_or(most_groups, |count| usize::try_from(count).unwrap_or(0));
        section.finish();
        if least_groups < 2 || most_groups > MOST_GROUPS || least_groups > most_groups {
            section.mistake(
                section.span(),
                format!("`least` and `most` groups are from 2 to {MOST_GROUPS}, the least first"),
            );
        }
    }
    let mut limits = Limits { least_percent: 5.0, most_percent: 35.0, most_ratio: 3.0 };
    if let Some(section) = root.table("limits") {
        limits.least_percent = number(&section, "least_percent", limits.least_percent);
        limits.most_percent = number(&section, "most_percent", limits.most_percent);
        limits.most_ratio = number(&section, "most_ratio", limits.most_ratio);
        section.finish();
        if limits.most_ratio < 1.0 || !(least_groups..=most_groups).any(|groups| limits.allow(groups)) {
            let message = format!("no number of groups from {least_groups} to {most_groups} can keep these limits");
            section.mistake_with_hint(
                section.span(),
                message,
                "so many groups of the least size must fit into 100 %, and of the most size fill them",
            );
        }
    }
    let mut features: Vec<Feature> = Vec::new();
    for section in root.sections("feature") {
        let sql = section.required_text("sql");
        let name = section.text("name").map(Spanned::into_inner);
        let is_optional = section.flag("optional").unwrap_or(false);
        let weight = number(&section, "weight", 1.0);
        let winsorise_percent = number(&section, "winsorise_percent", 1.0);
        let linear = Transform::Linear { winsorise_percent };
        let transforms =
            [("linear", linear), ("log", Transform::Log { winsorise_percent }), ("one_hot", Transform::OneHot)];
        let transform = if section.has("transform") { section.choice("transform", &transforms) } else { Some(linear) };
        section.finish();
        if weight <= 0.0 || !(0.0..50.0).contains(&winsorise_percent) {
            section.mistake(section.span(), "`weight` is above 0, `winsorise_percent` from 0 to less than 50");
        }
        if let (Some(sql), Some(transform)) = (sql, transform) {
            let name = name.unwrap_or_else(|| sql.get_ref().clone());
            if features.iter().any(|feature| feature.name == name) {
                section.mistake_with_hint(
                    sql.span(),
                    format!("the feature `{name}` stands here twice"),
                    "give it a `name`",
                );
            }
            features.push(Feature { name, sql: sql.into_inner(), transform, weight, is_optional });
        }
    }
    if features.is_empty() {
        root.mistake(root.span(), "a fitted segmentation needs [[feature]] blocks");
    }
    let is_name = |sql: &str| sql.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let explain = match root.texts("explain") {
        Some(names) => names.into_iter().map(Spanned::into_inner).collect(),
        None => features.iter().map(|feature| feature.sql.clone()).filter(|sql| is_name(sql)).collect(),
    };
    let balanced = Balanced { features, least_groups, most_groups, limits, seed };
    let assigns = [("nearest", false), ("tree", true)];
    let is_by_rules = if root.has("assign") { root.choice("assign", &assigns)? } else { false };
    Some(Fitting { population, balanced, explain, is_by_rules })
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
