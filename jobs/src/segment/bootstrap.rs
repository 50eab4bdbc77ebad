//! How far a model depends on the accounts that happen to be in its sample: groups of
//! other samples, drawn from it with putting back, against its own.
//! Source: C. Hennig, Cluster-wise assessment of cluster stability (2007).

use std::collections::BTreeMap;

use twox_hash::XxHash64;

use super::balanced::{Balanced, Model, Sample, regrouped};
use super::{Points, quality, side_by_side};

/// Samples that are drawn.
pub const ROUNDS: u64 = 20;
/// Rows of the sample that they are drawn from: as many small clusters as rows allow.
const MOST_ROWS: usize = 3_000;

/// The mean and the least of the adjusted Rand indices of as many samples; `None` of a
/// model whose groups cannot be made of them.
pub fn agreement(asked: &Balanced, sample: &Sample, model: &Model) -> Option<(f64, f64)> {
    let (places, all) = model.points(asked, sample).spread(MOST_ROWS);
    let rounds: Vec<u64> = (1..=ROUNDS).collect();
    let of_round = |round: &u64| {
        let mut draws = vec![0u32; all.len()];
        for draw in 0..all.len() as u64 {
            let at = XxHash64::oneshot(*round, &draw.to_le_bytes()) % all.len() as u64;
            draws[at as usize] += 1;
        }
        let rows: Vec<usize> = (0..all.len()).filter(|row| draws[*row] > 0).collect();
        let mut drawn = Points::new(all.features);
        rows.iter().for_each(|row| drawn.push(all.row(*row), all.weights[*row] * f64::from(draws[*row])));
        let labels = regrouped(asked, &drawn, model.codes.len(), *round)?;
        let mut counts: BTreeMap<(usize, usize), i64> = BTreeMap::new();
        for (row, label) in rows.iter().zip(&labels) {
            *counts.entry((model.labels[places[*row]], *label)).or_default() += i64::from(draws[*row]);
        }
        quality::agreement(&counts)
    };
    let indices: Vec<f64> = side_by_side(&rounds, of_round).into_iter().flatten().collect();
    let mean = indices.iter().sum::<f64>() / indices.len() as f64;
    let least = indices.iter().copied().fold(f64::INFINITY, f64::min);
    (!indices.is_empty()).then_some((mean, least))
}
