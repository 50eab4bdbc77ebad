//! k-means: a start by k-means++, then Lloyd's steps. Source: D. Arthur and
//! S. Vassilvitskii, k-means++: the advantages of careful seeding, SODA 2007.

use std::ops::Range;

use kwhy_udfs::{Centroids, Nearest};
use twox_hash::XxHash64;

use super::{Points, side_by_side, square};

/// Rows that are not worth a thread of their own.
const RUN: usize = 4_096;

/// Centres, and which of them each row belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    pub centres: Points,
    pub labels: Vec<usize>,
    /// The weighted sum of the squares of distances.
    pub inertia: f64,
    pub steps: usize,
}

/// At most `count` rows as a start, each by chance in proportion to its weight and
/// to the square of its distance from those before it: fewer where fewer are
/// different.
pub fn start(points: &Points, count: usize, seed: u64) -> Points {
    let mut centres = Points::new(points.features);
    let mut squares = vec![f64::INFINITY; points.len()];
    for round in 0..count {
        let chance = |row: usize| match centres.is_empty() {
            true => points.weights[row],
            false => points.weights[row] * squares[row],
        };
        let total: f64 = (0..points.len()).map(chance).sum();
        if total <= 0.0 {
            break;
        }
        let mut left = uniform(seed, round as u64) * total;
        let mut chosen = None;
        for row in 0..points.len() {
            let chance = chance(row);
            if chance > 0.0 {
                chosen = Some(row);
                left -= chance;
                if left < 0.0 {
                    break;
                }
            }
        }
        let Some(chosen) = chosen else { break };
        let centre = points.row(chosen).to_vec();
        for (row, least) in points.rows().zip(&mut squares) {
            *least = least.min(square(row, &centre));
        }
        centres.push(&centre, 0.0);
    }
    centres
}

/// A number from 0 to less than 1, the same for one seed and index.
fn uniform(seed: u64, index: u64) -> f64 {
    let bits = XxHash64::oneshot(seed, &index.to_le_bytes()) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

/// Moves centres to the means of their rows until no row changes its centre or
/// `most_steps` are done.
pub fn lloyd(points: &Points, start: &Points, most_steps: usize) -> Clusters {
    let mut centres = start.clone();
    let mut labels: Vec<usize> = Vec::new();
    let mut steps = 0;
    loop {
        let (mut found, mut squares) = assign(points, &centres);
        let is_done = found == labels || steps == most_steps;
        if !is_done {
            fill_empty(points, centres.len(), &mut found, &mut squares);
        }
        labels = found;
        if is_done {
            let inertia = squares.iter().zip(&points.weights).map(|(square, weight)| square * weight).sum();
            centres.weights = points.means(&labels, centres.len()).weights;
            return Clusters { centres, labels, inertia, steps };
        }
        centres = points.means(&labels, centres.len());
        steps += 1;
    }
}

/// The nearest centre of each row, and the square of its distance.
pub fn assign(points: &Points, centres: &Points) -> (Vec<usize>, Vec<f64>) {
    let centroids = Centroids::new(centres.features, centres.rows());
    let nearest = |row: usize| centroids.nearest(points.row(row)).map_or((0, 0.0), |Nearest { first, .. }| first);
    let runs: Vec<Range<usize>> =
        (0..points.len()).step_by(RUN).map(|from| from..points.len().min(from + RUN)).collect();
    let found = side_by_side(&runs, |run| run.clone().map(nearest).collect::<Vec<_>>());
    found.into_iter().flatten().unzip()
}

/// A centre that no row is nearest to takes the row that is farthest from its own.
fn fill_empty(points: &Points, count: usize, labels: &mut [usize], squares: &mut [f64]) {
    let mut members = vec![0usize; count];
    labels.iter().for_each(|label| members[*label] += 1);
    for empty in 0..count {
        if members[empty] > 0 {
            continue;
        }
        let far = |row: &usize| squares[*row] * points.weights[*row];
        let candidates = (0..points.len()).filter(|row| members[labels[*row]] > 1 && squares[*row] > 0.0);
        // Of equals the first.
        let Some(row) = candidates.max_by(|left, right| far(left).total_cmp(&far(right)).then(right.cmp(left))) else {
            return;
        };
        members[labels[row]] -= 1;
        members[empty] += 1;
        labels[row] = empty;
        squares[row] = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(rows: &[Vec<i8>]) -> Points {
        let mut points = Points::new(3);
        for row in rows {
            points.push(&row.iter().map(|value| f64::from(*value)).collect::<Vec<_>>(), 1.0);
        }
        points
    }

    fn distinct(points: &Points) -> usize {
        let mut rows: Vec<Vec<u64>> =
            points.rows().map(|row| row.iter().map(|value| value.to_bits()).collect()).collect();
        rows.sort_unstable();
        rows.dedup();
        rows.len()
    }

    proptest! {
        #[test]
        fn more_steps_are_never_worse_and_as_many_centres_as_rows_fit_exactly(
            rows in proptest::collection::vec(proptest::collection::vec(-5i8..5, 3), 1..40),
            count in 1usize..8,
            seed in any::<u64>(),
        ) {
            let points = points(&rows);
            let first = start(&points, count, seed);
            prop_assert_eq!(first.len(), count.min(distinct(&points)));
            let inertias: Vec<f64> = (0..6).map(|steps| lloyd(&points, &first, steps).inertia).collect();
            for pair in inertias.windows(2) {
                prop_assert!(pair[1] <= pair[0] * (1.0 + 1e-12), "{inertias:?}");
            }
            let all = start(&points, distinct(&points), seed);
            prop_assert_eq!(lloyd(&points, &all, 50).inertia, 0.0);
        }

        /// A row that stands twice is a row of twice the weight.
        #[test]
        fn weights_count_rows(
            rows in proptest::collection::vec(proptest::collection::vec(-5i8..5, 3), 4..20),
            seed in any::<u64>(),
        ) {
            let once = points(&rows);
            let mut weighed = once.clone();
            weighed.weights[0] = 2.0;
            let mut twice = once.clone();
            twice.push(once.row(0), 1.0);
            let first = start(&once, 3, seed);
            // Later, sums in another order may break ties in another way.
            let (one, other) = (lloyd(&weighed, &first, 1), lloyd(&twice, &first, 1));
            prop_assert!((one.inertia - other.inertia).abs() < 1e-9);
        }
    }
}
