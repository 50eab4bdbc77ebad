//! Exact ratios, and what many values have in common.

mod exact_median;
mod gini;
mod herfindahl;
mod lorenz_share;
mod median_deviation;
pub(crate) mod middle;
mod ratio;

use datafusion_expr::{AggregateUDF, ScalarUDF};

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![ratio::Ratio.into()]
}

pub(crate) fn aggregates() -> Vec<AggregateUDF> {
    vec![
        exact_median::ExactMedian.into(),
        gini::Gini.into(),
        herfindahl::Herfindahl.into(),
        lorenz_share::LorenzShare.into(),
        median_deviation::MedianDeviation.into(),
    ]
}
