//! Median absolute deviation.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::middle::middle;
use crate::fold::{Argument, Fold, fold};

/// Median of the distances from the median.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The median absolute deviation (DOUBLE): the median of the distances of the values from their median. Not scaled; 1.4826 times it estimates the standard deviation of a normal distribution. NULL where there is no value.",
    syntax_example = "median_deviation(value)",
    sql_example = r"```sql
> select median_deviation(x) from (values (1), (1), (2), (2), (4), (6), (9)) as t (x);
1.0
```",
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MedianDeviation;

impl Fold<1> for MedianDeviation {
    const NAME: &'static str = "median_deviation";
    const ARGUMENTS: [Argument; 1] = [Argument::Number("value")];
    type Figure = f64;

    fn fold(rows: &[[f64; 1]]) -> Result<Option<f64>> {
        let values: Vec<f64> = rows.iter().map(|[value]| *value).collect();
        let median = middle(&values);
        let mut distances: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
        distances.sort_unstable_by(f64::total_cmp);
        Ok(Some(middle(&distances)))
    }
}

fold!(MedianDeviation, 1);
