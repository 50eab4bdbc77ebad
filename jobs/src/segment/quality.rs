//! How alike the members of groups are, and how different the groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Points, square};

/// The panel of indices by which a number of groups is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Indices {
    /// -1 to 1, larger is better. Source: P. J. Rousseeuw (1987).
    pub silhouette: f64,
    /// Smaller is better. Source: D. L. Davies and D. W. Bouldin (1979).
    pub davies_bouldin: f64,
    /// Larger is better. Source: T. Caliński and J. Harabasz (1974).
    pub calinski_harabasz: f64,
    /// The share of the variance that lies between groups, 0 to 1.
    pub explained: f64,
}

impl Indices {
    /// Of groups none of which is empty. The silhouette compares every row with every
    /// other one: it is for samples.
    pub fn of(points: &Points, labels: &[usize], groups: usize) -> Self {
        Self { silhouette: silhouette(points, labels, groups), ..Self::of_means(points, labels, groups) }
    }

    /// The same without the silhouette, which is 0.
    pub fn of_means(points: &Points, labels: &[usize], groups: usize) -> Self {
        let means = points.means(labels, groups);
        let within = within(points, labels, &means);
        let one = vec![0; points.len()];
        let total = self::within(points, &one, &points.means(&one, 1));
        let between = total - within;
        let (size, count) = (points.weight(), groups as f64);
        let calinski_harabasz = match within > 0.0 {
            true => between * (size - count) / (within * (count - 1.0)),
            // As scikit-learn has it.
            false => 1.0,
        };
        Self {
            silhouette: 0.0,
            davies_bouldin: davies_bouldin(points, labels, &means),
            calinski_harabasz,
            explained: if total > 0.0 { between / total } else { 1.0 },
        }
    }
}

/// The weighted sum of squares inside the groups.
pub fn within(points: &Points, labels: &[usize], means: &Points) -> f64 {
    let squares = points.rows().zip(labels).map(|(row, label)| square(row, means.row(*label)));
    squares.zip(&points.weights).map(|(square, weight)| square * weight).sum()
}

/// The adjusted Rand index of two groupings, from how many rows each two groups share.
pub fn agreement(counts: &BTreeMap<(usize, usize), i64>) -> Option<f64> {
    let names: Vec<(String, String, i64)> =
        counts.iter().map(|((one, other), count)| (one.to_string(), other.to_string(), *count)).collect();
    kwhy_udfs::adjusted_rand_of(names.iter().map(|(one, other, count)| (one.as_str(), other.as_str(), *count)))
}

/// A row of weight w is w rows that lie on each other; those of a group of one alone
/// count as 0.
pub fn silhouette(points: &Points, labels: &[usize], groups: usize) -> f64 {
    let mut sizes = vec![0.0; groups];
    labels.iter().zip(&points.weights).for_each(|(label, weight)| sizes[*label] += weight);
    let mut sum = 0.0;
    let mut distances = vec![0.0; groups];
    for (row, (&own, &weight)) in points.rows().zip(labels.iter().zip(&points.weights)) {
        distances.fill(0.0);
        for (other, (&label, &weight)) in points.rows().zip(labels.iter().zip(&points.weights)) {
            distances[label] += weight * square(row, other).sqrt();
        }
        if sizes[own] <= 1.0 {
            continue;
        }
        let inside = distances[own] / (sizes[own] - 1.0);
        let others = (0..groups).filter(|group| *group != own && sizes[*group] > 0.0);
        let outside = others.map(|group| distances[group] / sizes[group]).fold(f64::INFINITY, f64::min);
        let most = inside.max(outside);
        if most > 0.0 && most.is_finite() {
            sum += weight * (outside - inside) / most;
        }
    }
    sum / points.weight()
}

/// As the function of that name has it; the worst where two groups have one centre.
fn davies_bouldin(points: &Points, labels: &[usize], means: &Points) -> f64 {
    let mut spreads = vec![0.0; means.len()];
    for ((row, weight), &label) in points.rows().zip(&points.weights).zip(labels) {
        spreads[label] += weight * square(row, means.row(label)).sqrt();
    }
    let spreads = spreads.into_iter().zip(&means.weights).map(|(spread, size)| spread / size);
    let clusters: Vec<(f64, &[f64])> = spreads.zip(means.rows()).collect();
    kwhy_udfs::davies_bouldin_of(clusters).unwrap_or(f64::MAX)
}
