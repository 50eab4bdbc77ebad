//! Functions of kwhy: pure Arrow kernels for SQL.
//!
//! Nothing here does I/O, reads a clock, draws random numbers or takes
//! configuration: what a function returns depends on its arguments alone, so
//! the same SQL gives the same bits on one machine and on a cluster.
//!
//! A function is one file, `<family>/<function>.rs`, and one word in the list
//! of its family, `<family>.rs`. Engines register [`scalar_functions`] and
//! [`aggregate_functions`] and find a function by its name, so each is a unit
//! struct and every parameter is a SQL argument.

#![forbid(unsafe_code)]

mod account;
mod aggregate;
mod args;
mod cluster;
mod curve;
pub mod expr_fn;
mod figure;
mod fold;
mod list;
mod record;
pub mod reference;
mod round;
mod row;
mod scalar;
mod simd;
mod stats;
mod tally;
mod tariff;
mod text;
mod time;
mod trend;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod testing;

use std::sync::Arc;

/// What results of functions depend on besides their arguments.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

use datafusion_expr::{AggregateUDF, ScalarUDF};

pub use account::account_bucket::{account_hash, bucket_of};
pub use cluster::{Centroids, Nearest, davies_bouldin_of};
pub use stats::{adjusted_rand_of, population_stability_of};

/// Every scalar function, each once.
pub fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    let families = [
        account::scalars(),
        cluster::scalars(),
        record::scalars(),
        curve::scalars(),
        stats::scalars(),
        tariff::scalars(),
        text::scalars(),
        time::scalars(),
    ];
    families.into_iter().flatten().map(Arc::new).collect()
}

/// Every aggregate function, each once.
pub fn aggregate_functions() -> Vec<Arc<AggregateUDF>> {
    let families =
        [cluster::aggregates(), curve::aggregates(), record::aggregates(), stats::aggregates(), trend::aggregates()];
    families.into_iter().flatten().map(Arc::new).collect()
}
