//! One wide row per account from many narrow tables: what a chain of joins
//! would copy again at every step is copied once, and not at all where the
//! tables are in the same order, as those of a bucket mostly are.
//!
//! The first input is the base: its rows are the rows of the result. Every other
//! one is read once, and sides are taken from it: some of its rows, at most one
//! per value of its first column, the key, and some of its columns. Where a side
//! has no row, its columns are null and its flag is false.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::datasource::TableType;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::StreamExt;

mod sides;

use self::sides::Sides;
use super::expression::over_wide;
use crate::project::tag::{Side, WideRelation};

/// Plans to be aligned, and columns over theirs, as a table.
#[derive(Debug)]
pub struct AlignTable {
    /// The first is the base.
    plans: Vec<LogicalPlan>,
    /// Of every plan but the base.
    sides: Vec<Vec<Side>>,
    /// What is made of the aligned columns, level by level.
    levels: Vec<Vec<ProjectionExpr>>,
    schema: SchemaRef,
}

impl AlignTable {
    /// The plans are those of the relation's parts. Each level names all columns
    /// that it hands on, with their SQL over those of the level before.
    pub fn new(state: &SessionState, relation: &WideRelation, plans: Vec<LogicalPlan>) -> Result<Self> {
        let sides: Vec<Vec<Side>> = relation.parts.iter().skip(1).map(|part| part.sides.clone()).collect();
        let schemas: Vec<SchemaRef> = plans.iter().map(|plan| Arc::clone(plan.schema().inner())).collect();
        let mut schema = aligned(&sides, &schemas)?;
        let levels = &relation.levels;
        let mut projections = Vec::with_capacity(levels.len());
        for level in levels {
            let positions: HashMap<&str, usize> =
                schema.fields().iter().enumerate().map(|(position, field)| (field.name().as_str(), position)).collect();
            let mut fields = Vec::with_capacity(level.len());
            let mut projection = Vec::with_capacity(level.len());
            for (name, sql) in level {
                let expr = over_wide(state, &schema, &positions, sql)
                    .map_err(|error| error.context(format!("column `{name}`")))?;
                fields.push(Field::new(name, expr.data_type(&schema)?, true));
                projection.push(ProjectionExpr { expr, alias: name.clone() });
            }
            schema = Arc::new(Schema::new(fields));
            projections.push(projection);
        }
        Ok(Self { plans, sides, levels: projections, schema })
    }
}

/// Columns of the base, then for each side its flag and its columns.
fn aligned(sides: &[Vec<Side>], schemas: &[SchemaRef]) -> Result<SchemaRef> {
    let Some((base, others)) = schemas.split_first() else { return internal_err!("nothing to align") };
    let mut fields: Vec<Field> = base.fields().iter().map(|field| field.as_ref().clone()).collect();
    for (sides, schema) in sides.iter().zip(others) {
        for side in sides {
            fields.push(Field::new(side.flag(), DataType::Boolean, false));
            for column in &side.columns {
                let field = schema.field_with_name(column)?.clone();
                fields.push(field.with_name(side.column(column)).with_nullable(true));
            }
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

#[async_trait]
impl TableProvider for AlignTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut inputs = Vec::with_capacity(self.plans.len());
        for plan in &self.plans {
            inputs.push(state.create_physical_plan(plan).await?);
        }
        let mut aligned: Arc<dyn ExecutionPlan> = Arc::new(AlignExec::try_new(self.sides.clone(), inputs)?);
        for level in &self.levels {
            aligned = Arc::new(ProjectionExec::try_new(level.clone(), aligned)?);
        }
        let Some(projection) = projection else { return Ok(aligned) };
        let schema = aligned.schema();
        let columns = projection.iter().map(|column| ProjectionExpr {
            expr: Arc::new(Column::new(schema.field(*column).name(), *column)),
            alias: schema.field(*column).name().clone(),
        });
        Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), aligned)?))
    }
}

#[derive(Debug)]
pub struct AlignExec {
    /// Of every input but the base.
    pub sides: Vec<Vec<Side>>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl AlignExec {
    pub fn try_new(sides: Vec<Vec<Side>>, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Result<Self> {
        let schemas: Vec<SchemaRef> = inputs.iter().map(|input| input.schema()).collect();
        let schema = aligned(&sides, &schemas)?;
        let key = inputs.first().and_then(by_key);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, key),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { sides, inputs, properties: Arc::new(properties) })
    }
}

/// The base in the order of its keys: then so is the wide table, whose rows would
/// be dear to sort.
fn by_key(base: &Arc<dyn ExecutionPlan>) -> Option<LexOrdering> {
    let schema = base.schema();
    let name = schema.fields().first()?.name();
    LexOrdering::new([PhysicalSortExpr::new_default(Arc::new(Column::new(name, 0)))])
}

impl DisplayAs for AlignExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let names: Vec<&str> = self.sides.iter().flatten().map(|side| &*side.name).collect();
        write!(f, "AlignExec: [{}]", names.join(", "))
    }
}

impl ExecutionPlan for AlignExec {
    fn name(&self) -> &str {
        "AlignExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let base = self.inputs.first().and_then(by_key).map(OrderingRequirements::from);
        let mut required = vec![None; self.inputs.len()];
        if let Some(first) = required.first_mut() {
            *first = base;
        }
        required
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        (0..self.inputs.len()).map(|input| input == 0).collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::try_new(self.sides.clone(), children)?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some((base, others)) = self.inputs.split_first() else { return internal_err!("nothing to align") };
        let base = base.execute(partition, Arc::clone(&context))?;
        let mut streams = Vec::with_capacity(others.len());
        for (sides, input) in self.sides.iter().zip(others) {
            streams.push((sides.clone(), input.execute(partition, Arc::clone(&context))?));
        }
        let schema = self.schema();
        let memory = MemoryConsumer::new("tables to align").register(context.memory_pool());
        let sides = Sides::new(Arc::clone(&schema), streams, memory);
        let stream = futures::stream::try_unfold((base, sides), |(mut base, mut sides)| async move {
            sides.collect().await?;
            let Some(batch) = base.next().await.transpose()? else { return Ok(None) };
            let aligned = sides.align(&batch)?;
            Ok(Some((aligned, (base, sides))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}
