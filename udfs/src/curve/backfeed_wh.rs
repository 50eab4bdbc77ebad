//! Energy fed back.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, Parameter, interval, measure};
use super::points::{self, Curve};

/// Energy of the negative points, as a positive number.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The energy that a curve feeds back into the grid (BIGINT, watt-hours): that of its negative points, as a positive number, rounded half away from zero. Null points are left out.

NULL for a NULL list, one of which no point is known, and one whose interval is unknown.",
    syntax_example = "backfeed_wh(curve [, interval_minutes])",
    sql_example = r"```sql
> select backfeed_wh([1000, -2000, null, -500], 60);
2500
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
pub(super) struct BackfeedWh;

impl Measure for BackfeedWh {
    const NAME: &'static str = "backfeed_wh";
    const PARAMETERS: &'static [Parameter] = &[Parameter::INTERVAL];
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, [minutes, ..]: [i64; MOST]) -> Option<i64> {
        let (fed_back, count) = points::sum(curve, |w| -i64::from(w.min(0)));
        let minutes = interval(curve.len(), minutes)?;
        (count > 0).then(|| points::watt_hours(fed_back, minutes))
    }
}

measure!(BackfeedWh);
