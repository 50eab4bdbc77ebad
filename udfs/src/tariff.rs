//! Functions of tariffs and their periods.

mod average_price;
mod bill;
mod energy_by_period;
mod monthly_bill;
mod shift_saving;
mod terms;
mod tier_distance;

use datafusion_expr::ScalarUDF;

/// The periods of a day by code, from 1 on: the names of their prices, and of
/// their energies.
const PERIODS: [&str; 4] = ["sharp", "peak", "flat", "valley"];
const ENERGIES: [&str; 4] = ["sharp_wh", "peak_wh", "flat_wh", "valley_wh"];

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![
        average_price::AveragePrice.into(),
        energy_by_period::EnergyByPeriod.into(),
        monthly_bill::MonthlyBill.into(),
        shift_saving::ShiftSaving.into(),
        tier_distance::TierDistance.into(),
    ]
}
