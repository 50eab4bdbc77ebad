//! When a curve peaks.

use std::sync::Arc;

use arrow::array::Int32Array;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Int32Type, Int64Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use super::DAY_MINUTES;
use crate::args::{Column, columns, exactly, signature};
use crate::list::{Lists, Row, coerce_to_integer_list, element_of};

const NAME: &str = "time_of_peak";

/// Start of the interval with the largest value: the time of maximum demand of
/// a curve of mean watts, or of maximum energy of a curve of watt-hours.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The first minute of the day (0 to 1439, INT) of the interval with the largest value, the earliest on ties. The interval is 1440 minutes over the length of the list. Nulls in the list are passed over.

NULL for a NULL list, an empty one, one of nulls alone, and one whose length does not divide 1440 (so for days of 23 and 25 hours).",
    syntax_example = "time_of_peak(curve)",
    sql_example = r"```sql
> select time_of_peak([1, 5, 2, 5]);
360
```",
    argument(
        name = "curve",
        description = "LIST of INT or BIGINT, any unit. Lists of other integers are cast; floats are refused."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimeOfPeak;

impl ScalarUDFImpl for TimeOfPeak {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve] = exactly(NAME, ["curve"], types)?;
        Ok(vec![coerce_to_integer_list(NAME, "curve", curve)?])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [curve] = columns(NAME, &args)?;
        let minutes = match element_of(curve.array().data_type()) {
            Some(DataType::Int64) => peaks::<Int64Type>(&curve, args.number_rows)?,
            _ => peaks::<Int32Type>(&curve, args.number_rows)?,
        };
        Ok(ColumnarValue::Array(Arc::new(minutes)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn peaks<T>(curve: &Column, rows: usize) -> Result<Int32Array>
where
    T: ArrowPrimitiveType,
    T::Native: Ord,
{
    let curves = Lists::<T>::try_new(NAME, curve.array())?;
    Ok((0..rows).map(|row| curves.row(curve.at(row)).and_then(peak)).collect())
}

fn peak<N: Copy + Ord>(curve: Row<'_, N>) -> Option<i32> {
    if curve.len() == 0 || !DAY_MINUTES.is_multiple_of(curve.len()) {
        return None;
    }
    let (position, _) = curve.known().reduce(|best, point| if point.1 > best.1 { point } else { best })?;
    // Within a day, so far below the end of `i32`.
    Some((position * (DAY_MINUTES / curve.len())) as i32)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, ListArray};

    use super::*;
    use crate::testing::call_arrays;

    #[test]
    fn earliest_of_the_largest() {
        let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), Some(5), Some(2), Some(5)]),
            Some(vec![None, Some(-3), None, Some(-2)]),
            None,
            Some(vec![]),
            Some(vec![None, None]),
            Some(vec![Some(1); 7]),
            Some(vec![Some(9)]),
        ]));
        let minutes = call_arrays(TimeOfPeak, &[curves]).unwrap();
        let expected = [Some(360), Some(1080), None, None, None, None, Some(0)];
        assert_eq!(minutes.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), expected);
    }
}
