//! Quantile.

use datafusion_common::{Result, exec_err};
use datafusion_macros::user_doc;

use crate::fold::{Argument, Fold, fold};

/// The value that a share of all values does not exceed.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The least of the values that at least the given share of them does not exceed (DOUBLE): always one of the values, never something between two. 0 gives the least, 1 the greatest; 0.99 of the demands of 365 days leaves out the three highest. Exact: all values are kept. NULL where there is none.",
    syntax_example = "exact_quantile(value, quantile)",
    sql_example = r"```sql
> select exact_quantile(x, 0.75) from (values (3), (1), (null), (2), (10)) as t (x);
3.0
```",
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    ),
    argument(name = "quantile", description = "A number from 0 to 1, the same in all rows.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExactQuantile;

impl Fold<2> for ExactQuantile {
    const NAME: &'static str = "exact_quantile";
    const ARGUMENTS: [Argument; 2] = [Argument::Number("value"), Argument::Number("quantile")];
    type Figure = f64;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<f64>> {
        let Some([_, quantile]) = rows.first() else { return Ok(None) };
        if !(0.0..=1.0).contains(quantile) || rows.iter().any(|row| row[1] != *quantile) {
            return exec_err!("{}: argument quantile takes one number from 0 to 1, not {quantile}", Self::NAME);
        }
        // A share such as 0.29 is no whole number of hundredths in binary: what is
        // meant to be a whole rank is taken for one.
        let rank = quantile * rows.len() as f64;
        let rank = if (rank - rank.round()).abs() < 1e-9 { rank.round() } else { rank.ceil() };
        Ok(rows.get((rank as usize).saturating_sub(1)).map(|[value, _]| *value))
    }
}

fold!(ExactQuantile, 2);
