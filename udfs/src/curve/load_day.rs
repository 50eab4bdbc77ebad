//! One day's curve, read once: everything that needs the full resolution.

mod lowest;
mod output;
mod scan;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use self::output::Columns;
use self::scan::Shape;
use crate::args::{Column, columns, exactly, signature};
use crate::list::{Lists, Row, coerce_to_curve, in_watts};
use crate::simd::{Work, widest};

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

A NULL list, and a list of any other length (23 and 25 hour days among them), gives NULL in every field. A list of which no point is known gives `valid_points` 0, `points` and otherwise NULL.",
    syntax_example = "load_day(power_w)",
    sql_example = r"```sql
> select load_day(array_repeat(1000, 96))['energy_wh'];
24000
```",
    argument(
        name = "power_w",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
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
        let [power] = exactly(NAME, ["power_w"], types)?;
        Ok(vec![coerce_to_curve(NAME, "power_w", power)?])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(output::fields()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [power] = columns(NAME, &args)?;
        let power = in_watts(NAME, power)?;
        let curves = Lists::<Int32Type>::try_new(NAME, power.array())?;
        let mut days = Columns::with_capacity(args.number_rows);
        widest(Describe { curves, power: &power, rows: args.number_rows, days: &mut days });
        Ok(ColumnarValue::Array(Arc::new(days.finish(NAME)?)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// Describes all curves of a batch.
struct Describe<'a> {
    curves: Lists<'a, Int32Type>,
    power: &'a Column,
    rows: usize,
    days: &'a mut Columns,
}

impl Work for Describe<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for row in 0..self.rows {
            match self.curves.row(self.power.at(row)) {
                Some(curve) => describe(curve, self.days),
                None => self.days.push_missing(None),
            }
        }
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
        return match scan::sparse(curve.known(), shape) {
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
