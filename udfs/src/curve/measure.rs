//! Figures of one curve: a list of watts and perhaps some whole numbers give
//! one value. What such functions have in common stands here; each of them is a
//! definition in a file of its own.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, NullBufferBuilder, PrimitiveArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Int32Type, Int64Type};
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, plan_datafusion_err};
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl};

use super::DAY_MINUTES;
use crate::args::{Column, coerce_integer, primitive};
use crate::list::{Lists, Row, coerce_to_curve, in_watts};
use crate::simd::{Work, widest};

/// The most whole numbers that a measure takes.
pub(super) const MOST: usize = 4;

/// A figure of one curve.
pub(super) trait Measure: ScalarUDFImpl + Sized {
    const NAME: &'static str;
    /// What stands after the curve.
    const PARAMETERS: &'static [Parameter] = &[];
    type Value: ArrowPrimitiveType;
    /// The type in SQL, where it says more than the type of the values.
    const TYPE: DataType = Self::Value::DATA_TYPE;

    fn data_type() -> DataType {
        Self::TYPE
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoke::<Self>(args)
    }

    /// The figure of a curve that is not NULL, parameters in their order.
    fn measure(curve: Row<'_, i32>, parameters: [i64; MOST]) -> Option<<Self::Value as ArrowPrimitiveType>::Native>;
}

/// A whole number after the curve.
#[derive(Debug)]
pub(super) struct Parameter {
    name: &'static str,
    least: i64,
    most: i64,
    /// What stands where the argument is left out, if it may be.
    default: Option<i64>,
}

impl Parameter {
    pub(super) const fn new(name: &'static str, least: i64, most: i64) -> Self {
        Self { name, least, most, default: None }
    }

    /// A minute of the day, or its end.
    pub(super) const fn minute(name: &'static str) -> Self {
        Self::new(name, 0, DAY_MINUTES as i64)
    }

    /// Watts that a curve can have.
    pub(super) const fn watts(name: &'static str) -> Self {
        Self::new(name, i32::MIN as i64, i32::MAX as i64)
    }

    /// Minutes of an interval; left out, they follow from the length of the
    /// curve: see [`interval`].
    pub(super) const INTERVAL: Self =
        Self { name: "interval_minutes", least: 1, most: DAY_MINUTES as i64, default: Some(0) };

    fn check(&self, function: &str, value: i64) -> Result<i64, String> {
        if (self.least..=self.most).contains(&value) {
            return Ok(value);
        }
        Err(format!("{function}: argument {} takes {} to {}, not {value}", self.name, self.least, self.most))
    }
}

/// Minutes of an interval: as given, or those by which the curve is a day of 24
/// hours. `None` where its length does not divide the day.
pub(super) fn interval(points: usize, given: i64) -> Option<i64> {
    match given {
        0 if points > 0 && DAY_MINUTES.is_multiple_of(points) => Some((DAY_MINUTES / points) as i64),
        0 => None,
        minutes => Some(minutes),
    }
}

/// The traits that engines see, of a [`Measure`] or, with more words, of another
/// trait with a `NAME`, `PARAMETERS`, a `data_type` and an `invoke`.
macro_rules! measure {
    ($function:ty) => {
        $crate::curve::measure::measure!($function, $crate::curve::measure::Measure);
    };
    ($function:ty, $kind:path) => {
        impl $crate::scalar::Scalar for $function {
            const NAME: &'static str = <Self as $kind>::NAME;

            fn coerce(
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                $crate::curve::measure::coerce(<Self as $kind>::NAME, <Self as $kind>::PARAMETERS, types)
            }

            fn data_type() -> arrow::datatypes::DataType {
                <Self as $kind>::data_type()
            }

            fn check(args: &datafusion_expr::ReturnFieldArgs) -> datafusion_common::Result<()> {
                $crate::curve::measure::check(<Self as $kind>::NAME, <Self as $kind>::PARAMETERS, args)
            }

            fn invoke(
                args: &datafusion_expr::ScalarFunctionArgs,
            ) -> datafusion_common::Result<datafusion_expr::ColumnarValue> {
                <Self as $kind>::invoke(args)
            }
        }

        $crate::scalar::scalar!($function);
    };
}
pub(super) use measure;

pub(super) fn coerce(function: &str, parameters: &[Parameter], types: &[DataType]) -> Result<Vec<DataType>> {
    let required = 1 + parameters.iter().filter(|parameter| parameter.default.is_none()).count();
    let most = 1 + parameters.len();
    let Some((curve, numbers)) = types.split_first().filter(|_| (required..=most).contains(&types.len())) else {
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
        let names = [&["curve"], &names[..]].concat().join(", ");
        let count = if required == most { format!("{most}") } else { format!("{required} to {most}") };
        return Err(plan_datafusion_err!("{function} takes {count} argument(s), ({names}), not {}", types.len()));
    };
    let mut coerced = vec![coerce_to_curve(function, "curve", curve)?];
    for (parameter, found) in parameters.iter().zip(numbers) {
        coerced.push(coerce_integer(function, parameter.name, found, DataType::Int64)?);
    }
    Ok(coerced)
}

/// Literals out of range are refused at planning.
pub(super) fn check(function: &str, parameters: &[Parameter], args: &ReturnFieldArgs) -> Result<()> {
    for (parameter, literal) in parameters.iter().zip(args.scalar_arguments.iter().skip(1)) {
        if let Some(literal) = literal
            && let ScalarValue::Int64(Some(value)) = literal.cast_to(&DataType::Int64)?
        {
            parameter.check(function, value).map_err(|refusal| plan_datafusion_err!("{refusal}"))?;
        }
    }
    Ok(())
}

fn invoke<M: Measure>(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let rows = args.number_rows;
    let curve = in_watts(M::NAME, Column::new(&args.args[0], rows)?)?;
    let curves = Lists::<Int32Type>::try_new(M::NAME, curve.array())?;
    let parameters = Parameters::try_new(M::NAME, M::PARAMETERS, &args.args[1..], rows)?;
    let values = widest(MeasureAll::<M> { curves, curve: &curve, parameters, rows, measure: PhantomData })?;
    Ok(ColumnarValue::Array(Arc::new(values.with_data_type(M::TYPE))))
}

/// Measures all curves of a batch.
struct MeasureAll<'a, M> {
    curves: Lists<'a, Int32Type>,
    curve: &'a Column,
    parameters: Parameters,
    rows: usize,
    measure: PhantomData<M>,
}

impl<M: Measure> Work for MeasureAll<'_, M> {
    type Output = Result<PrimitiveArray<M::Value>>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let mut values = Vec::with_capacity(self.rows);
        let mut known = NullBufferBuilder::new(self.rows);
        for row in 0..self.rows {
            let value = match (self.curves.row(self.curve.at(row)), self.parameters.at(row)?) {
                (Some(curve), Some(parameters)) => M::measure(curve, parameters),
                _ => None,
            };
            known.append(value.is_some());
            values.push(value.unwrap_or_default());
        }
        Ok(PrimitiveArray::try_new(ScalarBuffer::from(values), known.finish())?)
    }
}

/// The numbers after the curve, row by row.
pub(super) struct Parameters {
    function: &'static str,
    of: &'static [Parameter],
    columns: Vec<Column>,
    /// The numbers of every row, where all of them are scalars.
    fixed: Option<Option<[i64; MOST]>>,
}

impl Parameters {
    pub(super) fn try_new(
        function: &'static str,
        of: &'static [Parameter],
        given: &[ColumnarValue],
        rows: usize,
    ) -> Result<Self> {
        let columns = given.iter().map(|value| Column::new(value, rows)).collect::<Result<Vec<_>>>()?;
        let mut parameters = Self { function, of, columns, fixed: None };
        if parameters.columns.iter().all(Column::is_scalar) {
            parameters.fixed = Some(parameters.read(0)?);
        }
        Ok(parameters)
    }

    /// `None` where one of them is NULL.
    #[inline(always)]
    pub(super) fn at(&self, row: usize) -> Result<Option<[i64; MOST]>> {
        match self.fixed {
            Some(fixed) => Ok(fixed),
            None => self.read(row),
        }
    }

    fn read(&self, row: usize) -> Result<Option<[i64; MOST]>> {
        let mut numbers = [0; MOST];
        for (number, parameter) in numbers.iter_mut().zip(self.of) {
            *number = parameter.default.unwrap_or_default();
        }
        for ((number, parameter), column) in numbers.iter_mut().zip(self.of).zip(&self.columns) {
            let values = primitive::<Int64Type>(self.function, column.array())?;
            let at = column.at(row);
            if values.is_null(at) {
                return Ok(None);
            }
            *number = parameter
                .check(self.function, values.value(at))
                .map_err(|refusal| exec_datafusion_err!("{refusal}"))?;
        }
        Ok(Some(numbers))
    }
}
