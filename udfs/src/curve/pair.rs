//! What two curves have to do with each other: two lists of watts give one
//! number.

use std::sync::Arc;

use arrow::array::Float64Array;
use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::{Result, exec_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl};

use crate::args::{columns, exactly};
use crate::list::{Lists, coerce_to_curve, in_watts};

/// A figure of two curves.
pub(super) trait Pair: ScalarUDFImpl {
    const NAME: &'static str;
    /// What the two are called.
    const ARGUMENTS: [&'static str; 2];

    /// The figure of two curves of one length, by the points that are known in
    /// both, in their order.
    fn figure(points: &[(f64, f64)]) -> Option<f64>;
}

pub(super) fn coerce<P: Pair>(types: &[DataType]) -> Result<Vec<DataType>> {
    let types = exactly(P::NAME, P::ARGUMENTS, types)?;
    P::ARGUMENTS.iter().zip(types).map(|(argument, found)| coerce_to_curve(P::NAME, argument, found)).collect()
}

pub(super) fn invoke<P: Pair>(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let [left, right] = columns(P::NAME, args)?;
    let (left, right) = (in_watts(P::NAME, left)?, in_watts(P::NAME, right)?);
    let lefts = Lists::<Int32Type>::try_new(P::NAME, left.array())?;
    let rights = Lists::<Int32Type>::try_new(P::NAME, right.array())?;
    let mut points = Vec::new();
    let mut figures = Vec::with_capacity(args.number_rows);
    for row in 0..args.number_rows {
        let (Some(one), Some(other)) = (lefts.row(left.at(row)), rights.row(right.at(row))) else {
            figures.push(None);
            continue;
        };
        if one.len() != other.len() {
            return exec_err!(
                "{}: {} has {} points and {} {}: resample_curve makes them alike",
                P::NAME,
                P::ARGUMENTS[0],
                one.len(),
                P::ARGUMENTS[1],
                other.len()
            );
        }
        points.clear();
        points.extend(one.iter().zip(other.iter()).filter_map(|(a, b)| Some((f64::from(a?), f64::from(b?)))));
        figures.push(P::figure(&points));
    }
    Ok(ColumnarValue::Array(Arc::new(Float64Array::from(figures))))
}

/// The traits that engines see, of a [`Pair`].
macro_rules! pair {
    ($function:ty) => {
        impl $crate::scalar::Scalar for $function {
            const NAME: &'static str = <Self as $crate::curve::pair::Pair>::NAME;

            fn coerce(
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                $crate::curve::pair::coerce::<Self>(types)
            }

            fn data_type() -> arrow::datatypes::DataType {
                arrow::datatypes::DataType::Float64
            }

            fn invoke(
                args: &datafusion_expr::ScalarFunctionArgs,
            ) -> datafusion_common::Result<datafusion_expr::ColumnarValue> {
                $crate::curve::pair::invoke::<Self>(args)
            }
        }

        $crate::scalar::scalar!($function);
    };
}
pub(super) use pair;
