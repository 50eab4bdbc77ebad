//! The catalogue of tags, held against the tables that it reads: what does not
//! fit them, what the cases say, where values come from.

mod case;
mod check;
mod lineage;
mod segment;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use datafusion::common::DFSchema;
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::prelude::SessionContext;

use crate::engine::check::canonical_schema;
use crate::engine::expression::coerced;
use crate::engine::session;
use crate::error::Error;
use crate::project::model::{bind, parse_sql};
use crate::project::tag::{Body, Pick, Tag};
use crate::project::{Project, STAGED, TAGS};

pub use case::{Failure, run_cases};
pub use check::{check, mistakes};
pub use lineage::{Edge, lineage};

/// Plans need no data; what is bound to a date is bound to this one.
const DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day of the calendar");
/// Nothing is computed here but single rows.
const MEMORY_BYTES: usize = 64 << 20;
/// Percentiles among peers, whatever number they are of.
const CUT: DataType = DataType::Decimal128(38, 6);

/// A project's tables by their columns, without a lake.
pub struct Catalogue<'a> {
    pub project: &'a Project,
    context: SessionContext,
    /// Plans of models over the tables that they name.
    pub plans: BTreeMap<String, LogicalPlan>,
    schemas: BTreeMap<String, Arc<DFSchema>>,
}

impl<'a> Catalogue<'a> {
    /// Plans every model that tags, evidence or segmentations read, and what those read.
    pub async fn open(project: &'a Project) -> Result<Self, Error> {
        let failed = |error| Error::Query(Box::new(error));
        let config = session::config().with_target_partitions(1);
        let runtime = session::runtime(MEMORY_BYTES).map_err(failed)?;
        let context = SessionContext::new_with_state(session::state(config, runtime, None).map_err(failed)?);
        let mut catalogue = Self { project, context, plans: BTreeMap::new(), schemas: BTreeMap::new() };
        let mut features: Vec<&str> = project.tags.features().into_iter().collect();
        features.push("stg_accounts");
        let of_segments: Vec<String> =
            project.segmentations.iter().flat_map(|segmentation| segmentation.feature_columns().into_keys()).collect();
        features.extend(of_segments.iter().map(String::as_str));
        for feature in features {
            Box::pin(catalogue.plan(feature)).await?;
        }
        Ok(catalogue)
    }

    async fn plan(&mut self, name: &str) -> Result<(), Error> {
        if self.schemas.contains_key(name) {
            return Ok(());
        }
        let contract = name.strip_prefix(STAGED).and_then(|table| self.project.contracts.get(table));
        let schema = match (contract, self.project.models.get(name)) {
            (Some(contract), _) => canonical_schema(contract),
            (None, Some(model)) => {
                for input in &model.inputs {
                    Box::pin(self.plan(input)).await?;
                }
                let parameter = |parameter: &str| self.project.parameter(name, parameter, DAY, &|_| false);
                let statement = bind(parse_sql(&model.file, &model.sql)?, &parameter);
                let plan = session::plan(&self.context.state(), statement).await;
                let plan =
                    plan.map_err(|source| Error::Model { file: model.file.clone(), source: Box::new(source) })?;
                let schema = Arc::new(plan.schema().as_arrow().clone());
                self.plans.insert(name.to_owned(), plan);
                schema
            }
            (None, None) => return Ok(()),
        };
        self.add(name, &schema)
    }

    fn add(&mut self, name: &str, schema: &SchemaRef) -> Result<(), Error> {
        let failed = |error| Error::Query(Box::new(error));
        let known = DFSchema::try_from(schema.as_ref().clone()).map_err(failed)?;
        self.schemas.insert(name.to_owned(), Arc::new(known));
        let table = Arc::new(EmptyTable::new(Arc::clone(schema)));
        self.context.register_table(name, table).map(|_| ()).map_err(failed)
    }

    /// The columns of a table that tags read.
    pub fn schema(&self, name: &str) -> Option<&Arc<DFSchema>> {
        self.schemas.get(name)
    }

    /// An expression over a table.
    fn expression(&self, sql: &str, schema: &Arc<DFSchema>) -> datafusion::error::Result<Expr> {
        let sql = crate::project::tag::at(sql, DAY);
        coerced(&self.context.state(), &sql, schema)
    }

    /// What tags over tags see: those that are known so far, and percentiles.
    fn tags_schema(&self, types: &BTreeMap<&str, DataType>) -> Result<Arc<DFSchema>, Error> {
        let picks = self.project.tags.picks();
        let fields = types.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true));
        let picks = picks.iter().map(|pick| Field::new(pick.column(), CUT, true));
        let schema = Schema::new(fields.chain(picks).collect::<Vec<_>>());
        DFSchema::try_from(schema).map(Arc::new).map_err(|error| Error::Query(Box::new(error)))
    }

    /// The types that tags have, those left out that do not fit their table.
    pub fn types(&self) -> Result<BTreeMap<&'a str, DataType>, Error> {
        let mut types = BTreeMap::new();
        let mut is_stale = true;
        let mut tags_schema = self.tags_schema(&types)?;
        for tag in &self.project.tags.tags {
            let kind = match &tag.body {
                Body::Tier { .. } => Some(DataType::Int32),
                Body::Sql(expression) => {
                    if tag.feature == TAGS && is_stale {
                        tags_schema = self.tags_schema(&types)?;
                        is_stale = false;
                    }
                    let schema = if tag.feature == TAGS { Some(&tags_schema) } else { self.schema(&tag.feature) };
                    schema.and_then(|schema| {
                        self.expression(&expression.enter, schema).ok()?.get_type(schema.as_ref()).ok()
                    })
                }
            };
            if let Some(kind) = kind {
                types.insert(tag.name.as_str(), kind);
                is_stale = true;
            }
        }
        Ok(types)
    }

    /// The table that a tag reads, as it sees it.
    fn schema_of(&self, tag: &Tag, tags_schema: &Arc<DFSchema>) -> Option<Arc<DFSchema>> {
        if tag.feature == TAGS { Some(Arc::clone(tags_schema)) } else { self.schema(&tag.feature).cloned() }
    }
}

/// The percentile that a case names as it is written in a tag.
fn pick_of<'p>(picks: &'p [Pick], written: &str) -> Option<&'p Pick> {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    picks.iter().find(|pick| squeezed(&pick.written()) == squeezed(written))
}
