//! Functions of dates and times as files write them.

mod local_time;
mod month_start;
mod parse_timestamp;

use datafusion_expr::ScalarUDF;

pub(crate) use local_time::LocalTime;
pub(crate) use month_start::MonthStart;
pub(crate) use parse_timestamp::ParseTimestamp;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![LocalTime.into(), MonthStart.into(), ParseTimestamp.into()]
}
