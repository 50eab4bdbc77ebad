//! Rows of a batch that stay. Mostly nearly all of them do, and lists are dear
//! to copy: then they are handed on as slices.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::util::bit_iterator::BitSliceIterator;
use datafusion::common::Result;

/// A slice shorter than this costs more downstream than its copy.
const ROWS_PER_SLICE: usize = 256;

/// The rows of `batch` where `keep` is true, in order, in one batch or more.
pub fn keep(batch: &RecordBatch, keep: &BooleanArray) -> Result<Vec<RecordBatch>> {
    let bits = keep.values();
    let runs = || BitSliceIterator::new(bits.values(), bits.offset(), bits.len());
    if runs().count() * ROWS_PER_SLICE <= batch.num_rows().max(ROWS_PER_SLICE) {
        return Ok(runs().map(|(start, end)| batch.slice(start, end - start)).collect());
    }
    Ok(vec![filter_record_batch(batch, keep)?])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array};
    use arrow::compute::concat_batches;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_is_what_a_filter_keeps(
            gone in prop::collection::vec(0usize..3000, 0..30),
            rows in 0usize..3000,
            offset in 0usize..70,
        ) {
            let column: ArrayRef = Arc::new(Int32Array::from_iter_values(0..rows as i32));
            let batch = RecordBatch::try_from_iter([("row", column)]).expect("batch");
            let mask: BooleanArray = (0..rows).map(|row| Some(!gone.contains(&row))).collect();
            let offset = offset.min(rows);
            let (batch, mask) = (batch.slice(offset, rows - offset), mask.slice(offset, rows - offset));
            let kept = keep(&batch, &mask).expect("kept");
            prop_assert_eq!(
                concat_batches(&batch.schema(), &kept).expect("whole"),
                filter_record_batch(&batch, &mask).expect("filtered")
            );
        }
    }
}
