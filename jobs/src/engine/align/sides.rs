//! What is held of the tables to align, and how its rows are found.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, prep_null_mask_filter, take};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::{Result, exec_err, internal_datafusion_err, internal_err};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::TryStreamExt;

use crate::project::tag::Side;

/// Sides of all tables, read when the first rows are asked for.
pub struct Sides {
    schema: SchemaRef,
    /// Not read yet.
    streams: Vec<(Vec<Side>, SendableRecordBatchStream)>,
    held: Vec<Held>,
    memory: MemoryReservation,
}

/// A side that is held in memory.
struct Held {
    /// The key, then the columns of the side.
    rows: RecordBatch,
    /// Where keys stand, of a side that is not in their order.
    places: Option<HashMap<String, u32>>,
    /// The first row that is not passed yet, of one that is.
    next: usize,
}

/// A side of a stream: its columns, and the one that says which rows are its own.
struct Taken {
    name: String,
    when: Option<usize>,
    columns: Vec<usize>,
    batches: Vec<RecordBatch>,
}

impl Taken {
    fn of(side: &Side, schema: &Schema) -> Result<Self> {
        let when = side.when.as_ref().map(|name| schema.index_of(name)).transpose()?;
        let mut columns = vec![0];
        for name in &side.columns {
            columns.push(schema.index_of(name)?);
        }
        Ok(Self { name: side.name.clone(), when, columns, batches: Vec::new() })
    }

    /// Its rows of a batch, and how much memory they take.
    fn take(&mut self, batch: &RecordBatch) -> Result<usize> {
        let mut own = batch.project(&self.columns)?;
        if let Some(when) = self.when {
            let Some(mask) = batch.column(when).as_boolean_opt() else {
                return internal_err!("`{}` is taken by what is not true or false", self.name);
            };
            own = match mask.null_count() {
                0 => filter_record_batch(&own, mask)?,
                _ => filter_record_batch(&own, &prep_null_mask_filter(mask))?,
            };
        }
        let bytes = own.get_array_memory_size();
        self.batches.push(own);
        Ok(bytes)
    }

    /// All its rows, one after the other.
    fn held(self, schema: &SchemaRef) -> Result<Held> {
        let schema = Arc::new(schema.project(&self.columns)?);
        Held::new(&self.name, concat_batches(&schema, &self.batches)?)
    }
}

impl Sides {
    pub fn new(
        schema: SchemaRef,
        streams: Vec<(Vec<Side>, SendableRecordBatchStream)>,
        memory: MemoryReservation,
    ) -> Self {
        Self { schema, streams, held: Vec::new(), memory }
    }

    /// Reads all sides, once.
    pub async fn collect(&mut self) -> Result<()> {
        for (sides, mut stream) in std::mem::take(&mut self.streams) {
            let schema = stream.schema();
            let mut taken: Vec<Taken> = sides.iter().map(|side| Taken::of(side, &schema)).collect::<Result<_>>()?;
            let mut before = 0;
            while let Some(batch) = stream.try_next().await? {
                for side in &mut taken {
                    let bytes = side.take(&batch)?;
                    self.memory.try_grow(bytes)?;
                    before += bytes;
                }
            }
            for side in taken {
                let held = side.held(&schema)?;
                self.memory.try_grow(held.rows.get_array_memory_size())?;
                self.held.push(held);
            }
            self.memory.shrink(before);
        }
        Ok(())
    }

    /// The rows of the base with those of all sides beside them.
    pub fn align(&mut self, base: &RecordBatch) -> Result<RecordBatch> {
        let keys = keys("the base", base)?;
        let mut columns: Vec<ArrayRef> = base.columns().to_vec();
        for side in &mut self.held {
            side.append(keys, &mut columns)?;
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn keys<'a>(name: &str, rows: &'a RecordBatch) -> Result<&'a StringArray> {
    let keys = rows.columns().first().and_then(|column| column.as_string_opt::<i32>());
    keys.ok_or_else(|| internal_datafusion_err!("{name} has no text as its first column"))
}

impl Held {
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
    use arrow::array::{BooleanArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use datafusion::datasource::MemTable;
    use datafusion::prelude::SessionContext;
    use proptest::prelude::*;

    use crate::engine::align::AlignTable;
    use crate::project::tag::{Part, WideRelation};

    use super::*;

    /// Rows of keys; `odd` says which ones have an odd tag, and no row of tag 2 is
    /// of any side.
    fn table(rows: &[(i32, u8)]) -> RecordBatch {
        let keys: StringArray = rows.iter().map(|(key, _)| Some(key.to_string())).collect();
        let values: Int64Array = rows.iter().map(|(key, tag)| Some(i64::from(*key) * 10 + i64::from(*tag))).collect();
        let is =
            |wanted: u8| rows.iter().map(|(_, tag)| (*tag < 2).then_some(*tag == wanted)).collect::<BooleanArray>();
        RecordBatch::try_from_iter_with_nullable([
            ("key", Arc::new(keys) as ArrayRef, false),
            ("v", Arc::new(values) as ArrayRef, true),
            ("is_0", Arc::new(is(0)) as ArrayRef, true),
            ("is_1", Arc::new(is(1)) as ArrayRef, true),
        ])
        .expect("a table")
    }

    fn side(name: &str, when: Option<&str>) -> Side {
        Side { name: name.to_owned(), when: when.map(str::to_owned), columns: vec!["v".to_owned()] }
    }

    /// Aligns sides of a table with the rows of a base.
    async fn align(
        base: RecordBatch,
        other: RecordBatch,
        sides: Vec<Side>,
        batch_rows: usize,
    ) -> Result<Vec<RecordBatch>> {
        let context = SessionContext::new();
        let mut relation = WideRelation::default();
        let mut plans = Vec::new();
        for (rows, sides) in [(base, Vec::new()), (other, sides)] {
            let batches = (0..rows.num_rows().div_ceil(batch_rows))
                .map(|at| rows.slice(at * batch_rows, batch_rows.min(rows.num_rows() - at * batch_rows)));
            let table = MemTable::try_new(rows.schema(), vec![batches.collect()])?;
            plans.push(context.read_table(Arc::new(table))?.logical_plan().clone());
            relation.parts.push(Part { name: String::new(), sql: String::new(), sides });
        }
        context.register_table("aligned", Arc::new(AlignTable::new(&context.state(), &relation, plans)?))?;
        let sql = "select key, v, a__there, a__v, b__there, b__v from aligned";
        context.sql(sql).await?.collect().await
    }

    fn rows(keys: usize) -> impl Strategy<Value = Vec<(i32, u8)>> {
        let all: Vec<(i32, u8)> = (100..160).flat_map(|key| [(key, 0), (key, 1), (key, 2)]).collect();
        proptest::sample::subsequence(all, 0..keys)
    }

    proptest! {
        #[test]
        fn every_row_of_the_base_finds_its_own_rows(
            base in proptest::sample::subsequence((100..160).collect::<Vec<i32>>(), 0..50).prop_shuffle(),
            other in prop_oneof![rows(170), rows(170).prop_shuffle()],
            sorted in any::<bool>(),
            batch_rows in 1usize..20,
        ) {
            let mut base: Vec<(i32, u8)> = base.into_iter().map(|key| (key, 0)).collect();
            if sorted {
                base.sort_unstable();
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let sides = vec![side("a", Some("is_0")), side("b", Some("is_1"))];
            let found = runtime.block_on(align(table(&base), table(&other), sides, batch_rows)).expect("aligned");
            let mut seen = Vec::new();
            for batch in &found {
                let value = |column: usize, row: usize| {
                    let values = batch.column(column).as_primitive::<Int64Type>();
                    values.is_valid(row).then(|| values.value(row))
                };
                for row in 0..batch.num_rows() {
                    let key: i32 = batch.column(0).as_string::<i32>().value(row).parse().expect("a number");
                    seen.push((key, 0));
                    prop_assert_eq!(value(1, row), Some(i64::from(key) * 10));
                    for (flag, tag) in [(2, 0), (4, 1)] {
                        let there = batch.column(flag).as_boolean().value(row);
                        prop_assert_eq!(there, other.contains(&(key, tag)));
                        prop_assert_eq!(value(flag + 1, row), there.then_some(i64::from(key) * 10 + i64::from(tag)));
                    }
                }
            }
            base.sort_unstable();
            prop_assert_eq!(seen, base);
        }
    }

    #[tokio::test]
    async fn two_rows_of_one_key_are_refused() {
        let sides = vec![side("a", Some("is_0")), side("b", None)];
        let error = align(table(&[(1, 0)]), table(&[(2, 0), (1, 0), (2, 1)]), sides, 8).await.expect_err("two rows");
        assert!(error.to_string().contains("`b` has two rows for `2`"), "{error}");
    }
}
