//! Gini coefficient.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use crate::fold::{Argument, Fold, fold};

/// How unevenly a sum is spread.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The Gini coefficient of the values (DOUBLE, 0 to 1): 0 where all are equal, towards 1 where few have all. Negative values count as 0. NULL where there is no value, or all of them are 0. Not corrected for small samples.",
    syntax_example = "gini(value)",
    sql_example = r"```sql
> select gini(x) from (values (0), (0), (0), (100)) as t (x);
0.75
```",
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Gini;

impl Fold<1> for Gini {
    const NAME: &'static str = "gini";
    const ARGUMENTS: [Argument; 1] = [Argument::Number("value")];
    type Figure = f64;

    fn fold(rows: &[[f64; 1]]) -> Result<Option<f64>> {
        let count = rows.len() as f64;
        let (mut sum, mut weighed) = (0.0, 0.0);
        for (rank, [value]) in rows.iter().enumerate() {
            let value = value.max(0.0);
            sum += value;
            weighed += (2.0 * (rank as f64 + 1.0) - count - 1.0) * value;
        }
        Ok((sum > 0.0).then(|| weighed / (count * sum)))
    }
}

fold!(Gini, 1);
