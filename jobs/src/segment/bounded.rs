//! From many small clusters to few groups whose sizes keep limits: merged by Ward's
//! criterion, then moved and swapped one by one, as far as the limits let them.
//! Sources: J. H. Ward, Hierarchical grouping to optimize an objective function,
//! JASA 58 (1963); J. A. Hartigan, Clustering Algorithms (1975), for the moves.

use super::{Points, square};

/// How large groups may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Of all accounts, in percent.
    pub least_percent: f64,
    pub most_percent: f64,
    /// The largest group over the smallest.
    pub most_ratio: f64,
}

/// Shares within this of a limit keep it: they are sums.
const TOLERANCE: f64 = 1e-9;
/// Most moves and swaps; far more than there are small clusters.
const MOST_MOVES: usize = 5_000;

impl Limits {
    /// How far sizes are beyond the limits, in shares of all, every group and every two
    /// groups together: each that comes nearer lessens it. 0 where they keep them.
    pub fn excess(&self, sizes: &[f64]) -> f64 {
        let all: f64 = sizes.iter().sum();
        if all <= 0.0 {
            return 0.0;
        }
        let (least, most) = (self.least_percent / 100.0 * all, self.most_percent / 100.0 * all);
        let mut excess = 0.0;
        for size in sizes {
            excess += (least - size).max(0.0) + (size - most).max(0.0);
            excess += sizes.iter().map(|other| (size - other * self.most_ratio).max(0.0)).sum::<f64>();
        }
        let excess = excess / all;
        if excess <= TOLERANCE { 0.0 } else { excess }
    }

    /// Limits that shares of a sample of so many rows must keep for those of all to keep
    /// these, but for chance beyond three standard errors.
    pub fn of_sample(&self, rows: usize) -> Self {
        let rows = rows as f64;
        let error = |percent: f64| 3.0 * (percent * (100.0 - percent) / rows).max(0.0).sqrt();
        let relative = error(self.least_percent) / self.least_percent.max(1.0);
        Self {
            least_percent: self.least_percent + error(self.least_percent),
            most_percent: self.most_percent - error(self.most_percent),
            most_ratio: (self.most_ratio * (1.0 - relative)).max(1.0),
        }
    }

    /// Limits within these, so that accounts that come, go and change do not break them
    /// the day after.
    pub fn with_room(&self) -> Self {
        Self {
            least_percent: self.least_percent * 1.1,
            most_percent: self.most_percent * 0.95,
            most_ratio: (self.most_ratio * 0.9).max(1.0),
        }
    }

    /// Whether so many groups of any sizes can keep them.
    pub fn allow(&self, groups: usize) -> bool {
        let groups = groups as f64;
        self.least_percent * groups <= 100.0 + TOLERANCE && self.most_percent * groups >= 100.0 - TOLERANCE
    }
}

/// Merges by Ward's criterion down to one group: of each number of groups asked for,
/// the group of each cluster.
pub fn merge(clusters: &Points, counts: &[usize]) -> Vec<(usize, Vec<usize>)> {
    let size = clusters.len();
    // Each cluster's group by the lowest of its members.
    let mut group: Vec<usize> = (0..size).collect();
    let mut alive: Vec<usize> = (0..size).collect();
    let mut means = clusters.clone();
    let mut found = Vec::new();
    loop {
        if counts.contains(&alive.len()) {
            let place = |of: &usize| alive.iter().position(|other| other == of).unwrap_or_default();
            found.push((alive.len(), group.iter().map(place).collect()));
        }
        let mut best: Option<(f64, usize, usize)> = None;
        for (at, &left) in alive.iter().enumerate() {
            for &right in &alive[at + 1..] {
                let cost = ward(&means, left, right);
                if best.is_none_or(|(least, ..)| cost < least) {
                    best = Some((cost, left, right));
                }
            }
        }
        let Some((_, left, right)) = best else { return found };
        join(&mut means, left, right);
        alive.retain(|other| *other != right);
        group.iter_mut().filter(|of| **of == right).for_each(|of| *of = left);
    }
}

/// What joining two groups adds to the sum of squares within groups.
fn ward(means: &Points, left: usize, right: usize) -> f64 {
    let (one, other) = (means.weights[left], means.weights[right]);
    if one + other <= 0.0 {
        return 0.0;
    }
    one * other / (one + other) * square(means.row(left), means.row(right))
}

fn join(means: &mut Points, left: usize, right: usize) {
    let (one, other) = (means.weights[left], means.weights[right]);
    let all = one + other;
    for feature in 0..means.features {
        let (at, from) = (left * means.features + feature, right * means.features + feature);
        if all > 0.0 {
            means.values[at] = (means.values[at] * one + means.values[from] * other) / all;
        }
    }
    means.weights[left] = all;
}

/// How far groups are changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// They keep the limits: no more than this needs.
    Kept,
    /// No change makes them more alike inside either.
    Best,
}

/// Groups that keep the limits, from those given: clusters are moved, then swapped,
/// first towards the limits, then towards likeness inside the groups. `None` where
/// the limits cannot be kept.
pub fn within(clusters: &Points, start: &[usize], groups: usize, limits: &Limits, until: Until) -> Option<Vec<usize>> {
    if !limits.allow(groups) {
        return None;
    }
    let mut state = State::new(clusters, start, groups, limits);
    for _ in 0..MOST_MOVES {
        let is_done = until == Until::Kept && state.excess == 0.0;
        if is_done || !state.improve() {
            break;
        }
    }
    (state.excess == 0.0).then_some(state.labels)
}

struct State<'a> {
    clusters: &'a Points,
    limits: &'a Limits,
    labels: Vec<usize>,
    /// Means and weights of the groups.
    means: Points,
    excess: f64,
}

/// A change, by what it does.
#[derive(Clone, Copy)]
struct Change {
    excess: f64,
    cost: f64,
    from: usize,
    to: usize,
    /// The cluster that goes back in a swap.
    back: Option<usize>,
}

impl<'a> State<'a> {
    fn new(clusters: &'a Points, start: &[usize], groups: usize, limits: &'a Limits) -> Self {
        let means = clusters.means(start, groups);
        let excess = limits.excess(&means.weights);
        Self { clusters, limits, labels: start.to_vec(), means, excess }
    }

    /// Makes the best change; false where none makes anything better.
    fn improve(&mut self) -> bool {
        let change = match self.excess > 0.0 {
            true => self.best_towards_limits(),
            false => self.best_move().or_else(|| self.best_swap()),
        };
        let Some(change) = change else { return false };
        let own = self.labels[change.from];
        self.labels[change.from] = change.to;
        if let Some(back) = change.back {
            self.labels[back] = own;
        }
        // Anew from all members, so that no error piles up.
        self.means = self.clusters.means(&self.labels, self.means.len());
        self.excess = self.limits.excess(&self.means.weights);
        true
    }

    fn moves(&self) -> impl Iterator<Item = Change> {
        let groups = self.means.len();
        (0..self.clusters.len()).flat_map(move |from| {
            (0..groups).filter(move |to| *to != self.labels[from]).filter_map(move |to| self.moved(from, to))
        })
    }

    /// Of the changes that lessen the excess, the one that costs least for it.
    fn best_towards_limits(&self) -> Option<Change> {
        let gain = |change: &Change| self.excess - change.excess;
        let better = self.moves().filter(|change| gain(change) > TOLERANCE);
        let single = better.min_by(|left, right| (left.cost / gain(left)).total_cmp(&(right.cost / gain(right))));
        single.or_else(|| {
            let swaps = self.swaps().filter(|change| gain(change) > TOLERANCE);
            swaps.min_by(|left, right| (left.cost / gain(left)).total_cmp(&(right.cost / gain(right))))
        })
    }

    fn best_move(&self) -> Option<Change> {
        self.least(self.moves())
    }

    fn best_swap(&self) -> Option<Change> {
        self.least(self.swaps())
    }

    fn least(&self, changes: impl Iterator<Item = Change>) -> Option<Change> {
        let enough = -1e-9 * self.spread();
        let better = changes.filter(|change| change.excess == 0.0 && change.cost < enough);
        better.min_by(|left, right| left.cost.total_cmp(&right.cost))
    }

    /// What costs are measured against.
    fn spread(&self) -> f64 {
        let squares = self.clusters.rows().zip(&self.labels).map(|(row, label)| square(row, self.means.row(*label)));
        squares.zip(&self.clusters.weights).map(|(square, weight)| square * weight).sum()
    }

    fn moved(&self, from: usize, to: usize) -> Option<Change> {
        let own = self.labels[from];
        let weight = self.clusters.weights[from];
        // A group is never left empty.
        if weight <= 0.0 || self.means.weights[own] - weight <= 0.0 {
            return None;
        }
        let row = self.clusters.row(from);
        let cost = self.entry(to, row, weight) - self.leave(own, row, weight);
        let mut sizes = self.means.weights.clone();
        sizes[own] -= weight;
        sizes[to] += weight;
        Some(Change { excess: self.limits.excess(&sizes), cost, from, to, back: None })
    }

    fn swaps(&self) -> impl Iterator<Item = Change> {
        let size = self.clusters.len();
        (0..size).flat_map(move |from| (from + 1..size).filter_map(move |back| self.swapped(from, back)))
    }

    fn swapped(&self, from: usize, back: usize) -> Option<Change> {
        let (own, to) = (self.labels[from], self.labels[back]);
        if own == to {
            return None;
        }
        let mut sizes = self.means.weights.clone();
        let (one, other) = (self.clusters.weights[from], self.clusters.weights[back]);
        sizes[own] += other - one;
        sizes[to] += one - other;
        let excess = self.limits.excess(&sizes);
        if excess > self.excess || sizes[own] <= 0.0 || sizes[to] <= 0.0 {
            return None;
        }
        let cost = self.exchange(own, from, back) + self.exchange(to, back, from);
        Some(Change { excess, cost, from, to, back: Some(back) })
    }

    /// What it adds to a group's sum of squares that one cluster takes the place of
    /// another one in it.
    fn exchange(&self, group: usize, out: usize, into: usize) -> f64 {
        let (mean, size) = (self.means.row(group), self.means.weights[group]);
        let (gone, come) = (self.clusters.weights[out], self.clusters.weights[into]);
        let left = size - gone;
        let all = left + come;
        let mut change = 0.0;
        for ((mean, old), new) in mean.iter().zip(self.clusters.row(out)).zip(self.clusters.row(into)) {
            // Sums of squares around the old mean, then moved to the new one.
            let (old, new) = (old - mean, new - mean);
            let shift = (come * new - gone * old) / all;
            change += come * new * new - gone * old * old - all * shift * shift;
        }
        change
    }

    fn entry(&self, group: usize, row: &[f64], weight: f64) -> f64 {
        let size = self.means.weights[group];
        if size <= 0.0 {
            return 0.0;
        }
        size * weight / (size + weight) * square(row, self.means.row(group))
    }

    fn leave(&self, group: usize, row: &[f64], weight: f64) -> f64 {
        let size = self.means.weights[group];
        size * weight / (size - weight) * square(row, self.means.row(group))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { least_percent: 5.0, most_percent: 35.0, most_ratio: 3.0 };

    fn clusters(rows: &[(Vec<i8>, u8)]) -> Points {
        let mut points = Points::new(2);
        for (row, weight) in rows {
            points.push(&[f64::from(row[0]), f64::from(row[1])], f64::from(*weight) + 1.0);
        }
        points
    }

    fn inertia(points: &Points, labels: &[usize], groups: usize) -> f64 {
        let means = points.means(labels, groups);
        points
            .rows()
            .zip(&points.weights)
            .zip(labels)
            .map(|((row, weight), at)| weight * square(row, means.row(*at)))
            .sum()
    }

    #[test]
    fn merging_joins_what_is_near() {
        let points =
            clusters(&[(vec![0, 0], 0), (vec![10, 0], 0), (vec![0, 1], 0), (vec![10, 1], 0), (vec![50, 50], 0)]);
        let merged = merge(&points, &[3, 1]);
        assert_eq!(merged, vec![(3, vec![0, 1, 0, 1, 2]), (1, vec![0; 5])]);
    }

    #[test]
    fn a_sample_keeps_narrower_limits() {
        let narrow = LIMITS.of_sample(20_000);
        assert!(narrow.least_percent > 5.4 && narrow.least_percent < 5.5, "{narrow:?}");
        assert!(narrow.most_percent < 34.0 && narrow.most_percent > 33.9, "{narrow:?}");
        assert!(narrow.most_ratio < 2.8 && narrow.most_ratio > 2.7, "{narrow:?}");
    }

    #[test]
    fn a_cluster_beyond_the_limits_is_refused() {
        let rows: Vec<_> = (0..20).map(|at| (vec![at, 0], if at == 0 { 30 } else { 0 })).collect();
        let points = clusters(&rows);
        for (groups, start) in merge(&points, &[3, 5, 7]) {
            assert_eq!(within(&points, &start, groups, &LIMITS, Until::Best), None, "{groups} groups, one of 60 %");
        }
        let wide = Limits { most_percent: 70.0, most_ratio: 20.0, ..LIMITS };
        let start = merge(&points, &[3]).remove(0).1;
        assert!(within(&points, &start, 3, &wide, Until::Best).is_some());
    }

    proptest! {
        #[test]
        fn limits_are_kept_and_no_single_move_would_help(
            rows in proptest::collection::vec((proptest::collection::vec(-20i8..20, 2), 0u8..3), 60..120),
            groups in 3usize..8,
        ) {
            let points = clusters(&rows);
            let start = merge(&points, &[groups]).remove(0).1;
            let found = within(&points, &start, groups, &LIMITS, Until::Best);
            // Clusters of at most 5 % of the whole can be put together to any size.
            let labels = found.expect("small clusters");
            let sizes = points.means(&labels, groups).weights;
            prop_assert_eq!(LIMITS.excess(&sizes), 0.0, "{:?}", sizes);
            let best = inertia(&points, &labels, groups);
            for at in 0..points.len() {
                for group in 0..groups {
                    let mut other = labels.clone();
                    other[at] = group;
                    let sizes = points.means(&other, groups).weights;
                    if sizes.iter().all(|size| *size > 0.0) && LIMITS.excess(&sizes) == 0.0 {
                        prop_assert!(inertia(&points, &other, groups) >= best * (1.0 - 1e-6));
                    }
                }
            }
        }

        /// The cost of a change is what it does to the sum of squares.
        #[test]
        fn costs_are_what_they_do(
            rows in proptest::collection::vec((proptest::collection::vec(-20i8..20, 2), 0u8..3), 8..16),
        ) {
            let points = clusters(&rows);
            let start: Vec<usize> = (0..points.len()).map(|at| at % 3).collect();
            let state = State::new(&points, &start, 3, &LIMITS);
            let before = inertia(&points, &start, 3);
            for change in state.moves().chain(state.swaps()) {
                let mut labels = start.clone();
                labels[change.from] = change.to;
                if let Some(back) = change.back {
                    labels[back] = start[change.from];
                }
                let after = inertia(&points, &labels, 3);
                prop_assert!((after - before - change.cost).abs() <= 1e-9 * (1.0 + before), "{} {}", after - before, change.cost);
            }
        }
    }
}
