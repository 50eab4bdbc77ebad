//! Longest time above a level.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, Parameter, interval, measure};
use super::points::{self, Curve};

/// Longest run of points above a level.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The longest time during which a curve stays above a level (BIGINT, minutes): the longest run of known points greater than `level_w`. A null ends a run.

NULL for a NULL list, one of which no point is known, and one whose interval is unknown, and where `level_w` is NULL.",
    syntax_example = "longest_above_minutes(curve, level_w [, interval_minutes])",
    sql_example = r"```sql
> select longest_above_minutes([50, 600, 900, 70], 100, 15);
30
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "level_w", description = "BIGINT, watts."),
    argument(
        name = "interval_minutes",
        description = "BIGINT, minutes of an interval, 1 to 1440. Left out, it follows from the length of the list, which is then a day of 24 hours."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LongestAboveMinutes;

impl Measure for LongestAboveMinutes {
    const NAME: &'static str = "longest_above_minutes";
    const PARAMETERS: &'static [Parameter] = &[Parameter::watts("level_w"), Parameter::INTERVAL];
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, [level, minutes, ..]: [i64; MOST]) -> Option<i64> {
        let minutes = interval(curve.len(), minutes)?;
        Some(points::longest_run(curve, |w| i64::from(w) > level)?.saturating_mul(minutes))
    }
}

measure!(LongestAboveMinutes);
