//! Change from the year before.

use std::collections::BTreeMap;

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::month::month_number;
use crate::fold::{Argument, Fold, fold};

/// Change of the sums of paired months.
#[user_doc(
    doc_section(label = "Trends"),
    description = r"The change of a monthly value from one year to the next (DOUBLE): the sum of the last 12 months over that of the same months a year before, less 1. The last 12 months end with the latest month in the group; a month counts where it has a value in both years. Several rows of a month are added. NULL where no month is paired or the earlier sum is not above 0.",
    syntax_example = "year_on_year(month, value)",
    sql_example = r"```sql
> select year_on_year(m, x) from (values (date '2025-01-01', 100), (date '2026-01-01', 110)) as t (m, x);
0.10000000000000009
```",
    argument(name = "month", description = "DATE of any day in the month."),
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct YearOnYear;

impl Fold<2> for YearOnYear {
    const NAME: &'static str = "year_on_year";
    const ARGUMENTS: [Argument; 2] = [Argument::Time("month"), Argument::Number("value")];
    type Figure = f64;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<f64>> {
        let mut months: BTreeMap<i32, f64> = BTreeMap::new();
        for [day, value] in rows {
            let Some(month) = month_number(*day) else { return Ok(None) };
            *months.entry(month).or_default() += value;
        }
        let Some((&last, _)) = months.last_key_value() else { return Ok(None) };
        let (mut now, mut before) = (0.0, 0.0);
        for month in last - 11..=last {
            if let (Some(this), Some(earlier)) = (months.get(&month), months.get(&(month - 12))) {
                (now, before) = (now + this, before + earlier);
            }
        }
        Ok((before > 0.0).then(|| now / before - 1.0))
    }
}

fold!(YearOnYear, 2);
