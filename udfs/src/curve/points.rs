//! Passes over the points of a curve. Each has a fast way for a curve without
//! gaps, which vectorises, and gives the same with them.

use crate::list::Row;
use crate::round::ratio;

pub(super) type Curve<'a> = Row<'a, i32>;

/// The sum of `of` over the known points, and how many they are.
#[inline(always)]
pub(super) fn sum(curve: Curve<'_>, of: impl Fn(i32) -> i64) -> (i64, i64) {
    match curve.dense() {
        Some(values) => (values.iter().map(|&w| of(w)).sum(), values.len() as i64),
        None => curve.known().fold((0, 0), |(sum, count), (_, w)| (sum + of(w), count + 1)),
    }
}

/// What is taken from the grid, in watts of all known points together, and how
/// many they are. `None` where none is known.
#[inline(always)]
pub(super) fn taken(curve: Curve<'_>) -> Option<(i64, i64)> {
    let (taken, count) = sum(curve, |w| i64::from(w.max(0)));
    (count > 0).then_some((taken, count))
}

#[inline(always)]
pub(super) fn greatest(curve: Curve<'_>) -> Option<i32> {
    match curve.dense() {
        Some(values) => values.iter().copied().reduce(i32::max),
        None => curve.known().map(|(_, w)| w).reduce(i32::max),
    }
}

#[inline(always)]
pub(super) fn least(curve: Curve<'_>) -> Option<i32> {
    match curve.dense() {
        Some(values) => values.iter().copied().reduce(i32::min),
        None => curve.known().map(|(_, w)| w).reduce(i32::min),
    }
}

/// Folds the changes between known neighbours, before and after.
#[inline(always)]
pub(super) fn steps<A>(curve: Curve<'_>, start: A, mut fold: impl FnMut(A, i64) -> A) -> A {
    match curve.dense() {
        Some([]) => start,
        Some(values) => values
            .iter()
            .zip(&values[1..])
            .fold(start, |all, (&before, &after)| fold(all, i64::from(after) - i64::from(before))),
        None => {
            let (mut all, mut before) = (start, None);
            for after in curve.iter() {
                if let (Some(before), Some(after)) = (before, after) {
                    all = fold(all, i64::from(after) - i64::from(before));
                }
                before = after;
            }
            all
        }
    }
}

/// Points of the longest run of known points that are `wanted`. A null ends a
/// run. `None` where no point is known.
#[inline(always)]
pub(super) fn longest_run(curve: Curve<'_>, wanted: impl Fn(i32) -> bool) -> Option<i64> {
    let (mut run, mut longest) = (0i64, 0i64);
    let mut next = |is_wanted: bool| {
        run = if is_wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    };
    match curve.dense() {
        Some([]) => return None,
        Some(values) => values.iter().for_each(|&w| next(wanted(w))),
        None => {
            let mut known = 0;
            for point in curve.iter() {
                known += usize::from(point.is_some());
                next(point.is_some_and(&wanted));
            }
            if known == 0 {
                return None;
            }
        }
    }
    Some(longest)
}

/// The mean of what is taken over the maximum, as a ratio. `None` where nothing
/// is known or the maximum is not above 0.
#[inline(always)]
pub(super) fn load_factor(curve: Curve<'_>) -> Option<i128> {
    let (taken, count) = taken(curve)?;
    let most = i64::from(greatest(curve)?);
    (most > 0).then(|| ratio(i128::from(taken), i128::from(count) * i128::from(most)))
}

/// `sum` watts of intervals of `minutes`, as watt-hours rounded half away from
/// zero. No list is long enough to leave the range of `i64`.
#[inline(always)]
pub(super) fn watt_hours(sum: i64, minutes: i64) -> i64 {
    match sum.checked_mul(minutes) {
        Some(product) => crate::round::divide(product, 60),
        None => {
            let product = i128::from(sum) * i128::from(minutes);
            ((product + product.signum() * 30) / 60) as i64
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::ListArray;
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    use super::*;
    use crate::list::Lists;

    /// Every pass, over what is known, in one comparable value.
    fn all(curve: Curve<'_>) -> impl PartialEq + std::fmt::Debug {
        let rises = steps(curve, (0, 0), |(count, sum), change| (count + 1, sum + change));
        (taken(curve), greatest(curve), least(curve), rises, longest_run(curve, |w| w > 10), load_factor(curve))
    }

    proptest! {
        /// A trailing null makes the same curve take the slow way.
        #[test]
        fn a_curve_is_the_same_with_and_without_the_fast_way(values in prop::collection::vec(-50i32..50, 1..99)) {
            let dense: Vec<_> = values.iter().copied().map(Some).collect();
            let mut gapped = dense.clone();
            gapped.push(None);
            let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(dense), Some(gapped)]);
            let lists = Lists::<Int32Type>::try_new("test", &lists).unwrap();
            prop_assert_eq!(all(lists.row(0).unwrap()), all(lists.row(1).unwrap()));
        }
    }

    #[test]
    fn watt_hours_are_rounded_once() {
        assert_eq!([1, 2, 3, -2].map(|sum| watt_hours(sum, 15)), [0, 1, 1, -1]);
        assert_eq!(watt_hours(i64::MAX / 2, 120), i64::MAX - 1);
    }
}
