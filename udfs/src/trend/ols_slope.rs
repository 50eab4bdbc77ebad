//! Slope by least squares.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::line::line;
use crate::fold::{Argument, Fold, fold};

/// Least squares.
#[user_doc(
    doc_section(label = "Trends"),
    description = r"The slope of the straight line that fits best by least squares (DOUBLE): what `value` gains in a day, or in whatever unit `time` has as a number. NULL where fewer than two different times are left.",
    syntax_example = "ols_slope(time, value)",
    sql_example = r"```sql
> select ols_slope(t, x) from (values (1, 10), (2, 12), (3, 14)) as t (t, x);
2.0
```",
    argument(name = "time", description = "DATE or TIMESTAMP, as days, or any number."),
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OlsSlope;

impl Fold<2> for OlsSlope {
    const NAME: &'static str = "ols_slope";
    const ARGUMENTS: [Argument; 2] = [Argument::Time("time"), Argument::Number("value")];
    type Figure = f64;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<f64>> {
        Ok(line(rows).map(|(slope, _)| slope))
    }
}

fold!(OlsSlope, 2);
