//! A unit's rows in the order of their partition and key. They are sorted by
//! their keys alone and each row is copied once, straight to where it belongs,
//! since lists are dear to copy. What does not fit into memory goes through
//! DataFusion's external sort, which gives the same order.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{SortOptions, interleave_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::StreamExt;

/// Nulls first, least first, by `partition` and then by `key`. Rows with equal
/// keys come in any order.
pub async fn sorted(
    mut rows: SendableRecordBatchStream,
    partition: &[String],
    key: &[String],
    context: &Arc<TaskContext>,
    time: &Time,
) -> Result<SendableRecordBatchStream> {
    if partition.is_empty() && key.is_empty() {
        return Ok(rows);
    }
    let schema = rows.schema();
    let memory = MemoryConsumer::new("rows to sort").with_can_spill(true).register(context.memory_pool());
    let mut held =
        Held { partition: Keys::new(&schema, partition)?, key: Keys::new(&schema, key)?, batches: Vec::new(), memory };
    while let Some(batch) = rows.next().await.transpose()? {
        let _timer = time.timer();
        if batch.num_rows() > 0 && !held.push(batch)? {
            let columns = partition.iter().chain(key);
            return external(held.batches, rows, columns, context);
        }
    }
    let _timer = time.timer();
    held.into_stream(schema, context.session_config().batch_size(), time.clone())
}

/// Some columns of all rows held, in a form that compares as bytes.
struct Keys {
    columns: Vec<usize>,
    converter: RowConverter,
    rows: Rows,
}

impl Keys {
    fn new(schema: &Schema, names: &[String]) -> Result<Self> {
        let columns = names.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let fields = columns.iter().map(|column| SortField::new(schema.field(*column).data_type().clone()));
        let converter = RowConverter::new(fields.collect())?;
        let rows = converter.empty_rows(0, 0);
        Ok(Self { columns, converter, rows })
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let columns: Vec<ArrayRef> = self.columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
        Ok(self.converter.append(&mut self.rows, &columns)?)
    }

    fn row(&self, row: usize) -> &[u8] {
        if self.columns.is_empty() { &[] } else { self.rows.row(row).data() }
    }
}

/// All rows of a unit, in the order of their arrival.
struct Held {
    partition: Keys,
    key: Keys,
    batches: Vec<RecordBatch>,
    memory: MemoryReservation,
}

impl Held {
    /// False, and the memory given back, where the rows do not fit. The batch
    /// is held all the same.
    fn push(&mut self, batch: RecordBatch) -> Result<bool> {
        let before = self.partition.rows.size() + self.key.rows.size();
        self.partition.push(&batch)?;
        self.key.push(&batch)?;
        let keys = self.partition.rows.size() + self.key.rows.size() - before;
        // Beside the keys, each row has an index and a place.
        let order = batch.num_rows() * (size_of::<usize>() + size_of::<(usize, usize)>());
        let fits = self.memory.try_grow(slice_bytes(&batch)? + keys + order).is_ok();
        self.batches.push(batch);
        if !fits {
            self.memory.free();
        }
        Ok(fits)
    }

    /// Row numbers in order. Partitions are told apart first: rows mostly
    /// arrive sorted within them, and a stable sort is quick to see it.
    fn order(&self) -> Vec<usize> {
        let count: usize = self.batches.iter().map(RecordBatch::num_rows).sum();
        let mut groups: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        for row in 0..count {
            groups.entry(self.partition.row(row)).or_default().push(row);
        }
        let mut order = Vec::with_capacity(count);
        for mut group in groups.into_values() {
            group.sort_by(|left, right| self.key.row(*left).cmp(self.key.row(*right)));
            order.append(&mut group);
        }
        order
    }

    fn into_stream(self, schema: SchemaRef, rows_per_batch: usize, time: Time) -> Result<SendableRecordBatchStream> {
        let order = self.order();
        let Self { batches, memory, .. } = self;
        if order.is_sorted() {
            let rows = futures::stream::iter(batches.into_iter().map(Ok));
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)));
        }
        let mut places = Vec::with_capacity(order.len());
        for (number, batch) in batches.iter().enumerate() {
            places.extend((0..batch.num_rows()).map(|row| (number, row)));
        }
        let places: Vec<(usize, usize)> = order.into_iter().map(|row| places[row]).collect();
        let starts = (0..places.len()).step_by(rows_per_batch);
        let rows = starts.map(move |start| {
            let _timer = time.timer();
            let _held_until_the_last_row = &memory;
            let end = places.len().min(start + rows_per_batch);
            let batches: Vec<&RecordBatch> = batches.iter().collect();
            Ok(interleave_record_batch(&batches, &places[start..end])?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(rows))))
    }
}

/// Bytes of the rows of a batch, which may be a slice of something larger.
fn slice_bytes(batch: &RecordBatch) -> Result<usize> {
    batch.columns().iter().map(|column| Ok(column.to_data().get_slice_memory_size()?)).sum()
}

/// The same by DataFusion's sort, which spills to disk.
fn external<'a>(
    held: Vec<RecordBatch>,
    rest: SendableRecordBatchStream,
    columns: impl Iterator<Item = &'a String>,
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let schema = rest.schema();
    let options = SortOptions { descending: false, nulls_first: true };
    let order = columns
        .map(|name| Ok(PhysicalSortExpr::new(Arc::new(Column::new(name, schema.index_of(name)?)), options)))
        .collect::<Result<Vec<_>>>()?;
    let rows = futures::stream::iter(held.into_iter().map(Ok)).chain(rest);
    let rows = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), rows));
    let Some(order) = LexOrdering::new(order) else { return internal_err!("a sort without columns") };
    let source = Arc::new(Once { schema: Arc::clone(&schema), rows: Mutex::new(Some(rows)) });
    let source = StreamingTableExec::try_new(schema, vec![source], None, [], false, None)?;
    SortExec::new(order, Arc::new(source)).execute(0, Arc::clone(context))
}

/// A stream as the leaf of a plan that is run once.
struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().ok().and_then(|mut rows| rows.take());
        rows.unwrap_or_else(|| {
            let refusal = futures::stream::once(async { internal_err!("the rows of a unit were asked for twice") });
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), refusal))
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int32Array, ListArray, StringArray};
    use arrow::compute::concat_batches;
    use arrow::datatypes::{Int32Type, Int64Type};
    use datafusion::common::DataFusionError;
    use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
    use datafusion::execution::memory_pool::FairSpillPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::physical_plan::common::collect;
    use datafusion::prelude::{SessionConfig, SessionContext};
    use proptest::prelude::*;

    use super::*;

    /// A row of the sample: bucket, account and a list that tells it apart.
    type Row = (Option<i32>, Option<String>, i64);

    fn batch(rows: &[Row]) -> RecordBatch {
        let buckets: Int32Array = rows.iter().map(|row| row.0).collect();
        let accounts: StringArray = rows.iter().map(|row| row.1.as_deref()).collect();
        let lists = rows.iter().map(|row| Some(vec![Some(row.2); 40]));
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
        let columns: [(&str, ArrayRef); 3] =
            [("bucket", Arc::new(buckets)), ("account_id", Arc::new(accounts)), ("list", Arc::new(lists))];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).expect("batch")
    }

    fn rows(batch: &RecordBatch) -> Vec<Row> {
        let buckets = batch.column(0).as_primitive::<Int32Type>();
        let accounts = batch.column(1).as_string::<i32>();
        let lists = batch.column(2).as_list::<i32>();
        let buckets = buckets.iter().zip(accounts.iter());
        let firsts = lists.iter().map(|list| list.map_or(-1, |list| list.as_primitive::<Int64Type>().value(0)));
        buckets.zip(firsts).map(|((bucket, account), first)| (bucket, account.map(str::to_owned), first)).collect()
    }

    fn sort(batches: Vec<RecordBatch>, memory_bytes: usize, disk: DiskManagerMode) -> Result<Vec<Row>> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(disk))
            .build_arc()
            .expect("runtime");
        let config =
            SessionConfig::new().with_batch_size(16).set_u64("datafusion.execution.sort_spill_reservation_bytes", 4096);
        let context = SessionContext::new_with_config_rt(config, runtime);
        let schema = batch(&[]).schema();
        let input = futures::stream::iter(batches.into_iter().map(Ok));
        let input = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), input));
        let columns = |name: &str| vec![name.to_owned()];
        let work = async {
            let (partition, key) = (columns("bucket"), columns("account_id"));
            let sorted = sorted(input, &partition, &key, &context.task_ctx(), &Time::new()).await?;
            collect(sorted).await
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let batches = runtime.block_on(work)?;
        assert_eq!(context.runtime_env().memory_pool.reserved(), 0, "memory is given back");
        Ok(rows(&concat_batches(&schema, &batches)?))
    }

    fn any_row() -> impl Strategy<Value = Row> {
        (prop::option::of(0..3i32), prop::option::of("[a-c]{0,2}"), any::<i64>())
    }

    proptest! {
        #[test]
        fn rows_come_in_order_and_none_is_lost(
            batches in prop::collection::vec(prop::collection::vec(any_row(), 0..40), 0..6),
        ) {
            let mut expected: Vec<Row> = batches.iter().flatten().cloned().collect();
            expected.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
            let batches = batches.iter().map(|rows| batch(rows)).collect();
            prop_assert_eq!(sort(batches, 1 << 30, DiskManagerMode::Disabled).expect("sorted"), expected);
        }
    }

    #[test]
    fn what_does_not_fit_comes_in_the_same_order() {
        let row = |n: i64| ((n % 3 != 0).then_some((n % 5) as i32), Some(format!("a{:05}", n * 7919 % 20_000)), n);
        let batches: Vec<RecordBatch> =
            (0..200).map(|part| batch(&(0..100).map(|n| row(part * 100 + n)).collect::<Vec<_>>())).collect();
        // 20,000 rows of about 350 bytes in memory for some 3,000.
        let fits = sort(batches.clone(), 1 << 30, DiskManagerMode::Disabled).expect("sorted in memory");
        let spills = sort(batches.clone(), 1 << 20, DiskManagerMode::OsTmpDirectory).expect("sorted on disk");
        assert_eq!(fits, spills);
        let error = sort(batches, 1 << 20, DiskManagerMode::Disabled).expect_err("neither memory nor disk");
        assert!(matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)), "{error}");
    }
}
