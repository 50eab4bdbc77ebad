//! The node that reads delimited text: one partition, file after file, every
//! column as text, each row with where it came from.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int32Builder, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use serde::{Deserialize, Serialize};

use super::check::arrow_type;
use super::origin;
use crate::delimited::{self, Dialect, Fault, Record};
use crate::project::contract::ColumnType;
use crate::state::PinnedFile;

/// Rows may be long: a batch ends where its text is.
const BATCH_BYTES: usize = 16 << 20;
/// Batches that wait to be worked on while the next one is read.
const BATCHES_AHEAD: usize = 2;

/// What a scan of text needs to know on an executor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TextScanSpec {
    /// The relation that is read.
    pub relation: String,
    pub dialect: Dialect,
    /// Columns of the files that are wanted, by name.
    pub columns: Vec<String>,
    /// Columns that stand in the paths.
    pub partition: Vec<(String, ColumnType)>,
    /// `None` while the relation is a slot.
    pub files: Option<Vec<PinnedFile>>,
}

#[derive(Debug)]
pub struct TextScanExec {
    pub spec: TextScanSpec,
    properties: Arc<PlanProperties>,
}

impl TextScanExec {
    pub fn new(spec: TextScanSpec) -> Self {
        let field = |name: &String, kind| Arc::new(Field::new(name, kind, true)) as FieldRef;
        let columns = spec.columns.iter().map(|name| field(name, DataType::Utf8));
        let columns = columns.chain(spec.partition.iter().map(|(name, kind)| field(name, arrow_type(*kind))));
        let columns = columns.chain([origin::file_field()]).chain(origin::text_fields());
        let schema = Arc::new(Schema::new(columns.collect::<Vec<_>>()));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { spec, properties: Arc::new(properties) }
    }
}

impl DisplayAs for TextScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let files = self.spec.files.as_ref().map_or(0, Vec::len);
        write!(f, "TextScanExec: {} ({files} files), columns=[{}]", self.spec.relation, self.spec.columns.join(", "))
    }
}

impl ExecutionPlan for TextScanExec {
    fn name(&self) -> &str {
        "TextScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(files) = self.spec.files.clone() else {
            return internal_err!("`{}` was read before it had files", self.spec.relation);
        };
        let (spec, schema) = (self.spec.clone(), self.schema());
        let rows = context.session_config().batch_size();
        // Unpacking and cutting run on a thread of their own, ahead of what
        // works on the rows.
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), BATCHES_AHEAD);
        let send = stream.tx();
        stream.spawn_blocking(move || {
            for (index, file) in files.iter().enumerate() {
                let mut reader = FileReader::new(&spec, &schema, index, file, rows)?;
                let hand_on = |batch| send.blocking_send(Ok(batch)).is_ok();
                let is_wanted = delimited::read(&file.local_path(), file.member.as_deref(), &spec.dialect, |records| {
                    reader.read(records, &hand_on)
                })
                .map_err(|error: ScanError| error.0)?;
                if !is_wanted {
                    break;
                }
            }
            Ok(())
        });
        Ok(stream.build())
    }
}

/// So that both kinds of failure come through one closure.
struct ScanError(DataFusionError);

impl From<delimited::DelimitedError> for ScanError {
    fn from(error: delimited::DelimitedError) -> Self {
        Self(DataFusionError::Execution(format!("{error} ({})", error.hint())))
    }
}

impl From<DataFusionError> for ScanError {
    fn from(error: DataFusionError) -> Self {
        Self(error)
    }
}

/// Collects the rows of one file into batches.
struct FileReader<'a> {
    spec: &'a TextScanSpec,
    schema: &'a SchemaRef,
    index: i32,
    partition: Vec<ScalarValue>,
    rows_per_batch: usize,
    columns: Vec<StringBuilder>,
    numbers: Int64Builder,
    faults: Int32Builder,
    raw: StringBuilder,
    rows: usize,
}

impl<'a> FileReader<'a> {
    fn new(
        spec: &'a TextScanSpec,
        schema: &'a SchemaRef,
        index: usize,
        file: &PinnedFile,
        rows_per_batch: usize,
    ) -> Result<Self> {
        let values = file.partition.iter().zip(&spec.partition).map(|(value, (_, kind))| match value {
            Some(text) => ScalarValue::try_from_string(text.clone(), &arrow_type(*kind)),
            None => ScalarValue::try_from(arrow_type(*kind)),
        });
        Ok(Self {
            partition: values.collect::<Result<_>>()?,
            columns: spec.columns.iter().map(|_| StringBuilder::new()).collect(),
            spec,
            schema,
            index: index as i32,
            rows_per_batch,
            numbers: Int64Builder::new(),
            faults: Int32Builder::new(),
            raw: StringBuilder::new(),
            rows: 0,
        })
    }

    /// False where nobody wants more.
    fn read(
        &mut self,
        records: &mut delimited::Records<'_>,
        hand_on: &dyn Fn(RecordBatch) -> bool,
    ) -> Result<bool, ScanError> {
        // A column that this file does not have is null in its rows; one that
        // must be there was asked for when the files were found.
        let position = |name: &String| records.header().iter().position(|column| column == name);
        let positions: Vec<Option<usize>> = self.spec.columns.iter().map(position).collect();
        while let Some(record) = records.next()? {
            self.push(&record, &positions);
            let is_full = self.rows == self.rows_per_batch || self.raw.values_slice().len() > BATCH_BYTES;
            if is_full && !hand_on(self.batch()?) {
                return Ok(false);
            }
        }
        Ok(self.rows == 0 || hand_on(self.batch()?))
    }

    fn push(&mut self, record: &Record<'_>, positions: &[Option<usize>]) {
        self.rows += 1;
        self.numbers.append_value(record.number as i64);
        self.raw.append_value(record.raw());
        let fault = record.fault();
        self.faults.append_option(fault.map(|fault| match fault {
            Fault::Fields => 0,
            Fault::Quote => 1,
        }));
        for (column, position) in self.columns.iter_mut().zip(positions) {
            match position.filter(|_| fault.is_none()).and_then(|position| record.field(position)) {
                Some(field) => column.append_value(field),
                None => column.append_null(),
            }
        }
    }

    fn batch(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let mut columns: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        for value in &self.partition {
            columns.push(value.to_array_of_size(rows)?);
        }
        columns.push(Arc::new(Int32Array::from_value(self.index, rows)));
        columns.push(Arc::new(self.numbers.finish()));
        columns.push(Arc::new(self.faults.finish()));
        columns.push(Arc::new(self.raw.finish()));
        Ok(RecordBatch::try_new(Arc::clone(self.schema), columns)?)
    }
}
