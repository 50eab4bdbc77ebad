//! Curves made of one curve: a list of watts and perhaps some whole numbers give
//! another list of watts.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray};
use arrow::datatypes::{DataType, Field, Int32Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl};

use super::measure::{MOST, Parameter, Parameters};
use super::points::Curve;
use crate::args::Column;
use crate::list::{ListWriter, Lists, in_watts, list_of};
use crate::simd::{Work, widest};

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

    /// Whether the curve stays as it is, where that is seen more quickly than
    /// its points are written anew. False is always right.
    #[inline(always)]
    fn keeps(_curve: Curve<'_>, _parameters: [i64; MOST]) -> bool {
        false
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
    if let Some(kept) =
        widest(KeepAll::<R> { curves: &curves, curve: &curve, parameters: &parameters, rows, reshape: PhantomData })?
    {
        return Ok(kept);
    }
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

/// The curves of a batch as they are, where every one of them stays so: nothing
/// is copied.
struct KeepAll<'a, R> {
    curves: &'a Lists<'a, Int32Type>,
    curve: &'a Column,
    parameters: &'a Parameters,
    rows: usize,
    reshape: PhantomData<R>,
}

impl<R: Reshape> Work for KeepAll<'_, R> {
    type Output = Result<Option<ColumnarValue>>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        if self.curve.is_scalar() {
            return Ok(None);
        }
        for row in 0..self.rows {
            let Some(curve) = self.curves.row(row) else { continue };
            match self.parameters.at(row)? {
                Some(parameters) if R::keeps(curve, parameters) => {}
                _ => return Ok(None),
            }
        }
        let list = self.curve.array().as_list::<i32>();
        let field = Arc::new(Field::new_list_field(DataType::Int32, true));
        let list = ListArray::try_new(field, list.offsets().clone(), Arc::clone(list.values()), list.nulls().cloned())?;
        Ok(Some(ColumnarValue::Array(Arc::new(list))))
    }
}

/// The trait that engines see, of a [`Reshape`].
macro_rules! reshape {
    ($function:ty) => {
        $crate::curve::measure::measure!($function, $crate::curve::reshape::Reshape);
    };
}
pub(super) use reshape;
