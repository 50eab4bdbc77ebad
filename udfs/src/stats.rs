//! Exact ratios, and what many values have in common.

mod adjusted_rand;
mod category_entropy;
mod exact_median;
mod exact_quantile;
mod gini;
mod herfindahl;
pub(crate) mod histogram;
mod log1p;
mod lorenz_share;
mod median_deviation;
pub(crate) mod middle;
mod most_frequent;
mod normal;
mod over_index;
mod population_stability;
mod quantile_tier;
mod ratio;
mod recency_weighted_count;
mod run_lengths;
mod uplift;
mod wilson_interval;

use datafusion_expr::{AggregateUDF, ScalarUDF};

pub use adjusted_rand::adjusted_rand_of;
pub use population_stability::population_stability_of;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![
        log1p::Log1p.into(),
        over_index::OverIndex.into(),
        quantile_tier::QuantileTier.into(),
        ratio::Ratio.into(),
        uplift::Uplift.into(),
        wilson_interval::WilsonInterval.into(),
    ]
}

pub(crate) fn aggregates() -> Vec<AggregateUDF> {
    vec![
        adjusted_rand::AdjustedRand.into(),
        category_entropy::CategoryEntropy.into(),
        exact_median::ExactMedian.into(),
        exact_quantile::ExactQuantile.into(),
        gini::Gini.into(),
        herfindahl::Herfindahl.into(),
        histogram::Histogram.into(),
        lorenz_share::LorenzShare.into(),
        median_deviation::MedianDeviation.into(),
        most_frequent::MostFrequent.into(),
        population_stability::PopulationStability.into(),
        recency_weighted_count::RecencyWeightedCount.into(),
        run_lengths::RunLengths.into(),
    ]
}
