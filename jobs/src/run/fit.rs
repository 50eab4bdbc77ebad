//! Models of segmentations: fitted in the driver, on a sample that units have chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Date32Type, Field, Float64Type, Int64Type, Schema};
use datafusion::sql::sqlparser::ast::Expr;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::build::Build;
use crate::engine::relation::Relation;
use crate::engine::{Engine, build_id};
use crate::error::Error;
use crate::lake::Change;
use crate::plan::Step;
use crate::project::segment::{Fitting, Segmentation, fitted};
use crate::project::tag::{TagType, Tags, parse_expression};
use crate::project::{Project, SEGMENT_CATALOG, SEGMENT_MODEL, SEGMENT_PATH, SEGMENT_RULES, SEGMENT_SAMPLE, SEGMENTS};
use crate::segment::FitError;
use crate::segment::balanced::{self, Sample, Told};
use crate::segment::rules::{self, Rule, Words};
use crate::segment::scale::{Transform, Values};
use crate::segment::tree::{Kind, Trait};
use crate::state::Snapshot;

/// Places that accounts were dealt to.
const PLACES: f64 = 65_536.0;
/// Most values of a text that rules may be about.
const MOST_LEVELS: usize = 200;

/// A row of `segment_model`.
#[derive(Clone, Debug)]
struct Row {
    segmentation: String,
    fitted_as_of: i32,
    fingerprint: String,
    group_sql: String,
    rule_sql: String,
    rules_sql: String,
    details: String,
}

/// What there is to tell of a model, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Details {
    model: Told,
    fidelity: f64,
    rules: Vec<Rule>,
}

/// What a unit has chosen for a segmentation.
#[derive(Default)]
struct Chosen {
    sample: Sample,
    /// Of every tag that explains, row by row.
    traits: Vec<Vec<Option<String>>>,
}

impl Build<'_> {
    /// Makes the table of models. False where it stands already.
    pub(super) async fn fit(&mut self, step: &Step) -> Result<bool, Error> {
        let sample = self.tables.get(SEGMENT_SAMPLE).cloned();
        let mut recipe = format!("{} {}\n", build_id(), self.plan.as_of);
        for (segmentation, _) in fitted(&self.project.segmentations) {
            recipe.push_str(&format!("{} {:?}\n", segmentation.name, segmentation.fingerprint()));
        }
        for file in sample.iter().flat_map(|table| &table.files) {
            recipe.push_str(&format!("{} {}\n", file.path, file.bytes));
        }
        let unit = format!("{:016x}", XxHash64::oneshot(0, recipe.as_bytes()));
        let table = self.out.table(step.area, &step.name);
        let found = table.snapshot(None).await?;
        if let Some(found) =
            found.as_ref().filter(|found| found.files.iter().any(|file| file.path.contains(&format!("u-{unit}-"))))
        {
            self.tables.insert(step.name.clone(), found.clone());
            return Ok(false);
        }
        let mut samples = match &sample {
            Some(sample) => read(self.engine, sample, &self.project.segmentations).await?,
            None => BTreeMap::new(),
        };
        let mut made = Vec::new();
        for (segmentation, fitting) in fitted(&self.project.segmentations) {
            let Chosen { sample, traits } = samples.remove(&segmentation.name).unwrap_or_default();
            let asked = fitting.balanced.clone();
            let (traits, words) = traits_of(&self.project.tags, &fitting.explain, traits);
            // On a thread of its own: it takes seconds.
            let fitted = tokio::task::spawn_blocking(move || {
                let model = balanced::fit(&asked, &sample)?;
                let rules = rules::explain(&traits, &words, &model.labels, &sample.weights, &model.codes);
                Ok::<_, FitError>((model, rules))
            });
            let failed = |message: String| Error::Fit { file: segmentation.file.clone(), message };
            let fitted = fitted.await.map_err(|error| failed(error.to_string()))?;
            let (model, rules) = fitted.map_err(|error| failed(error.to_string()))?;
            check_names(segmentation, &model.codes)?;
            let details = Details { model: model.told(), fidelity: rules.fidelity, rules: rules.rules };
            made.push(Row {
                segmentation: segmentation.name.clone(),
                fitted_as_of: Date32Type::from_naive_date(self.plan.as_of),
                fingerprint: segmentation.fingerprint().unwrap_or_default(),
                group_sql: model.sql(),
                rule_sql: rules.number_sql,
                rules_sql: rules.group_sql,
                details: serde_json::to_string(&details).unwrap_or_default(),
            });
        }
        let batch = batch(&made)?;
        let file = self.engine.write(&table.location(), &unit, &batch).await?;
        let remove = found.iter().flat_map(|found| found.files.iter().map(|file| file.path.clone())).collect();
        let schema = batch.schema();
        let change = Change { schema: &schema, partition: &[], add: vec![file], remove, sequence: self.sequence };
        let version = table.commit(change).await?;
        if let Some(snapshot) = table.snapshot(Some(version)).await? {
            self.tables.insert(step.name.clone(), snapshot);
        }
        Ok(true)
    }

    /// What stands in SQL for the models of segmentations: nothing is known of an
    /// account where there is no model yet.
    pub(super) async fn models(&self, step: &Step) -> Result<BTreeMap<String, Expr>, Error> {
        if ![SEGMENTS, SEGMENT_PATH].contains(&step.name.as_str()) {
            return Ok(BTreeMap::new());
        }
        let rows = match self.tables.get(SEGMENT_MODEL) {
            Some(table) => rows(self.engine, table).await?,
            None => Vec::new(),
        };
        let mut models = BTreeMap::new();
        for (segmentation, _) in fitted(&self.project.segmentations) {
            let row = rows.iter().find(|row| row.segmentation == segmentation.name);
            let stands = [
                (segmentation.parameter(), row.map_or("cast(null as varchar)", |row| &row.group_sql)),
                (segmentation.rule_parameter(), row.map_or("cast(null as int)", |row| &row.rule_sql)),
            ];
            for (parameter, sql) in stands {
                let expression = parse_expression(sql).map_err(|message| Error::Fit {
                    file: segmentation.file.clone(),
                    message: format!("its model cannot be read: {message}"),
                })?;
                models.insert(parameter, expression);
            }
        }
        Ok(models)
    }
}

/// A label is of a group that there is.
fn check_names(segmentation: &Segmentation, codes: &[String]) -> Result<(), Error> {
    match segmentation.groups.iter().find(|group| !codes.contains(&group.name)) {
        None => Ok(()),
        Some(group) => Err(Error::Fit {
            file: segmentation.file.clone(),
            message: format!("it labels a group `{}`, and the model has {}", group.name, codes.join(", ")),
        }),
    }
}

/// Fitted segmentations of a release, and the fingerprints of what they were fitted by.
pub(super) async fn fingerprints(engine: &Engine, table: &Snapshot) -> Result<BTreeMap<String, String>, Error> {
    let rows = rows(engine, table).await?;
    Ok(rows.into_iter().map(|row| (row.segmentation, row.fingerprint)).collect())
}

async fn rows(engine: &Engine, table: &Snapshot) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "select segmentation, fitted_as_of, fingerprint, group_sql, rule_sql, rules_sql, details from {SEGMENT_MODEL}"
    );
    let batches = engine.query(vec![Relation::of_table(SEGMENT_MODEL, table)], &sql).await?;
    let mut found = Vec::new();
    for batch in &batches {
        let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
        for row in 0..batch.num_rows() {
            found.push(Row {
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

fn batch(rows: &[Row]) -> Result<RecordBatch, Error> {
    let text = |of: fn(&Row) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
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

fn made(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, Error> {
    let field = |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(schema), columns).map_err(|error| Error::Query(Box::new(error.into())))
}

/// The samples of all segmentations, each in the order of its places.
async fn read(
    engine: &Engine,
    table: &Snapshot,
    segmentations: &[Segmentation],
) -> Result<BTreeMap<String, Chosen>, Error> {
    let mut samples = BTreeMap::new();
    for (segmentation, fitting) in fitted(segmentations) {
        let sql = format!(
            "select places, numbers, texts, before, traits from {SEGMENT_SAMPLE} where segmentation = '{}' order by place, account_id",
            segmentation.name
        );
        let batches = engine.query(vec![Relation::of_table(SEGMENT_SAMPLE, table)], &sql).await?;
        let mut chosen = Chosen {
            sample: Sample { features: fitting.balanced.features.iter().map(empty).collect(), ..Sample::default() },
            traits: vec![Vec::new(); fitting.explain.len()],
        };
        for batch in &batches {
            append(&mut chosen.sample, fitting, batch);
            let traits = batch.column(4).as_list::<i32>();
            for row in 0..batch.num_rows() {
                let values = traits.value(row);
                let values = values.as_string::<i32>();
                for (at, of) in chosen.traits.iter_mut().enumerate() {
                    of.push(values.is_valid(at).then(|| values.value(at).to_owned()));
                }
            }
        }
        samples.insert(segmentation.name.clone(), chosen);
    }
    Ok(samples)
}

/// What rules may be about, and how it is called.
fn traits_of(tags: &Tags, names: &[String], values: Vec<Vec<Option<String>>>) -> (Vec<Trait>, Vec<Words>) {
    let (mut traits, mut words) = (Vec::new(), Vec::new());
    for (name, values) in names.iter().zip(values) {
        let Some(tag) = tags.get(name) else { continue };
        let (kind, values) = match tag.kind {
            TagType::Number | TagType::Tier => {
                let number = |value: Option<String>| value.and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
                (Kind::Number, values.into_iter().map(number).collect())
            }
            TagType::Bool => {
                let flag = |value: Option<String>| value.map_or(f64::NAN, |text| f64::from(u8::from(text == "true")));
                (Kind::Flag, values.into_iter().map(flag).collect())
            }
            TagType::Enum | TagType::Text | TagType::Date => {
                let levels: BTreeSet<String> = values.iter().flatten().cloned().collect();
                let levels: Vec<String> = levels.into_iter().take(MOST_LEVELS).collect();
                let place = |value: Option<String>| {
                    let at = value.and_then(|value| levels.binary_search(&value).ok());
                    at.map_or(f64::NAN, |at| at as f64)
                };
                let values = values.into_iter().map(place).collect();
                (Kind::Text { levels }, values)
            }
        };
        traits.push(Trait { name: name.clone(), kind, values });
        words.push(Words {
            label: tag.label.clone(),
            label_zh: tag.label_zh.clone(),
            unit: tag.unit.clone().filter(|unit| unit != "1"),
        });
    }
    (traits, words)
}

/// `segment_catalog`: the groups that there are; and `segment_rules`: what makes those
/// that were fitted.
pub(super) async fn told(
    engine: &Engine,
    project: &Project,
    model: Option<&Snapshot>,
) -> Result<[(&'static str, RecordBatch); 2], Error> {
    let rows = match model {
        Some(table) => rows(engine, table).await?,
        None => Vec::new(),
    };
    let (mut groups, mut rules) = (Vec::new(), Vec::new());
    for segmentation in &project.segmentations {
        let row = rows.iter().find(|row| row.segmentation == segmentation.name);
        let details = row.and_then(|row| serde_json::from_str::<Details>(&row.details).ok());
        let label = |code: &str| segmentation.groups.iter().find(|group| group.name == code);
        match (&details, segmentation.fitting()) {
            (_, None) => groups.extend(segmentation.groups.iter().map(|group| Group {
                segmentation,
                segment: group.name.clone(),
                label: Some(group.label.clone()),
                label_zh: Some(group.label_zh.clone()),
                share: None,
                fitted: None,
            })),
            (Some(details), Some(_)) => {
                let codes = details.model.codes.iter().zip(&details.model.shares);
                groups.extend(codes.map(|(code, share)| Group {
                    segmentation,
                    segment: code.clone(),
                    label: label(code).map(|group| group.label.clone()),
                    label_zh: label(code).map(|group| group.label_zh.clone()),
                    share: Some(*share),
                    fitted: row.map(|row| (row.fitted_as_of, details.clone())),
                }));
                let numbered = (1..).zip(&details.rules);
                rules.extend(numbered.map(|(number, rule)| (segmentation.name.clone(), number, rule.clone())));
            }
            (None, Some(_)) => {}
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
    fitted: Option<(i32, Details)>,
}

/// A share as it is published: exact, with six digits.
fn shares(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    let millionths: Decimal128Array = values.map(|value| Some((value? * 1e6).round() as i128)).collect();
    Arc::new(millionths.with_data_type(DataType::Decimal128(9, 6)))
}

fn catalog(groups: &[Group<'_>]) -> Result<RecordBatch, Error> {
    let text = |of: &dyn Fn(&Group<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(groups.iter().map(of).collect::<StringArray>())
    };
    let share = |of: &dyn Fn(&Details) -> f64| {
        shares(groups.iter().map(|group| group.fitted.as_ref().map(|(_, details)| of(details))))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("segmentation", text(&|group| Some(group.segmentation.name.clone()))),
        ("segmentation_label", text(&|group| Some(group.segmentation.label.clone()))),
        ("segmentation_label_zh", text(&|group| Some(group.segmentation.label_zh.clone()))),
        ("method", text(&|group| Some(group.segmentation.method_name().to_owned()))),
        ("segment", text(&|group| Some(group.segment.clone()))),
        ("label", text(&|group| group.label.clone())),
        ("label_zh", text(&|group| group.label_zh.clone())),
        (
            "fitted_as_of",
            Arc::new(groups.iter().map(|group| group.fitted.as_ref().map(|(day, _)| *day)).collect::<Date32Array>()),
        ),
        ("fitted_share", shares(groups.iter().map(|group| group.share))),
        ("explained", share(&|details| details.model.explained)),
        ("explained_without_limits", share(&|details| details.model.explained_free)),
        ("fidelity", share(&|details| details.fidelity)),
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

fn empty(feature: &crate::segment::scale::Feature) -> Values {
    if feature.transform == Transform::OneHot { Values::Texts(Vec::new()) } else { Values::Numbers(Vec::new()) }
}

fn append(sample: &mut Sample, fitting: &Fitting, batch: &RecordBatch) {
    let places = batch.column(0).as_primitive::<Int64Type>();
    let (numbers, texts) = (batch.column(1).as_list::<i32>(), batch.column(2).as_list::<i32>());
    let before = batch.column(3);
    let before = (before.data_type() == &DataType::Utf8).then(|| before.as_string::<i32>());
    for row in 0..batch.num_rows() {
        sample.weights.push(PLACES / places.value(row) as f64);
        sample.before.push(before.filter(|before| before.is_valid(row)).map(|before| before.value(row).to_owned()));
        let (numbers, texts) = (numbers.value(row), texts.value(row));
        let (numbers, texts) = (numbers.as_primitive::<Float64Type>(), texts.as_string::<i32>());
        let (mut number, mut text) = (0, 0);
        for (feature, values) in fitting.balanced.features.iter().zip(&mut sample.features) {
            match values {
                Values::Texts(values) if feature.transform == Transform::OneHot => {
                    values.push(texts.is_valid(text).then(|| texts.value(text).to_owned()));
                    text += 1;
                }
                Values::Numbers(values) => {
                    values.push(numbers.is_valid(number).then(|| numbers.value(number)).filter(|it| it.is_finite()));
                    number += 1;
                }
                Values::Texts(_) => {}
            }
        }
    }
}
