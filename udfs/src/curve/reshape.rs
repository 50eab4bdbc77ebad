//! Curves made of one curve: a list of watts and perhaps some whole numbers give
//! another list of watts.

use std::sync::Arc;

use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl};

use super::measure::{MOST, Parameter, Parameters};
use super::points::Curve;
use crate::args::Column;
use crate::list::{ListWriter, Lists, in_watts, list_of};

/// A curve of a curve.
pub(super) trait Reshape: ScalarUDFImpl + Sized {
    const NAME: &'static str;
    const PARAMETERS: &'static [Parameter] = &[];

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoke::<Self>(args)
    }

    /// Appends the points to `points`, which is empty; false where the curve
    /// has none and the result is NULL.
    fn reshape(curve: Curve<'_>, parameters: [i64; MOST], points: &mut Vec<Option<i32>>) -> Result<bool>;
}

fn invoke<R: Reshape>(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let rows = args.number_rows;
    let curve = in_watts(R::NAME, Column::new(&args.args[0], rows)?)?;
    let curves = Lists::<Int32Type>::try_new(R::NAME, curve.array())?;
    let parameters = Parameters::try_new(R::NAME, R::PARAMETERS, &args.args[1..], rows)?;
    let mut lists = ListWriter::<Int32Type>::with_capacity(rows, 0);
    let mut points = Vec::new();
    for row in 0..rows {
        points.clear();
        let is_known = match (curves.row(curve.at(row)), parameters.at(row)?) {
            (Some(curve), Some(parameters)) => R::reshape(curve, parameters, &mut points)?,
            _ => false,
        };
        if is_known { lists.push(points.iter().copied()) } else { lists.push_null() }
    }
    Ok(ColumnarValue::Array(Arc::new(lists.finish(R::NAME)?)))
}

/// The trait that engines see, of a [`Reshape`].
macro_rules! reshape {
    ($function:ty) => {
        $crate::curve::measure::measure!($function, $crate::curve::reshape::Reshape);
    };
}
pub(super) use reshape;
