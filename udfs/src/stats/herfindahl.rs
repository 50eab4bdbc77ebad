//! Concentration.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use crate::fold::{Argument, Fold, fold};

/// Sum of squared shares.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The Herfindahl index of the values (DOUBLE): the sum of the squared shares of the total, 1 over the number of rows where all are equal, 1 where one has all. Negative values count as 0. NULL where there is no value, or all of them are 0.",
    syntax_example = "herfindahl(value)",
    sql_example = r"```sql
> select herfindahl(x) from (values (50), (25), (25)) as t (x);
0.375
```",
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Herfindahl;

impl Fold<1> for Herfindahl {
    const NAME: &'static str = "herfindahl";
    const ARGUMENTS: [Argument; 1] = [Argument::Number("value")];
    type Figure = f64;

    fn fold(rows: &[[f64; 1]]) -> Result<Option<f64>> {
        let values = || rows.iter().map(|[value]| value.max(0.0));
        let sum: f64 = values().sum();
        Ok((sum > 0.0).then(|| values().map(|value| (value / sum) * (value / sum)).sum()))
    }
}

fold!(Herfindahl, 1);
