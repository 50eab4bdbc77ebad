//! How long a day is.

use std::sync::Arc;

use arrow::array::{Array, Int32Array};
use arrow::datatypes::{DataType, Date32Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::clock::ClockDays;
use crate::args::{Column, exactly, primitive, refuse, texts};
use crate::scalar::{Scalar, scalar};

/// The length of a day in a time zone.
#[user_doc(
    doc_section(label = "Dates and times"),
    description = r"Minutes from one local midnight to the next (INT): 1440, but 1380 or 1500 on the days on which the clock is changed by an hour.

NULL where an argument is NULL. A zone that is none is an error.",
    syntax_example = "day_minutes(date, zone)",
    sql_example = r"```sql
> select day_minutes('2026-03-29', 'Europe/London');
1380
```",
    argument(name = "date", description = "DATE of the day"),
    argument(name = "zone", description = "TEXT, a zone of the IANA database")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct DayMinutes;

impl Scalar for DayMinutes {
    const NAME: &'static str = "day_minutes";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [date, zone] = exactly(Self::NAME, ["date", "zone"], types)?;
        coerce_day(Self::NAME, date, zone)
    }

    fn data_type() -> DataType {
        DataType::Int32
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let (date, zone) = (Column::new(&args.args[0], rows)?, Column::new(&args.args[1], rows)?);
        let dates = primitive::<Date32Type>(Self::NAME, date.array())?;
        let zones = texts(Self::NAME, zone.array())?;
        let mut days = ClockDays::default();
        let mut minutes = Int32Array::builder(rows);
        for row in 0..rows {
            let (date_at, zone_at) = (date.at(row), zone.at(row));
            let day = match dates.is_valid(date_at) && zones.is_valid(zone_at) {
                true => days.day(Self::NAME, dates.value(date_at), zones.value(zone_at))?,
                false => None,
            };
            minutes.append_option(day.map(|day| day.minutes as i32));
        }
        Ok(ColumnarValue::Array(Arc::new(minutes.finish())))
    }
}

/// The types of a date and a zone, or a refusal.
pub(crate) fn coerce_day(function: &str, date: &DataType, zone: &DataType) -> Result<Vec<DataType>> {
    if !matches!(date, DataType::Date32 | DataType::Date64 | DataType::Null) && !date.is_string() {
        return refuse(function, "date", "a date", date);
    }
    if !zone.is_string() && !zone.is_null() {
        return refuse(function, "zone", "a text", zone);
    }
    Ok(vec![DataType::Date32, DataType::Utf8])
}

scalar!(DayMinutes);
