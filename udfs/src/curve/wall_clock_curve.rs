//! Days on which the clock is changed, as days of 24 hours.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use arrow::datatypes::{DataType, Date32Type, Int32Type};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;
use datafusion_common::{Result, exec_datafusion_err};
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use super::DAY_MINUTES;
use super::points::Curve;
use crate::args::{columns, exactly, primitive, refuse, signature, texts};
use crate::list::{ListWriter, Lists, coerce_to_curve, in_watts, list_of};
use crate::round::divide;

const NAME: &str = "wall_clock_curve";

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

impl ScalarUDFImpl for WallClockCurve {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve, date, zone] = exactly(NAME, ["curve", "date", "zone"], types)?;
        if !matches!(date, DataType::Date32 | DataType::Date64 | DataType::Null) && !date.is_string() {
            return refuse(NAME, "date", "a date", date);
        }
        if !zone.is_string() && !zone.is_null() {
            return refuse(NAME, "zone", "a text", zone);
        }
        Ok(vec![coerce_to_curve(NAME, "curve", curve)?, DataType::Date32, DataType::Utf8])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(list_of(DataType::Int32))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [curve, date, zone] = columns(NAME, &args)?;
        let curve = in_watts(NAME, curve)?;
        let curves = Lists::<Int32Type>::try_new(NAME, curve.array())?;
        let dates = primitive::<Date32Type>(NAME, date.array())?;
        let zones: &StringArray = texts(NAME, zone.array())?;
        // Curves of one day and zone come together, mostly.
        let mut last: Option<(i32, &str, Option<Day>)> = None;
        let mut lists = ListWriter::<Int32Type>::with_capacity(args.number_rows, 0);
        let mut points = Vec::new();
        for row in 0..args.number_rows {
            let (date_at, zone_at) = (date.at(row), zone.at(row));
            let curve = curves.row(curve.at(row)).filter(|_| dates.is_valid(date_at) && zones.is_valid(zone_at));
            let Some(curve) = curve else {
                lists.push_null();
                continue;
            };
            let (day, zone) = (dates.value(date_at), zones.value(zone_at));
            if last.as_ref().is_none_or(|(known_day, known_zone, _)| (*known_day, *known_zone) != (day, zone)) {
                last = Some((day, zone, Day::of(day, zone)?));
            }
            points.clear();
            let day = last.as_ref().and_then(|(_, _, day)| day.as_ref());
            match day.filter(|day| day.show(curve, &mut points)) {
                Some(_) => lists.push(points.iter().copied()),
                None => lists.push_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(lists.finish(NAME)?)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// A day in a zone.
struct Day {
    zone: Tz,
    start: chrono::DateTime<Tz>,
    minutes: i64,
}

impl Day {
    /// `None` of a date that no calendar knows.
    fn of(day: i32, zone: &str) -> Result<Option<Self>> {
        let zone: Tz = zone.parse().map_err(|_| exec_datafusion_err!("{NAME}: `{zone}` is not a time zone"))?;
        let midnight = |date: NaiveDate| {
            let midnight = date.and_time(NaiveTime::MIN);
            // Where the clock skips midnight, the day begins an hour later.
            let later = midnight + TimeDelta::hours(1);
            zone.from_local_datetime(&midnight).earliest().or_else(|| zone.from_local_datetime(&later).earliest())
        };
        let bounds = Date32Type::to_naive_date_opt(day).and_then(|date| {
            let next = date.checked_add_days(Days::new(1))?;
            Some((midnight(date)?, midnight(next)?))
        });
        Ok(bounds.map(|(start, end)| Self { zone, start, minutes: (end - start).num_minutes() }))
    }

    /// False where the intervals do not divide the day or the hour.
    fn show(&self, curve: Curve<'_>, points: &mut Vec<Option<i32>>) -> bool {
        let count = curve.len() as i64;
        if count == 0 || self.minutes % count != 0 {
            return false;
        }
        let interval = self.minutes / count;
        if 60 % interval != 0 {
            return false;
        }
        if self.minutes == DAY_MINUTES as i64 {
            points.extend(curve.iter());
            return true;
        }
        let mut slots = vec![(0i64, 0i64); DAY_MINUTES / interval as usize];
        for (position, w) in curve.known() {
            let clock = (self.start + TimeDelta::minutes(position as i64 * interval)).with_timezone(&self.zone);
            let minute = i64::from(clock.hour() * 60 + clock.minute());
            let (sum, known) = &mut slots[(minute / interval) as usize];
            (*sum, *known) = (*sum + i64::from(w), *known + 1);
        }
        // A mean of values of 32 bits has no more than 32.
        points.extend(slots.iter().map(|(sum, known)| (*known > 0).then(|| divide(*sum, *known) as i32)));
        true
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, ArrayRef, AsArray, Date32Array, ListArray};

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
