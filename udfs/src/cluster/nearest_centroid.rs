//! Assignment to clusters.

use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::{Centroids, Nearest};
use crate::args::{columns, exactly};
use crate::figure::{Figure, figures};
use crate::row::{Kind, Numbers, Table};
use crate::scalar::{Scalar, scalar};

const NAME: &str = "nearest_centroid";

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
    pub(super) struct Assigned {
        cluster: i32,
        distance: f64,
        second_cluster: Option<i32>,
        second_distance: Option<f64>,
    }
}

impl Scalar for NearestCentroid {
    const NAME: &'static str = NAME;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [features, centroids] = exactly(NAME, ["features", "centroids"], types)?;
        Ok(vec![Numbers::coerce(NAME, "features", features)?, Table::coerce(NAME, "centroids", centroids)?])
    }

    fn data_type() -> DataType {
        Assigned::data_type()
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [features, centroids] = columns(NAME, args)?;
        let (feature_list, table) = (Numbers::reader(NAME, features.array())?, Table::reader(NAME, centroids.array())?);
        let mut laid_out: Option<(usize, Option<Centres>)> = None;
        let mut figures = Vec::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            let at = centroids.at(row);
            // Mostly the same ones for all rows.
            let centres = match &mut laid_out {
                Some((known, centres)) if *known == at => centres,
                other => &mut other.insert((at, table(at).map(|list| Centres::of(&list)))).1,
            };
            figures.push(match (feature_list(features.at(row)), centres) {
                (Some(features), Some(centres)) if !features.is_empty() => centres.nearest(features)?,
                _ => None,
            });
        }
        Ok(ColumnarValue::Array(Assigned::column(figures)?))
    }
}

scalar!(NearestCentroid);

struct Centres {
    centroids: Centroids,
    /// The number of features of a centre that has another one than the first.
    odd: Option<usize>,
}

impl Centres {
    fn of(centres: &[&[f64]]) -> Self {
        let features = centres.first().map_or(0, |centre| centre.len());
        let odd = centres.iter().map(|centre| centre.len()).find(|length| *length != features);
        Self { centroids: Centroids::new(features, centres.iter().copied()), odd }
    }

    fn nearest(&self, features: &[f64]) -> Result<Option<Assigned>> {
        let has_centres = self.centroids.count() > 0;
        let other = Some(self.centroids.features()).filter(|of| has_centres && *of != features.len()).or(self.odd);
        if let Some(other) = other {
            return exec_err!("{NAME}: argument features has {} of them, and a centre {other}", features.len());
        }
        Ok(self.centroids.nearest(features).map(|Nearest { first, second }| Assigned {
            // As many as a list has elements.
            cluster: first.0 as i32 + 1,
            distance: first.1.sqrt(),
            second_cluster: second.map(|(cluster, _)| cluster as i32 + 1),
            second_distance: second.map(|(_, square)| square.sqrt()),
        }))
    }
}
