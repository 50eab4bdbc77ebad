//! How much the season decides.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::line::{line, variance};
use super::month::month_number;
use crate::fold::{Argument, Fold, fold};

/// Part of the variance that the calendar month explains.
#[user_doc(
    doc_section(label = "Trends"),
    description = r"How strongly a value follows the season (DOUBLE, 0 to 1): 1 less the variance of what remains over that of season and remainder, once a straight line is taken off and the season is the mean of each calendar month. NULL where fewer than 24 rows or fewer than 12 calendar months are left, or nothing varies. Source: Hyndman and Athanasopoulos, Forecasting: principles and practice, with a line for the trend.",
    syntax_example = "seasonality_strength(date, value)",
    sql_example = r"```sql
> select round(seasonality_strength(d, case when date_part('month', d) in (12, 1, 2) then 90 else 10 end), 2) from generate_series(date '2024-01-15', date '2026-12-15', interval '1 month') as t (d);
0.99
```",
    argument(name = "date", description = "DATE, in the month that the value belongs to."),
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SeasonalityStrength;

impl Fold<2> for SeasonalityStrength {
    const NAME: &'static str = "seasonality_strength";
    const ARGUMENTS: [Argument; 2] = [Argument::Time("date"), Argument::Number("value")];
    type Figure = f64;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<f64>> {
        let months: Option<Vec<usize>> =
            rows.iter().map(|[day, _]| Some(month_number(*day)?.rem_euclid(12) as usize)).collect();
        let (Some(months), Some((slope, start))) = (months, line(rows)) else { return Ok(None) };
        let rest: Vec<f64> = rows.iter().map(|[day, value]| value - start - slope * day).collect();
        let mut means = [(0.0, 0.0); 12];
        for (month, rest) in months.iter().zip(&rest) {
            let (sum, count) = &mut means[*month];
            (*sum, *count) = (*sum + rest, *count + 1.0);
        }
        if rows.len() < 24 || means.iter().any(|(_, count)| *count == 0.0) {
            return Ok(None);
        }
        let remainder: Vec<f64> =
            months.iter().zip(&rest).map(|(month, rest)| rest - means[*month].0 / means[*month].1).collect();
        let (all, left) = (variance(&rest), variance(&remainder));
        Ok((all > 0.0).then(|| (1.0 - left / all).clamp(0.0, 1.0)))
    }
}

fold!(SeasonalityStrength, 2);
