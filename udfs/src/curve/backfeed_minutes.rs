//! Time during which power is fed back.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, Parameter, interval, measure};
use super::points::{self, Curve};

/// Minutes of the negative points.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"How long a curve feeds power back (BIGINT, minutes): the intervals of its negative points. Null points are left out.

NULL for a NULL list, one of which no point is known, and one whose interval is unknown.",
    syntax_example = "backfeed_minutes(curve [, interval_minutes])",
    sql_example = r"```sql
> select backfeed_minutes([1000, -2000, null, -500], 60);
120
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
pub(super) struct BackfeedMinutes;

impl Measure for BackfeedMinutes {
    const NAME: &'static str = "backfeed_minutes";
    const PARAMETERS: &'static [Parameter] = &[Parameter::INTERVAL];
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, [minutes, ..]: [i64; MOST]) -> Option<i64> {
        let (negative, count) = points::sum(curve, |w| i64::from(w < 0));
        let minutes = interval(curve.len(), minutes)?;
        (count > 0).then(|| negative.saturating_mul(minutes))
    }
}

measure!(BackfeedMinutes);
