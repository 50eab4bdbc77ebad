//! One wide row per account from many narrow tables: what a chain of joins
//! would copy again at every step is copied once, and not at all where the
//! tables are in the same order, as those of a bucket mostly are.
//!
//! The first input is the base: its rows are the rows of the result. Every other
//! one has at most one row per value of its first column, the key; where it has
//! none, its columns are null and its flag is false.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_err, internal_datafusion_err, internal_err};
use datafusion::datasource::TableType;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, TryStreamExt};

use super::expression::over_wide;

/// Ends the name of the column that says whether an input has a row.
pub const FLAG: &str = "__there";

/// Plans to be aligned, and columns over theirs, as a table.
#[derive(Debug)]
pub struct AlignTable {
    /// By name; the first is the base.
    parts: Vec<(String, LogicalPlan)>,
    /// What is made of the aligned columns, level by level.
    levels: Vec<Vec<ProjectionExpr>>,
    schema: SchemaRef,
}

impl AlignTable {
    /// Each level names all columns that it hands on, with their SQL over those
    /// of the level before.
    pub fn new(
        state: &SessionState,
        parts: Vec<(String, LogicalPlan)>,
        levels: &[Vec<(String, String)>],
    ) -> Result<Self> {
        let names: Vec<String> = parts.iter().map(|(name, _)| name.clone()).collect();
        let schemas: Vec<SchemaRef> = parts.iter().map(|(_, plan)| Arc::clone(plan.schema().inner())).collect();
        let mut schema = aligned(&names, &schemas);
        let mut projections = Vec::with_capacity(levels.len());
        for level in levels {
            let positions: HashMap<&str, usize> =
                schema.fields().iter().enumerate().map(|(position, field)| (field.name().as_str(), position)).collect();
            let mut fields = Vec::with_capacity(level.len());
            let mut projection = Vec::with_capacity(level.len());
            for (name, sql) in level {
                let expr = over_wide(state, &schema, &positions, sql)
                    .map_err(|error| error.context(format!("column `{name}`")))?;
                fields.push(Field::new(name, expr.data_type(&schema)?, true));
                projection.push(ProjectionExpr { expr, alias: name.clone() });
            }
            schema = Arc::new(Schema::new(fields));
            projections.push(projection);
        }
        Ok(Self { parts, levels: projections, schema })
    }
}

/// Columns of the base, then for each other input its flag and its columns but
/// the key.
fn aligned(names: &[String], schemas: &[SchemaRef]) -> SchemaRef {
    let mut fields = Vec::new();
    for (position, (name, schema)) in names.iter().zip(schemas).enumerate() {
        if position == 0 {
            fields.extend(schema.fields().iter().map(|field| field.as_ref().clone()));
        } else {
            fields.push(Field::new(format!("{name}{FLAG}"), DataType::Boolean, false));
            fields.extend(schema.fields().iter().skip(1).map(|field| field.as_ref().clone().with_nullable(true)));
        }
    }
    Arc::new(Schema::new(fields))
}

#[async_trait]
impl TableProvider for AlignTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut inputs = Vec::with_capacity(self.parts.len());
        for (_, plan) in &self.parts {
            inputs.push(state.create_physical_plan(plan).await?);
        }
        let names = self.parts.iter().map(|(name, _)| name.clone()).collect();
        let mut aligned: Arc<dyn ExecutionPlan> = Arc::new(AlignExec::new(names, inputs));
        for level in &self.levels {
            aligned = Arc::new(ProjectionExec::try_new(level.clone(), aligned)?);
        }
        let Some(projection) = projection else { return Ok(aligned) };
        let schema = aligned.schema();
        let columns = projection.iter().map(|column| ProjectionExpr {
            expr: Arc::new(Column::new(schema.field(*column).name(), *column)),
            alias: schema.field(*column).name().clone(),
        });
        Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), aligned)?))
    }
}

#[derive(Debug)]
pub struct AlignExec {
    /// What the inputs are called, for messages and flags.
    pub names: Vec<String>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl AlignExec {
    pub fn new(names: Vec<String>, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        let schemas: Vec<SchemaRef> = inputs.iter().map(|input| input.schema()).collect();
        let schema = aligned(&names, &schemas);
        let key = inputs.first().and_then(by_key);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, key),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { names, inputs, properties: Arc::new(properties) }
    }
}

/// The base in the order of its keys: then so is the wide table, whose rows would
/// be dear to sort.
fn by_key(base: &Arc<dyn ExecutionPlan>) -> Option<LexOrdering> {
    let schema = base.schema();
    let name = schema.fields().first()?.name();
    LexOrdering::new([PhysicalSortExpr::new_default(Arc::new(Column::new(name, 0)))])
}

impl DisplayAs for AlignExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "AlignExec: [{}]", self.names.join(", "))
    }
}

impl ExecutionPlan for AlignExec {
    fn name(&self) -> &str {
        "AlignExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let base = self.inputs.first().and_then(by_key).map(OrderingRequirements::from);
        let mut required = vec![None; self.inputs.len()];
        if let Some(first) = required.first_mut() {
            *first = base;
        }
        required
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        (0..self.inputs.len()).map(|input| input == 0).collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(self.names.clone(), children)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some((base, others)) = self.inputs.split_first() else { return internal_err!("nothing to align") };
        let base = base.execute(partition, Arc::clone(&context))?;
        let mut streams = Vec::with_capacity(others.len());
        for (name, input) in self.names.iter().skip(1).zip(others) {
            streams.push((name.clone(), input.execute(partition, Arc::clone(&context))?));
        }
        let schema = self.schema();
        let memory = MemoryConsumer::new("tables to align").register(context.memory_pool());
        let sides = Sides { schema: Arc::clone(&schema), streams, sides: Vec::new(), memory };
        let stream = futures::stream::try_unfold((base, sides), |(mut base, mut sides)| async move {
            sides.collect().await?;
            let Some(batch) = base.next().await.transpose()? else { return Ok(None) };
            let aligned = sides.align(&batch)?;
            Ok(Some((aligned, (base, sides))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

struct Sides {
    schema: SchemaRef,
    /// Not read yet.
    streams: Vec<(String, SendableRecordBatchStream)>,
    sides: Vec<Side>,
    memory: MemoryReservation,
}

/// A table that is held in memory.
struct Side {
    rows: RecordBatch,
    /// Where keys stand, of a table that is not in their order.
    places: Option<HashMap<String, u32>>,
    /// The first row that is not passed yet, of one that is.
    next: usize,
}

impl Sides {
    async fn collect(&mut self) -> Result<()> {
        for (name, stream) in std::mem::take(&mut self.streams) {
            let schema = stream.schema();
            let mut batches = Vec::new();
            let mut stream = stream;
            while let Some(batch) = stream.try_next().await? {
                self.memory.try_grow(batch.get_array_memory_size())?;
                batches.push(batch);
            }
            let before: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
            let rows = concat_batches(&schema, &batches)?;
            drop(batches);
            self.memory.shrink(before);
            self.memory.try_grow(rows.get_array_memory_size())?;
            self.sides.push(Side::new(&name, rows)?);
        }
        Ok(())
    }

    fn align(&mut self, base: &RecordBatch) -> Result<RecordBatch> {
        let keys = keys("the base", base)?;
        let mut columns: Vec<ArrayRef> = base.columns().to_vec();
        for side in &mut self.sides {
            side.append(keys, &mut columns)?;
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn keys<'a>(name: &str, rows: &'a RecordBatch) -> Result<&'a StringArray> {
    let keys = rows.columns().first().and_then(|column| column.as_string_opt::<i32>());
    keys.ok_or_else(|| internal_datafusion_err!("{name} has no text as its first column"))
}

impl Side {
    fn new(name: &str, rows: RecordBatch) -> Result<Self> {
        let keys = keys(name, &rows)?;
        let is_ascending = (1..keys.len()).all(|row| keys.value(row - 1) < keys.value(row));
        let mut places = None;
        if !is_ascending {
            let mut found = HashMap::with_capacity(keys.len());
            for row in 0..keys.len() {
                if found.insert(keys.value(row).to_owned(), row as u32).is_some() {
                    return exec_err!("`{name}` has two rows for `{}`: a slice must leave one", keys.value(row));
                }
            }
            places = Some(found);
        }
        Ok(Self { rows, places, next: 0 })
    }

    /// The row of each key, as far as there is one.
    fn find(&mut self, keys: &StringArray) -> UInt32Array {
        if let Some(places) = &self.places {
            return keys.iter().map(|key| key.and_then(|key| places.get(key).copied())).collect();
        }
        let own = self.rows.column(0).as_string::<i32>();
        let mut next = self.next;
        let mut before: Option<&str> = None;
        let found = keys.iter().map(|key| {
            let key = key?;
            // A base that is not in order starts again from the front.
            if before.is_some_and(|before| key < before) || (next > 0 && own.value(next - 1) >= key) {
                next = 0;
            }
            before = Some(key);
            // Mostly the next one is it; else it is looked for by halves.
            if next < own.len() && own.value(next) < key {
                next += partition_point(own, next, key);
            }
            let is_it = next < own.len() && own.value(next) == key;
            let found = is_it.then_some(next as u32);
            next += usize::from(is_it);
            found
        });
        let found = found.collect();
        self.next = next;
        found
    }

    fn append(&mut self, keys: &StringArray, columns: &mut Vec<ArrayRef>) -> Result<()> {
        let found = self.find(keys);
        let there: BooleanArray = (0..found.len()).map(|row| Some(found.is_valid(row))).collect();
        columns.push(Arc::new(there));
        let others = self.rows.columns().iter().skip(1);
        match run_of(&found) {
            // Rows that follow each other are not copied.
            Some(start) => columns.extend(others.map(|column| column.slice(start, found.len()))),
            None => {
                for column in others {
                    columns.push(take(column, &found, None)?);
                }
            }
        }
        Ok(())
    }
}

/// How many rows from `start` on have a lesser key.
fn partition_point(keys: &StringArray, start: usize, key: &str) -> usize {
    let (mut low, mut high) = (start, keys.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if keys.value(middle) < key { low = middle + 1 } else { high = middle }
    }
    low - start
}

/// The first of rows that follow each other without a gap.
fn run_of(found: &UInt32Array) -> Option<usize> {
    if found.is_empty() || found.null_count() > 0 {
        return None;
    }
    let start = found.value(0);
    let follows = |(offset, row): (usize, &u32)| *row as usize == start as usize + offset;
    found.values().iter().enumerate().all(follows).then_some(start as usize)
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::datatypes::Int64Type;
    use datafusion::prelude::SessionContext;
    use proptest::prelude::*;

    use super::*;

    fn table(keys: &[&str], name: &str) -> RecordBatch {
        let values: Int64Array = keys.iter().map(|key| key.parse::<i64>().ok()).collect();
        let keys: StringArray = keys.iter().map(|key| Some(*key)).collect();
        RecordBatch::try_from_iter_with_nullable([
            ("key", Arc::new(keys) as ArrayRef, false),
            (name, Arc::new(values) as ArrayRef, true),
        ])
        .expect("a table")
    }

    async fn align(tables: Vec<RecordBatch>, batch_rows: usize) -> Result<Vec<RecordBatch>> {
        let context = SessionContext::new();
        let mut parts = Vec::new();
        for (index, rows) in tables.into_iter().enumerate() {
            let batches = (0..rows.num_rows().div_ceil(batch_rows))
                .map(|at| rows.slice(at * batch_rows, batch_rows.min(rows.num_rows() - at * batch_rows)));
            let table = datafusion::datasource::MemTable::try_new(rows.schema(), vec![batches.collect()])?;
            let frame = context.read_table(Arc::new(table))?;
            parts.push((format!("t{index}"), frame.logical_plan().clone()));
        }
        context.register_table("aligned", Arc::new(AlignTable::new(&context.state(), parts, &[])?))?;
        context.sql("select * from aligned").await?.collect().await
    }

    proptest! {
        #[test]
        fn every_row_of_the_base_finds_its_own_rows(
            base in proptest::sample::subsequence((100..160).collect::<Vec<i32>>(), 0..50).prop_shuffle(),
            left in proptest::sample::subsequence((100..160).collect::<Vec<i32>>(), 0..50),
            right in proptest::sample::subsequence((100..160).collect::<Vec<i32>>(), 0..50).prop_shuffle(),
            sorted in any::<bool>(),
            batch_rows in 1usize..20,
        ) {
            let mut base = base;
            if sorted {
                base.sort_unstable();
            }
            let texts = |keys: &[i32]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
            let all = [texts(&base), texts(&left), texts(&right)];
            let tables = all.iter().enumerate().map(|(index, keys)| {
                table(&keys.iter().map(String::as_str).collect::<Vec<_>>(), &format!("v{index}"))
            });
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let rows = runtime.block_on(align(tables.collect(), batch_rows)).expect("aligned");
            let mut seen = Vec::new();
            for batch in &rows {
                for row in 0..batch.num_rows() {
                    let key: i32 = batch.column(0).as_string::<i32>().value(row).parse().expect("a number");
                    seen.push(key);
                    for (flag, keys) in [(2, &left), (4, &right)] {
                        let there = batch.column(flag).as_boolean().value(row);
                        prop_assert_eq!(there, keys.contains(&key));
                        let value = batch.column(flag + 1).as_primitive::<Int64Type>();
                        prop_assert_eq!(value.is_valid(row).then(|| value.value(row)), there.then_some(i64::from(key)));
                    }
                }
            }
            base.sort_unstable();
            prop_assert_eq!(seen, base);
        }
    }

    #[tokio::test]
    async fn two_rows_of_one_key_are_refused() {
        let error = align(vec![table(&["1", "2"], "a"), table(&["2", "1", "2"], "b")], 8).await.expect_err("two rows");
        assert!(error.to_string().contains("`t1` has two rows for `2`"), "{error}");
    }
}
