//! One day's curve, read once: everything that needs the full resolution.

mod lowest;
mod output;
mod scan;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, Date32Type, Int32Type};
use datafusion_common::{Result, plan_err};
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use self::output::Columns;
use self::scan::Shape;
use super::{DAY_MINUTES, clocked};
use crate::args::{Column, primitive, signature, texts};
use crate::list::{Lists, Row, coerce_to_curve, in_watts};
use crate::simd::{Work, widest};
use crate::time::{ClockDay, ClockDays, coerce_day};

const NAME: &str = "load_day";

/// Energy, demand, base load, ramps and half hours of one day.
///
/// Definitions. With `w[i]` the mean watts of interval `i` and `per_hour`
/// intervals an hour, energy is what is taken from the grid: the sum of
/// `max(w[i], 0) / per_hour`, as the import register of a meter counts it; what
/// is fed back is counted apart. Every energy is summed exactly and rounded
/// once, half up. Load factor is the mean of what is taken over the maximum.
/// Base load is the mean of the lowest three hours of what is taken. `half_hour_wh[i]` is the rounded energy up to the end of half hour
/// `i` less the rounded energy up to its start, so the list sums to
/// `energy_wh`.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Describes one day's load curve: the mean watts of each interval from 00:00 on, of 24, 48, 96 or 288 intervals. All points that are null are left out of every figure.

Returns a struct, each field of which may be NULL:

- `energy_wh` BIGINT: energy taken on the day, watt-hours, rounded half up. Negative points, where power is fed back, take nothing.
- `max_demand_w`, `min_demand_w` INT: largest and smallest interval mean, watts; negative where power is fed back.
- `base_load_w` INT: mean of the lowest three hours of known points, of all of them where fewer are known; negative points as 0.
- `peak_minute` INT: first minute of the interval of the maximum, the earliest on ties.
- `load_factor` DECIMAL(9,6): mean of the known points, negative ones as 0, over the maximum. NULL where the maximum is not above 0.
- `night_wh` (00-06), `morning_wh` (06-09), `noon_wh` (11-14), `evening_wh` (17-21) BIGINT: energy taken in these hours. NULL where none of their points is known.
- `max_ramp_w` INT: largest absolute change between neighbouring known points, at most 2147483647. NULL where no two neighbours are known.
- `longest_zero_minutes` INT: longest run of known points that are 0. A null ends a run.
- `backfeed_wh` BIGINT: energy of the negative points, as a positive number.
- `valid_points`, `points` INT: how many points are known, and how many there are.
- `half_hour_wh` LIST of INT: energy taken in each half hour (48 values; of each hour, 24 values, for an hourly curve). NULL where none of its points is known. The values sum to `energy_wh`: rounding carries its remainder on.

A day of 23 or 25 hours, on which the clock is changed, is described where `date` and `zone` are given: hours are those of the clock, and of the hour that it shows twice both stand in its half hours; neighbours, runs and the lowest three hours go by the time that has passed.

A NULL list, and a list of any other length, gives NULL in every field. A list of which no point is known gives `valid_points` 0, `points` and otherwise NULL.",
    syntax_example = "load_day(power_w[, date, zone])",
    sql_example = r"```sql
> select load_day(array_repeat(1000, 96))['energy_wh'];
24000
```",
    argument(
        name = "power_w",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "date", description = "DATE of the day"),
    argument(name = "zone", description = "TEXT, the time zone of the clock; NULL where it is never changed")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct LoadDay;

impl ScalarUDFImpl for LoadDay {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [power] => Ok(vec![coerce_to_curve(NAME, "power_w", power)?]),
            [power, date, zone] => {
                Ok([vec![coerce_to_curve(NAME, "power_w", power)?], coerce_day(NAME, date, zone)?].concat())
            }
            _ => plan_err!("{NAME} takes 1 or 3 argument(s), (power_w, date, zone), not {}", types.len()),
        }
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(output::fields()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let power = in_watts(NAME, Column::new(&args.args[0], rows)?)?;
        let curves = Lists::<Int32Type>::try_new(NAME, power.array())?;
        let changed = changed_days(&args.args[1..], rows)?;
        let mut days = Columns::with_capacity(rows);
        widest(Describe { curves, power: &power, rows, changed: &changed, days: &mut days });
        Ok(ColumnarValue::Array(Arc::new(days.finish(NAME)?)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// Of each row the day, where the clock is changed on it; empty where it is on none.
fn changed_days(args: &[ColumnarValue], rows: usize) -> Result<Vec<Option<ClockDay>>> {
    let [date, zone] = args else { return Ok(Vec::new()) };
    let (date, zone) = (Column::new(date, rows)?, Column::new(zone, rows)?);
    let (dates, zones) = (primitive::<Date32Type>(NAME, date.array())?, texts(NAME, zone.array())?);
    let mut known = ClockDays::default();
    let mut changed = Vec::new();
    if zones.null_count() == zones.len() {
        return Ok(changed);
    }
    for row in 0..rows {
        let (date_at, zone_at) = (date.at(row), zone.at(row));
        if dates.is_null(date_at) || zones.is_null(zone_at) {
            continue;
        }
        let day = known.day(NAME, dates.value(date_at), zones.value(zone_at))?;
        if let Some(day) = day.filter(|day| day.minutes != DAY_MINUTES as i64) {
            changed.resize(rows, None);
            changed[row] = Some(day.clone());
        }
    }
    Ok(changed)
}

/// Describes all curves of a batch.
struct Describe<'a> {
    curves: Lists<'a, Int32Type>,
    power: &'a Column,
    rows: usize,
    changed: &'a [Option<ClockDay>],
    days: &'a mut Columns,
}

impl Work for Describe<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for row in 0..self.rows {
            match (self.curves.row(self.power.at(row)), self.changed.get(row)) {
                (Some(curve), Some(Some(day))) => describe_by_clock(curve, day, self.days),
                (Some(curve), _) => describe(curve, self.days),
                (None, _) => self.days.push_missing(None),
            }
        }
    }
}

/// Describes the curve of a day on which the clock is changed.
fn describe_by_clock(curve: Row<'_, i32>, day: &ClockDay, days: &mut Columns) {
    let shape = clocked::interval(curve.len(), day.minutes)
        .and_then(|interval| Shape::of_accepted(DAY_MINUTES / interval as usize))
        .map(|shape| Shape { points: curve.len(), ..shape })
        .filter(|shape| shape.points <= scan::MOST_POINTS);
    let Some(shape) = shape else { return days.push_missing(None) };
    let minutes = i64::from(shape.minutes);
    let points = curve.known().map(|(at, w)| (at, (day.clock_minute(at as i64 * minutes) / minutes) as usize, w));
    match scan::sparse(points, shape) {
        Some(scan) => days.push(shape, &scan),
        None => days.push_missing(Some(shape.points)),
    }
}

/// Describes one curve. The accepted lengths have loops of fixed size, which
/// vectorise; a curve with gaps goes point by point.
#[inline(always)]
fn describe(curve: Row<'_, i32>, days: &mut Columns) {
    let Some(shape) = Shape::of_accepted(curve.len()) else {
        return days.push_missing(None);
    };
    let Some(values) = curve.dense() else {
        return match scan::sparse(curve.known().map(|(at, w)| (at, at, w)), shape) {
            Some(scan) => days.push(shape, &scan),
            None => days.push_missing(Some(shape.points)),
        };
    };
    if let Ok(day) = <&[i32; 96]>::try_from(values) {
        days.push(Shape::of(96), &scan::dense(day));
    } else if let Ok(day) = <&[i32; 48]>::try_from(values) {
        days.push(Shape::of(48), &scan::dense(day));
    } else if let Ok(day) = <&[i32; 288]>::try_from(values) {
        days.push(Shape::of(288), &scan::dense(day));
    } else if let Ok(day) = <&[i32; 24]>::try_from(values) {
        days.push(Shape::of(24), &scan::dense(day));
    } else {
        days.push_missing(None);
    }
}
