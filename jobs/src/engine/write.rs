//! The node that ends every unit: it sorts the unit's rows by partition and
//! key, drops repeated keys, writes one file per partition, and returns one row
//! per file and count.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, Time};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::check_exec::{CheckExec, CheckReport};
use super::failpoint;
use super::sort;
use super::unique::Unique;
use super::write_file::{self, DataFile};
use crate::state::WrittenFile;

/// What a write needs to know on an executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteSpec {
    pub table: String,
    /// Folder of the table, below the root of the store.
    pub folder: String,
    /// Fingerprint of the unit: model, parameters, build and input files.
    pub unit: String,
    /// Leading columns of the input that go into paths instead of files.
    pub partition: Vec<String>,
    /// Columns that name a row; of rows with equal keys the greatest stays.
    pub key: Vec<String>,
    /// The rows have a version, which is compared first, and say whether they are
    /// restated.
    pub is_versioned: bool,
}

/// What a unit has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitReport {
    pub files: Vec<WrittenFile>,
    pub quarantined: Vec<WrittenFile>,
    /// Source rows read, where the unit reads a source.
    pub rows_in: u64,
    /// Rows dropped because another one had their key.
    pub duplicates: u64,
}

#[derive(Debug)]
pub struct WriteExec {
    input: Arc<dyn ExecutionPlan>,
    pub spec: WriteSpec,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl WriteExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, spec: WriteSpec) -> Self {
        let partitions = input.properties().partitioning.partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(report_schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, spec, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for WriteExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "WriteExec: table={}, partition=[{}], key=[{}]",
            self.spec.table,
            self.spec.partition.join(", "),
            self.spec.key.join(", ")
        )
    }
}

impl ExecutionPlan for WriteExec {
    fn name(&self) -> &str {
        "WriteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
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

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, Arc::clone(&context))?;
        let (spec, input) = (self.spec.clone(), Arc::clone(&self.input));
        let times = Times::new(&self.metrics, partition);
        let work = async move {
            failpoint::hold(&spec.table).await;
            let rows = match is_in_order(&input, &spec)? {
                true => rows,
                false => sort::sorted(rows, &spec.partition, &spec.key, &context, &times.sort).await?,
            };
            let mut report = write_rows(rows, &spec, &context, &times).await?;
            for check in checks(&input) {
                report.rows_in += check.rows;
                report.quarantined.extend(check.quarantined);
            }
            let files: Vec<WrittenFile> = report.files.iter().chain(&report.quarantined).cloned().collect();
            write_file::sync(&files).await?;
            report.into_batch()
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(report_schema(), futures::stream::once(work))))
    }
}

/// Where the time of a write goes.
struct Times {
    sort: Time,
    unique: Time,
    write: Time,
}

impl Times {
    fn new(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Self {
        let time = |name| MetricBuilder::new(metrics).subset_time(name, partition);
        Self { sort: time("sort_time"), unique: time("unique_time"), write: time("write_time") }
    }
}

/// Checks stand in the same task as the write above them, so that their counts
/// can be read once the input is exhausted.
pub(super) fn checks(plan: &Arc<dyn ExecutionPlan>) -> Vec<CheckReport> {
    match plan.downcast_ref::<CheckExec>() {
        Some(check) => vec![check.report()],
        None => plan.children().into_iter().flat_map(checks).collect(),
    }
}

async fn write_rows(
    mut rows: SendableRecordBatchStream,
    spec: &WriteSpec,
    context: &TaskContext,
    times: &Times,
) -> Result<UnitReport> {
    let schema = rows.schema();
    let width = spec.partition.len();
    let file_columns: Vec<usize> = (width..schema.fields().len()).collect();
    let file_schema = Arc::new(schema.project(&file_columns)?);
    let mut unique = Unique::new(&schema, spec)?;
    let mut report = UnitReport::default();
    let mut open: Option<(Vec<Option<String>>, DataFile)> = None;
    loop {
        let next = rows.next().await.transpose()?;
        let exhausted = next.is_none();
        let timer = times.unique.timer();
        let ready = match next {
            Some(batch) => unique.push(batch)?,
            None => unique.finish()?,
        };
        timer.done();
        let timer = times.write.timer();
        for batch in ready {
            for (values, range) in runs(&batch, width)? {
                let file = match &mut open {
                    Some((current, file)) if *current == values => file,
                    _ => {
                        if let Some((_, done)) = open.take() {
                            report.files.push(done.finish().await?);
                        }
                        let pairs: Vec<_> = spec.partition.iter().cloned().zip(values.clone()).collect();
                        let file = DataFile::create(
                            context,
                            &spec.folder,
                            &spec.unit,
                            &pairs,
                            Arc::clone(&file_schema),
                            &spec.key,
                        )?;
                        &mut open.insert((values, file)).1
                    }
                };
                let slice = batch.slice(range.start, range.len()).project(&file_columns)?;
                file.write(&slice).await?;
            }
        }
        timer.done();
        if exhausted {
            break;
        }
    }
    if let Some((_, done)) = open {
        report.files.push(done.finish().await?);
    }
    report.duplicates = unique.dropped();
    Ok(report)
}

type Run = (Vec<Option<String>>, std::ops::Range<usize>);

/// Stretches of rows that belong to one partition.
fn runs(batch: &RecordBatch, width: usize) -> Result<Vec<Run>> {
    if width == 0 {
        return Ok(vec![(Vec::new(), 0..batch.num_rows())]);
    }
    let columns = &batch.columns()[..width];
    let ranges = arrow::compute::partition(columns)?.ranges();
    ranges
        .into_iter()
        .map(|range| {
            let values = columns.iter().map(|column| partition_value(column, range.start)).collect::<Result<_>>()?;
            Ok((values, range))
        })
        .collect()
}

/// Whether the plan says that rows come in the order in which they are written.
fn is_in_order(input: &Arc<dyn ExecutionPlan>, spec: &WriteSpec) -> Result<bool> {
    let schema = input.schema();
    let mut columns = Vec::with_capacity(spec.partition.len() + spec.key.len());
    for name in spec.partition.iter().chain(&spec.key) {
        columns.push(PhysicalSortExpr::new_default(Arc::new(Column::new(name, schema.index_of(name)?))));
    }
    if columns.is_empty() {
        return Ok(false);
    }
    input.equivalence_properties().ordering_satisfy(columns)
}

fn partition_value(column: &ArrayRef, row: usize) -> Result<Option<String>> {
    if column.is_null(row) {
        return Ok(None);
    }
    Ok(Some(arrow::util::display::array_value_to_string(column, row)?))
}

/// The rows that a unit returns to the driver.
pub fn report_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("kind", DataType::Utf8, false),
        Field::new("count", DataType::UInt64, false),
        Field::new("file", DataType::Utf8, true),
    ]))
}

impl UnitReport {
    fn into_batch(self) -> Result<RecordBatch> {
        let mut rows: Vec<(&str, u64, Option<String>)> =
            vec![("rows_in", self.rows_in, None), ("duplicates", self.duplicates, None)];
        for (kind, files) in [("file", &self.files), ("quarantined", &self.quarantined)] {
            for file in files {
                let text = serde_json::to_string(file).map_err(|error| DataFusionError::External(Box::new(error)))?;
                rows.push((kind, file.rows, Some(text)));
            }
        }
        let kinds = StringArray::from_iter_values(rows.iter().map(|row| row.0));
        let counts = UInt64Array::from_iter_values(rows.iter().map(|row| row.1));
        let files = StringArray::from_iter(rows.into_iter().map(|row| row.2));
        Ok(RecordBatch::try_new(report_schema(), vec![Arc::new(kinds), Arc::new(counts), Arc::new(files)])?)
    }

    /// Reads what a unit returned. A report that is not whole is an error:
    /// nothing may be committed on half of one.
    pub fn from_batches(batches: &[RecordBatch]) -> Result<Self> {
        let mut report = Self::default();
        let mut counted = 0;
        for batch in batches {
            let kinds = batch.column(0).as_string::<i32>();
            let counts = batch.column(1).as_primitive::<UInt64Type>();
            let files = batch.column(2).as_string_opt::<i32>();
            for row in 0..batch.num_rows() {
                let file = || -> Result<WrittenFile> {
                    let text = files.map(|files| files.value(row)).unwrap_or_default();
                    serde_json::from_str(text).map_err(|error| DataFusionError::External(Box::new(error)))
                };
                match kinds.value(row) {
                    "rows_in" => (report.rows_in, counted) = (counts.value(row), counted + 1),
                    "duplicates" => (report.duplicates, counted) = (counts.value(row), counted + 1),
                    "file" => report.files.push(file()?),
                    "quarantined" => report.quarantined.push(file()?),
                    other => return internal_err!("a unit returned a row of kind `{other}`"),
                }
            }
        }
        if counted == 2 { Ok(report) } else { internal_err!("a unit returned {counted} counts instead of 2") }
    }
}
