//! The functions that plans are built with in code, as expressions.

use datafusion_expr::{Expr, ScalarUDF};

use crate::account::account_bucket::AccountBucket;
use crate::curve::{CurveFromKw, CurveFromKwh, CurveFromW, CurveOfPoints, CurvePoints, CutCurve};
use crate::time::{DayMinutes, IsSecondHour, LocalTime, MonthStart, ParseTimestamp};

/// `account_bucket(account_id, buckets)`
pub fn account_bucket(account_id: Expr, buckets: Expr) -> Expr {
    ScalarUDF::from(AccountBucket).call(vec![account_id, buckets])
}

/// `curve_from_kw(curve)`
pub fn curve_from_kw(curve: Expr) -> Expr {
    ScalarUDF::from(CurveFromKw).call(vec![curve])
}

/// `curve_from_kwh(curve)`
pub fn curve_from_kwh(curve: Expr) -> Expr {
    ScalarUDF::from(CurveFromKwh).call(vec![curve])
}

/// `curve_from_w(curve)`
pub fn curve_from_w(curve: Expr) -> Expr {
    ScalarUDF::from(CurveFromW).call(vec![curve])
}

/// `curve_of_points(points)`
pub fn curve_of_points(points: Expr) -> Expr {
    ScalarUDF::from(CurveOfPoints).call(vec![points])
}

/// `curve_points(curve)`
pub fn curve_points(curve: Expr) -> Expr {
    ScalarUDF::from(CurvePoints).call(vec![curve])
}

/// `cut_curve(curve, date, zone)`
pub fn cut_curve(curve: Expr, date: Expr, zone: Expr) -> Expr {
    ScalarUDF::from(CutCurve).call(vec![curve, date, zone])
}

/// `month_start(date)`
pub fn month_start(date: Expr) -> Expr {
    ScalarUDF::from(MonthStart).call(vec![date])
}

/// `parse_timestamp(text, format)`
pub fn parse_timestamp(text: Expr, format: Expr) -> Expr {
    ScalarUDF::from(ParseTimestamp).call(vec![text, format])
}

/// `local_time(timestamp, from, to)`
pub fn local_time(timestamp: Expr, from: Expr, to: Expr) -> Expr {
    ScalarUDF::from(LocalTime).call(vec![timestamp, from, to])
}

/// `is_second_hour(timestamp, from, to)`
pub fn is_second_hour(timestamp: Expr, from: Expr, to: Expr) -> Expr {
    ScalarUDF::from(IsSecondHour).call(vec![timestamp, from, to])
}

/// `day_minutes(date, zone)`
pub fn day_minutes(date: Expr, zone: Expr) -> Expr {
    ScalarUDF::from(DayMinutes).call(vec![date, zone])
}
