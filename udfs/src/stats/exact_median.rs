//! Median.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::middle::middle;
use crate::fold::{Argument, Fold, fold};

/// The middle value.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The median of the values (DOUBLE): the middle one, or the mean of the two in the middle. Exact: all values are kept. NULL where there is none.",
    syntax_example = "exact_median(value)",
    sql_example = r"```sql
> select exact_median(x) from (values (3), (1), (null), (2), (10)) as t (x);
2.5
```",
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactMedian;

impl Fold<1> for ExactMedian {
    const NAME: &'static str = "exact_median";
    const ARGUMENTS: [Argument; 1] = [Argument::Number("value")];
    type Figure = f64;

    fn fold(rows: &[[f64; 1]]) -> Result<Option<f64>> {
        Ok(Some(middle(&rows.iter().map(|[value]| *value).collect::<Vec<_>>())))
    }
}

fold!(ExactMedian, 1);
