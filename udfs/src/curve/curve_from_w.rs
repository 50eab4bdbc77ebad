//! Curves of watts in any type of number as curves of whole watts.

use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::convert::{coerce, convert};
use crate::list::list_of;
use crate::scalar::{Scalar, scalar};

/// Whole watts of a curve of watts.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The curve as LIST of INT watts, each value rounded half away from zero: what the other functions take, from floats, decimals or longer integers.

NULL for a NULL list, and for one with a number whose watts do not fit an INT. An element is NULL where it is NULL, NaN or infinite.",
    syntax_example = "curve_from_w(curve)",
    sql_example = r"```sql
> select curve_from_w([0.5, 1234.6]);
[1, 1235]
```",
    argument(name = "curve", description = "LIST of numbers, watts.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CurveFromW;

impl Scalar for CurveFromW {
    const NAME: &'static str = "curve_from_w";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        coerce(Self::NAME, types)
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        convert(Self::NAME, args, |_| 1.0)
    }
}

scalar!(CurveFromW);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, ListArray};
    use arrow::datatypes::{Float64Type, Int32Type};

    use super::*;
    use crate::testing::call_arrays;

    #[test]
    fn watts_are_rounded_and_nonsense_is_null() {
        let values = vec![Some(499.5), Some(-0.5), None, Some(f64::NAN), Some(f64::INFINITY)];
        let too_large = vec![Some(0.5), Some(1e12)];
        let curves = [Some(values), None, Some(too_large)];
        let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(curves));
        let watts = vec![Some(500), Some(-1), None, None, None];
        let expected: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(watts), None, None]));
        assert_eq!(&call_arrays(CurveFromW, &[curves]).unwrap(), &expected);
    }
}
