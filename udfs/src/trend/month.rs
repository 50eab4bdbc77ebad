//! Months of a calendar that goes on for ever.

use arrow::datatypes::Date32Type;
use chrono::Datelike;

/// The month of a day since 1970-01-01, counted from year 0 on: 12 a year.
/// `None` of what no calendar knows.
pub(super) fn month_number(day: f64) -> Option<i32> {
    // A day out of range saturates and is refused by the calendar.
    let date = Date32Type::to_naive_date_opt(day as i32)?;
    Some(date.year() * 12 + date.month0() as i32)
}
