//! The month that a date lies in.

use std::sync::Arc;

use arrow::array::{Array, Date32Array};
use arrow::datatypes::{DataType, Date32Type};
use chrono::{Datelike, NaiveDate};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use crate::args::{columns, exactly, primitive, refuse, signature};

const NAME: &str = "month_start";

/// The first day of a date's month.
#[user_doc(
    doc_section(label = "Dates and times"),
    description = r"The first day of the month that a date lies in, as DATE, in the Gregorian calendar. A timestamp counts by its date. NULL where the argument is NULL, and for dates beyond the year 262142, which no calendar here knows.",
    syntax_example = "month_start(date)",
    sql_example = r"```sql
> select month_start('2026-02-17');
2026-02-01
```",
    argument(name = "date", description = "DATE, or TIMESTAMP without a zone")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct MonthStart;

impl ScalarUDFImpl for MonthStart {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [date] = exactly(NAME, ["date"], types)?;
        let is_date = matches!(date, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, None));
        if is_date || date.is_string() || date.is_null() {
            return Ok(vec![DataType::Date32]);
        }
        refuse(NAME, "date", "a date", date)
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [date] = columns(NAME, &args)?;
        let dates = primitive::<Date32Type>(NAME, date.array())?;
        // Days of one month come together, mostly: its first and its last day.
        let mut month: Option<(i32, i32)> = None;
        let mut start_of = |day: i32| match month {
            Some((first, last)) if (first..=last).contains(&day) => Some(first),
            _ => {
                month = bounds(day);
                month.map(|(first, _)| first)
            }
        };
        let starts: Date32Array = (0..args.number_rows)
            .map(|row| date.at(row))
            .map(|row| dates.is_valid(row).then(|| dates.value(row)).and_then(&mut start_of))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(starts)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// First and last day of the month of `day`, days since 1970-01-01.
fn bounds(day: i32) -> Option<(i32, i32)> {
    let date: NaiveDate = Date32Type::to_naive_date_opt(day)?;
    let first = day - date.day0() as i32;
    Some((first, first + i32::from(date.num_days_in_month()) - 1))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::call_arrays;

    fn starts(days: Vec<Option<i32>>) -> Vec<Option<i32>> {
        let days: ArrayRef = Arc::new(Date32Array::from(days));
        call_arrays(MonthStart, &[days]).unwrap().as_primitive::<Date32Type>().iter().collect()
    }

    proptest! {
        #[test]
        fn it_is_what_the_calendar_says(days in prop::collection::vec(-900_000i32..900_000, 1..40)) {
            let expected = days.iter().map(|&day| {
                let date = Date32Type::to_naive_date_opt(day).unwrap();
                Some(Date32Type::from_naive_date(date.with_day(1).unwrap()))
            });
            let expected: Vec<_> = expected.collect();
            prop_assert_eq!(starts(days.into_iter().map(Some).collect()), expected);
        }
    }

    #[test]
    fn what_no_calendar_knows_has_no_month() {
        assert_eq!(starts(vec![Some(i32::MAX), None, Some(i32::MIN), Some(0)]), [None, None, None, Some(0)]);
    }
}
