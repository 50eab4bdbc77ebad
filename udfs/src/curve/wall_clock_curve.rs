//! Days on which the clock is changed, as days of 24 hours.

use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::points::Curve;
use super::{DAY_MINUTES, clocked};
use crate::list::list_of;
use crate::round::divide;
use crate::scalar::{Scalar, scalar};
use crate::time::ClockDay;

/// A day's curve by the time that the clock shows.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"A day's curve by the time that the clock on the wall shows (LIST of INT, watts), always of 24 hours: what the other functions expect. On most days that is the curve itself. On a day of 23 hours the points of the skipped hour are null; on one of 25 hours the two points that the clock shows twice become their mean, rounded half away from zero. The intervals follow from the length of the list and that of the day in the time zone (a name of the IANA database).

NULL where an argument is NULL, and where the intervals do not divide the day or the hour. A zone that is none is an error. Energy should be taken from the curve as it is, with its interval: `energy_wh(curve, 15)`.",
    syntax_example = "wall_clock_curve(curve, date, zone)",
    sql_example = r"```sql
> select array_length(wall_clock_curve(array_repeat(100, 92), '2026-03-29', 'Europe/London'));
96
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts, from local midnight to local midnight; other numbers as for `energy_wh`."
    ),
    argument(name = "date", description = "DATE of the day"),
    argument(name = "zone", description = "TEXT, the time zone of the curve")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct WallClockCurve;

impl Scalar for WallClockCurve {
    const NAME: &'static str = "wall_clock_curve";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        clocked::coerce(Self::NAME, types)
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [curve, date, zone] = [0, 1, 2].map(|at| &args.args[at]);
        clocked::curves(Self::NAME, [curve, date, zone], args.number_rows, |_, curve, day, points| {
            day.is_some_and(|day| show(curve, day, points))
        })
    }
}

scalar!(WallClockCurve);

/// False where the intervals do not divide the day or the hour.
fn show(curve: Curve<'_>, day: &ClockDay, points: &mut Vec<Option<i32>>) -> bool {
    let Some(interval) = clocked::interval(curve.len(), day.minutes) else { return false };
    if day.minutes == DAY_MINUTES as i64 {
        points.extend(curve.iter());
        return true;
    }
    let mut slots = vec![(0i64, 0i64); DAY_MINUTES / interval as usize];
    for (position, w) in curve.known() {
        let minute = day.clock_minute(position as i64 * interval);
        let (sum, known) = &mut slots[(minute / interval) as usize];
        (*sum, *known) = (*sum + i64::from(w), *known + 1);
    }
    // A mean of values of 32 bits has no more than 32.
    points.extend(slots.iter().map(|(sum, known)| (*known > 0).then(|| divide(*sum, *known) as i32)));
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, AsArray, Date32Array, ListArray, StringArray};
    use arrow::datatypes::{Date32Type, Int32Type};

    use super::*;
    use crate::testing::call_arrays;

    fn shown(hours: i32, date: &str) -> Vec<Option<i32>> {
        let curve = (0..hours).map(|hour| Some(hour * 100)).collect::<Vec<_>>();
        let curve: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(curve)]));
        let date: ArrayRef = Arc::new(Date32Array::from(vec![Date32Type::from_naive_date(date.parse().unwrap())]));
        let zone: ArrayRef = Arc::new(StringArray::from(vec!["Europe/London"]));
        let result = call_arrays(WallClockCurve, &[curve, date, zone]).unwrap();
        let lists = result.as_list::<i32>();
        if lists.is_null(0) { Vec::new() } else { lists.value(0).as_primitive::<Int32Type>().iter().collect() }
    }

    #[test]
    fn an_hour_is_skipped_in_spring_and_shown_twice_in_autumn() {
        let spring = shown(23, "2026-03-29");
        assert_eq!((spring.len(), &spring[..4]), (24, &[Some(0), None, Some(100), Some(200)][..]));
        let autumn = shown(25, "2026-10-25");
        assert_eq!((autumn.len(), &autumn[..4]), (24, &[Some(0), Some(150), Some(300), Some(400)][..]));
        let plain = shown(24, "2026-07-01");
        assert_eq!(plain, (0..24).map(|hour| Some(hour * 100)).collect::<Vec<_>>());
        assert!(shown(23, "2026-07-01").is_empty(), "23 hours on a day of 24");
    }
}
