//! Foreign units of whole curves.

use std::sync::Arc;

use arrow::datatypes::{DataType, Float64Type, Int32Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};

use crate::args::{columns, exactly, refuse};
use crate::list::{ListWriter, Lists, element_of, list_of};

/// Any list of numbers, as `List<Float64>`.
pub(super) fn coerce(function: &str, types: &[DataType]) -> Result<Vec<DataType>> {
    let [curve] = exactly(function, ["curve"], types)?;
    match (curve, element_of(curve)) {
        (_, Some(element)) if element.is_numeric() || element.is_null() => Ok(vec![list_of(DataType::Float64)]),
        (DataType::Null, _) => Ok(vec![list_of(DataType::Float64)]),
        _ => refuse(function, "curve", "a list of numbers", curve),
    }
}

/// Multiplies every element by the factor of its curve's number of points. NaN
/// and infinity are unknown; a list with a number that is too large is NULL, so
/// that none of it is taken for known.
pub(super) fn convert(function: &str, args: &ScalarFunctionArgs, factor: fn(usize) -> f64) -> Result<ColumnarValue> {
    let [curve] = columns(function, args)?;
    let curves = Lists::<Float64Type>::try_new(function, curve.array())?;
    let mut watts = ListWriter::<Int32Type>::with_capacity(args.number_rows, args.number_rows * 96);
    for row in 0..args.number_rows {
        match curves.row(curve.at(row)) {
            Some(values) => {
                let factor = factor(values.len());
                let known = || values.iter().map(|value| value.filter(|value| value.is_finite()));
                match known().flatten().all(|value| whole(value * factor).is_some()) {
                    true => watts.push(known().map(|value| value.and_then(|value| whole(value * factor)))),
                    false => watts.push_null(),
                }
            }
            None => watts.push_null(),
        }
    }
    Ok(ColumnarValue::Array(Arc::new(watts.finish(function)?)))
}

fn whole(watts: f64) -> Option<i32> {
    let rounded = watts.round();
    (rounded >= f64::from(i32::MIN) && rounded <= f64::from(i32::MAX)).then_some(rounded as i32)
}
