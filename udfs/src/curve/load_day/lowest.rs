//! The sum of the lowest eighth of a day, three hours of 24.

/// Sum of the `N / 8` smallest values.
///
/// Sorting costs more than all the rest of the day together, so the k-th
/// smallest value is found by bisection, counting what lies at or below a
/// threshold: each count is one pass that vectorises. The values fall into k
/// groups; k of them, the minima, are at most the largest minimum, so that
/// bounds the k-th smallest from above, closely enough that a few passes do.
#[inline(always)]
pub(super) fn sum_of_lowest<const N: usize>(values: &[i32; N], minimum: i32) -> i64 {
    let wanted = (N / 8) as i32;
    // The k-th smallest value stays within `low..=high`.
    let (mut low, mut high) = (minimum, largest_group_minimum(values));
    while low < high {
        let middle = ((i64::from(low) + i64::from(high)) >> 1) as i32;
        let count: i32 = values.iter().map(|&w| i32::from(w <= middle)).sum();
        if count == wanted {
            return values.iter().map(|&w| if w <= middle { i64::from(w) } else { 0 }).sum();
        } else if count > wanted {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    // Values equal to the k-th smallest fill up what those below it leave.
    let below: i32 = values.iter().map(|&w| i32::from(w < low)).sum();
    let sum: i64 = values.iter().map(|&w| if w < low { i64::from(w) } else { 0 }).sum();
    sum + i64::from(wanted - below) * i64::from(low)
}

/// Of the groups `{i, i + k, i + 2k, …}` with `k = N / 8`, the largest minimum.
#[inline(always)]
fn largest_group_minimum<const N: usize>(values: &[i32; N]) -> i32 {
    let mut minima = [i32::MAX; 36];
    let minima = &mut minima[..N / 8];
    for eighth in values.chunks_exact(N / 8) {
        for (minimum, &w) in minima.iter_mut().zip(eighth) {
            *minimum = (*minimum).min(w);
        }
    }
    minima.iter().fold(i32::MIN, |largest, &w| largest.max(w))
}
