//! A ratio of exact numbers.

use std::sync::Arc;

use arrow::array::{Array, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use crate::args::{Column, columns, exactly, primitive, refuse, signature};
use crate::round::{RATIO, RATIO_SCALE, quotient};

const NAME: &str = "ratio";

/// The quotient of two exact numbers, rounded half away from zero.
#[user_doc(
    doc_section(label = "Exact arithmetic"),
    description = r"`numerator / denominator` as DECIMAL(9,6), computed exactly and rounded half away from zero. Saturates at 999.999999 and -999.999999.

NULL where either argument is NULL or the denominator is 0.",
    syntax_example = "ratio(numerator, denominator)",
    sql_example = r"```sql
> select ratio(2, 3);
0.666667
```",
    argument(
        name = "numerator",
        description = "BIGINT, another integer, or DECIMAL of up to 38 digits. Floats are refused at planning."
    ),
    argument(name = "denominator", description = "As the numerator; the two types may differ.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ratio;

impl ScalarUDFImpl for Ratio {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let names = ["numerator", "denominator"];
        let types = exactly(NAME, names, types)?;
        names.iter().zip(types).map(|(name, found)| coerce(name, found)).collect()
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(RATIO)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [numerator, denominator] = columns(NAME, &args)?;
        let (above, below) = (Exact::try_new(&numerator)?, Exact::try_new(&denominator)?);
        let exponent = RATIO_SCALE + below.scale() - above.scale();
        let ratios: Decimal128Array = (0..args.number_rows)
            .map(|row| {
                let below = below.get(denominator.at(row)).filter(|&below| below != 0)?;
                Some(quotient(above.get(numerator.at(row))?, below, exponent))
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(ratios.with_data_type(RATIO))))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn coerce(argument: &str, found: &DataType) -> Result<DataType> {
    match *found {
        DataType::UInt64 => Ok(DataType::Decimal128(20, 0)),
        DataType::Null => Ok(DataType::Int64),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => Ok(DataType::Decimal128(precision, scale)),
        _ if found.is_integer() => Ok(DataType::Int64),
        _ => refuse(
            NAME,
            argument,
            "an integer or a decimal of up to 38 digits (keep exact types: cast floats to DECIMAL)",
            found,
        ),
    }
}

/// A column of exact numbers: whole ones, times a power of ten.
enum Exact<'a> {
    Integers(&'a Int64Array),
    Decimals(&'a Decimal128Array),
}

impl<'a> Exact<'a> {
    fn try_new(column: &'a Column) -> Result<Self> {
        match column.array().data_type() {
            DataType::Int64 => Ok(Self::Integers(primitive::<Int64Type>(NAME, column.array())?)),
            _ => Ok(Self::Decimals(primitive::<Decimal128Type>(NAME, column.array())?)),
        }
    }

    fn scale(&self) -> i32 {
        match self {
            Self::Integers(_) => 0,
            Self::Decimals(values) => i32::from(values.scale()),
        }
    }

    fn get(&self, i: usize) -> Option<i128> {
        match self {
            Self::Integers(values) => values.is_valid(i).then(|| i128::from(values.value(i))),
            Self::Decimals(values) => values.is_valid(i).then(|| values.value(i)),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray};
    use datafusion_common::ScalarValue;

    use super::*;
    use crate::round::RATIO_LIMIT;
    use crate::testing::{call, call_arrays};

    fn ratios(array: &ArrayRef) -> Vec<Option<i128>> {
        array.as_primitive::<Decimal128Type>().iter().collect()
    }

    #[test]
    fn rounds_half_away_and_saturates() {
        let above: ArrayRef = Arc::new(Int64Array::from(vec![
            Some(2),
            Some(-2),
            Some(1),
            Some(-1),
            Some(5),
            None,
            Some(i64::MIN),
            Some(i64::MAX),
            Some(1),
        ]));
        let below: ArrayRef = Arc::new(Int64Array::from(vec![
            Some(3),
            Some(3),
            Some(2_000_000),
            Some(2_000_000),
            Some(0),
            Some(1),
            Some(1),
            Some(1),
            None,
        ]));
        let result = call_arrays(Ratio, &[above, below]).unwrap();
        assert_eq!(result.data_type(), &RATIO);
        let limit = i128::from(RATIO_LIMIT);
        let expected = [Some(666_667), Some(-666_667), Some(1), Some(-1), None, None, Some(-limit), Some(limit), None];
        assert_eq!(ratios(&result), expected);
    }

    #[test]
    fn decimals_keep_their_scale() {
        let price = Decimal128Array::from(vec![Some(12_345), Some(10)]).with_precision_and_scale(38, 4).unwrap();
        let two = ScalarValue::Int64(Some(2));
        let price: ArrayRef = Arc::new(price);
        let result = call(Ratio, vec![price.into(), two.into()], 2).unwrap();
        assert_eq!(ratios(&result), [Some(617_250), Some(500)]);
    }

    #[test]
    fn floats_are_refused_at_planning() {
        let error = Ratio.coerce_types(&[DataType::Int64, DataType::Float64]).unwrap_err().to_string();
        assert!(error.contains("ratio: argument denominator takes an integer or a decimal"), "{error}");
        assert!(Ratio.coerce_types(&[DataType::Int64]).unwrap_err().to_string().contains("takes 2 argument"));
    }
}
