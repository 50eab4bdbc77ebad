//! Rounding: half away from zero, everywhere.

use arrow::datatypes::DataType;

/// Type of published ratios: three digits before the point, six after it.
pub(crate) const RATIO: DataType = DataType::Decimal128(9, 6);
/// Digits of a ratio after the point.
pub(crate) const RATIO_SCALE: i32 = 6;
/// One, as a ratio.
pub(crate) const RATIO_ONE: i64 = 1_000_000;
/// Largest ratio that [`RATIO`] holds, 999.999999; larger ones saturate.
pub(crate) const RATIO_LIMIT: i64 = 999_999_999;
const LIMIT: u128 = RATIO_LIMIT as u128;

/// `numerator / denominator` rounded half away from zero, for a positive
/// denominator. Any numerator will do: no step leaves the range of `i64`.
pub(crate) fn divide(numerator: i64, denominator: i64) -> i64 {
    debug_assert!(denominator > 0);
    let quotient = numerator / denominator;
    let rest = (numerator % denominator).unsigned_abs();
    if rest >= denominator.unsigned_abs() - rest { quotient + numerator.signum() } else { quotient }
}

/// As [`divide`], of wide numbers.
pub(crate) fn divide_wide(numerator: i128, denominator: i128) -> i128 {
    debug_assert!(denominator > 0);
    let quotient = numerator / denominator;
    let rest = (numerator % denominator).unsigned_abs();
    if rest >= denominator.unsigned_abs() - rest { quotient + numerator.signum() } else { quotient }
}

/// `numerator / denominator` as [`RATIO`], saturated.
pub(crate) fn ratio(numerator: i128, denominator: i128) -> i128 {
    // Mostly all of it fits into 64 bits, which divide much faster.
    let scaled = numerator.checked_mul(i128::from(RATIO_ONE)).and_then(|scaled| i64::try_from(scaled).ok());
    match (scaled, i64::try_from(denominator)) {
        (Some(scaled), Ok(denominator)) if denominator > 0 => {
            i128::from(divide(scaled, denominator).clamp(-RATIO_LIMIT, RATIO_LIMIT))
        }
        _ => quotient(numerator, denominator, RATIO_SCALE),
    }
}

/// `numerator * 10^exponent / denominator`, rounded and saturated.
pub(crate) fn quotient(numerator: i128, denominator: i128, exponent: i32) -> i128 {
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
    use proptest::prelude::*;

    use super::*;

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

    proptest! {
        #[test]
        fn long_division_is_division(above in 0..u128::from(u64::MAX), below in 1..u128::from(u64::MAX)) {
            let exact = above.checked_mul(1_000_000).map(|a| rounded((a / below, a % below), below));
            // The same ratio, with both numbers so large that they take the long way.
            let far = magnitude(above << 63, below << 63, 6);
            prop_assert_eq!(Some(far), exact);
        }
    }

    proptest! {
        #[test]
        fn wide_numbers_are_divided_as_narrow_ones(above in any::<i64>(), below in 1..i64::MAX) {
            prop_assert_eq!(divide_wide(above.into(), below.into()), i128::from(divide(above, below)));
        }

        #[test]
        fn the_short_way_is_the_long_way(above in any::<i64>(), below in 1..i64::MAX) {
            let (above, below) = (i128::from(above), i128::from(below));
            prop_assert_eq!(ratio(above, below), quotient(above, below, RATIO_SCALE));
        }
    }
}
