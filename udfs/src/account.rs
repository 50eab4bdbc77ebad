//! Functions of account identifiers.

pub(crate) mod account_bucket;

use datafusion_expr::ScalarUDF;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![account_bucket::AccountBucket.into()]
}
