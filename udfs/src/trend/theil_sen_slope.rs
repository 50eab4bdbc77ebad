//! Slope that outliers do not bend.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use crate::fold::{Argument, Fold, fold};
use crate::stats::middle::middle;

/// Median of the slopes of all pairs.
#[user_doc(
    doc_section(label = "Trends"),
    description = r"The Theil-Sen slope (DOUBLE): the median of the slopes of all pairs of rows with different times, in units of `value` for a day, or for whatever unit `time` has as a number. A few outliers do not bend it. NULL where fewer than two different times are left. The work grows with the square of the rows: meant for months, weeks and days, not for readings. Source: Sen (1968).",
    syntax_example = "theil_sen_slope(time, value)",
    sql_example = r"```sql
> select theil_sen_slope(t, x) from (values (1, 10), (2, 12), (3, 14), (4, 999), (5, 18)) as t (t, x);
2.0
```",
    argument(name = "time", description = "DATE or TIMESTAMP, as days, or any number."),
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TheilSenSlope;

impl Fold<2> for TheilSenSlope {
    const NAME: &'static str = "theil_sen_slope";
    const ARGUMENTS: [Argument; 2] = [Argument::Time("time"), Argument::Number("value")];
    type Figure = f64;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<f64>> {
        let mut slopes = Vec::new();
        for (position, [start, low]) in rows.iter().enumerate() {
            let later = rows[position + 1..].iter().filter(|[end, _]| end > start);
            slopes.extend(later.map(|[end, high]| (high - low) / (end - start)));
        }
        slopes.sort_unstable_by(f64::total_cmp);
        Ok((!slopes.is_empty()).then(|| middle(&slopes)))
    }
}

fold!(TheilSenSlope, 2);
