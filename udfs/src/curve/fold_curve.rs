//! One row per reading, folded into one list per day.

use arrow::array::{Array, ArrayRef, PrimitiveArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, TimeUnit, TimestampMicrosecondType};
use datafusion_common::{Result, exec_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use super::DAY_MINUTES;
use super::arena::Arena;
use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{coerce_integer, exactly, primitive, refuse};
use crate::list::{Lists, list_of, whole_watts};

const NAME: &str = "fold_curve";
const MINUTE_MICROS: i64 = 60_000_000;
const DAY_MICROS: i64 = 1440 * MINUTE_MICROS;
/// A slot without a reading: below every reading, which has 32 bits.
const UNKNOWN: i64 = i64::MIN;

/// The curve of a day from its readings ([`FoldedCurves`]).
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Folds the readings of one day, one row each, into its load curve: LIST of INT, watts, with one value for each interval of the day. A reading belongs to the interval that its time of day falls into; its date is not looked at: group by it. A slot without a reading is NULL; of two readings of one slot the larger wins, so the order of the rows does not matter.

Rows whose time or watts are NULL are left out; where none is left the result is NULL. An interval other than 5, 15, 30 or 60 minutes (NULL among them), and two intervals in one group are errors.",
    syntax_example = "fold_curve(read_at, power_w, interval_minutes)",
    sql_example = r"```sql
> select fold_curve(t, w, 60)[8] from (values (timestamp '2026-01-31 07:05:00', 700), (timestamp '2026-01-31 07:10:00', 900)) r(t, w);
900
```",
    argument(name = "read_at", description = "TIMESTAMP, local time: the begin of the reading's interval."),
    argument(
        name = "power_w",
        description = "INT, watts. Other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "interval_minutes", description = "INT: 5, 15, 30 or 60, the same for all rows of a group.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct FoldCurve;

impl Aggregate for FoldCurve {
    const NAME: &'static str = NAME;
    type Groups = FoldedCurves;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let names = ["read_at", "power_w", "interval_minutes"];
        let [read_at, power, interval] = exactly(NAME, names, types)?;
        if !matches!(read_at, DataType::Timestamp(_, None) | DataType::Null) {
            return refuse(NAME, names[0], "a timestamp without a zone", read_at);
        }
        let power = match power {
            _ if power.is_integer() || power.is_null() => DataType::Int32,
            _ if power.is_floating() || power.is_decimal() => DataType::Float64,
            _ => return refuse(NAME, names[1], "a number", power),
        };
        Ok(vec![
            DataType::Timestamp(TimeUnit::Microsecond, None),
            power,
            coerce_integer(NAME, names[2], interval, DataType::Int32)?,
        ])
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn state() -> Vec<(&'static str, DataType)> {
        vec![("curve", list_of(DataType::Int32))]
    }

    fn groups() -> FoldedCurves {
        FoldedCurves::default()
    }
}

aggregate!(FoldCurve);

/// The largest reading of each slot, of each group. The state of a group is
/// its curve so far; its length tells the interval.
#[derive(Debug, Default)]
pub(crate) struct FoldedCurves {
    slots: Arena,
}

impl FoldedCurves {
    /// The slots of a group, which number `count`.
    fn slots(&mut self, group: usize, count: usize) -> Result<&mut [i64]> {
        let slots = self.slots.open(group, count, UNKNOWN);
        if slots.len() != count {
            return exec_err!(
                "{NAME}: intervals of {} and of {} minutes in one group",
                DAY_MINUTES / slots.len(),
                DAY_MINUTES / count
            );
        }
        Ok(slots)
    }
}

/// Readings, as coercion made them.
enum Watts<'a> {
    Whole(&'a PrimitiveArray<Int32Type>),
    Floats(&'a PrimitiveArray<Float64Type>),
}

impl<'a> Watts<'a> {
    fn try_new(column: &'a ArrayRef) -> Result<Self> {
        match column.data_type() {
            DataType::Float64 => Ok(Self::Floats(primitive::<Float64Type>(NAME, column)?)),
            _ => Ok(Self::Whole(primitive::<Int32Type>(NAME, column)?)),
        }
    }

    fn get(&self, row: usize) -> Result<Option<i32>> {
        match self {
            Self::Whole(values) => Ok(values.is_valid(row).then(|| values.value(row))),
            Self::Floats(values) => {
                let known = values.is_valid(row).then(|| values.value(row)).filter(|value| value.is_finite());
                known.map(|value| whole_watts(NAME, value)).transpose()
            }
        }
    }
}

/// The slot of a reading, and the slots of its day.
fn place(micros: i64, interval: Option<i32>) -> Result<(usize, usize)> {
    let interval = match interval {
        Some(minutes @ (5 | 15 | 30 | 60)) => minutes as usize,
        Some(other) => {
            return exec_err!("{NAME}: interval_minutes takes 5, 15, 30 or 60, not {other}");
        }
        None => return exec_err!("{NAME}: interval_minutes takes 5, 15, 30 or 60, not NULL"),
    };
    // Less than a day, so it fits.
    let minute = (micros.rem_euclid(DAY_MICROS) / MINUTE_MICROS) as usize;
    Ok((minute / interval, DAY_MINUTES / interval))
}

impl Groups for FoldedCurves {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        self.slots.resize(groups);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [times, watts, intervals] = args else {
            return exec_err!("{NAME} was called with {} arguments", args.len());
        };
        let times = primitive::<TimestampMicrosecondType>(NAME, times)?;
        let watts = Watts::try_new(watts)?;
        let intervals = primitive::<Int32Type>(NAME, intervals)?;
        for (row, &group) in groups.iter().enumerate() {
            if !filter.keeps(row) || times.is_null(row) {
                continue;
            }
            let Some(watts) = watts.get(row)? else { continue };
            let interval = intervals.is_valid(row).then(|| intervals.value(row));
            let (slot, slots) = place(times.value(row), interval)?;
            let largest = &mut self.slots(group, slots)?[slot];
            *largest = (*largest).max(i64::from(watts));
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [curves] = states else {
            return exec_err!("{NAME} was given {} state columns", states.len());
        };
        let curves = Lists::<Int32Type>::try_new(NAME, curves)?;
        for (row, &group) in groups.iter().enumerate() {
            if let Some(curve) = curves.row(row)
                && curve.len() > 0
            {
                let slots = self.slots(group, curve.len())?;
                for (slot, watts) in curve.known() {
                    slots[slot] = slots[slot].max(i64::from(watts));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self { slots: self.slots.take(emit_to) }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.result()?])
    }

    fn result(&self) -> Result<ArrayRef> {
        self.slots.watts(NAME)
    }

    fn heap_size(&self) -> usize {
        self.slots.heap_size()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int32Array, TimestampMicrosecondArray};
    use datafusion_common::ScalarValue;

    use super::*;
    use crate::testing::{aggregate, aggregate_groups};

    type Reading = (Option<i32>, Option<i32>, Option<i32>);

    fn columns(rows: &[Reading]) -> Vec<ArrayRef> {
        let day = |minutes: i32| 20_000 * DAY_MICROS + i64::from(minutes) * MINUTE_MICROS;
        let times: TimestampMicrosecondArray = rows.iter().map(|row| row.0.map(day)).collect();
        let watts: Int32Array = rows.iter().map(|row| row.1).collect();
        let intervals: Int32Array = rows.iter().map(|row| row.2).collect();
        vec![Arc::new(times), Arc::new(watts), Arc::new(intervals)]
    }

    fn curve(value: &ScalarValue) -> Option<Vec<Option<i32>>> {
        let array = value.to_array().unwrap();
        let list = array.as_list::<i32>();
        list.iter().next().flatten().map(|v| v.as_primitive::<Int32Type>().iter().collect())
    }

    #[test]
    fn readings_fall_into_their_slots() {
        let rows = [
            (Some(0), Some(5), Some(60)),
            (Some(59), Some(-7), Some(60)),
            (Some(1439), Some(-1), Some(60)),
            // The evening before, which another group would hold.
            (Some(-1), Some(-9), Some(60)),
            (None, Some(9), Some(60)),
            (Some(120), None, Some(60)),
        ];
        let folded = curve(&aggregate(FoldCurve, &columns(&rows)).unwrap()).unwrap();
        let mut expected = vec![None; 24];
        (expected[0], expected[23]) = (Some(5), Some(-1));
        assert_eq!(folded, expected);
    }

    #[test]
    fn groups_may_differ_in_their_interval() {
        let rows = [
            (Some(0), Some(1), Some(60)),
            (Some(17), Some(2), Some(15)),
            (Some(10), Some(3), Some(60)),
            (Some(16), Some(1), Some(15)),
        ];
        let folded = aggregate_groups(FoldCurve, &columns(&rows), &[0, 2, 0, 2], 3).unwrap();
        let curves: Vec<_> = folded.iter().map(curve).collect();
        assert_eq!(curves[0].as_ref().map(|c| (c.len(), c[0])), Some((24, Some(3))));
        assert_eq!(curves[1], None);
        assert_eq!(curves[2].as_ref().map(|c| (c.len(), c[0], c[1])), Some((96, None, Some(2))));
    }

    #[test]
    fn wrong_readings_are_errors() {
        let fails = |rows: &[Reading], message: &str| {
            let error = aggregate(FoldCurve, &columns(rows)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        };
        fails(&[(Some(0), Some(1), Some(10))], "takes 5, 15, 30 or 60, not 10");
        fails(&[(Some(0), Some(1), None)], "not NULL");
        let mixed = [(Some(0), Some(1), Some(60)), (Some(0), Some(1), Some(15))];
        fails(&mixed, "intervals of 60 and of 15 minutes in one group");
    }
}
