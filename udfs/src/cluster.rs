//! Functions of clusters: features as lists of numbers, centres as lists of
//! such lists, clusters by their place in them, from 1 on.

mod centroids;
mod davies_bouldin;
mod kmeans_statistics;
mod nearest_centroid;
mod silhouette;

use datafusion_common::{Result, exec_err};
use datafusion_expr::{AggregateUDF, ScalarUDF};

pub use centroids::{Centroids, Nearest};
pub use davies_bouldin::davies_bouldin_of;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![nearest_centroid::NearestCentroid.into(), silhouette::Silhouette.into()]
}

pub(crate) fn aggregates() -> Vec<AggregateUDF> {
    vec![davies_bouldin::DaviesBouldin.into(), kmeans_statistics::KmeansStatistics.into()]
}

/// The square of the Euclidean distance, summed in the order of the features.
fn squared_distance(function: &str, left: &[f64], right: &[f64]) -> Result<f64> {
    if left.len() != right.len() {
        return exec_err!("{function}: argument features has {} of them, and a centre {}", left.len(), right.len());
    }
    Ok(left.iter().zip(right).map(|(left, right)| (left - right) * (left - right)).sum())
}
