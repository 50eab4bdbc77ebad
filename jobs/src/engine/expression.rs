//! One expression, planned by itself.

use std::sync::Arc;

use datafusion::common::{DFSchema, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;

/// What computes the SQL of an expression over the columns of a schema.
pub fn physical(state: &SessionState, sql: &str, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
    let expression = state.create_logical_expr(sql, schema)?;
    // Some functions are nothing but another spelling, and only simplifying spells
    // them out.
    let context = SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build();
    let simplifier = ExprSimplifier::new(context);
    let expression = simplifier.simplify(simplifier.coerce(expression, schema)?)?;
    state.create_physical_expr(expression, schema)
}
