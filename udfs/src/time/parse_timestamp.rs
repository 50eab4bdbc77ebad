//! Instants written as text in a format of their own.

use std::sync::Arc;

use arrow::array::{Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};
use datafusion_common::{Result, exec_err};
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use crate::args::{columns, exactly, refuse, signature, texts};

const NAME: &str = "parse_timestamp";
const DAY_MICROS: i64 = 86_400_000_000;

/// Local wall-clock time of a text, by a strftime format.
#[user_doc(
    doc_section(label = "Dates and times"),
    description = r"The instant that a text names, as TIMESTAMP in microseconds without a zone. A format without a time of day gives midnight, one of the hour alone its begin, one without a day the first of the month; 24:00 is the midnight that ends the day. An offset that the format reads (`%z`, `%:z`) is taken off: the result is the time in UTC.

NULL where the text or the format is NULL, and where the text does not match the format: a contract counts such rows instead of failing. A format that is not one is an error.",
    syntax_example = "parse_timestamp(text, format)",
    sql_example = r"```sql
> select parse_timestamp('31/01/2018 00:15', '%d/%m/%Y %H:%M');
2018-01-31T00:15:00
```",
    argument(name = "text", description = "TEXT"),
    argument(
        name = "format",
        description = "TEXT, strftime: %Y %m %d %H %M %S and so on. A fraction of a second is `.%f`, of as many digits as there are, or without a point %3f, %6f, %9f, of so many."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ParseTimestamp;

impl ScalarUDFImpl for ParseTimestamp {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let names = ["text", "format"];
        let types = exactly(NAME, names, types)?;
        for (name, found) in names.iter().zip(types) {
            if !found.is_string() && !found.is_null() {
                return refuse(NAME, name, "a text", found);
            }
        }
        Ok(vec![DataType::Utf8, DataType::Utf8])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, None))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, format] = columns(NAME, &args)?;
        let written = texts(NAME, text.array())?;
        let formats = texts(NAME, format.array())?;
        // One format serves all rows of a batch, mostly: parsed once.
        let mut last: Option<(&str, Vec<Item<'_>>)> = None;
        let mut instants = TimestampMicrosecondArray::builder(args.number_rows);
        for row in 0..args.number_rows {
            let (text_at, format_at) = (text.at(row), format.at(row));
            if written.is_null(text_at) || formats.is_null(format_at) {
                instants.append_null();
                continue;
            }
            let format = formats.value(format_at);
            if last.as_ref().is_none_or(|(known, _)| *known != format) {
                last = Some((format, items(format)?));
            }
            let parsed = last.as_ref().and_then(|(_, items)| instant(written.value(text_at), items));
            instants.append_option(parsed);
        }
        Ok(ColumnarValue::Array(Arc::new(instants.finish())))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn items(format: &str) -> Result<Vec<Item<'_>>> {
    let mut items: Vec<_> = StrftimeItems::new(format).collect();
    if items.contains(&Item::Error) {
        return exec_err!("{NAME}: `{format}` is not a format");
    }
    // The library takes the digits of %f as so many nanoseconds, and .5 as five of
    // them. Behind a point they are the fraction that everyone else means.
    for at in 0..items.len() {
        if matches!(items[at], Item::Numeric(Numeric::Nanosecond, _)) {
            let Some(Item::Literal(before)) = at.checked_sub(1).map(|at| items[at].clone()) else {
                return fraction(format);
            };
            let Some(before) = before.strip_suffix('.') else { return fraction(format) };
            items[at - 1] = Item::Literal(before);
            items[at] = Item::Fixed(Fixed::Nanosecond);
        }
    }
    Ok(items)
}

fn fraction<T>(format: &str) -> Result<T> {
    exec_err!(
        "{NAME}: %f in `{format}` has no point before it; write .%f, or %3f, %6f or %9f for a fraction of so many digits"
    )
}

fn instant(text: &str, items: &[Item<'_>]) -> Option<i64> {
    let mut parsed = Parsed::new();
    if parse(&mut parsed, text, items.iter()).is_err() {
        let midnight = text.strip_suffix(":00").unwrap_or(text).strip_suffix("24:00")?;
        let rest = &text[midnight.len() + "24".len()..];
        return instant(&format!("{midnight}00{rest}"), items)?.checked_add(DAY_MICROS);
    }
    if parsed.day().is_none() && parsed.ordinal().is_none() {
        parsed.set_day(1).ok()?;
    }
    if parsed.minute().is_none() && parsed.hour_mod_12().is_some() {
        parsed.set_minute(0).ok()?;
    }
    let date = parsed.to_naive_date().ok()?;
    let time = if parsed.hour_mod_12().is_none() { chrono::NaiveTime::MIN } else { parsed.to_naive_time().ok()? };
    let utc = date.and_time(time).and_utc().timestamp_micros();
    // An offset from UTC, where the text has one.
    utc.checked_sub(i64::from(parsed.offset().unwrap_or(0)) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, StringArray};

    use super::*;
    use crate::testing::call_arrays;

    fn run(text: &str, format: &str) -> Result<Option<i64>> {
        let column = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
        let result = call_arrays(ParseTimestamp, &[column(text), column(format)])?;
        let result = result.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        Ok(result.is_valid(0).then(|| result.value(0)))
    }

    #[test]
    fn texts_that_match_and_texts_that_do_not() {
        assert_eq!(run("01/01/1970 00:15", "%d/%m/%Y %H:%M").unwrap(), Some(900_000_000));
        assert_eq!(run("1970-01-02", "%Y-%m-%d").unwrap(), Some(86_400_000_000));
        assert_eq!(run("1970-01-01T01:15:00+01:00", "%Y-%m-%dT%H:%M:%S%:z").unwrap(), Some(900_000_000));
        assert_eq!(run("1970-02-30", "%Y-%m-%d").unwrap(), None);
        assert_eq!(run("yesterday", "%Y-%m-%d").unwrap(), None);
        assert!(run("1970-01-02", "%Q").is_err());
    }
}
