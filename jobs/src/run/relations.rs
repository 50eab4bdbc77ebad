//! What a model sees under the names that its SQL uses: staged sources and
//! tables as of the run's date, and sources as they are delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use chrono::NaiveDate;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{Array, Expr};

use crate::engine::align::AlignTable;
use crate::engine::check::{SourceCheck, canonical_schema, partition_field};
use crate::engine::check_exec::CheckSpec;
use crate::engine::relation::Relation;
use crate::engine::session;
use crate::error::Error;
use crate::lake::Output;
use crate::plan::{Plan, Sources, Step, Tables, Work};
use crate::project::contract::{Contract, IS_SECOND_HOUR};
use crate::project::model::{bind, date_literal, parse_sql, quoted};
use crate::project::tag::ALIGNED;
use crate::project::words::words;
use crate::project::{Project, STAGED};
use crate::state::{Area, FileKind, Snapshot, Source};

/// Relations behind what models see carry this suffix.
const ROWS: &str = "__rows";

/// The table that a slot stands for.
pub fn slot_table(slot: &str) -> &str {
    slot.strip_suffix(ROWS).unwrap_or(slot)
}

/// All that names are resolved with.
pub struct Scene<'a> {
    pub project: &'a Project,
    pub plan: &'a Plan,
    pub sources: &'a Sources,
    pub tables: &'a Tables,
    pub out: &'a Output,
    /// Days of the snapshots that the step reads, in order.
    pub snapshots: &'a [NaiveDate],
    /// What models of segmentations say, by parameter.
    pub models: &'a BTreeMap<String, Expr>,
}

/// A model, resolved: its plan, the tables whose files its units need, and the
/// text of all SQL that its result depends on.
pub struct Resolved {
    pub plan: LogicalPlan,
    pub inputs: BTreeSet<String>,
    pub recipe: String,
}

impl Scene<'_> {
    /// The plan of a step. Of tables it is shown the columns that its SQL names: a
    /// planner looks through all that it is shown, and the widest table has thousands.
    pub async fn resolve(
        &self,
        context: &dyn Fn() -> Result<SessionContext, Error>,
        step: &Step,
    ) -> Result<Resolved, Error> {
        let named = self.named(step);
        match self.resolve_over(&context()?, step, named.as_ref()).await {
            // A name that is wrong is told among all that there are.
            Err(Error::Model { .. }) if named.is_some() => self.resolve_over(&context()?, step, None).await,
            resolved => resolved,
        }
    }

    /// The words of a step's SQL; `None` where it may be about others too.
    fn named(&self, step: &Step) -> Option<BTreeSet<String>> {
        let mut named = words(&step.sql)?;
        for part in step.wide.iter().flat_map(|wide| &wide.parts) {
            named.extend(words(&part.sql)?);
        }
        for model in self.models.values() {
            named.extend(words(&model.to_string())?);
        }
        Some(named)
    }

    async fn resolve_over(
        &self,
        context: &SessionContext,
        step: &Step,
        named: Option<&BTreeSet<String>>,
    ) -> Result<Resolved, Error> {
        let mut resolved = Names { inputs: BTreeSet::new(), recipe: String::new(), seen: BTreeSet::new() };
        for name in &step.inputs {
            Box::pin(self.register(context, step, name, named, &mut resolved)).await?;
        }
        if let Some(wide) = &step.wide {
            let wide = wide.at(self.plan.as_of);
            let mut plans = Vec::with_capacity(wide.parts.len());
            for part in &wide.parts {
                plans.push(self.bind(context, &step.model, &part.sql, &mut resolved.recipe).await?);
            }
            resolved.recipe.push_str(&wide.recipe());
            let failed = |source| Error::Model { file: step.name.clone(), source: Box::new(source) };
            let aligned = AlignTable::new(&context.state(), &wide, plans).map_err(failed)?;
            context.register_table(ALIGNED, Arc::new(aligned)).map_err(failed)?;
        }
        let plan = self.bind(context, &step.model, &step.sql, &mut resolved.recipe).await?;
        resolved.recipe.push_str(&format!("{:?} {:?} {:?}", step.key, step.month_of, step.bucket_by));
        Ok(Resolved { plan, inputs: resolved.inputs, recipe: resolved.recipe })
    }

    /// Parses SQL, puts the run's date in, plans it.
    async fn bind(
        &self,
        context: &SessionContext,
        name: &str,
        sql: &str,
        recipe: &mut String,
    ) -> Result<LogicalPlan, Error> {
        let statement = bind(parse_sql(name, sql)?, &|parameter| self.parameter(name, parameter));
        recipe.push_str(&format!("{statement}\n"));
        let file = self.project.models.get(name).map_or_else(|| format!("sql of {name}"), |model| model.file.clone());
        session::plan(&context.state(), statement)
            .await
            .map_err(|source| Error::Model { file, source: Box::new(source) })
    }

    /// What stands for a parameter in the SQL of a model.
    fn parameter(&self, model: &str, parameter: &str) -> Option<Expr> {
        if parameter == "snapshots" {
            let elem = self.snapshots.iter().map(|day| date_literal(*day)).collect();
            return Some(Expr::Array(Array { elem, named: true }));
        }
        if let Some(model) = self.models.get(parameter) {
            return Some(model.clone());
        }
        self.project.parameter(model, parameter, self.plan.as_of, &|source| self.sources.is_absent(source))
    }

    async fn register(
        &self,
        context: &SessionContext,
        step: &Step,
        name: &str,
        named: Option<&BTreeSet<String>>,
        names: &mut Names,
    ) -> Result<(), Error> {
        if !names.seen.insert(name.to_owned()) {
            return Ok(());
        }
        let contract = name.strip_prefix(STAGED).and_then(|table| self.project.contracts.get(table));
        if let (Work::Files { source }, Some(contract)) = (&step.work, contract)
            && *source == contract.table
            && let Some(found) = self.sources.found.get(source)
        {
            names.inputs.insert(name.to_owned());
            names.recipe.push_str(&format!("{}\n", contract.fingerprint()));
            let quarantine = self.out.table(Area::Quarantine, &contract.table).location();
            return add_table(context, name, delivered(name, found, quarantine));
        }
        names.inputs.insert(name.to_owned());
        let rows = format!("{name}{ROWS}");
        // A month stays as it is whatever the date: its readers see what counts.
        let time = self.time_of(name).filter(|_| !step.is_monthly);
        let relation = match (self.tables.get(name), contract) {
            (Some(snapshot), Some(_)) => slot(&rows, snapshot, self.buckets_of(name)),
            (Some(snapshot), None) => {
                let is_named = |column: &str| named.is_none_or(|named| named.contains(column)) || time == Some(column);
                slot(&rows, snapshot, self.buckets_of(name)).only(&is_named)
            }
            (None, Some(contract)) => Relation {
                name: rows.clone(),
                file_schema: canonical_schema(contract),
                partition: Vec::new(),
                kind: FileKind::Parquet,
                check: None,
                estimate: None,
                files: None,
            },
            (None, None) => {
                return Err(Error::Usage {
                    message: format!("`{}` reads `{name}`, which this job does not build", step.name),
                    hint: "add it to `build` of the job".into(),
                });
            }
        };
        let columns: Vec<String> = relation.file_schema.fields().iter().map(|field| field.name().clone()).collect();
        add_table(context, &rows, relation)?;
        // Settling reads every row; all others see the rows of their date.
        let sql = match contract {
            Some(contract) => visible_source(&rows, &columns, contract),
            None => visible(&rows, time),
        };
        let plan = self.bind(context, name, &sql, &mut names.recipe).await?;
        add_view(context, name, plan)
    }

    fn buckets_of(&self, name: &str) -> u32 {
        let step = self.plan.steps.iter().find(|step| step.name == name);
        step.map_or(self.plan.buckets, |step| step.buckets)
    }

    fn time_of(&self, name: &str) -> Option<&str> {
        self.plan
            .steps
            .iter()
            .find(|step| step.name == name)
            .filter(|step| !step.is_landing)
            .and_then(|step| step.time.as_deref())
    }
}

/// A source as it lies in the lake, behind its contract; rows that break it go
/// to the folder `quarantine`.
pub fn delivered(name: &str, source: &Source, quarantine: String) -> Relation {
    let contract = &source.contract;
    let spec = CheckSpec {
        source: contract.table.clone(),
        key: contract.key.iter().filter(|name| *name != IS_SECOND_HOUR).cloned().collect(),
        quarantine,
        unit: String::new(),
        relation: name.to_owned(),
        rules: Vec::new(),
        files: Vec::new(),
    };
    let is_partition = |field: &FieldRef| source.partition_position(field.name()).is_some();
    let columns = source.file_schema.fields().iter().filter(|field| !is_partition(field));
    Relation {
        name: name.to_owned(),
        file_schema: Arc::new(Schema::new(columns.cloned().collect::<Vec<_>>())),
        partition: source.partition.clone().into_iter().map(partition_field).collect(),
        kind: source.kind.clone(),
        check: Some(Arc::new(SourceCheck {
            contract: Arc::clone(contract),
            partition: source.partition.clone(),
            spec,
        })),
        estimate: None,
        files: None,
    }
}

struct Names {
    inputs: BTreeSet<String>,
    recipe: String,
    seen: BTreeSet<String>,
}

/// A table as models see it: without its partition columns, which only say
/// where rows lie.
fn slot(name: &str, snapshot: &Snapshot, buckets: u32) -> Relation {
    let whole = Relation::of_table(name, snapshot);
    let parts = if snapshot.is_bucketed() { u64::from(buckets) } else { 1 };
    let estimate = whole.estimate.map(|(rows, bytes)| (rows / parts, bytes / parts));
    Relation { partition: Vec::new(), files: None, estimate, ..whole }
}

fn visible(rows: &str, time: Option<&str>) -> String {
    match time {
        Some(time) => format!("select * from {} where {} < $as_of", quoted(rows), quoted(time)),
        None => format!("select * from {}", quoted(rows)),
    }
}

/// The rows of a staged source that count at a date.
pub fn as_of_sql(name: &str, table: &Snapshot, contract: &Contract, as_of: NaiveDate) -> String {
    let columns: Vec<String> = table.schema.fields().iter().map(|field| field.name().clone()).collect();
    visible_source(name, &columns, contract).replace("$as_of", &format!("date '{as_of}'"))
}

/// Records count by their business time, states by the day before the as-of;
/// of two states of one thing on that day the later one holds.
fn visible_source(rows: &str, columns: &[String], contract: &Contract) -> String {
    let has = |column: &Option<String>| column.as_ref().filter(|column| columns.contains(column)).map(|it| quoted(it));
    let Some(from) = has(&contract.valid_from) else { return visible(rows, contract.time.as_deref()) };
    if contract.shows_history {
        return format!("select * from {} where {from} is null or {from} < $as_of", quoted(rows));
    }
    let until = has(&contract.valid_to).map(|to| format!(" and ({to} is null or {to} >= $as_of)")).unwrap_or_default();
    let thing: Vec<_> = contract.key.iter().map(|column| quoted(column)).filter(|column| *column != from).collect();
    let rows = quoted(rows);
    let columns: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
    format!(
        "select {} from (select *, row_number() over (partition by {} order by {from} desc nulls last) as _state from {rows} where ({from} is null or {from} < $as_of){until}) where _state = 1",
        columns.join(", "),
        thing.join(", "),
    )
}

fn add_table(context: &SessionContext, name: &str, relation: Relation) -> Result<(), Error> {
    context.register_table(name, Arc::new(relation)).map(|_| ()).map_err(|error| Error::Query(Box::new(error)))
}

fn add_view(context: &SessionContext, name: &str, plan: LogicalPlan) -> Result<(), Error> {
    let view = DataFrame::new(context.state(), plan).into_view();
    context.register_table(name, view).map(|_| ()).map_err(|error| Error::Query(Box::new(error)))
}
