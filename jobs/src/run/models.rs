//! Models of segmentations as they are kept, and what is published of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Date32Type, Field, Schema};
use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::project::segment::Segmentation;
use crate::project::tag::{Tag, TagType};
use crate::project::{Project, SEGMENT_CATALOG, SEGMENT_MODEL, SEGMENT_PROFILE, SEGMENT_RULES};
use crate::segment::balanced::Told;
use crate::segment::earlier::Earlier;
use crate::segment::rules::Rule;
use crate::state::Snapshot;

/// A row of `segment_model`.
#[derive(Clone, Debug)]
pub struct Model {
    pub segmentation: String,
    pub fitted_as_of: i32,
    /// Of the definition that it was fitted by.
    pub fingerprint: String,
    /// The group of an account, as SQL over its tags.
    pub group_sql: String,
    /// The number of the rule that holds, and the group that the rules say.
    pub rule_sql: String,
    pub rules_sql: String,
    /// [`Details`] or [`LeftOut`] as JSON.
    pub details: String,
}

/// Why there is no model: the lake has too little for it.
#[derive(Serialize, Deserialize)]
struct LeftOut {
    left_out: String,
}

/// What there is to tell of a model, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Details {
    /// The groups, and the share of accounts in each.
    pub codes: Vec<String>,
    pub shares: Vec<f64>,
    pub rules: Vec<Rule>,
    /// Of groups of accounts that are alike.
    pub likeness: Option<Likeness>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Likeness {
    pub told: Told,
    /// How often the rules are right.
    pub fidelity: f64,
    /// The same of the accounts of each group, in the order of the codes.
    #[serde(default)]
    pub recalls: Vec<Option<f64>>,
    /// How far groups of other samples agree: the mean and the least adjusted Rand index.
    pub bootstrap: Option<(f64, f64)>,
    /// What a later fit goes on from.
    pub earlier: Earlier,
}

impl Model {
    /// That a segmentation is left out until models are made anew.
    pub fn left_out(segmentation: &Segmentation, fitted_as_of: i32, why: String) -> Self {
        let nothing = "cast(null as varchar)".to_owned();
        Self {
            segmentation: segmentation.name.clone(),
            fitted_as_of,
            fingerprint: segmentation.fingerprint().unwrap_or_default(),
            group_sql: nothing.clone(),
            rule_sql: "cast(null as int)".to_owned(),
            rules_sql: nothing,
            details: serde_json::to_string(&LeftOut { left_out: why }).unwrap_or_default(),
        }
    }

    /// `None` where it was left out, or written by another version.
    pub fn details(&self) -> Option<Details> {
        serde_json::from_str(&self.details).ok()
    }

    /// Why it was left out, if it was.
    pub fn why_left_out(&self) -> Option<String> {
        serde_json::from_str::<LeftOut>(&self.details).ok().map(|found| found.left_out)
    }
}

/// Whether a table of an earlier release has what is read of it today.
pub fn is_readable(name: &str, table: &Snapshot) -> bool {
    let columns: &[&str] = match name {
        SEGMENT_MODEL => {
            &["segmentation", "fitted_as_of", "fingerprint", "group_sql", "rule_sql", "rules_sql", "details"]
        }
        _ => &["segmentation", "definition", "account_id", "place", "places", "numbers", "texts", "traits", "before"],
    };
    columns.iter().all(|column| table.schema.field_with_name(column).is_ok())
}

/// Fitted segmentations of a release, and the fingerprints of what they were fitted by.
pub async fn fingerprints(engine: &Engine, table: &Snapshot) -> Result<BTreeMap<String, String>, Error> {
    let rows = rows(engine, SEGMENT_MODEL, table).await?;
    let fitted = rows.into_iter().filter(|row| row.why_left_out().is_none());
    Ok(fitted.map(|row| (row.segmentation, row.fingerprint)).collect())
}

/// Why a segmentation was left out when models were made, if it was.
pub async fn why_left_out(engine: &Engine, table: &Snapshot, name: &str) -> Result<Option<String>, Error> {
    let rows = rows(engine, SEGMENT_MODEL, table).await?;
    Ok(rows.iter().find(|row| row.segmentation == name).and_then(Model::why_left_out))
}

/// What there is to tell of each model of a table, by segmentation.
pub async fn details(engine: &Engine, name: &str, table: &Snapshot) -> Result<BTreeMap<String, Details>, Error> {
    let rows = rows(engine, name, table).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.segmentation.clone(), row.details()?))).collect())
}

/// All models of a table.
pub async fn rows(engine: &Engine, name: &str, table: &Snapshot) -> Result<Vec<Model>, Error> {
    let sql =
        format!("select segmentation, fitted_as_of, fingerprint, group_sql, rule_sql, rules_sql, details from {name}");
    let batches = engine.query(vec![Relation::of_table(name, table)], &sql).await?;
    let mut found = Vec::new();
    for batch in &batches {
        let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
        for row in 0..batch.num_rows() {
            found.push(Model {
                segmentation: text(0, row),
                fitted_as_of: batch.column(1).as_primitive::<Date32Type>().value(row),
                fingerprint: text(2, row),
                group_sql: text(3, row),
                rule_sql: text(4, row),
                rules_sql: text(5, row),
                details: text(6, row),
            });
        }
    }
    Ok(found)
}

/// The table of models.
pub fn batch(rows: &[Model]) -> Result<RecordBatch, Error> {
    let text = |of: fn(&Model) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("segmentation", text(|row| &row.segmentation)),
        ("fitted_as_of", Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.fitted_as_of)))),
        ("fingerprint", text(|row| &row.fingerprint)),
        ("group_sql", text(|row| &row.group_sql)),
        ("rule_sql", text(|row| &row.rule_sql)),
        ("rules_sql", text(|row| &row.rules_sql)),
        ("details", text(|row| &row.details)),
    ];
    made(columns)
}

/// `segment_catalog`: the groups that there are; and `segment_rules`: what makes those
/// that were fitted.
pub async fn told(
    engine: &Engine,
    project: &Project,
    model: Option<&Snapshot>,
    profile: Option<&Snapshot>,
) -> Result<[(&'static str, RecordBatch); 2], Error> {
    let suggested = match profile {
        Some(table) => suggested(engine, project, table).await?,
        None => BTreeMap::new(),
    };
    let rows = match model {
        Some(table) => rows(engine, SEGMENT_MODEL, table).await?,
        None => Vec::new(),
    };
    let (mut groups, mut rules) = (Vec::new(), Vec::new());
    let name =
        |segmentation: &Segmentation, code: &str| suggested.get(&(segmentation.name.clone(), code.to_owned())).cloned();
    for segmentation in &project.segmentations {
        let row = rows.iter().find(|row| row.segmentation == segmentation.name);
        let details = row.and_then(|row| serde_json::from_str::<Details>(&row.details).ok());
        let label = |code: &str| segmentation.groups.iter().find(|group| group.name == code);
        match (&details, segmentation.has_model()) {
            (_, false) => groups.extend(segmentation.groups.iter().map(|group| Group {
                segmentation,
                segment: group.name.clone(),
                label: Some(group.label.clone()),
                label_zh: Some(group.label_zh.clone()),
                share: None,
                recall: None,
                fitted: None,
                suggested: name(segmentation, &group.name),
            })),
            (Some(details), true) => {
                let recalls = details.likeness.as_ref().map_or(&[][..], |likeness| &likeness.recalls);
                let codes = details.codes.iter().zip(&details.shares).enumerate();
                groups.extend(codes.map(|(at, (code, share))| Group {
                    segmentation,
                    recall: recalls.get(at).copied().flatten(),
                    segment: code.clone(),
                    label: label(code).map(|group| group.label.clone()),
                    label_zh: label(code).map(|group| group.label_zh.clone()),
                    share: Some(*share),
                    suggested: name(segmentation, code),
                    fitted: row.map(|row| (row.fitted_as_of, details.clone())),
                }));
                let numbered = (1..).zip(&details.rules);
                rules.extend(numbered.map(|(number, rule)| (segmentation.name.clone(), number, rule.clone())));
            }
            (None, true) => {}
        }
    }
    Ok([(SEGMENT_CATALOG, catalog(&groups)?), (SEGMENT_RULES, rule_rows(&rules)?)])
}

struct Group<'a> {
    segmentation: &'a Segmentation,
    segment: String,
    label: Option<String>,
    label_zh: Option<String>,
    share: Option<f64>,
    /// Of its accounts those of which the rules say it.
    recall: Option<f64>,
    fitted: Option<(i32, Details)>,
    suggested: Option<Suggested>,
}

/// What a group could be called, in English and Chinese: what it has much more often
/// than others.
#[derive(Clone, Debug, Default)]
struct Suggested {
    label: String,
    label_zh: String,
}

impl Suggested {
    fn add(&mut self, tag: &Tag, value: &str) {
        let is_flag = value == "true";
        for (all, label, colon, and) in
            [(&mut self.label, &tag.label, ": ", "; "), (&mut self.label_zh, &tag.label_zh, "：", "；")]
        {
            if !all.is_empty() {
                all.push_str(and);
            }
            all.push_str(label);
            if !is_flag {
                all.push_str(colon);
                all.push_str(value);
            }
        }
    }
}

/// Properties that a suggested name is made of.
const MOST_PROPERTIES: usize = 2;

async fn suggested(
    engine: &Engine,
    project: &Project,
    profile: &Snapshot,
) -> Result<BTreeMap<(String, String), Suggested>, Error> {
    // Common in the group, clearly more so than elsewhere, and not by chance.
    let sql = format!(
        "select segmentation, segment, attribute, value from {SEGMENT_PROFILE} \
         where attribute <> 'all' and value not in ('unknown', 'none', 'false') and over_index >= 1.5 and value_share >= 0.4 and p_value < 0.00001 \
         order by segmentation, segment, z_score desc, attribute, value"
    );
    let batches = engine.query(vec![Relation::of_table(SEGMENT_PROFILE, profile)], &sql).await?;
    let mut used: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut names: BTreeMap<(String, String), Suggested> = BTreeMap::new();
    // Fifths of peers only name a group of which there is nothing else to tell.
    for is_tier in [false, true] {
        for batch in &batches {
            let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row);
            for row in 0..batch.num_rows() {
                let (attribute, value) = (text(2, row), text(3, row));
                let Some(tag) = project.tags.get(attribute) else { continue };
                let key = (text(0, row).to_owned(), text(1, row).to_owned());
                let used = used.entry(key.clone()).or_default();
                let is_told = used.len() == MOST_PROPERTIES || is_tier && !used.is_empty();
                // What defines the segmentation says nothing new.
                let is_new = attribute != key.0 && !used.iter().any(|other| other == attribute);
                if is_told || !is_new || is_tier != (tag.kind == TagType::Tier) {
                    continue;
                }
                used.push(attribute.to_owned());
                names.entry(key).or_default().add(tag, value);
            }
        }
    }
    Ok(names)
}

/// A share as it is published: exact, with six digits.
fn shares(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    millionths(values, 9)
}

/// Numbers with six digits after the point, and so many in all.
pub fn millionths(values: impl Iterator<Item = Option<f64>>, digits: u8) -> ArrayRef {
    let most = 10i128.pow(u32::from(digits)) - 1;
    let whole = |value: f64| ((value * 1e6).round() as i128).clamp(-most, most);
    let numbers: Decimal128Array = values.map(|value| value.map(whole)).collect();
    Arc::new(numbers.with_data_type(DataType::Decimal128(digits, 6)))
}

fn catalog(groups: &[Group<'_>]) -> Result<RecordBatch, Error> {
    let text = |of: &dyn Fn(&Group<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(groups.iter().map(of).collect::<StringArray>())
    };
    let share = |of: &dyn Fn(&Likeness) -> Option<f64>| {
        shares(groups.iter().map(|group| group.fitted.as_ref().and_then(|(_, details)| of(details.likeness.as_ref()?))))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("segmentation", text(&|group| Some(group.segmentation.name.clone()))),
        ("segmentation_label", text(&|group| Some(group.segmentation.label.clone()))),
        ("segmentation_label_zh", text(&|group| Some(group.segmentation.label_zh.clone()))),
        ("method", text(&|group| Some(group.segmentation.method_name().to_owned()))),
        ("segment", text(&|group| Some(group.segment.clone()))),
        ("label", text(&|group| group.label.clone())),
        ("label_zh", text(&|group| group.label_zh.clone())),
        ("suggested", text(&|group| group.suggested.as_ref().map(|name| name.label.clone()))),
        ("suggested_zh", text(&|group| group.suggested.as_ref().map(|name| name.label_zh.clone()))),
        (
            "fitted_as_of",
            Arc::new(groups.iter().map(|group| group.fitted.as_ref().map(|(day, _)| *day)).collect::<Date32Array>()),
        ),
        ("fitted_share", shares(groups.iter().map(|group| group.share))),
        ("explained", share(&|likeness| Some(likeness.told.explained))),
        ("explained_without_limits", share(&|likeness| Some(likeness.told.explained_free))),
        ("fidelity", share(&|likeness| Some(likeness.fidelity))),
        ("recall", shares(groups.iter().map(|group| group.recall))),
        ("bootstrap_agreement", share(&|likeness| Some(likeness.bootstrap?.0))),
        ("least_bootstrap_agreement", share(&|likeness| Some(likeness.bootstrap?.1))),
    ];
    made(columns)
}

fn rule_rows(rules: &[(String, i32, Rule)]) -> Result<RecordBatch, Error> {
    let text = |of: fn(&Rule) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rules.iter().map(|(_, _, rule)| of(rule))))
    };
    made(vec![
        ("segmentation", Arc::new(StringArray::from_iter_values(rules.iter().map(|(name, ..)| name)))),
        ("rule", Arc::new(Int32Array::from_iter_values(rules.iter().map(|(_, number, _)| *number)))),
        ("segment", text(|rule| &rule.segment)),
        ("text", text(|rule| &rule.text)),
        ("text_zh", text(|rule| &rule.text_zh)),
        ("sql", text(|rule| &rule.sql)),
        ("share", shares(rules.iter().map(|(_, _, rule)| Some(rule.share)))),
        ("purity", shares(rules.iter().map(|(_, _, rule)| Some(rule.purity)))),
    ])
}

/// A table of the driver.
pub fn made(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Error> {
    let field = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(schema), columns).map_err(|error| Error::Query(Box::new(error.into())))
}
