//! Wall-clock time of one zone as wall-clock time of another.

use std::sync::Arc;

use arrow::array::{Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;
use datafusion_common::{Result, exec_datafusion_err};
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use crate::args::{columns, exactly, primitive, refuse, signature, texts};

const NAME: &str = "local_time";

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

impl ScalarUDFImpl for LocalTime {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [timestamp, from, to] = exactly(NAME, ["timestamp", "from", "to"], types)?;
        let is_instant = matches!(timestamp, DataType::Timestamp(_, None) | DataType::Date32);
        if !is_instant && !timestamp.is_string() && !timestamp.is_null() {
            return refuse(NAME, "timestamp", "a timestamp without a zone", timestamp);
        }
        for (name, found) in [("from", from), ("to", to)] {
            if !found.is_string() && !found.is_null() {
                return refuse(NAME, name, "a text", found);
            }
        }
        Ok(vec![TIMESTAMP, DataType::Utf8, DataType::Utf8])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(TIMESTAMP)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [timestamp, from, to] = columns(NAME, &args)?;
        let instants = primitive::<TimestampMicrosecondType>(NAME, timestamp.array())?;
        let (from_names, to_names) = (texts(NAME, from.array())?, texts(NAME, to.array())?);
        // One pair of zones serves all rows of a batch, mostly.
        let mut last: Option<(&str, &str, Tz, Tz)> = None;
        let mut shown = TimestampMicrosecondArray::builder(args.number_rows);
        for row in 0..args.number_rows {
            let (at, from_at, to_at) = (timestamp.at(row), from.at(row), to.at(row));
            if instants.is_null(at) || from_names.is_null(from_at) || to_names.is_null(to_at) {
                shown.append_null();
                continue;
            }
            let (from, to) = (from_names.value(from_at), to_names.value(to_at));
            let zones = match last {
                Some((known_from, known_to, from_zone, to_zone)) if known_from == from && known_to == to => {
                    (from_zone, to_zone)
                }
                _ => (zone(from)?, zone(to)?),
            };
            last = Some((from, to, zones.0, zones.1));
            shown.append_option(convert(instants.value(at), zones.0, zones.1));
        }
        Ok(ColumnarValue::Array(Arc::new(shown.finish())))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn zone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| exec_datafusion_err!("{NAME}: `{name}` is not a time zone"))
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
