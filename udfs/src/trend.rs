//! What becomes of a value over time.

mod level_shift;
mod line;
mod mann_kendall;
mod month;
mod ols_slope;
mod response;
mod seasonality_strength;
mod temperature_response;
mod theil_sen_slope;
mod weather_normalised_wh;
mod year_on_year;

use datafusion_expr::AggregateUDF;

pub(crate) fn aggregates() -> Vec<AggregateUDF> {
    vec![
        level_shift::LevelShift.into(),
        mann_kendall::MannKendall.into(),
        ols_slope::OlsSlope.into(),
        seasonality_strength::SeasonalityStrength.into(),
        temperature_response::TemperatureResponse.into(),
        theil_sen_slope::TheilSenSlope.into(),
        weather_normalised_wh::WeatherNormalisedWh.into(),
        year_on_year::YearOnYear.into(),
    ]
}
