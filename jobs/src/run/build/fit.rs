//! Fitting models of segmentations: in the driver, on a sample that units have chosen.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};
use datafusion::sql::sqlparser::ast::Expr;

use super::Build;
use crate::engine::Engine;
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::plan::Step;
use crate::project::segment::{Fitting, Method, PLACES, Segmentation, Tiers, UNKNOWN, fitted, modelled};
use crate::project::tag::{Tag, TagType, Tags, parse_expression};
use crate::project::{
    LOAD_SHAPES, PREVIOUS_MODEL, SEGMENT_CUTS, SEGMENT_DRIFT, SEGMENT_MODEL, SEGMENT_PATH, SEGMENT_SAMPLE, SEGMENTS,
};
use crate::run::models::{self, Details, Likeness, Model};
use crate::run::release::replace;
use crate::segment::FitError;
use crate::segment::balanced::{self, Sample};
use crate::segment::bootstrap;
use crate::segment::earlier::Earlier;
use crate::segment::rules::{Subject, Words};
use crate::segment::scale::{Feature, Transform, Values};
use crate::segment::tiers::{self, Cut};
use crate::segment::tree::{Kind, Trait};
use crate::state::Snapshot;

/// Most values of a text that rules may be about.
const MOST_LEVELS: usize = 200;

/// What units have chosen for a segmentation.
#[derive(Default)]
pub(super) struct Chosen {
    pub sample: Sample,
    /// Of every tag that explains, row by row.
    traits: Vec<Vec<Option<String>>>,
}

/// A model that was made.
struct Fitted {
    group_sql: String,
    rule_sql: String,
    rules_sql: String,
    details: Details,
}

impl Build<'_> {
    /// Makes a small table in the driver; one that says the same is left alone.
    pub(super) async fn drive(&mut self, step: &Step) -> Result<(), Error> {
        let batch = match step.name.as_str() {
            SEGMENT_DRIFT => self.drift().await?,
            LOAD_SHAPES => self.shapes().await?,
            _ => self.fit().await?,
        };
        let snapshot = replace(self.engine, self.out, step.area, &step.name, &batch, self.sequence).await?;
        self.tables.insert(step.name.clone(), snapshot);
        Ok(())
    }

    /// The table of models.
    async fn fit(&self) -> Result<RecordBatch, Error> {
        let sample = self.tables.get(SEGMENT_SAMPLE);
        let mut samples = match sample {
            Some(sample) => read(self.engine, SEGMENT_SAMPLE, sample, &self.project.segmentations).await?,
            None => BTreeMap::new(),
        };
        let earlier = match self.tables.get(PREVIOUS_MODEL) {
            Some(table) => models::details(self.engine, PREVIOUS_MODEL, table).await?,
            None => BTreeMap::new(),
        };
        let fitted_as_of = Date32Type::from_naive_date(self.plan.as_of);
        let mut made = Vec::new();
        for segmentation in modelled(&self.project.segmentations) {
            let fitted = match &segmentation.method {
                Method::Rules => continue,
                Method::Tiers(tiers) => self.rank(segmentation, tiers).await?,
                Method::Balanced(fitting) => {
                    let chosen = samples.remove(&segmentation.name).unwrap_or_default();
                    let earlier = earlier.get(&segmentation.name).and_then(|details| details.likeness.as_ref());
                    self.group(segmentation, fitting, chosen, earlier.map(|likeness| likeness.earlier.clone())).await?
                }
            };
            let failed = |message: String| Error::Fit { file: segmentation.file.clone(), message };
            let fitted = match fitted {
                Err(error) if segmentation.is_optional && error.is_for_want_of_data() => {
                    made.push(Model::left_out(segmentation, fitted_as_of, error.to_string()));
                    continue;
                }
                fitted => fitted.map_err(|error| failed(error.to_string()))?,
            };
            check_names(segmentation, &fitted.details.codes)?;
            made.push(Model {
                segmentation: segmentation.name.clone(),
                fitted_as_of,
                fingerprint: segmentation.fingerprint().unwrap_or_default(),
                group_sql: fitted.group_sql,
                rule_sql: fitted.rule_sql,
                rules_sql: fitted.rules_sql,
                details: serde_json::to_string(&fitted.details).unwrap_or_default(),
            });
        }
        models::batch(&made)
    }

    /// Groups of accounts that are alike, of a sample.
    async fn group(
        &self,
        segmentation: &Segmentation,
        fitting: &Fitting,
        chosen: Chosen,
        earlier: Option<Earlier>,
    ) -> Result<Result<Fitted, FitError>, Error> {
        let Chosen { sample, traits } = chosen;
        let asked = fitting.balanced.clone();
        let is_by_rules = fitting.is_by_rules;
        let (traits, words) = traits_of(&self.project.tags, &fitting.explain, traits);
        let fit = move || {
            let mut model = balanced::fit(&asked, &sample, earlier.as_ref())?;
            let subject = Subject {
                traits: &traits,
                words: &words,
                labels: &model.labels,
                weights: &sample.weights,
                codes: &model.codes,
            };
            let rules = match is_by_rules {
                true => subject.replace(|leaves, own| model.groups_of_leaves(&asked, &sample, leaves, own))?,
                false => subject.explain(),
            };
            let bootstrap = bootstrap::agreement(&asked, &sample, &model);
            if is_by_rules {
                model = model.by_labels(rules.labels, &asked, &sample);
            }
            let likeness = Likeness {
                told: model.told(),
                fidelity: rules.fidelity,
                recalls: rules.recalls,
                bootstrap,
                earlier: model.earlier(),
            };
            Ok(Fitted {
                group_sql: if is_by_rules { rules.group_sql.clone() } else { model.sql() },
                rule_sql: rules.number_sql,
                rules_sql: rules.group_sql,
                details: Details {
                    codes: model.codes,
                    shares: model.shares,
                    rules: rules.rules,
                    likeness: Some(likeness),
                },
            })
        };
        // On a thread of its own: it takes seconds.
        let fitted = tokio::task::spawn_blocking(fit).await;
        fitted.map_err(|error| Error::Fit { file: segmentation.file.clone(), message: error.to_string() })
    }

    /// Groups by rank, of where they end among all accounts.
    async fn rank(&self, segmentation: &Segmentation, tiers: &Tiers) -> Result<Result<Fitted, FitError>, Error> {
        let mut cuts = Vec::new();
        // What was counted by another definition says nothing.
        let sql = format!(
            "select segment, cast(least_value as varchar), cast(most_value as varchar), accounts, weight > 0 from {SEGMENT_CUTS} \
             where segmentation = '{}' and definition = '{}'",
            segmentation.name,
            segmentation.fingerprint().unwrap_or_default()
        );
        let batches = match self.tables.get(SEGMENT_CUTS) {
            Some(table) => self.engine.query(vec![Relation::of_table(SEGMENT_CUTS, table)], &sql).await?,
            None => Vec::new(),
        };
        for batch in &batches {
            let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
            for row in 0..batch.num_rows() {
                cuts.push(Cut {
                    group: text(0, row),
                    least: text(1, row),
                    most: text(2, row),
                    accounts: batch.column(3).as_primitive::<Int64Type>().value(row).unsigned_abs(),
                    has_weight: batch.column(4).as_boolean().value(row),
                });
            }
        }
        let codes: Vec<String> = segmentation.groups.iter().map(|group| group.name.clone()).collect();
        let words = self.project.tags.get(&tiers.of).map(words_of);
        // Of an expression there is no label.
        let words = words.unwrap_or_else(|| Words { label: tiers.of.clone(), label_zh: tiers.of.clone(), unit: None });
        let model =
            tiers::model(&tiers.value_sql(&self.project.tags), &words, &codes, UNKNOWN, &cuts, tiers.limits.as_ref());
        Ok(model.map(|model| Fitted {
            rules_sql: model.group_sql.clone(),
            group_sql: model.group_sql,
            rule_sql: model.rule_sql,
            details: Details { codes, shares: model.shares, rules: model.rules, likeness: None },
        }))
    }

    /// What stands in SQL for the models of segmentations: nothing is known of an
    /// account where there is no model yet.
    pub(super) async fn models(&self, step: &Step) -> Result<BTreeMap<String, Expr>, Error> {
        if ![SEGMENTS, SEGMENT_PATH].contains(&step.name.as_str()) {
            return Ok(BTreeMap::new());
        }
        let rows = match self.tables.get(SEGMENT_MODEL) {
            Some(table) => models::rows(self.engine, SEGMENT_MODEL, table).await?,
            None => Vec::new(),
        };
        let mut models = BTreeMap::new();
        for segmentation in modelled(&self.project.segmentations) {
            let row = rows.iter().find(|row| row.segmentation == segmentation.name);
            let row = row.filter(|row| row.why_left_out().is_none());
            let likeness = row.and_then(Model::details).and_then(|details| details.likeness);
            let left_out = likeness.map_or_else(Vec::new, |likeness| likeness.told.left_out);
            let imputed = row.map(|_| segmentation.imputed_sql(&left_out));
            let stands = [
                (segmentation.parameter(), row.map_or("cast(null as varchar)", |row| &row.group_sql)),
                (segmentation.rule_parameter(), row.map_or("cast(null as int)", |row| &row.rule_sql)),
                (segmentation.imputed_parameter(), imputed.as_deref().unwrap_or("cast(null as int)")),
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

/// The samples of all segmentations, each in the order of its places.
pub(super) async fn read(
    engine: &Engine,
    name: &str,
    table: &Snapshot,
    segmentations: &[Segmentation],
) -> Result<BTreeMap<String, Chosen>, Error> {
    let mut samples = BTreeMap::new();
    for (segmentation, fitting) in fitted(segmentations) {
        let sql = format!(
            "select places, numbers, texts, before, traits, definition from {name} where segmentation = '{}' order by place, account_id",
            segmentation.name
        );
        let batches = engine.query(vec![Relation::of_table(name, table)], &sql).await?;
        let mut chosen = Chosen {
            sample: Sample { features: fitting.balanced.features.iter().map(empty).collect(), ..Sample::default() },
            traits: vec![Vec::new(); fitting.explain.len()],
        };
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            // Of one that was chosen by another definition nothing can be made.
            if segmentation.fingerprint().as_deref() != Some(batch.column(5).as_string::<i32>().value(0)) {
                break;
            }
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
        words.push(words_of(tag));
    }
    (traits, words)
}

fn words_of(tag: &Tag) -> Words {
    let unit = tag.unit.clone().filter(|unit| unit != "1");
    Words { label: tag.label.clone(), label_zh: tag.label_zh.clone(), unit }
}

fn empty(feature: &Feature) -> Values {
    if feature.transform == Transform::OneHot { Values::Texts(Vec::new()) } else { Values::Numbers(Vec::new()) }
}

fn append(sample: &mut Sample, fitting: &Fitting, batch: &RecordBatch) {
    let places = batch.column(0).as_primitive::<Int64Type>();
    let (numbers, texts) = (batch.column(1).as_list::<i32>(), batch.column(2).as_list::<i32>());
    let before = batch.column(3);
    let before = (before.data_type() == &DataType::Utf8).then(|| before.as_string::<i32>());
    for row in 0..batch.num_rows() {
        sample.weights.push(f64::from(PLACES) / places.value(row) as f64);
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
