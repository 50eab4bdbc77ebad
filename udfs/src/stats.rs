//! Exact arithmetic over single values.

mod ratio;

use datafusion_expr::ScalarUDF;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![ratio::Ratio.into()]
}
