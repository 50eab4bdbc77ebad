//! The known points of a curve in ascending order.

use std::cell::RefCell;

use super::points::Curve;
use crate::round::divide;

thread_local! {
    /// Space that every row of a thread uses: no row allocates.
    static SPACE: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

/// What `read` makes of the known points, which are at least one and may be put
/// into another order. `None` where no point is known.
pub(super) fn with_known<R>(curve: Curve<'_>, read: impl FnOnce(&mut [i32]) -> R) -> Option<R> {
    SPACE.with_borrow_mut(|space| {
        space.clear();
        match curve.dense() {
            Some(values) => space.extend_from_slice(values),
            None => space.extend(curve.known().map(|(_, w)| w)),
        }
        (!space.is_empty()).then(|| read(space))
    })
}

/// The mean of the lowest three hours, of intervals of `minutes`, negative
/// points as 0, rounded half away from zero; of all known points where they are
/// fewer. `None` where no point is known.
pub(super) fn lowest_hours(curve: Curve<'_>, minutes: i64) -> Option<i64> {
    let wanted = (180 / minutes).max(1) as usize;
    let (sum, count) = with_known(curve, |values| {
        values.iter_mut().for_each(|w| *w = (*w).max(0));
        sum_of_smallest(values, wanted)
    })??;
    Some(divide(sum, count))
}

/// Sum and number of the `count` smallest values, of all where there are
/// fewer. `None` of no values.
pub(super) fn sum_of_smallest(values: &mut [i32], count: usize) -> Option<(i64, i64)> {
    let count = count.min(values.len());
    let (below, last, _) = values.select_nth_unstable(count.checked_sub(1)?);
    let sum = below.iter().map(|&w| i64::from(w)).sum::<i64>() + i64::from(*last);
    Some((sum, count as i64))
}
