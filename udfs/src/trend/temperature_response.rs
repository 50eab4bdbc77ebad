//! How energy answers to the weather.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::response::Response;
use crate::figure::figures;
use crate::fold::{Argument, Fold, fold};

/// The five-parameter model of energy against temperature.
#[user_doc(
    doc_section(label = "Trends"),
    description = r"How energy answers to the temperature, one row a day or a month: a base, which does not, energy per degree below one balance point, for heating, and energy per degree above another, for cooling. A struct of DOUBLE:

- `base_wh`: energy between the two balance points.
- `heating_wh_per_c`, `heating_balance_c`: slope below its balance point; 0 and NULL where energy does not rise in the cold.
- `cooling_wh_per_c`, `cooling_balance_c`: slope above its balance point; 0 and NULL where energy does not rise in the heat.
- `r2`, 0 to 1: the part of the variance that the model explains.

Balance points and slopes are those that leave least, by least squares, in each of the four models that have no slope, one or both; the model with the largest adjusted R2 is taken, a balance point counting as a parameter. At or beyond a balance point lie five rows or more, and a tenth of them.

Rows in which an argument is NULL, NaN or infinite are left out; all fields are NULL where fewer than 12 are left. Source: M. Fels, PRISM: an introduction, Energy and Buildings 9 (1986), and the CalTRACK methods, whose balance points are whole degrees.",
    syntax_example = "temperature_response(temperature_c, energy_wh)",
    sql_example = r"```sql
> select round(r['base_wh']), round(r['heating_wh_per_c']), round(r['heating_balance_c'], 2), r['cooling_wh_per_c'] from (select temperature_response(t, 5000 + greatest(15.5 - t, 0) * 200) as r from unnest(range(-4, 28)) as t (t));
5000.0  200.0  15.5  0.0
```",
    argument(name = "temperature_c", description = "Number: mean temperature of the day or month, degrees Celsius."),
    argument(name = "energy_wh", description = "Number: energy of the day, or of the month per day, watt-hours.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TemperatureResponse;

figures! {
    pub(super) struct Answer {
        base_wh: f64,
        heating_wh_per_c: f64,
        heating_balance_c: Option<f64>,
        cooling_wh_per_c: f64,
        cooling_balance_c: Option<f64>,
        r2: f64,
    }
}

impl Fold<2> for TemperatureResponse {
    const NAME: &'static str = "temperature_response";
    const ARGUMENTS: [Argument; 2] = [Argument::Number("temperature_c"), Argument::Number("energy_wh")];
    type Figure = Answer;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<Answer>> {
        Ok(Response::fit(rows.iter().map(|[t, e]| (*t, *e))).map(|response| Answer {
            base_wh: response.base,
            heating_wh_per_c: response.heating.map_or(0.0, |(slope, _)| slope),
            heating_balance_c: response.heating.map(|(_, balance)| balance),
            cooling_wh_per_c: response.cooling.map_or(0.0, |(slope, _)| slope),
            cooling_balance_c: response.cooling.map(|(_, balance)| balance),
            r2: response.r2,
        }))
    }
}

fold!(TemperatureResponse, 2);
