//! Curves of kilowatt-hours per interval as curves of watts.

use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::convert::{coerce, convert};
use crate::list::list_of;
use crate::scalar::{Scalar, scalar};

/// Mean watts of a curve of kilowatt-hours per interval.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The curve as LIST of INT watts, each value rounded half away from zero. The interval is 24 hours over the length of the list: of 48 values each lasts half an hour.

NULL for a NULL list, and for one with a number whose watts do not fit an INT. An element is NULL where it is NULL, NaN or infinite.",
    syntax_example = "curve_from_kwh(curve)",
    sql_example = r"```sql
> select curve_from_kwh([0.25, 0.5, 0.25, 0]);
[42, 83, 42, 0]
```",
    argument(name = "curve", description = "LIST of numbers, kilowatt-hours per interval.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CurveFromKwh;

impl Scalar for CurveFromKwh {
    const NAME: &'static str = "curve_from_kwh";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        coerce(Self::NAME, types)
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        convert(Self::NAME, args, |points| 1000.0 * points as f64 / 24.0)
    }
}

scalar!(CurveFromKwh);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, ListArray};
    use arrow::datatypes::{Float64Type, Int32Type};

    use super::*;
    use crate::testing::call_arrays;

    #[test]
    fn watts_are_rounded_and_nonsense_is_null() {
        let values = vec![Some(0.5), Some(-0.25), None, Some(f64::NAN), Some(f64::INFINITY), Some(0.0)];
        let half_hours: Vec<_> = values.into_iter().chain(std::iter::repeat_n(Some(0.0), 42)).collect();
        let too_large = vec![Some(1e12); 24];
        let curves = [Some(half_hours), None, Some(too_large)];
        let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(curves));
        let watts = vec![Some(1000), Some(-500), None, None, None, Some(0)];
        let watts: Vec<_> = watts.into_iter().chain(std::iter::repeat_n(Some(0), 42)).collect();
        let expected = [Some(watts), None, None];
        let expected: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(expected));
        assert_eq!(&call_arrays(CurveFromKwh, &[curves]).unwrap(), &expected);
    }
}
