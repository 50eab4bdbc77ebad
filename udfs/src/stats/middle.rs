//! The middle of sorted values.

/// The median of ascending values, which are at least one.
pub(crate) fn middle(ascending: &[f64]) -> f64 {
    let half = ascending.len() / 2;
    if ascending.len() % 2 == 1 { ascending[half] } else { ascending[half - 1].midpoint(ascending[half]) }
}
