//! Functions of tariffs and their periods.

mod energy_by_period;

use datafusion_expr::ScalarUDF;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![energy_by_period::EnergyByPeriod.into()]
}
