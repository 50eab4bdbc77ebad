//! A straight line through rows, and how they scatter.

/// Slope and value at 0 of the line that fits best by least squares. `None`
/// where all rows have one time.
pub(super) fn line(rows: &[[f64; 2]]) -> Option<(f64, f64)> {
    let count = rows.len() as f64;
    let (times, values) = rows.iter().fold((0.0, 0.0), |(times, values), [t, v]| (times + t, values + v));
    let (time, value) = (times / count, values / count);
    let (mut both, mut squares) = (0.0, 0.0);
    for [t, v] in rows {
        both += (t - time) * (v - value);
        squares += (t - time) * (t - time);
    }
    (squares > 0.0).then(|| (both / squares, value - both / squares * time))
}

/// Variance of the population.
pub(super) fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count
}
