//! Energy as it would have been in normal weather.

use datafusion_common::{Result, exec_err};
use datafusion_macros::user_doc;

use super::response::Response;
use crate::fold::{Argument, Fold, fold};

/// The energy of a normal year.
#[user_doc(
    doc_section(label = "Trends"),
    description = r"The energy of all rows as it would have been at normal temperatures (BIGINT, watt-hours): the response of `temperature_response`, taken from the temperatures and energies as they were, summed over the normal temperatures of the same days. Comparing two years by it leaves the weather out.

Rows in which an argument is NULL, NaN or infinite are left out; NULL where fewer than 12 are left. A sum that does not fit into BIGINT is an error.",
    syntax_example = "weather_normalised_wh(temperature_c, energy_wh, normal_temperature_c)",
    sql_example = r"```sql
> select weather_normalised_wh(t, 5000 + greatest(15 - t, 0) * 200, t + 1) as wh, sum(5000 + greatest(15 - t, 0) * 200) as found from unnest(range(-5, 25)) as t (t);
188000  192000
```",
    argument(name = "temperature_c", description = "Number: mean temperature of the day, degrees Celsius."),
    argument(name = "energy_wh", description = "Number: energy of the day, watt-hours."),
    argument(
        name = "normal_temperature_c",
        description = "Number: what the temperature of that day is in a normal year."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct WeatherNormalisedWh;

impl Fold<3> for WeatherNormalisedWh {
    const NAME: &'static str = "weather_normalised_wh";
    const ARGUMENTS: [Argument; 3] =
        [Argument::Number("temperature_c"), Argument::Number("energy_wh"), Argument::Number("normal_temperature_c")];
    type Figure = i64;

    fn fold(rows: &[[f64; 3]]) -> Result<Option<i64>> {
        let Some(response) = Response::fit(rows.iter().map(|[t, e, _]| (*t, *e))) else { return Ok(None) };
        let energy: f64 = rows.iter().map(|[_, _, normal]| response.at(*normal)).sum();
        // Up to here, each whole number of watt-hours is a float of its own.
        if energy.abs() <= 9.0e15 {
            Ok(Some(energy.round() as i64))
        } else {
            exec_err!("{}: {energy} watt-hours are beyond what is exact", Self::NAME)
        }
    }
}

fold!(WeatherNormalisedWh, 3);
