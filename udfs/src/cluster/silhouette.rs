//! How well a member sits in its cluster.

use datafusion_common::{Result, exec_err};
use datafusion_macros::user_doc;

use super::squared_distance;
use crate::row::{Numbers, RowFunction, Table, Whole, row_function};

/// The silhouette by centres.
#[user_doc(
    doc_section(label = "Clusters"),
    description = r"How well a member sits in its cluster, by centres (DOUBLE, -1 to 1): the distance to the nearest other centre less that to its own, over the larger of the two. Near 1 it is well inside, near 0 between two, below 0 nearer to another. It is the simplified silhouette, which compares with centres and not with every other member; round it to a decimal before taking a mean, so that the mean does not depend on the order of rows.

NULL where an argument is NULL, a list is empty or holds a NULL, NaN or infinity, there is one centre, and where both distances are 0. A cluster that is not in the list, and a centre with another number of features, are errors. Source: E. R. Hruschka and others, Evolving clusters in gene-expression data, Information Sciences 176 (2006).",
    syntax_example = "silhouette(features, centroids, cluster)",
    sql_example = r"```sql
> select silhouette([1, 2], [[9, 8], [1, 5]], 2);
0.7
```",
    argument(name = "features", description = "LIST of numbers."),
    argument(name = "centroids", description = "LIST of such lists, each of the same length."),
    argument(name = "cluster", description = "BIGINT: the place of its own centre in the list, from 1 on.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Silhouette;

impl RowFunction for Silhouette {
    const NAME: &'static str = "silhouette";
    const ARGUMENTS: &'static [&'static str] = &["features", "centroids", "cluster"];
    type Arguments = (Numbers, Table, Whole);
    type Figure = f64;

    fn figure((features, centroids, cluster): (&[f64], Vec<&[f64]>, i64)) -> Result<Option<f64>> {
        if features.is_empty() {
            return Ok(None);
        }
        let own = usize::try_from(cluster).ok().and_then(|cluster| cluster.checked_sub(1));
        let Some(own) = own.filter(|own| *own < centroids.len()) else {
            let count = centroids.len();
            return exec_err!(
                "{}: argument cluster takes 1 to {count}, as there are centroids, not {cluster}",
                Self::NAME
            );
        };
        let mut nearest_other: Option<f64> = None;
        let mut inside = 0.0;
        for (at, centroid) in centroids.iter().enumerate() {
            let distance = squared_distance(Self::NAME, features, centroid)?.sqrt();
            if at == own {
                inside = distance;
            } else if nearest_other.is_none_or(|least| distance < least) {
                nearest_other = Some(distance);
            }
        }
        let of = |outside: f64| {
            let most = inside.max(outside);
            let silhouette = (outside - inside) / most;
            // Features beyond 1e150 have squares that are no numbers.
            silhouette.is_finite().then_some(silhouette)
        };
        Ok(nearest_other.and_then(of))
    }
}

row_function!(Silhouette);
