//! A ratio of exact numbers.

use std::sync::Arc;

use arrow::array::{Array, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use crate::args::{Column, columns, exactly, primitive, refuse, signature};
use crate::round::{RATIO, RATIO_LIMIT};

const NAME: &str = "ratio";
const LIMIT: u128 = RATIO_LIMIT as u128;

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

/// Digits of a ratio after the point.
const RATIO_SCALE: i32 = 6;

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

/// `numerator * 10^exponent / denominator`, rounded and saturated.
fn quotient(numerator: i128, denominator: i128, exponent: i32) -> i128 {
    let magnitude = magnitude(numerator.unsigned_abs(), denominator.unsigned_abs(), exponent);
    // At most `LIMIT`, so it fits.
    let magnitude = magnitude as i128;
    if (numerator < 0) == (denominator < 0) { magnitude } else { -magnitude }
}

/// As [`quotient`], of numbers that are at most 2^127, the second not 0.
fn magnitude(above: u128, below: u128, exponent: i32) -> u128 {
    let power = 10u128.checked_pow(exponent.unsigned_abs());
    if exponent < 0 {
        // What overflows is more than 2^128 and so more than twice `above`.
        let below = power.and_then(|power| below.checked_mul(power));
        return below.map_or(0, |below| rounded((above / below, above % below), below));
    }
    if let Some(above) = power.and_then(|power| above.checked_mul(power)) {
        return rounded((above / below, above % below), below);
    }
    // Long division, digit by digit.
    let mut parts = (above / below, above % below);
    for _ in 0..exponent {
        if parts.0 > LIMIT {
            return LIMIT;
        }
        let double = add(parts, parts, below);
        let five = add(add(double, double, below), parts, below);
        parts = add(five, five, below);
    }
    rounded(parts, below)
}

/// Adds two numbers given as quotient and rest of a divisor. Both rests are
/// less than 2^127, so their sum stays in range.
fn add(a: (u128, u128), b: (u128, u128), divisor: u128) -> (u128, u128) {
    let rest = a.1 + b.1;
    if rest >= divisor { (a.0 + b.0 + 1, rest - divisor) } else { (a.0 + b.0, rest) }
}

fn rounded((quotient, rest): (u128, u128), divisor: u128) -> u128 {
    if quotient >= LIMIT { LIMIT } else { quotient + u128::from(rest >= divisor - rest) }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray};
    use datafusion_common::ScalarValue;
    use proptest::prelude::*;

    use super::*;
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
    fn extremes_stay_exact() {
        let ten = |digits| 10i128.pow(digits);
        assert_eq!(quotient(ten(38), ten(38), 6), 1_000_000);
        assert_eq!(quotient(ten(38) - 1, 3 * ten(37), 6), 3_333_333);
        assert_eq!(quotient(1, ten(38), 44), 1_000_000);
        assert_eq!(quotient(ten(38), 1, -32), 1_000_000);
        assert_eq!(quotient(i128::MIN, 1, -70), 0);
        assert_eq!(quotient(i128::MIN, i128::MAX, 6), -1_000_000);
        assert_eq!(quotient(i128::MAX, 1, 82), i128::from(RATIO_LIMIT));
    }

    #[test]
    fn floats_are_refused_at_planning() {
        let error = Ratio.coerce_types(&[DataType::Int64, DataType::Float64]).unwrap_err().to_string();
        assert!(error.contains("ratio: argument denominator takes an integer or a decimal"), "{error}");
        assert!(Ratio.coerce_types(&[DataType::Int64]).unwrap_err().to_string().contains("takes 2 argument"));
    }

    proptest! {
        #[test]
        fn long_division_is_division(above in 0..u128::from(u64::MAX), below in 1..u128::from(u64::MAX)) {
            let exact = above.checked_mul(1_000_000).map(|a| rounded((a / below, a % below), below));
            // The same ratio, with both numbers so large that they take the long way.
            let far = magnitude(above << 63, below << 63, 6);
            prop_assert_eq!(Some(far), exact);
        }
    }
}
