//! Functions of dates and times as files write them.

mod local_time;
mod parse_timestamp;

use datafusion_expr::ScalarUDF;

pub(crate) use local_time::LocalTime;
pub(crate) use parse_timestamp::ParseTimestamp;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![LocalTime.into(), ParseTimestamp.into()]
}
