//! Wall-clock time of one zone as wall-clock time of another.

use std::sync::Arc;

use arrow::array::TimestampMicrosecondArray;
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::clock::between_clocks;
use crate::args::{exactly, refuse};
use crate::scalar::{Scalar, scalar};

/// What the clock of `to` shows when that of `from` shows `timestamp`.
#[user_doc(
    doc_section(label = "Dates and times"),
    description = r"Wall-clock time in another zone, as TIMESTAMP in microseconds without a zone. Zones are those of the IANA database.

A time that the clock of the first zone shows twice, in the hour after summer time, is taken as the first of the two. NULL where an argument is NULL, and where the clock of the first zone skips that time. A zone that is none is an error.",
    syntax_example = "local_time(timestamp, from, to)",
    sql_example = r"```sql
> select local_time('2026-01-31T16:00:00', 'UTC', 'Asia/Shanghai');
2026-02-01T00:00:00
```",
    argument(name = "timestamp", description = "TIMESTAMP without a zone"),
    argument(name = "from", description = "TEXT, the zone of the timestamp"),
    argument(name = "to", description = "TEXT, the zone of the result")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct LocalTime;

const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

impl Scalar for LocalTime {
    const NAME: &'static str = "local_time";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        coerce(Self::NAME, types)
    }

    fn data_type() -> DataType {
        TIMESTAMP
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let told = between_clocks(Self::NAME, args, convert)?;
        Ok(ColumnarValue::Array(Arc::new(TimestampMicrosecondArray::from(told))))
    }
}

scalar!(LocalTime);

/// The types of a timestamp and two zones, or a refusal.
pub(super) fn coerce(function: &str, types: &[DataType]) -> Result<Vec<DataType>> {
    let [timestamp, from, to] = exactly(function, ["timestamp", "from", "to"], types)?;
    let is_instant = matches!(timestamp, DataType::Timestamp(_, None) | DataType::Date32);
    if !is_instant && !timestamp.is_string() && !timestamp.is_null() {
        return refuse(function, "timestamp", "a timestamp without a zone", timestamp);
    }
    for (name, found) in [("from", from), ("to", to)] {
        if !found.is_string() && !found.is_null() {
            return refuse(function, name, "a text", found);
        }
    }
    Ok(vec![TIMESTAMP, DataType::Utf8, DataType::Utf8])
}

fn convert(micros: i64, from: Tz, to: Tz) -> Option<i64> {
    let clock = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let instant = from.from_local_datetime(&clock).earliest()?;
    Some(instant.with_timezone(&to).naive_local().and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(clock: &str, from: Tz, to: Tz) -> Option<String> {
        let micros = clock.parse::<chrono::NaiveDateTime>().unwrap().and_utc().timestamp_micros();
        convert(micros, from, to).map(|micros| DateTime::from_timestamp_micros(micros).unwrap().naive_utc().to_string())
    }

    #[test]
    fn clocks_of_two_zones() {
        let (utc, shanghai, london) = (Tz::UTC, Tz::Asia__Shanghai, Tz::Europe__London);
        assert_eq!(shown("2026-01-31T16:00:00", utc, shanghai).as_deref(), Some("2026-02-01 00:00:00"));
        assert_eq!(shown("2026-07-01T12:00:00", utc, london).as_deref(), Some("2026-07-01 13:00:00"));
        // Skipped in spring; shown twice in autumn.
        assert_eq!(shown("2026-03-29T01:30:00", london, utc), None);
        assert_eq!(shown("2026-10-25T01:30:00", london, utc).as_deref(), Some("2026-10-25 00:30:00"));
    }
}
