//! Assignment to clusters.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::squared_distance;
use crate::figure::figures;
use crate::row::{Numbers, RowFunction, Table, row_function};

/// The nearest centre, and the one after it.
#[user_doc(
    doc_section(label = "Clusters"),
    description = r"The nearest of some centres, by Euclidean distance, and the one after it: a struct:

- `cluster` INT: its place in the list, from 1 on; the first of equals.
- `distance` DOUBLE
- `second_cluster` INT and `second_distance` DOUBLE: those of the next nearest; how far the two are apart tells how clear the case is. NULL where there is one centre.

All are NULL where a list is NULL or empty, or holds a NULL, NaN or infinity. A centre with another number of features is an error.",
    syntax_example = "nearest_centroid(features, centroids)",
    sql_example = r"```sql
> select nearest_centroid([1, 2], [[9, 8], [1, 5]]);
{cluster: 2, distance: 3.0, second_cluster: 1, second_distance: 10.0}
```",
    argument(name = "features", description = "LIST of numbers, on scales that can be compared."),
    argument(name = "centroids", description = "LIST of such lists, each of the same length.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NearestCentroid;

figures! {
    pub(super) struct Nearest {
        cluster: i32,
        distance: f64,
        second_cluster: Option<i32>,
        second_distance: Option<f64>,
    }
}

impl RowFunction for NearestCentroid {
    const NAME: &'static str = "nearest_centroid";
    const ARGUMENTS: &'static [&'static str] = &["features", "centroids"];
    type Arguments = (Numbers, Table);
    type Figure = Nearest;

    fn figure((features, centroids): (&[f64], Vec<&[f64]>)) -> Result<Option<Nearest>> {
        if features.is_empty() {
            return Ok(None);
        }
        let (mut first, mut second) = (None, None);
        for (cluster, centroid) in (1..).zip(centroids) {
            let square = squared_distance(Self::NAME, features, centroid)?;
            if first.is_none_or(|(_, least): (i32, f64)| square < least) {
                second = first.replace((cluster, square));
            } else if second.is_none_or(|(_, least): (i32, f64)| square < least) {
                second = Some((cluster, square));
            }
        }
        Ok(first.map(|(cluster, square)| Nearest {
            cluster,
            distance: square.sqrt(),
            second_cluster: second.map(|(cluster, _)| cluster),
            second_distance: second.map(|(_, square)| square.sqrt()),
        }))
    }
}

row_function!(NearestCentroid);
