//! How many points a curve has.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array};
use arrow::datatypes::DataType;
use datafusion_common::{Result, internal_datafusion_err};
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use crate::args::{columns, exactly, signature};
use crate::list::coerce_to_curve;

const NAME: &str = "curve_points";

/// The length of a curve, known points and unknown ones.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The number of points of a curve (INT): 96 for quarters of an hour, 48 for half hours. Nulls in the list count. NULL for a NULL list, 0 for an empty one.",
    syntax_example = "curve_points(curve)",
    sql_example = r"```sql
> select curve_points([1, null, 2, 5]);
4
```",
    argument(name = "curve", description = "LIST of numbers, any unit.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CurvePoints;

impl ScalarUDFImpl for CurvePoints {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve] = exactly(NAME, ["curve"], types)?;
        // The values are not read: a list of whatever kind of number will do.
        let accepted = coerce_to_curve(NAME, "curve", curve)?;
        Ok(vec![if matches!(curve, DataType::List(_)) { curve.clone() } else { accepted }])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [curve] = columns(NAME, &args)?;
        let lists = curve
            .array()
            .as_list_opt::<i32>()
            .ok_or_else(|| internal_datafusion_err!("{NAME}: expected a list, got {}", curve.array().data_type()))?;
        let points = |row| lists.is_valid(row).then(|| lists.value_length(row));
        let points: Int32Array = (0..args.number_rows).map(|row| points(curve.at(row))).collect();
        Ok(ColumnarValue::Array(Arc::new(points)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, ListArray};
    use arrow::datatypes::{Float64Type, Int32Type};

    use super::*;
    use crate::testing::call_arrays;

    #[test]
    fn nulls_count_and_types_do_not() {
        let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([
            Some(vec![Some(1.5), None, Some(f64::NAN)]),
            None,
            Some(vec![]),
        ]));
        let points = call_arrays(CurvePoints, &[curves]).unwrap();
        assert_eq!(points.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(3), None, Some(0)]);
    }
}
