//! Share of the energy between two times of day.

use arrow::datatypes::{DataType, Decimal128Type};
use datafusion_macros::user_doc;

use super::DAY_MINUTES;
use super::measure::{MOST, Measure, Parameter, interval, measure};
use super::points::{self, Curve};
use crate::round::{RATIO, ratio};

/// Energy between two times of day over that of the day.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The share of a day's energy that is taken from one time of day to another (DECIMAL(9,6)). Where `to_minute` is not after `from_minute`, the time goes on past midnight. An interval that a limit cuts counts by its minutes. Negative points take nothing; null points are left out.

NULL for a NULL list, one that takes nothing or of which no point is known, one whose length does not divide the day, and where an argument is NULL.",
    syntax_example = "energy_share(curve, from_minute, to_minute)",
    sql_example = r"```sql
> select energy_share([1000, 2000, 3000, 2000], 360, 1080);
0.625000
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "from_minute", description = "BIGINT, minute of the day, 0 to 1440."),
    argument(name = "to_minute", description = "BIGINT, minute of the day, 0 to 1440.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct EnergyShare;

impl Measure for EnergyShare {
    const NAME: &'static str = "energy_share";
    const PARAMETERS: &'static [Parameter] = &[Parameter::minute("from_minute"), Parameter::minute("to_minute")];
    type Value = Decimal128Type;
    const TYPE: DataType = RATIO;

    #[inline(always)]
    fn measure(curve: Curve<'_>, [from, to, ..]: [i64; MOST]) -> Option<i128> {
        let minutes = interval(curve.len(), 0)?;
        let (taken, _) = points::taken(curve)?;
        let part = if from < to {
            between(curve, minutes, from, to)
        } else {
            between(curve, minutes, from, DAY_MINUTES as i64) + between(curve, minutes, 0, to)
        };
        (taken > 0).then(|| ratio(i128::from(part), i128::from(taken) * i128::from(minutes)))
    }
}

measure!(EnergyShare);

/// Watt-minutes taken from minute `from` on and before minute `to`.
#[inline(always)]
pub(super) fn between(curve: Curve<'_>, minutes: i64, from: i64, to: i64) -> i64 {
    let weigh = |position: usize, w: i32| {
        let start = position as i64 * minutes;
        let overlap = to.min(start + minutes) - from.max(start);
        i64::from(w.max(0)) * overlap.max(0)
    };
    match curve.dense() {
        Some(values) => {
            // Only the points that the time touches.
            let (first, last) = ((from / minutes) as usize, (to + minutes - 1) / minutes);
            let last = (last as usize).clamp(first, values.len());
            let points = values.iter().enumerate().take(last).skip(first);
            points.map(|(position, &w)| weigh(position, w)).sum()
        }
        None => curve.known().map(|(position, w)| weigh(position, w)).sum(),
    }
}
