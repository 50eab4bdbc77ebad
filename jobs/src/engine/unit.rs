//! From a logical plan to the physical plan of a unit: one partition, ending in
//! the write node.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;

use super::EngineError;
use super::check_exec::{CheckExec, CheckSpec};
use super::relation::fill_slots;
use super::write::{WriteExec, WriteSpec};
use crate::state::PinnedFile;

/// Plans a model once, with its relations as slots.
pub async fn plan_model(
    state: &SessionState,
    model: &str,
    plan: &LogicalPlan,
) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
    let plan = within_one_stage(state.create_physical_plan(plan).await?)?;
    check_single_stage(model, &plan)?;
    Ok(plan)
}

/// A join that collects its build side is cut in two by the cluster's planner,
/// which broadcasts the one side or shuffles both. Over one partition a
/// partitioned join does the same work, and stays where it is.
fn within_one_stage(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let Some(join) = node.downcast_ref::<HashJoinExec>() else { return Ok(Transformed::no(node)) };
        if *join.partition_mode() != PartitionMode::CollectLeft || join.null_aware {
            return Ok(Transformed::no(node));
        }
        let join = join.builder().with_partition_mode(PartitionMode::Partitioned).build_exec()?;
        Ok(Transformed::yes(join))
    })
    .data()
}

/// The plan of one unit: slots filled, rows written by `spec`.
pub fn plan_unit(
    model: &Arc<dyn ExecutionPlan>,
    files: &dyn Fn(&str) -> Arc<Vec<PinnedFile>>,
    bucket: Option<u32>,
    spec: WriteSpec,
) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
    let input = name_checks(fill_slots(Arc::clone(model), files)?, files, &spec.unit)?;
    // A join keeps the build side that it has once collected, even in a copy:
    // units must not see each other's.
    let input = reset_plan_states(input)?;
    let input = match bucket {
        Some(bucket) => with_bucket(input, bucket)?,
        None => input,
    };
    let unit: Arc<dyn ExecutionPlan> = Arc::new(WriteExec::new(input, spec.clone()));
    check_single_stage(&spec.table, &unit)?;
    Ok(unit)
}

/// The plan of a check alone: slots filled, every rule only counted, no rows
/// written but the broken ones.
pub fn plan_check(
    model: &Arc<dyn ExecutionPlan>,
    files: &dyn Fn(&str) -> Arc<Vec<PinnedFile>>,
    unit: &str,
) -> Result<Arc<dyn ExecutionPlan>, EngineError> {
    let plan = name_checks(fill_slots(Arc::clone(model), files)?, files, unit)?;
    let plan = plan.transform_up(|node| {
        let Some(check) = node.downcast_ref::<CheckExec>() else { return Ok(Transformed::no(node)) };
        let mut spec = check.spec.clone();
        spec.rules.iter_mut().for_each(|rule| rule.is_fatal = false);
        let input = Arc::clone(check.children()[0]);
        Ok(Transformed::yes(Arc::new(CheckExec::new(input, spec)) as Arc<dyn ExecutionPlan>))
    });
    Ok(plan.data()?)
}

/// Quarantined rows are told apart by the unit that found them, and named by
/// the files of it.
fn name_checks(
    plan: Arc<dyn ExecutionPlan>,
    files: &dyn Fn(&str) -> Arc<Vec<PinnedFile>>,
    unit: &str,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let Some(check) = node.downcast_ref::<CheckExec>() else { return Ok(Transformed::no(node)) };
        let files = files(&check.spec.relation).to_vec();
        let spec = CheckSpec { unit: unit.to_owned(), files, ..check.spec.clone() };
        let input = Arc::clone(check.children()[0]);
        Ok(Transformed::yes(Arc::new(CheckExec::new(input, spec)) as Arc<dyn ExecutionPlan>))
    })
    .data()
}

/// The bucket as a column in front, for the path of the unit's files.
fn with_bucket(input: Arc<dyn ExecutionPlan>, bucket: u32) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = input.schema();
    let literal: Arc<dyn PhysicalExpr> = Arc::new(Literal::new(ScalarValue::Int32(Some(bucket as i32))));
    let first = ProjectionExpr { expr: literal, alias: "bucket".to_owned() };
    let rest = schema.fields().iter().enumerate().map(|(index, field)| ProjectionExpr {
        expr: Arc::new(Column::new(field.name(), index)),
        alias: field.name().clone(),
    });
    Ok(Arc::new(ProjectionExec::try_new(std::iter::once(first).chain(rest).collect::<Vec<_>>(), input)?))
}

/// Refuses what would become a second stage on a cluster, where the loss of
/// an executor has been seen to lose rows without an error.
fn check_single_stage(unit: &str, plan: &Arc<dyn ExecutionPlan>) -> Result<(), EngineError> {
    let partitions = plan.properties().partitioning.partition_count();
    let collects = plan
        .downcast_ref::<HashJoinExec>()
        .is_some_and(|join| *join.partition_mode() == PartitionMode::CollectLeft || join.null_aware);
    let breaks = plan.is::<RepartitionExec>()
        || plan.is::<CoalescePartitionsExec>()
        || plan.is::<SortPreservingMergeExec>()
        || collects;
    if breaks || partitions != 1 {
        return Err(EngineError::ManyStages {
            unit: unit.to_owned(),
            node: format!("{} with {partitions} partitions", plan.name()),
        });
    }
    plan.children().into_iter().try_for_each(|child| check_single_stage(unit, child))
}
