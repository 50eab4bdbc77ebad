//! Share of the largest.

use datafusion_common::{Result, exec_err};
use datafusion_macros::user_doc;

use crate::fold::{Argument, Fold, fold};

/// What the largest have of all.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The share of the total that the largest values have (DOUBLE, 0 to 1): of the largest `top` part of all rows, a row that the limit cuts counting by its part. Negative values count as 0. NULL where there is no value, or all of them are 0. A `top` outside 0 to 1, and several of them in one group, are errors.",
    syntax_example = "lorenz_share(value, top)",
    sql_example = r"```sql
> select lorenz_share(x, 0.25) from (values (10), (20), (30), (40)) as t (x);
0.4
```",
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    ),
    argument(name = "top", description = "DOUBLE, 0 to 1: the part of the rows, the same for all rows of a group.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LorenzShare;

impl Fold<2> for LorenzShare {
    const NAME: &'static str = "lorenz_share";
    const ARGUMENTS: [Argument; 2] = [Argument::Number("value"), Argument::Number("top")];
    type Figure = f64;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<f64>> {
        let top = rows[0][1];
        if !(0.0..=1.0).contains(&top) || rows.iter().any(|[_, other]| *other != top) {
            return exec_err!("{}: argument top takes one number from 0 to 1 in each group", Self::NAME);
        }
        let values = || rows.iter().rev().map(|[value, _]| value.max(0.0));
        let (sum, mut left) = (values().sum::<f64>(), top * rows.len() as f64);
        let mut largest = 0.0;
        for value in values() {
            largest += value * left.clamp(0.0, 1.0);
            left -= 1.0;
        }
        Ok((sum > 0.0).then(|| largest / sum))
    }
}

fold!(LorenzShare, 2);
