//! Methods that make few, comparable groups of many accounts: from a sample to a
//! model, which is SQL that assigns every account. No I/O, no engine: what comes
//! out depends on what goes in, bit for bit.

pub mod balanced;
pub mod bootstrap;
pub mod bounded;
mod candidate;
pub mod drift;
pub mod earlier;
pub mod kmeans;
pub mod matching;
pub mod quality;
pub mod rules;
pub mod scale;
pub mod shapes;
pub mod tiers;
pub mod tree;

use std::sync::atomic::{AtomicUsize, Ordering};

use balanced::Choice;

/// Why a model cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    #[error("{accounts} accounts cannot make {groups} groups")]
    TooFew { accounts: usize, groups: usize },
    #[error("the feature `{feature}` is the same for all accounts")]
    Constant { feature: String },
    #[error("the feature `{feature}` is known of no account")]
    Unknown { feature: String },
    #[error("none of its features tells accounts apart")]
    NoFeatures,
    #[error("its features tell only {kinds} kinds of accounts apart, too few for {groups} groups")]
    TooAlike { kinds: usize, groups: usize },
    #[error("`{feature}` is the same for all {accounts} accounts that have it")]
    OneValue { feature: String, accounts: u64 },
    #[error("`{feature}` adds up to nothing")]
    Nothing { feature: String },
    #[error("its groups would have {} of the accounts, beyond its limits", percents(shares))]
    Sizes { shares: Vec<f64> },
    #[error("by rules alone its groups would have {} of the accounts, beyond its limits", percents(shares))]
    Rules { shares: Vec<f64> },
    #[error("no number of groups from {least} to {most} keeps the limits:{}", tried(choices))]
    Limits { least: usize, most: usize, choices: Vec<Choice> },
}

fn percents(shares: &[f64]) -> String {
    shares.iter().map(|share| format!("{:.1} %", share * 100.0)).collect::<Vec<_>>().join(", ")
}

impl FitError {
    /// The lake has no such accounts, or knows nothing of them.
    pub fn is_for_want_of_data(&self) -> bool {
        matches!(
            self,
            Self::TooFew { .. }
                | Self::Unknown { .. }
                | Self::NoFeatures
                | Self::OneValue { .. }
                | Self::Nothing { .. }
        )
    }
}

/// The sizes that numbers of groups come to.
fn tried(choices: &[Choice]) -> String {
    let told = |choice: &Choice| {
        let (least, most) = (choice.least_share * 100.0, choice.most_share * 100.0);
        format!(" {} groups have {least:.1} to {most:.1} %", choice.groups)
    };
    choices.iter().map(told).collect::<Vec<_>>().join(",")
}

/// Rows of features on scales that can be compared, each with a weight: how many
/// accounts it stands for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    pub features: usize,
    /// Row after row.
    pub values: Vec<f64>,
    pub weights: Vec<f64>,
}

impl Points {
    pub fn new(features: usize) -> Self {
        Self { features, values: Vec::new(), weights: Vec::new() }
    }

    pub fn push(&mut self, row: &[f64], weight: f64) {
        debug_assert_eq!(row.len(), self.features);
        self.values.extend_from_slice(row);
        self.weights.push(weight);
    }

    pub fn len(&self) -> usize {
        self.weights.len()
    }

    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.features..(row + 1) * self.features]
    }

    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.len()).map(|row| self.row(row))
    }

    pub fn weight(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// At most so many rows, spread evenly over all, and their places.
    pub fn spread(&self, most: usize) -> (Vec<usize>, Points) {
        let rows: Vec<usize> = (0..self.len()).step_by(self.len().div_ceil(most).max(1)).collect();
        let mut few = Points::new(self.features);
        rows.iter().for_each(|row| few.push(self.row(*row), self.weights[*row]));
        (rows, few)
    }

    /// The weighted mean of the rows of each group, 0 of a group without rows.
    pub fn means(&self, labels: &[usize], groups: usize) -> Points {
        let mut means =
            Points { features: self.features, values: vec![0.0; groups * self.features], weights: vec![0.0; groups] };
        for ((row, weight), &label) in self.rows().zip(&self.weights).zip(labels) {
            let sums = &mut means.values[label * self.features..(label + 1) * self.features];
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * weight);
            means.weights[label] += weight;
        }
        for (group, weight) in means.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let sums = &mut means.values[group * self.features..(group + 1) * self.features];
            sums.iter_mut().for_each(|sum| *sum /= weight);
        }
        means
    }
}

/// What becomes of each item, in their order, on as many threads as there are cores.
fn side_by_side<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let turns = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(turns)).collect();
        let mut done = turns();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The square of the distance of two rows.
fn square(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| (left - right) * (left - right)).sum()
}
