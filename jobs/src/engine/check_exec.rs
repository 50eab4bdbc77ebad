//! The node that sets broken rows aside: good rows pass, bad ones are written
//! to the source's quarantine folder, and both are counted.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::array::{Array as _, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{filter_record_batch, is_null, not};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::check::FATAL;
use super::keep;
use super::write_file::DataFile;
use crate::state::WrittenFile;

/// What a check needs to know on an executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSpec {
    pub source: String,
    /// Columns that name a row in the quarantine table.
    pub key: Vec<String>,
    /// Folder of the quarantine table, below the root of the store.
    pub quarantine: String,
    pub unit: String,
    /// Whether the files below are gzipped CSV: this does not travel with the
    /// scan itself.
    pub gzip: bool,
}

/// What a check has seen, read by the write node above it when all is read.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    pub rows: u64,
    pub quarantined: Vec<WrittenFile>,
}

#[derive(Debug)]
pub struct CheckExec {
    input: Arc<dyn ExecutionPlan>,
    pub spec: CheckSpec,
    properties: Arc<PlanProperties>,
    report: Arc<Mutex<CheckReport>>,
}

impl CheckExec {
    /// The last column of the input: why a row is rejected, else null.
    pub const REASON: &'static str = "_reason";

    pub fn new(input: Arc<dyn ExecutionPlan>, spec: CheckSpec) -> Self {
        let schema = without_reason(&input.schema());
        let below = input.properties();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            below.partitioning.clone(),
            below.emission_type,
            below.boundedness,
        );
        Self { input, spec, properties: Arc::new(properties), report: Arc::default() }
    }

    /// What has been seen so far; final once the output is exhausted.
    pub fn report(&self) -> CheckReport {
        self.report.lock().map(|report| report.clone()).unwrap_or_default()
    }
}

/// Rows of a quarantine table.
pub fn quarantine_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("source", DataType::Utf8, true),
        Field::new("row_key", DataType::Utf8, true),
        Field::new("reason", DataType::Utf8, true),
    ]))
}

fn without_reason(schema: &Schema) -> SchemaRef {
    let columns = schema.fields().len() - 1;
    Arc::new(Schema::new(schema.fields()[..columns].to_vec()))
}

impl DisplayAs for CheckExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "CheckExec: source={}", self.spec.source)
    }
}

impl ExecutionPlan for CheckExec {
    fn name(&self) -> &str {
        "CheckExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0), self.spec.clone())))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let sieve = Sieve {
            input,
            spec: self.spec.clone(),
            report: Arc::clone(&self.report),
            seen: CheckReport::default(),
            ready: VecDeque::new(),
            file: None,
            context,
        };
        let stream = futures::stream::try_unfold(sieve, |mut sieve| async move {
            let batch = sieve.next().await?;
            Ok(batch.map(|batch| (batch, sieve)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }
}

/// The running state of one check.
struct Sieve {
    input: SendableRecordBatchStream,
    spec: CheckSpec,
    report: Arc<Mutex<CheckReport>>,
    seen: CheckReport,
    /// Good rows not yet handed on.
    ready: VecDeque<RecordBatch>,
    file: Option<DataFile>,
    context: Arc<TaskContext>,
}

impl Sieve {
    /// The next batch of good rows; the report is complete when there is none.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(rows) = self.ready.pop_front() {
                return Ok(Some(rows));
            }
            let Some(batch) = self.input.next().await.transpose()? else { break };
            self.seen.rows += batch.num_rows() as u64;
            let last = batch.num_columns() - 1;
            let reasons = Arc::clone(batch.column(last));
            let rows = batch.project(&(0..last).collect::<Vec<_>>())?;
            if reasons.null_count() == reasons.len() {
                return Ok(Some(rows));
            }
            let good = is_null(&reasons)?;
            self.reject(&rows, &reasons, &not(&good)?).await?;
            self.ready.extend(keep::keep(&rows, &good)?.into_iter().filter(|rows| rows.num_rows() > 0));
        }
        if let Some(file) = self.file.take() {
            self.seen.quarantined.push(file.finish().await?);
        }
        if let Ok(mut report) = self.report.lock() {
            *report = std::mem::take(&mut self.seen);
        }
        Ok(None)
    }

    async fn reject(&mut self, rows: &RecordBatch, reasons: &ArrayRef, bad: &BooleanArray) -> Result<()> {
        let rows = filter_record_batch(rows, bad)?;
        let reasons = arrow::compute::filter(reasons, bad)?;
        let keys = self.keys(&rows)?;
        for (reason, key) in reasons.as_string::<i32>().iter().zip(&keys) {
            if let Some(why) = reason.and_then(|reason| reason.strip_prefix(FATAL)) {
                return exec_err!("contract of `{}` broken: {why} (row {key})", self.spec.source);
            }
        }
        let source = StringArray::from_iter_values(std::iter::repeat_n(&self.spec.source, rows.num_rows()));
        let columns: Vec<ArrayRef> = vec![Arc::new(source), Arc::new(StringArray::from(keys)), reasons];
        let batch = RecordBatch::try_new(quarantine_schema(), columns)?;
        if self.file.is_none() {
            self.file = Some(DataFile::create(
                &self.context,
                &self.spec.quarantine,
                &self.spec.unit,
                &[],
                quarantine_schema(),
                &[],
            )?);
        }
        match &mut self.file {
            Some(file) => file.write(&batch).await,
            None => Ok(()),
        }
    }

    /// `account_id=17, bill_month=2026-01-01`: what names a row to a person.
    fn keys(&self, rows: &RecordBatch) -> Result<Vec<String>> {
        let options = FormatOptions::default().with_null("null");
        let schema = rows.schema();
        let mut keys = vec![String::new(); rows.num_rows()];
        for name in &self.spec.key {
            let column = rows.column(schema.index_of(name)?);
            let formatter = ArrayFormatter::try_new(column, &options)?;
            for (row, key) in keys.iter_mut().enumerate() {
                let comma = if key.is_empty() { "" } else { ", " };
                key.push_str(&format!("{comma}{name}={}", formatter.value(row)));
            }
        }
        Ok(keys)
    }
}
