//! Days on which the clock is changed, as long as they were.

use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::points::Curve;
use super::{DAY_MINUTES, clocked};
use crate::args::{Column, exactly};
use crate::list::{Lists, coerce_to_curve, in_watts, list_of};
use crate::scalar::{Scalar, scalar};
use crate::time::{ClockDay, coerce_day};

/// A curve by the clock as a curve by the time that has passed.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"A day's curve by the time that has passed since midnight (LIST of INT, watts), of curves by the time that the clock showed, which have 24 hours always: what `wall_clock_curve` undoes. On most days that is the curve itself. On a day of 23 hours the hour that the clock skipped is left out. On one of 25 hours the hour that it showed twice stands twice: from `curve` and then from `second`, which holds what was read when the clock showed it for the second time; null points where `second` is NULL or has other intervals.

The curve itself where date or zone is NULL; NULL where the curve is, and where its intervals do not divide the hour or the day: on an island whose clock is changed by half an hour hours do not. A zone that is none is an error.",
    syntax_example = "elapsed_curve(curve, second, date, zone)",
    sql_example = r"```sql
> select array_length(elapsed_curve(array_repeat(100, 96), null, '2026-03-29', 'Europe/London'));
92
```",
    argument(name = "curve", description = "LIST of INT, watts, by the clock; other numbers as for `energy_wh`."),
    argument(name = "second", description = "The same, of the hour that the clock shows for the second time."),
    argument(name = "date", description = "DATE of the day"),
    argument(name = "zone", description = "TEXT, the time zone of the clock")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ElapsedCurve;

impl Scalar for ElapsedCurve {
    const NAME: &'static str = "elapsed_curve";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve, second, date, zone] = exactly(Self::NAME, ["curve", "second", "date", "zone"], types)?;
        let curves = vec![coerce_to_curve(Self::NAME, "curve", curve)?, coerce_to_curve(Self::NAME, "second", second)?];
        Ok([curves, coerce_day(Self::NAME, date, zone)?].concat())
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [curve, second, date, zone] = [0, 1, 2, 3].map(|at| &args.args[at]);
        let second = in_watts(Self::NAME, Column::new(second, args.number_rows)?)?;
        let seconds = Lists::<Int32Type>::try_new(Self::NAME, second.array())?;
        clocked::curves(Self::NAME, [curve, date, zone], args.number_rows, |row, curve, day, points| {
            let second = seconds.row(second.at(row)).filter(|second| second.len() == curve.len());
            match day {
                Some(day) => lay_out(curve, second, day, points),
                None => {
                    points.extend(curve.iter());
                    true
                }
            }
        })
    }
}

/// False where the intervals do not divide the hour or the day.
fn lay_out(curve: Curve<'_>, second: Option<Curve<'_>>, day: &ClockDay, points: &mut Vec<Option<i32>>) -> bool {
    let Some(interval) = clocked::interval(curve.len(), DAY_MINUTES as i64) else { return false };
    if day.minutes == DAY_MINUTES as i64 {
        points.extend(curve.iter());
        return true;
    }
    if day.minutes % interval != 0 {
        return false;
    }
    let shown: Vec<Option<i32>> = curve.iter().collect();
    let shown_again: Vec<Option<i32>> = second.map_or_else(Vec::new, |second| second.iter().collect());
    let longer = day.minutes - DAY_MINUTES as i64;
    for elapsed in (0..day.minutes).step_by(interval as usize) {
        let minute = day.clock_minute(elapsed);
        let is_second = longer > 0 && elapsed >= longer && day.clock_minute(elapsed - longer) == minute;
        let from = if is_second { &shown_again } else { &shown };
        points.push(from.get((minute / interval) as usize).copied().flatten());
    }
    true
}

scalar!(ElapsedCurve);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Date32Array, ListArray, StringArray};
    use arrow::datatypes::Date32Type;
    use proptest::prelude::*;

    use super::*;
    use crate::curve::wall_clock_curve::WallClockCurve;
    use crate::testing::call_arrays;

    fn list(points: &[Option<i32>]) -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(points.to_vec())]))
    }

    fn day(date: &str) -> [ArrayRef; 2] {
        let date = Date32Type::from_naive_date(date.parse().unwrap());
        [Arc::new(Date32Array::from(vec![date])), Arc::new(StringArray::from(vec!["Europe/London"]))]
    }

    fn points(list: &ArrayRef) -> Vec<Option<i32>> {
        list.as_list::<i32>().value(0).as_primitive::<Int32Type>().iter().collect()
    }

    #[test]
    fn an_hour_is_left_out_in_spring_and_stands_twice_in_autumn() {
        let clock: Vec<Option<i32>> = (0..24).map(Some).collect();
        let again: Vec<Option<i32>> = (0..24).map(|hour| (hour == 1).then_some(100)).collect();
        let passed = |date: &str| {
            let [date, zone] = day(date);
            points(&call_arrays(ElapsedCurve, &[list(&clock), list(&again), date, zone]).unwrap())
        };
        assert_eq!((passed("2026-03-29").len(), &passed("2026-03-29")[..3]), (23, &[Some(0), Some(2), Some(3)][..]));
        assert_eq!(passed("2026-10-25")[..4], [Some(0), Some(1), Some(100), Some(2)]);
        assert_eq!((passed("2026-10-25").len(), passed("2026-07-01")), (25, clock.clone()));
    }

    proptest! {
        /// By the clock again, each point is where it was, but in the hours that are
        /// skipped and shown twice.
        #[test]
        fn the_clock_shows_it_as_it_was(clock in prop::collection::vec(prop::option::of(-9..99), 48)) {
            for date in ["2026-03-29", "2026-10-25", "2026-07-01"] {
                let [date, zone] = day(date);
                let passed = call_arrays(ElapsedCurve, &[list(&clock), list(&clock), date.clone(), zone.clone()]).unwrap();
                let shown = points(&call_arrays(WallClockCurve, &[passed, date, zone]).unwrap());
                prop_assert_eq!(&shown[4..], &clock[4..]);
                prop_assert_eq!(&shown[..2], &clock[..2]);
            }
        }
    }
}
