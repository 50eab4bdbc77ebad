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
    with_known(curve, |values| {
        let wanted = ((180 / minutes).max(1) as usize).min(values.len());
        values.select_nth_unstable(wanted - 1);
        let sum = values[..wanted].iter().map(|&w| i64::from(w.max(0))).sum();
        divide(sum, wanted as i64)
    })
}
