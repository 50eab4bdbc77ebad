//! One expression, planned by itself.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue, plan_datafusion_err};
use datafusion::execution::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, CaseExpr, Column, Literal, cast};

use crate::project::tag::columns_of;

/// Digits of a decimal that fit into 64 bits, and how many of them may stand after
/// the point so that enough are left before it.
const MOST_DIGITS: u8 = 18;
const MOST_SCALE: i8 = 6;

/// What computes the SQL of an expression over the columns of a schema.
pub fn physical(state: &SessionState, sql: &str, schema: &Arc<DFSchema>) -> Result<Arc<dyn PhysicalExpr>> {
    // Some functions are nothing but another spelling, and only simplifying spells
    // them out.
    let expression = simplifier(schema).simplify(coerced(state, sql, schema)?)?;
    state.create_physical_expr(expression, schema)
}

/// The SQL of an expression, with the types that it will have.
pub fn coerced(state: &SessionState, sql: &str, schema: &Arc<DFSchema>) -> Result<Expr> {
    simplifier(schema).coerce(state.create_logical_expr(sql, schema)?, schema)
}

fn simplifier(schema: &Arc<DFSchema>) -> ExprSimplifier {
    ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::clone(schema)).build())
}

/// The same over a wide schema, whose columns stand at these positions.
pub fn over_wide(
    state: &SessionState,
    schema: &Schema,
    positions: &HashMap<&str, usize>,
    sql: &str,
) -> Result<Arc<dyn PhysicalExpr>> {
    let expr = placed(state, schema, positions, sql)?;
    over_its_columns(narrow(expr, schema)?)
}

/// The expression planned over the few columns that it reads, and put in its place:
/// planners look through all that they are shown.
fn placed(
    state: &SessionState,
    schema: &Schema,
    positions: &HashMap<&str, usize>,
    sql: &str,
) -> Result<Arc<dyn PhysicalExpr>> {
    if let Some(position) = positions.get(sql) {
        return Ok(Arc::new(Column::new(sql, *position)));
    }
    let read = columns_of(sql);
    let mut fields: Vec<Field> = Vec::with_capacity(read.len());
    for name in &read {
        let position = positions.get(name.as_str()).ok_or_else(|| plan_datafusion_err!("no column `{name}`"))?;
        fields.push(schema.field(*position).clone());
    }
    let narrow = Arc::new(DFSchema::try_from(Schema::new(fields))?);
    let narrowed = physical(state, sql, &narrow)?;
    let placed = narrowed.transform_up(|node| match node.downcast_ref::<Column>() {
        Some(column) => {
            let position = positions.get(column.name()).copied().unwrap_or_default();
            Ok(Transformed::yes(Arc::new(Column::new(column.name(), position)) as Arc<dyn PhysicalExpr>))
        }
        None => Ok(Transformed::no(node)),
    });
    placed.data()
}

/// Arithmetic of decimals widens their type by every step; no figure of one row
/// needs more digits than fit into 64 bits, in which it is a fourth as dear to
/// store and to compare. One that does is an error when it is met.
fn narrow(expr: Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
    match expr.data_type(schema)? {
        DataType::Decimal128(precision, scale) if precision > MOST_DIGITS && scale <= MOST_SCALE => {
            cast(expr, schema, DataType::Decimal128(MOST_DIGITS, scale))
        }
        _ => Ok(expr),
    }
}

/// Before it looks at its right side, an AND or OR copies the rows that are left of
/// all columns of the batch, of which a wide table has thousands. A CASE of several
/// branches hands on to them only the columns that they read; here the first branch
/// is always taken.
fn over_its_columns(expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let is_logical = |node: &Arc<dyn PhysicalExpr>| {
        node.downcast_ref::<BinaryExpr>().is_some_and(|binary| matches!(binary.op(), Operator::And | Operator::Or))
    };
    if !expr.exists(|node| Ok(is_logical(node)))? {
        return Ok(expr);
    }
    let always = Arc::new(Literal::new(ScalarValue::Boolean(Some(true)))) as Arc<dyn PhysicalExpr>;
    let branches = vec![(Arc::clone(&always), Arc::clone(&expr)), (always, expr)];
    Ok(Arc::new(CaseExpr::try_new(None, branches, None)?))
}
