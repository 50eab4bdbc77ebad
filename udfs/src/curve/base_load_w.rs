//! Base load.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, Parameter, interval, measure};
use super::points::Curve;
use super::sorted;

/// Mean of the lowest three hours.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The base load (BIGINT, watts): the mean of the known points of the lowest three hours, negative points as 0, rounded half away from zero; of all known points where they are fewer.

NULL for a NULL list, one of which no point is known, and one whose interval is unknown.",
    syntax_example = "base_load_w(curve [, interval_minutes])",
    sql_example = r"```sql
> select base_load_w([40, 90, 60, 20, 80, 70, 50, 30]);
20
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(
        name = "interval_minutes",
        description = "BIGINT, minutes of an interval, 1 to 1440. Left out, it follows from the length of the list, which is then a day of 24 hours."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct BaseLoadW;

impl Measure for BaseLoadW {
    const NAME: &'static str = "base_load_w";
    const PARAMETERS: &'static [Parameter] = &[Parameter::INTERVAL];
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, [minutes, ..]: [i64; MOST]) -> Option<i64> {
        sorted::lowest_hours(curve, interval(curve.len(), minutes)?)
    }
}

measure!(BaseLoadW);
