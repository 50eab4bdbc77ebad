//! Repeated keys in a sorted stream: of rows with one key the greatest row
//! stays, compared column by column, so that the order of delivery does not
//! matter.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::Schema;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::Result;

use super::keep;
use super::write::WriteSpec;

/// Holds back the last row of what it has seen, because the next batch may
/// begin with the same key.
pub struct Unique {
    key_columns: Vec<usize>,
    keys: RowConverter,
    rows: RowConverter,
    held: Option<(OwnedRow, RecordBatch)>,
    dropped: u64,
}

impl Unique {
    pub fn new(schema: &Schema, spec: &WriteSpec) -> Result<Self> {
        let names = spec.partition.iter().chain(&spec.key);
        let key_columns = names.map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let field = |column: usize| SortField::new(schema.field(column).data_type().clone());
        Ok(Self {
            keys: RowConverter::new(key_columns.iter().map(|column| field(*column)).collect())?,
            rows: RowConverter::new((0..schema.fields().len()).map(field).collect())?,
            key_columns,
            held: None,
            dropped: 0,
        })
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Rows that are certain now, in order.
    pub fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let rows = batch.num_rows();
        if rows == 0 {
            return Ok(Vec::new());
        }
        let columns: Vec<_> = self.key_columns.iter().map(|column| batch.column(*column).clone()).collect();
        let keys = self.keys.convert_columns(&columns)?;
        let mut keep = vec![true; rows];
        let mut ready = Vec::new();
        let mut last = 0;
        if let Some((key, held)) = self.held.take() {
            if key.row() == keys.row(0) {
                self.dropped += 1;
                // The greater of the two takes the place of the first row.
                if self.is_greater(&held, 0, &batch, 0)? {
                    self.held = Some((key, held));
                    keep[0] = false;
                }
            } else {
                ready.push(held);
            }
        }
        for row in 1..rows {
            if keys.row(row) != keys.row(last) {
                if let Some((_, held)) = self.held.take() {
                    ready.push(held);
                }
                last = row;
                continue;
            }
            self.dropped += 1;
            let wins = match &self.held {
                Some((_, held)) => !self.is_greater(&held.clone(), 0, &batch, row)?,
                None => self.is_greater(&batch, row, &batch, last)?,
            };
            if wins {
                keep[last] = false;
                self.held = None;
                last = row;
            } else {
                keep[row] = false;
            }
        }
        if self.held.is_none() {
            keep[last] = false;
            self.held = Some((keys.row(last).owned(), batch.slice(last, 1)));
        }
        ready.extend(keep::keep(&batch, &BooleanArray::from(keep))?);
        Ok(ready)
    }

    /// The row that was held back.
    pub fn finish(&mut self) -> Vec<RecordBatch> {
        self.held.take().map(|(_, row)| row).into_iter().collect()
    }

    fn is_greater(&self, left: &RecordBatch, left_row: usize, right: &RecordBatch, right_row: usize) -> Result<bool> {
        let left = self.rows.convert_columns(left.slice(left_row, 1).columns())?;
        let right = self.rows.convert_columns(right.slice(right_row, 1).columns())?;
        Ok(left.row(0) > right.row(0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type};
    use proptest::prelude::*;

    use super::*;

    fn run(batches: &[Vec<(i64, i64)>]) -> (Vec<(i64, i64)>, u64) {
        let schema =
            Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, true)]));
        let spec = WriteSpec {
            table: "t".into(),
            folder: "f".into(),
            unit: "u".into(),
            partition: vec![],
            key: vec!["k".into()],
        };
        let mut unique = Unique::new(&schema, &spec).expect("schema");
        let mut out = Vec::new();
        for rows in batches {
            let (keys, values): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
            let batch = RecordBatch::try_new(
                Arc::clone(&schema),
                vec![Arc::new(Int64Array::from(keys)), Arc::new(Int64Array::from(values))],
            );
            out.extend(unique.push(batch.expect("batch")).expect("push"));
        }
        out.extend(unique.finish());
        let pairs = out.iter().flat_map(|batch| {
            let (keys, values) =
                (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
            (0..batch.num_rows()).map(|row| (keys.value(row), values.value(row))).collect::<Vec<_>>()
        });
        (pairs.collect(), unique.dropped())
    }

    proptest! {
        #[test]
        fn the_greatest_row_of_each_key_stays_in_order(
            mut rows in prop::collection::vec((0i64..6, 0i64..4), 0..40),
            cuts in prop::collection::vec(0usize..40, 0..6),
        ) {
            // Sorted by key alone: rows of one key come in any order.
            rows.sort_by_key(|row| row.0);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(rows.len())).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            let batches: Vec<_> = cuts.windows(2).map(|pair| rows[pair[0]..pair[1]].to_vec()).collect();
            let mut expected = std::collections::BTreeMap::new();
            for (key, value) in &rows {
                let best = expected.entry(*key).or_insert(*value);
                *best = (*best).max(*value);
            }
            let (found, dropped) = run(&batches);
            prop_assert_eq!(dropped as usize, rows.len() - expected.len());
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
