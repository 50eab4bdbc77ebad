//! Energy taken on a day.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, Parameter, interval, measure};
use super::points::{self, Curve};

/// Energy, watt-hours.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The energy that a curve takes from the grid (BIGINT, watt-hours), rounded half away from zero, once. Negative points, where power is fed back, take nothing; `backfeed_wh` counts those. Null points are left out: divide by `valid_share` to scale up.

NULL for a NULL list, one of which no point is known, and one whose interval is unknown.",
    syntax_example = "energy_wh(curve [, interval_minutes])",
    sql_example = r"```sql
> select energy_wh([1000, 2000, null, -500], 15);
750
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
pub(super) struct EnergyWh;

impl Measure for EnergyWh {
    const NAME: &'static str = "energy_wh";
    const PARAMETERS: &'static [Parameter] = &[Parameter::INTERVAL];
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, [minutes, ..]: [i64; MOST]) -> Option<i64> {
        let (taken, _) = points::taken(curve)?;
        Some(points::watt_hours(taken, interval(curve.len(), minutes)?))
    }
}

measure!(EnergyWh);
