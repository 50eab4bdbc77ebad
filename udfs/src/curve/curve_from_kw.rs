//! Curves of kilowatts as curves of watts.

use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::convert::{coerce, convert};
use crate::list::list_of;
use crate::scalar::{Scalar, scalar};

/// Mean watts of a curve of kilowatts.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The curve as LIST of INT watts, each value rounded half away from zero. Mean power needs no interval.

NULL for a NULL list, and for one with a number whose watts do not fit an INT. An element is NULL where it is NULL, NaN or infinite.",
    syntax_example = "curve_from_kw(curve)",
    sql_example = r"```sql
> select curve_from_kw([0.5, 1.2346]);
[500, 1235]
```",
    argument(name = "curve", description = "LIST of numbers, kilowatts.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CurveFromKw;

impl Scalar for CurveFromKw {
    const NAME: &'static str = "curve_from_kw";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        coerce(Self::NAME, types)
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        convert(Self::NAME, args, |_| 1000.0)
    }
}

scalar!(CurveFromKw);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, ListArray};
    use arrow::datatypes::{Float64Type, Int32Type};

    use super::*;
    use crate::testing::call_arrays;

    #[test]
    fn watts_are_rounded_and_nonsense_is_null() {
        let values = vec![Some(0.5), Some(-0.0005), None, Some(f64::NAN), Some(f64::INFINITY)];
        let too_large = vec![Some(0.5), Some(1e12)];
        let curves = [Some(values), None, Some(too_large)];
        let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(curves));
        let watts = vec![Some(500), Some(-1), None, None, None];
        let expected: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(watts), None, None]));
        assert_eq!(&call_arrays(CurveFromKw, &[curves]).unwrap(), &expected);
    }
}
