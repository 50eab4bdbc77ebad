//! Rounding: half away from zero, everywhere.

use arrow::datatypes::DataType;

/// Type of published ratios: three digits before the point, six after it.
pub(crate) const RATIO: DataType = DataType::Decimal128(9, 6);
/// One, as a ratio.
pub(crate) const RATIO_ONE: i64 = 1_000_000;
/// Largest ratio that [`RATIO`] holds, 999.999999; larger ones saturate.
pub(crate) const RATIO_LIMIT: i64 = 999_999_999;

/// `numerator / denominator` rounded half away from zero, for a positive
/// denominator. Any numerator will do: no step leaves the range of `i64`.
pub(crate) fn divide(numerator: i64, denominator: i64) -> i64 {
    debug_assert!(denominator > 0);
    let quotient = numerator / denominator;
    let rest = (numerator % denominator).unsigned_abs();
    if rest >= denominator.unsigned_abs() - rest { quotient + numerator.signum() } else { quotient }
}

/// `numerator / denominator` as [`RATIO`], for a positive denominator.
/// Saturates.
pub(crate) fn ratio(numerator: i128, denominator: i128) -> i128 {
    debug_assert!(denominator > 0);
    let limit = i128::from(RATIO_LIMIT);
    let Some(scaled) = numerator.checked_mul(i128::from(RATIO_ONE)) else { return numerator.signum() * limit };
    let quotient = match (i64::try_from(scaled), i64::try_from(denominator)) {
        (Ok(scaled), Ok(denominator)) => i128::from(divide(scaled, denominator)),
        _ => {
            let (quotient, rest) = (scaled / denominator, (scaled % denominator).abs());
            if rest >= denominator - rest { quotient + scaled.signum() } else { quotient }
        }
    };
    quotient.clamp(-limit, limit)
}

#[cfg(test)]
mod tests {
    use super::{divide, ratio};

    #[test]
    fn ratios_have_six_decimals_and_saturate() {
        assert_eq!(ratio(2, 3), 666_667);
        assert_eq!(ratio(-1, 2_000_000), -1);
        assert_eq!(ratio(5_000, 1), 999_999_999);
        assert_eq!(ratio(i128::from(i64::MAX), i128::from(i64::MAX) * 3), 333_333);
        assert_eq!(ratio(i128::MIN, 1), -999_999_999);
    }

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!([-6, -5, -2, -1, 0, 1, 2, 5, 6].map(|n| divide(n, 4)), [-2, -1, -1, 0, 0, 0, 1, 1, 2]);
        assert_eq!([-2, -1, 1, 2].map(|n| divide(n, 3)), [-1, 0, 0, 1]);
        assert_eq!([i64::MIN, i64::MAX].map(|n| divide(n, 1)), [i64::MIN, i64::MAX]);
        assert_eq!(divide(i64::MAX, i64::MAX), 1);
        assert_eq!(divide(i64::MIN, 2), i64::MIN / 2);
    }
}
