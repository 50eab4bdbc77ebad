//! The node that sets broken rows aside: good rows pass, bad ones go to the
//! source's quarantine, and both are counted.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::array::{Array as _, AsArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::is_null;
use arrow::datatypes::{Int32Type, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::keep;
use super::origin;
use super::quarantine::{Quarantine, Rejected};
use crate::state::{PinnedFile, WrittenFile};

/// A rule of a contract, as it is written beside the rows that break it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Column and rule: `energy_wh.min`.
    pub name: String,
    pub reason: String,
    /// The breach stops the run.
    pub is_fatal: bool,
}

/// What a check needs to know on an executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSpec {
    pub source: String,
    /// The name by which units know the source's files.
    pub relation: String,
    /// Columns that name a row to a person.
    pub key: Vec<String>,
    /// Folder of the quarantine table, below the root of the store.
    pub quarantine: String,
    pub unit: String,
    /// Rules by the numbers that rows are marked with.
    pub rules: Vec<Rule>,
    /// The files of the unit, in the order of the scan.
    pub files: Vec<PinnedFile>,
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
    /// The column of the input behind the canonical ones: the number of the rule
    /// that the row breaks, else null. What follows it says where the row came
    /// from.
    pub const BROKEN: &'static str = "_kwhy_broken";

    pub fn new(input: Arc<dyn ExecutionPlan>, spec: CheckSpec) -> Self {
        let schema = input.schema();
        let columns = schema.index_of(Self::BROKEN).unwrap_or(schema.fields().len());
        let schema = Arc::new(Schema::new(schema.fields()[..columns].to_vec()));
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
            quarantine: Quarantine::new(self.spec.clone(), Arc::clone(&context)),
            columns: self.schema().fields().len(),
            report: Arc::clone(&self.report),
            rows: 0,
            place: Place::default(),
            ready: VecDeque::new(),
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
    quarantine: Quarantine,
    /// Canonical columns of the input.
    columns: usize,
    report: Arc<Mutex<CheckReport>>,
    rows: u64,
    place: Place,
    /// Good rows not yet handed on.
    ready: VecDeque<RecordBatch>,
}

/// How far into which file the rows of a scan have come.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    file: i32,
    /// Rows of the file before the next one.
    rows: u64,
}

impl Place {
    /// Counts a row of a file, and gives its number.
    fn advance(&mut self, file: i32) -> u64 {
        if self.file != file {
            *self = Self { file, rows: 0 };
        }
        self.rows += 1;
        self.rows
    }
}

impl Sieve {
    /// The next batch of good rows; the report is complete when there is none.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(rows) = self.ready.pop_front() {
                return Ok(Some(rows));
            }
            let Some(batch) = self.input.next().await.transpose()? else { break };
            self.rows += batch.num_rows() as u64;
            let rows = batch.project(&(0..self.columns).collect::<Vec<_>>())?;
            let broken = batch.column(self.columns).as_primitive::<Int32Type>();
            let origin = Origin::new(&batch)?;
            if broken.null_count() == broken.len() {
                self.place = origin.skip(self.place);
                return Ok(Some(rows));
            }
            for rejected in self.rejected(&rows, broken, &origin)? {
                self.quarantine.take(rejected).await?;
            }
            let good = is_null(broken)?;
            self.ready.extend(keep::keep(&rows, &good)?.into_iter().filter(|rows| rows.num_rows() > 0));
        }
        let quarantined = self.quarantine.finish().await?;
        if let Ok(mut report) = self.report.lock() {
            *report = CheckReport { rows: self.rows, quarantined };
        }
        Ok(None)
    }

    fn rejected(&mut self, rows: &RecordBatch, broken: &Int32Array, origin: &Origin<'_>) -> Result<Vec<Rejected>> {
        let keys = Keys::new(rows, &self.quarantine.spec.key)?;
        let mut rejected = Vec::new();
        for row in 0..rows.num_rows() {
            let file = origin.files.value(row);
            let number = match origin.numbers {
                Some(numbers) => numbers.value(row) as u64,
                None => self.place.advance(file),
            };
            if broken.is_null(row) {
                continue;
            }
            let content = origin.raw.map(|raw| raw.value(row).to_owned());
            rejected.push(Rejected { file, row: number, rule: broken.value(row), key: keys.of(row), content });
        }
        Ok(rejected)
    }
}

/// The columns of a batch that say where its rows came from.
struct Origin<'a> {
    files: &'a Int32Array,
    numbers: Option<&'a Int64Array>,
    raw: Option<&'a StringArray>,
}

impl<'a> Origin<'a> {
    fn new(batch: &'a RecordBatch) -> Result<Self> {
        let Some(files) = batch.column_by_name(origin::FILE) else {
            return internal_err!("rows of a source do not say which file they came from");
        };
        Ok(Self {
            files: files.as_primitive(),
            numbers: batch.column_by_name(origin::ROW).map(|column| column.as_primitive()),
            raw: batch.column_by_name(origin::RAW).map(|column| column.as_string()),
        })
    }

    /// Where the next batch begins, when none of this one is looked at.
    fn skip(&self, mut place: Place) -> Place {
        let files = self.files.values();
        match (files.first(), files.last()) {
            // Files follow each other: this is one file.
            (Some(first), Some(last)) if first == last => {
                place.advance(*first);
                place.rows += files.len() as u64 - 1;
            }
            _ => files.iter().for_each(|file| {
                place.advance(*file);
            }),
        }
        place
    }
}

/// `account_id=17, bill_month=2026-01-01`: what names a row to a person.
struct Keys<'a> {
    columns: Vec<(&'a str, ArrayFormatter<'a>)>,
}

impl<'a> Keys<'a> {
    fn new(rows: &'a RecordBatch, key: &'a [String]) -> Result<Self> {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_null("null");
        let schema = rows.schema();
        let column = |name: &'a String| -> Result<_> {
            let column = rows.column(schema.index_of(name)?);
            Ok((name.as_str(), ArrayFormatter::try_new(column, &OPTIONS)?))
        };
        Ok(Self { columns: key.iter().map(column).collect::<Result<_>>()? })
    }

    fn of(&self, row: usize) -> String {
        let parts = self.columns.iter().map(|(name, column)| format!("{name}={}", column.value(row)));
        parts.collect::<Vec<_>>().join(", ")
    }
}
