//! The columns of state and result.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{ArrowPrimitiveType, Int32Type, Int64Type};
use datafusion_common::{Result, exec_err};

use super::EnergyCurves;
use crate::list::ListWriter;
use crate::round::divide;

/// Slots to make room for, for each group: half hours.
const SLOTS: usize = 48;

impl EnergyCurves {
    /// The state columns, see [`state`](super::state).
    pub(super) fn write_state(&self) -> Result<Vec<ArrayRef>> {
        let groups = self.sums.groups();
        let mut sums = ListWriter::<Int64Type>::with_capacity(groups, groups * SLOTS);
        let mut counts = ListWriter::<Int64Type>::with_capacity(groups, groups);
        for group in 0..groups {
            match self.sums.get(group) {
                None => {
                    sums.push_null();
                    counts.push_null();
                }
                Some(cells) => {
                    sums.push_dense(cells);
                    counts.push_dense(&self.counts_of(group));
                }
            }
        }
        Ok(vec![Arc::new(sums.finish(self.function)?), Arc::new(counts.finish(self.function)?)])
    }

    pub(super) fn write_sums(&self) -> Result<ArrayRef> {
        self.write::<Int64Type>(|sum, _| Some(sum))
    }

    /// A mean that `INT` cannot hold is an error, not a NULL.
    pub(super) fn write_means(&self) -> Result<ArrayRef> {
        let mut wrong = None;
        let means = self.write::<Int32Type>(|sum, count| {
            let mean = i32::try_from(divide(sum, count)).ok();
            if mean.is_none() {
                wrong = Some((sum, count));
            }
            mean
        });
        match wrong {
            Some((sum, count)) => exec_err!("{}: the mean {sum} / {count} does not fit into INT", self.function),
            None => means,
        }
    }

    /// The sum and the count of each slot of a group.
    fn slots(&self, group: usize) -> Option<impl Iterator<Item = (i64, i64)>> {
        let sums = self.sums.get(group)?;
        let full = self.full[group];
        let counts = self.counts.get(group);
        Some(sums.iter().enumerate().map(move |(slot, &sum)| (sum, full + counts.map_or(0, |counts| counts[slot]))))
    }

    fn write<T: ArrowPrimitiveType>(&self, mut value: impl FnMut(i64, i64) -> Option<T::Native>) -> Result<ArrayRef> {
        let groups = self.sums.groups();
        let mut lists = ListWriter::<T>::with_capacity(groups, groups * SLOTS);
        for group in 0..groups {
            match self.slots(group) {
                None => lists.push_null(),
                Some(slots) => lists.push(slots.map(|(sum, count)| if count > 0 { value(sum, count) } else { None })),
            }
        }
        Ok(Arc::new(lists.finish(self.function)?))
    }
}
