//! What becomes of a value over time.

mod level_shift;
mod line;
mod mann_kendall;
mod month;
mod ols_slope;
mod seasonality_strength;
mod theil_sen_slope;
mod year_on_year;

use datafusion_expr::AggregateUDF;

pub(crate) fn aggregates() -> Vec<AggregateUDF> {
    vec![
        level_shift::LevelShift.into(),
        mann_kendall::MannKendall.into(),
        ols_slope::OlsSlope.into(),
        seasonality_strength::SeasonalityStrength.into(),
        theil_sen_slope::TheilSenSlope.into(),
        year_on_year::YearOnYear.into(),
    ]
}
