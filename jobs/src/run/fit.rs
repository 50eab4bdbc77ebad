//! Models of segmentations: fitted in the driver, on a sample that units have chosen.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Date32Type, Field, Float64Type, Int64Type, Schema};
use datafusion::sql::sqlparser::ast::Expr;
use twox_hash::XxHash64;

use super::build::Build;
use crate::engine::relation::Relation;
use crate::engine::{Engine, build_id};
use crate::error::Error;
use crate::lake::Change;
use crate::plan::Step;
use crate::project::segment::{Fitting, Segmentation, fitted};
use crate::project::tag::parse_expression;
use crate::project::{SEGMENT_MODEL, SEGMENT_SAMPLE, SEGMENTS};
use crate::segment::balanced::{self, Sample};
use crate::segment::scale::{Transform, Values};
use crate::state::Snapshot;

/// Places that accounts were dealt to.
const PLACES: f64 = 65_536.0;

/// A row of `segment_model`.
#[derive(Clone, Debug)]
struct Row {
    segmentation: String,
    fitted_as_of: i32,
    fingerprint: String,
    group_sql: String,
    details: String,
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
            let sample = samples.remove(&segmentation.name).unwrap_or_default();
            let asked = fitting.balanced.clone();
            // On a thread of its own: it takes seconds.
            let fitted = tokio::task::spawn_blocking(move || balanced::fit(&asked, &sample)).await;
            let failed = |message: String| Error::Fit { file: segmentation.file.clone(), message };
            let model = fitted.map_err(|error| failed(error.to_string()))?;
            let model = model.map_err(|error| failed(error.to_string()))?;
            check_names(segmentation, &model.codes)?;
            made.push(Row {
                segmentation: segmentation.name.clone(),
                fitted_as_of: Date32Type::from_naive_date(self.plan.as_of),
                fingerprint: segmentation.fingerprint().unwrap_or_default(),
                group_sql: model.sql(),
                details: serde_json::to_string(&model.told()).unwrap_or_default(),
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
        if step.name != SEGMENTS {
            return Ok(BTreeMap::new());
        }
        let rows = match self.tables.get(SEGMENT_MODEL) {
            Some(table) => rows(self.engine, table).await?,
            None => Vec::new(),
        };
        let mut models = BTreeMap::new();
        for (segmentation, _) in fitted(&self.project.segmentations) {
            let row = rows.iter().find(|row| row.segmentation == segmentation.name);
            let sql = row.map_or("cast(null as varchar)", |row| &row.group_sql);
            let expression = parse_expression(sql).map_err(|message| Error::Fit {
                file: segmentation.file.clone(),
                message: format!("its model cannot be read: {message}"),
            })?;
            models.insert(segmentation.parameter(), expression);
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
    let sql = format!("select segmentation, fitted_as_of, fingerprint, group_sql, details from {SEGMENT_MODEL}");
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
                details: text(4, row),
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
        ("details", text(|row| &row.details)),
    ];
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
) -> Result<BTreeMap<String, Sample>, Error> {
    let mut samples = BTreeMap::new();
    for (segmentation, fitting) in fitted(segmentations) {
        let sql = format!(
            "select places, numbers, texts, before from {SEGMENT_SAMPLE} where segmentation = '{}' order by place, account_id",
            segmentation.name
        );
        let batches = engine.query(vec![Relation::of_table(SEGMENT_SAMPLE, table)], &sql).await?;
        let mut sample =
            Sample { features: fitting.balanced.features.iter().map(empty).collect(), ..Sample::default() };
        for batch in &batches {
            append(&mut sample, fitting, batch);
        }
        samples.insert(segmentation.name.clone(), sample);
    }
    Ok(samples)
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
