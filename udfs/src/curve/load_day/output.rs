//! The columns that `load_day` returns.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int32Array, Int64Array, NullBufferBuilder, PrimitiveArray, StructArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Field, Fields, Int32Type, Int64Type};
use datafusion_common::Result;

use super::scan::{SLOTS, Scan, Shape};
use crate::list::{ListWriter, list_of};
use crate::round::{RATIO, RATIO_ONE, divide};

/// Hours of `night_wh`, `morning_wh`, `noon_wh` and `evening_wh`.
const PERIODS: [(usize, usize); 4] = [(0, 6), (6, 9), (11, 14), (17, 21)];

/// The fields of the struct, in the order of [`Columns::finish`].
pub(super) fn fields() -> Fields {
    [
        ("energy_wh", DataType::Int64),
        ("max_demand_w", DataType::Int32),
        ("min_demand_w", DataType::Int32),
        ("base_load_w", DataType::Int32),
        ("peak_minute", DataType::Int32),
        ("load_factor", RATIO),
        ("night_wh", DataType::Int64),
        ("morning_wh", DataType::Int64),
        ("noon_wh", DataType::Int64),
        ("evening_wh", DataType::Int64),
        ("max_ramp_w", DataType::Int32),
        ("longest_zero_minutes", DataType::Int32),
        ("backfeed_wh", DataType::Int64),
        ("valid_points", DataType::Int32),
        ("points", DataType::Int32),
        ("half_hour_wh", list_of(DataType::Int32)),
    ]
    .into_iter()
    .map(|(name, data_type)| Field::new(name, data_type, true))
    .collect()
}

/// A column with nulls of its own.
#[derive(Debug)]
struct Nullable<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    known: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Nullable<T> {
    fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), known: NullBufferBuilder::new(rows) }
    }

    #[inline(always)]
    fn push(&mut self, value: Option<T::Native>) {
        self.known.append(value.is_some());
        self.values.push(value.unwrap_or_default());
    }

    fn finish(mut self) -> Result<PrimitiveArray<T>> {
        Ok(PrimitiveArray::try_new(ScalarBuffer::from(self.values), self.known.finish())?)
    }
}

/// The columns in the making, sized for a batch: no row allocates.
#[derive(Debug)]
pub(super) struct Columns {
    /// Rows with a known point; what has no nulls of its own is NULL elsewhere.
    known: NullBufferBuilder,
    energy_wh: Vec<i64>,
    max_demand_w: Vec<i32>,
    min_demand_w: Vec<i32>,
    base_load_w: Vec<i32>,
    peak_minute: Vec<i32>,
    longest_zero_minutes: Vec<i32>,
    backfeed_wh: Vec<i64>,
    load_factor: Nullable<Decimal128Type>,
    periods_wh: [Nullable<Int64Type>; 4],
    max_ramp_w: Nullable<Int32Type>,
    valid_points: Nullable<Int32Type>,
    points: Nullable<Int32Type>,
    half_hour_wh: ListWriter<Int32Type>,
}

impl Columns {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            known: NullBufferBuilder::new(rows),
            energy_wh: Vec::with_capacity(rows),
            max_demand_w: Vec::with_capacity(rows),
            min_demand_w: Vec::with_capacity(rows),
            base_load_w: Vec::with_capacity(rows),
            peak_minute: Vec::with_capacity(rows),
            longest_zero_minutes: Vec::with_capacity(rows),
            backfeed_wh: Vec::with_capacity(rows),
            load_factor: Nullable::with_capacity(rows),
            periods_wh: std::array::from_fn(|_| Nullable::with_capacity(rows)),
            max_ramp_w: Nullable::with_capacity(rows),
            valid_points: Nullable::with_capacity(rows),
            points: Nullable::with_capacity(rows),
            half_hour_wh: ListWriter::with_capacity(rows, rows * SLOTS),
        }
    }

    /// A row of which nothing is known, but perhaps the number of its points.
    pub(super) fn push_missing(&mut self, points: Option<usize>) {
        self.known.append_null();
        self.energy_wh.push(0);
        self.max_demand_w.push(0);
        self.min_demand_w.push(0);
        self.base_load_w.push(0);
        self.peak_minute.push(0);
        self.longest_zero_minutes.push(0);
        self.backfeed_wh.push(0);
        self.load_factor.push(None);
        for period in &mut self.periods_wh {
            period.push(None);
        }
        self.max_ramp_w.push(None);
        self.valid_points.push(points.map(|_| 0));
        self.points.push(points.map(|points| points as i32));
        self.half_hour_wh.push_null();
    }

    #[inline(always)]
    pub(super) fn push(&mut self, shape: Shape, scan: &Scan) {
        let sum = scan.running[shape.slots];
        let (lowest, count) = scan.lowest;
        self.known.append_non_null();
        self.energy_wh.push(watt_hours(sum, shape));
        self.max_demand_w.push(scan.max);
        self.min_demand_w.push(scan.min);
        // A mean of values of 32 bits has no more than 32.
        self.base_load_w.push(divide(lowest, count) as i32);
        self.peak_minute.push(scan.peak as i32 * shape.minutes);
        self.longest_zero_minutes.push(scan.zeros * shape.minutes);
        self.backfeed_wh.push(watt_hours(-scan.negative, shape));
        self.load_factor.push(load_factor(sum, scan.valid, scan.max));
        for (period, (from, to)) in self.periods_wh.iter_mut().zip(PERIODS) {
            let (from, to) = (from * shape.slots / 24, to * shape.slots / 24);
            let slots = (1u64 << (to - from)) - 1;
            let is_known = (scan.known_slots >> from) & slots != 0;
            let sum = scan.running[to] - scan.running[from];
            period.push(is_known.then(|| watt_hours(sum, shape)));
        }
        self.max_ramp_w.push(scan.ramp);
        self.valid_points.push(Some(scan.valid as i32));
        self.points.push(Some(shape.points as i32));
        self.push_half_hours(shape, scan);
    }

    /// Differences of the rounded running energy, which sum to the day's.
    #[inline(always)]
    fn push_half_hours(&mut self, shape: Shape, scan: &Scan) {
        let mut half_hours = [0; SLOTS];
        let mut before = 0;
        for (half_hour, &sum) in half_hours.iter_mut().zip(&scan.running[1..]) {
            let energy = watt_hours(sum, shape);
            // The energy of a slot is at most one hour of 32-bit watts, a whole
            // number where it is a full hour: it has no more than 32 bits.
            *half_hour = (energy - before) as i32;
            before = energy;
        }
        let half_hours = &half_hours[..shape.slots];
        if scan.known_slots == shape.all_slots() {
            self.half_hour_wh.push_dense(half_hours);
        } else {
            self.half_hour_wh.push(
                half_hours
                    .iter()
                    .enumerate()
                    .map(|(slot, &energy)| ((scan.known_slots >> slot) & 1 == 1).then_some(energy)),
            );
        }
    }

    pub(super) fn finish(mut self, function: &str) -> Result<StructArray> {
        let known = self.known.finish();
        let [night, morning, noon, evening] = self.periods_wh.map(Nullable::finish);
        let load_factor: Decimal128Array = self.load_factor.finish()?.with_data_type(RATIO);
        let columns: Vec<ArrayRef> = vec![
            int64(self.energy_wh, &known)?,
            int32(self.max_demand_w, &known)?,
            int32(self.min_demand_w, &known)?,
            int32(self.base_load_w, &known)?,
            int32(self.peak_minute, &known)?,
            Arc::new(load_factor),
            Arc::new(night?),
            Arc::new(morning?),
            Arc::new(noon?),
            Arc::new(evening?),
            Arc::new(self.max_ramp_w.finish()?),
            int32(self.longest_zero_minutes, &known)?,
            int64(self.backfeed_wh, &known)?,
            Arc::new(self.valid_points.finish()?),
            Arc::new(self.points.finish()?),
            Arc::new(self.half_hour_wh.finish(function)?),
        ];
        Ok(StructArray::try_new(fields(), columns, None)?)
    }
}

fn int64(values: Vec<i64>, known: &Option<NullBuffer>) -> Result<ArrayRef> {
    Ok(Arc::new(Int64Array::try_new(values.into(), known.clone())?))
}

fn int32(values: Vec<i32>, known: &Option<NullBuffer>) -> Result<ArrayRef> {
    Ok(Arc::new(Int32Array::try_new(values.into(), known.clone())?))
}

/// Energy of a sum of interval means that is not negative, rounded half up. A
/// day's sum is so far from the end of `i64` that half an hour's points may be
/// added.
#[inline(always)]
fn watt_hours(sum: i64, shape: Shape) -> i64 {
    (sum + shape.per_hour / 2) / shape.per_hour
}

/// Mean over maximum, in millionths. The sum of 288 values of 32 bits, taken
/// a million times, stays within 64.
#[inline(always)]
fn load_factor(sum: i64, valid: usize, max: i32) -> Option<i128> {
    if max <= 0 {
        return None;
    }
    Some(i128::from(divide(sum * RATIO_ONE, valid as i64 * i64::from(max))))
}
