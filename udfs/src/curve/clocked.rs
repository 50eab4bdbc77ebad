//! Curves of days by date and zone, some of which have 23 or 25 hours.

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, Date32Type, Int32Type};
use datafusion_common::Result;
use datafusion_expr::ColumnarValue;

use super::points::Curve;
use crate::args::{Column, exactly, primitive, texts};
use crate::list::{ListWriter, Lists, coerce_to_curve, in_watts};
use crate::time::{ClockDay, ClockDays, coerce_day};

/// Minutes of each of so many intervals of a day. `None` where they do not divide
/// the day or the hour.
pub(super) fn interval(points: usize, day_minutes: i64) -> Option<i64> {
    let points = points as i64;
    let interval = (points > 0 && day_minutes % points == 0).then(|| day_minutes / points)?;
    (60 % interval == 0).then_some(interval)
}

/// The types of a curve, a date and a zone, or a refusal.
pub(super) fn coerce(function: &str, types: &[DataType]) -> Result<Vec<DataType>> {
    let [curve, date, zone] = exactly(function, ["curve", "date", "zone"], types)?;
    Ok([vec![coerce_to_curve(function, "curve", curve)?], coerce_day(function, date, zone)?].concat())
}

/// Makes curves of curves. `make` is given the row, the curve and the day, `None`
/// where date or zone is NULL; it appends points, or gives false for NULL.
pub(super) fn curves(
    function: &'static str,
    [curve, date, zone]: [&ColumnarValue; 3],
    rows: usize,
    mut make: impl FnMut(usize, Curve<'_>, Option<&ClockDay>, &mut Vec<Option<i32>>) -> bool,
) -> Result<ColumnarValue> {
    let curve = in_watts(function, Column::new(curve, rows)?)?;
    let curves = Lists::<Int32Type>::try_new(function, curve.array())?;
    let (date, zone) = (Column::new(date, rows)?, Column::new(zone, rows)?);
    let dates = primitive::<Date32Type>(function, date.array())?;
    let zones = texts(function, zone.array())?;
    let mut days = ClockDays::default();
    let mut lists = ListWriter::<Int32Type>::with_capacity(rows, 0);
    let mut points = Vec::new();
    for row in 0..rows {
        let (date_at, zone_at) = (date.at(row), zone.at(row));
        let Some(curve) = curves.row(curve.at(row)) else {
            lists.push_null();
            continue;
        };
        let day = match dates.is_valid(date_at) && zones.is_valid(zone_at) {
            true => days.day(function, dates.value(date_at), zones.value(zone_at))?,
            false => None,
        };
        points.clear();
        if make(row, curve, day, &mut points) { lists.push(points.iter().copied()) } else { lists.push_null() }
    }
    Ok(ColumnarValue::Array(Arc::new(lists.finish(function)?)))
}
