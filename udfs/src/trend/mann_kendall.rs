//! Whether there is a trend at all.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use crate::fold::{Argument, Fold, fold};

/// Sign of the Mann-Kendall test.
#[user_doc(
    doc_section(label = "Trends"),
    description = r"The sign of a trend (INT): 1 where the values rise with time, -1 where they fall, 0 where the Mann-Kendall test finds neither at the 5 % level, two-sided, with the normal approximation, continuity and ties in the values corrected. NULL where fewer than 4 rows are left. Rows of one time are in the order of their values. Source: Mann (1945), Kendall (1975).",
    syntax_example = "mann_kendall(time, value)",
    sql_example = r"```sql
> select mann_kendall(t, x) from (values (1, 10), (2, 11), (3, 13), (4, 14), (5, 18)) as t (t, x);
1
```",
    argument(name = "time", description = "DATE or TIMESTAMP, as days, or any number."),
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MannKendall;

impl Fold<2> for MannKendall {
    const NAME: &'static str = "mann_kendall";
    const ARGUMENTS: [Argument; 2] = [Argument::Time("time"), Argument::Number("value")];
    type Figure = i32;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<i32>> {
        if rows.len() < 4 {
            return Ok(None);
        }
        let mut score = 0.0;
        for (position, [_, before]) in rows.iter().enumerate() {
            for [_, after] in &rows[position + 1..] {
                score += f64::from(i8::from(after > before) - i8::from(after < before));
            }
        }
        let count = rows.len() as f64;
        let spread = |count: f64| count * (count - 1.0) * (2.0 * count + 5.0);
        let mut values: Vec<f64> = rows.iter().map(|[_, value]| *value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let ties: f64 = values.chunk_by(|left, right| left == right).map(|tied| spread(tied.len() as f64)).sum();
        let variance = (spread(count) - ties) / 18.0;
        let corrected = (score.abs() - 1.0).max(0.0);
        let is_significant = variance > 0.0 && corrected / variance.sqrt() > NORMAL_975;
        Ok(Some(if is_significant { score.signum() as i32 } else { 0 }))
    }
}

fold!(MannKendall, 2);

/// 97.5th percentile of the normal distribution.
const NORMAL_975: f64 = 1.959_963_984_540_054;
