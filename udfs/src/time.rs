//! Functions of dates and times as files write them.

mod clock;
mod day_minutes;
mod is_second_hour;
mod local_time;
mod month_start;
mod parse_timestamp;

use datafusion_expr::ScalarUDF;

pub(crate) use clock::{ClockDay, ClockDays};
pub(crate) use day_minutes::{DayMinutes, coerce_day};
pub(crate) use is_second_hour::IsSecondHour;
pub(crate) use local_time::LocalTime;
pub(crate) use month_start::MonthStart;
pub(crate) use parse_timestamp::ParseTimestamp;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![DayMinutes.into(), IsSecondHour.into(), LocalTime.into(), MonthStart.into(), ParseTimestamp.into()]
}
