//! The one place that builds a session: client, scheduler, executor and
//! embedded mode get the same functions, the same optimizer rules and the same
//! configuration.

use std::sync::Arc;

use ballista_core::extension::SessionConfigExt;
use ballista_core::optimizer::ballista_default_optimizer_rules;
use datafusion::common::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;

use super::codec::{LogicalCodec, PhysicalCodec};

/// gRPC messages carry plans with many pinned files.
pub const MAX_MESSAGE_BYTES: usize = 128 << 20;

/// The configuration of every role.
pub fn config() -> SessionConfig {
    SessionConfig::new_with_ballista()
        .with_ballista_logical_extension_codec(Arc::new(LogicalCodec::default()))
        .with_ballista_physical_extension_codec(Arc::new(PhysicalCodec::default()))
        .with_ballista_adaptive_query_planner(false)
        .with_ballista_grpc_client_max_message_size(MAX_MESSAGE_BYTES)
        .with_information_schema(true)
        // Buckets are small: hash joins and hash aggregation, and no sorting
        // that would only serve a merge.
        .set_bool("datafusion.optimizer.prefer_hash_join", true)
        // A curve kernel is evaluated once per row, not once per field read.
        .set_bool("datafusion.optimizer.enable_leaf_expression_pushdown", false)
        // Dynamic filters stay behind when a plan travels.
        .set_bool("datafusion.optimizer.enable_dynamic_filter_pushdown", false)
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_bool("datafusion.execution.collect_statistics", false)
}

/// The runtime of a process, with a bound on the memory of its operators.
pub fn runtime(memory_bytes: usize) -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes))).build_arc()
}

/// A statement, planned with the types that its columns will have: before types are
/// coerced, a CASE has that of its first branch.
pub async fn plan(state: &SessionState, statement: Statement) -> Result<LogicalPlan> {
    let plan = state.statement_to_plan(statement).await?;
    state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
}

/// A session state; `planner` is the cluster's for ad-hoc SQL on a cluster.
pub fn state(
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    planner: Option<Arc<dyn QueryPlanner + Send + Sync>>,
) -> Result<SessionState> {
    let mut builder = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_optimizer_rules(ballista_default_optimizer_rules());
    if let Some(planner) = planner {
        builder = builder.with_query_planner(planner);
    }
    let mut state = builder.build();
    for function in kwhy_udfs::scalar_functions() {
        state.register_udf(function)?;
    }
    for function in kwhy_udfs::aggregate_functions() {
        state.register_udaf(function)?;
    }
    Ok(state)
}
