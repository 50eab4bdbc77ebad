//! Which of two hours that a clock shows alike.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;
use chrono::{DateTime, MappedLocalTime, TimeZone};
use chrono_tz::Tz;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::clock::between_clocks;
use super::local_time;
use crate::scalar::{Scalar, scalar};

/// Whether a clock shows a time for the second time.
#[user_doc(
    doc_section(label = "Dates and times"),
    description = r"Whether the clock of `to` shows for the second time what it shows when that of `from` shows `timestamp` (BOOLEAN): true in the hour after summer time has ended, which `local_time` gives the same times as the hour before.

NULL where an argument is NULL, and where the clock of the first zone skips that time. A zone that is none is an error.",
    syntax_example = "is_second_hour(timestamp, from, to)",
    sql_example = r"```sql
> select is_second_hour('2026-10-25T01:30:00', 'UTC', 'Europe/London');
true
```",
    argument(name = "timestamp", description = "TIMESTAMP without a zone"),
    argument(name = "from", description = "TEXT, the zone of the timestamp"),
    argument(name = "to", description = "TEXT, the zone of the clock")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct IsSecondHour;

impl Scalar for IsSecondHour {
    const NAME: &'static str = "is_second_hour";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        local_time::coerce(Self::NAME, types)
    }

    fn data_type() -> DataType {
        DataType::Boolean
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let told = between_clocks(Self::NAME, args, is_second)?;
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(told))))
    }
}

fn is_second(micros: i64, from: Tz, to: Tz) -> Option<bool> {
    let clock = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let shown = from.from_local_datetime(&clock).earliest()?.with_timezone(&to);
    Some(match to.from_local_datetime(&shown.naive_local()) {
        MappedLocalTime::Ambiguous(_, second) => second == shown,
        _ => false,
    })
}

scalar!(IsSecondHour);
