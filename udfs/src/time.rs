//! Functions of dates and times as files write them.

mod parse_timestamp;

use datafusion_expr::ScalarUDF;

pub(crate) use parse_timestamp::ParseTimestamp;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![ParseTimestamp.into()]
}
