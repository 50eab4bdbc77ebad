//! Building tables: each step's units run side by side, then one commit.

mod audit;
mod drift;
mod fit;
mod shapes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Int64Type, Schema, SchemaRef};
use chrono::NaiveDate;
use datafusion::logical_expr::expr_fn::{cast, ident};
use datafusion::logical_expr::{LogicalPlanBuilder, lit};
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt};

pub use self::audit::Audit;
use super::gates::Gate;
use super::ledger::{Ledger, UnitRecord};
use super::relations::{Scene, slot_table};
use super::{PhaseCost, Progress};
use crate::engine::quarantine::quarantine_schema;
use crate::engine::relation::Relation;
use crate::engine::unit::{plan_model, plan_unit};
use crate::engine::write::{UnitReport, WriteSpec};
use crate::engine::{Engine, EngineError, build_id};
use crate::error::Error;
use crate::lake::table::COMMENT;
use crate::lake::{Change, Output};
use crate::plan::{Phase, Plan, Sources, Step, Tables, Unit, Work, units};
use crate::project::model::quoted;
use crate::project::{Project, SENSITIVE_TAGS, STAGED, TAG_PROFILE, TAGS};
use crate::state::{Area, WrittenFile};

/// Most bytes of a table that every unit of a bucketed model reads whole.
const MAX_BUILD_SIDE_BYTES: u64 = 256 << 20;

/// All tables of a run, as they stand when it is done.
pub struct Built {
    pub tables: Tables,
    pub phases: Vec<PhaseCost>,
    pub audits: Vec<Audit>,
    /// What the release has kept.
    pub gates: Vec<Gate>,
}

pub struct Build<'a> {
    engine: &'a Engine,
    project: &'a Project,
    out: &'a Output,
    sources: &'a Sources,
    plan: &'a Plan,
    sequence: i64,
    progress: Arc<dyn Progress>,
    tables: Tables,
    audits: BTreeMap<String, Audit>,
}

/// A step that is ready to run: its plan and its units.
struct Ready<'a> {
    step: &'a Step,
    plan: Arc<dyn ExecutionPlan>,
    file_schema: SchemaRef,
    partition: Vec<FieldRef>,
    units: Vec<Unit>,
    /// Files of the table as it stands.
    standing: Vec<String>,
}

impl<'a> Build<'a> {
    pub fn new(
        engine: &'a Engine,
        project: &'a Project,
        out: &'a Output,
        sources: &'a Sources,
        plan: &'a Plan,
        sequence: i64,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let tables = plan.kept.clone();
        Self { engine, project, out, sources, plan, sequence, progress, tables, audits: BTreeMap::new() }
    }

    pub async fn run(mut self, ledger: &mut Ledger) -> Result<Built, Error> {
        let mut phases = Vec::new();
        for phase in Phase::ALL {
            let steps: Vec<&Step> = self.plan.steps.iter().filter(|step| step.phase == phase).collect();
            if steps.is_empty() {
                continue;
            }
            let start = Instant::now();
            crate::memory::reset_peak();
            let (mut count, mut skipped) = (0, 0);
            for wave in waves(&steps) {
                let (ran, stood) = self.wave(phase, &wave, ledger).await?;
                count += ran + stood;
                skipped += stood;
            }
            let cost = PhaseCost {
                phase,
                seconds: start.elapsed().as_secs_f64(),
                peak_mib: crate::memory::peak_mib(),
                units: count,
                skipped,
            };
            self.progress.finished(&cost);
            phases.push(cost);
            // Before anything is built on rows that are not all there.
            self.check_conservation()?;
        }
        self.check_domains().await?;
        Ok(Built { tables: self.tables, phases, audits: self.audits.into_values().collect(), gates: Vec::new() })
    }

    async fn wave(&mut self, phase: Phase, steps: &[&'a Step], ledger: &mut Ledger) -> Result<(usize, usize), Error> {
        let mut ready = Vec::new();
        let mut driven = 0;
        for step in steps {
            let start = Instant::now();
            if step.work == Work::Driver {
                self.drive(step).await?;
                driven += 1;
                tracing::debug!(step = step.name, ms = start.elapsed().as_millis(), "made by the driver");
                continue;
            }
            ready.push(self.prepare(step).await?);
            tracing::debug!(step = step.name, ms = start.elapsed().as_millis(), "planned");
        }
        let work: Vec<(usize, &Unit)> = ready
            .iter()
            .enumerate()
            .flat_map(|(index, ready)| ready.units.iter().map(move |unit| (index, unit)))
            .filter(|(index, unit)| !stands(&ready[*index].standing, &unit.id) && !was_empty(ledger, &unit.id))
            .collect();
        self.progress.phase(phase, work.len());
        let total: usize = ready.iter().map(|ready| ready.units.len()).sum();
        let ran = work.len();
        let results =
            futures::stream::iter(work.into_iter().map(|(index, unit)| self.unit(&ready[index], unit, index)));
        let results: Vec<(usize, UnitRecord, UnitReport)> =
            results.buffer_unordered(self.engine.parallel).try_collect().await?;
        let mut by_step: BTreeMap<usize, Vec<(UnitRecord, UnitReport)>> = BTreeMap::new();
        for (index, record, report) in results {
            by_step.entry(index).or_default().push((record, report));
        }
        for (index, ready) in ready.iter().enumerate() {
            let results = by_step.remove(&index).unwrap_or_default();
            self.commit(ready, results, ledger).await?;
        }
        Ok((ran + driven, total - ran))
    }

    async fn prepare(&self, step: &'a Step) -> Result<Ready<'a>, Error> {
        let context = self.engine.planning()?;
        let snapshots = if step.has_snapshots { self.snapshots(step).await? } else { Vec::new() };
        let mut models = self.models(step).await?;
        models.extend(self.shape_parameters(step).await?);
        let scene = Scene {
            snapshots: &snapshots,
            models: &models,
            project: self.project,
            plan: self.plan,
            sources: self.sources,
            tables: &self.tables,
            out: self.out,
        };
        let resolved = scene.resolve(&|| Ok(self.engine.planning()?), step).await?;
        self.check_build_sides(step, &resolved.inputs)?;
        let file_schema: SchemaRef = Arc::new(resolved.plan.schema().as_arrow().clone());
        let file = self.project.models.get(&step.model).map_or_else(|| step.name.clone(), |model| model.file.clone());
        let failed = |source| Error::Model { file: file.clone(), source: Box::new(source) };
        for column in &step.key {
            file_schema.field_with_name(column).map_err(|_| Error::Usage {
                message: format!("{file}: key column `{column}` is not in the result"),
                hint: format!(
                    "it has: {}",
                    file_schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ")
                ),
            })?;
        }
        let mut partition = Vec::new();
        let mut leading = Vec::new();
        if let Some(bucket_by) = &step.bucket_by {
            partition.push(Arc::new(Field::new("bucket", DataType::Int32, true)));
            if matches!(step.work, Work::Files { .. }) || step.is_scattered {
                let bucket = kwhy_udfs::expr_fn::account_bucket(ident(bucket_by), lit(i64::from(step.buckets)));
                leading.push(cast(bucket, DataType::Int32).alias("bucket"));
            }
        }
        if let Some(date) = &step.month_of {
            partition.push(Arc::new(Field::new("month", DataType::Date32, true)));
            leading.push(kwhy_udfs::expr_fn::month_start(ident(date)).alias("month"));
        }
        let leading_columns = leading.len();
        let columns = leading.into_iter().chain(file_schema.fields().iter().map(|field| ident(field.name())));
        let columns: Vec<_> = columns.collect();
        let logical = LogicalPlanBuilder::from(resolved.plan)
            .project(columns)
            .and_then(LogicalPlanBuilder::build)
            .map_err(failed)?;
        let plan = plan_model(&context.state(), &step.name, &logical).await.map_err(|error| match error {
            EngineError::Plan(source) => failed(source),
            other => other.into(),
        })?;
        // The table's schema is what its log says of the files.
        let made = plan.schema();
        for (field, made) in file_schema.fields().iter().zip(made.fields().iter().skip(leading_columns)) {
            // However the elements of a list are called.
            if !field.data_type().equals_datatype(made.data_type()) {
                let (name, planned, made) = (field.name(), field.data_type(), made.data_type());
                let message = format!("{file}: `{name}` is planned as {planned} and comes out as {made}");
                return Err(Error::Usage { message, hint: "cast it".into() });
            }
        }
        let recipe = format!("{}\n{}", build_id(), resolved.recipe);
        let units = units(self.plan, step, &resolved.inputs, self.sources, &self.tables, &recipe);
        let standing = self.out.table(step.area, &step.name).snapshot(None).await?;
        let standing =
            standing.map(|snapshot| snapshot.files.into_iter().map(|file| file.path).collect()).unwrap_or_default();
        Ok(Ready { step, plan, file_schema, partition, units, standing })
    }

    /// The days of all snapshots that a step reads.
    async fn snapshots(&self, step: &Step) -> Result<Vec<NaiveDate>, Error> {
        let contract = step.name.strip_prefix(STAGED).and_then(|table| self.project.contracts.get(table));
        let day = contract.and_then(|contract| contract.valid_from.as_deref());
        let input = step.inputs.iter().find_map(|name| Some((name, self.tables.get(name)?)));
        let (Some(day), Some((name, table))) = (day, input) else { return Ok(Vec::new()) };
        let sql = format!("select distinct {} from {name} order by 1", quoted(day));
        let batches = self.engine.query(vec![Relation::of_table(name, table)], &sql).await?;
        let days = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Date32Type>().values().to_vec());
        Ok(days.filter_map(Date32Type::to_naive_date_opt).collect())
    }

    /// Tables without accounts are the build sides of joins, in every unit.
    fn check_build_sides(&self, step: &Step, inputs: &BTreeSet<String>) -> Result<(), Error> {
        if step.work != Work::Bucket {
            return Ok(());
        }
        let lies_elsewhere = |other: &&Step| match &other.bucket_by {
            // As many buckets as there are units.
            Some(_) if step.is_scattered => other.buckets != self.plan.buckets,
            key => key.is_some() && *key != step.bucket_by,
        };
        let mut inputs_made = self.plan.steps.iter().filter(|other| inputs.contains(&other.name));
        if let Some(other) = inputs_made.find(lies_elsewhere) {
            let key = other.bucket_by.clone().unwrap_or_default();
            return Err(Error::Usage {
                message: format!("`{}` reads `{}`, whose rows lie in buckets of {key}", step.name, other.name),
                hint: "rows that belong together are in several of them: read a table that brings them together, as `scope = \"scatter\"` with `bucket_by` makes it, or one that is made at once".into(),
            });
        }
        for (name, table) in inputs.iter().filter_map(|name| Some((name, self.tables.get(name)?))) {
            let bytes: u64 = table.files.iter().map(|file| file.bytes).sum();
            if bytes > MAX_BUILD_SIDE_BYTES && !table.is_bucketed() {
                return Err(Error::TooLarge { model: step.name.clone(), table: name.clone(), mib: bytes >> 20 });
            }
        }
        Ok(())
    }

    async fn unit(
        &self,
        ready: &Ready<'_>,
        unit: &Unit,
        index: usize,
    ) -> Result<(usize, UnitRecord, UnitReport), Error> {
        let start = Instant::now();
        let step = ready.step;
        let spec = WriteSpec {
            table: step.name.clone(),
            folder: self.out.table(step.area, &step.name).location(),
            unit: unit.id.clone(),
            partition: ready.partition.iter().map(|field| field.name().clone()).collect(),
            key: step.key.clone(),
            is_versioned: step.is_versioned,
        };
        let files = |slot: &str| unit.files.get(slot_table(slot)).cloned().unwrap_or_default();
        let plan = plan_unit(
            &ready.plan,
            &files,
            unit.bucket.filter(|_| step.bucket_by.is_some() && !step.is_scattered),
            spec,
        )?;
        let engine = self.engine.clone();
        let label = unit.label.clone();
        // On its own task, so that units really run side by side.
        let task = tokio::spawn(async move { engine.run(&label, plan).await });
        let batches = task
            .await
            .map_err(|error| EngineError::Remote { unit: unit.label.clone(), message: error.to_string() })??;
        let report = UnitReport::from_batches(&batches).map_err(EngineError::from)?;
        self.progress.unit(&unit.label);
        let rows = |files: &[WrittenFile]| files.iter().map(|file| file.rows).sum();
        let record = UnitRecord {
            table: step.name.clone(),
            unit: unit.id.clone(),
            label: unit.label.clone(),
            rows_in: report.rows_in,
            rows_out: rows(&report.files),
            quarantined: rows(&report.quarantined),
            duplicates: report.duplicates,
            seconds: start.elapsed().as_secs_f64(),
        };
        Ok((index, record, report))
    }

    /// One transaction per table: files of new units in, files of units that
    /// are no longer part of the table out.
    async fn commit(
        &mut self,
        ready: &Ready<'_>,
        results: Vec<(UnitRecord, UnitReport)>,
        ledger: &mut Ledger,
    ) -> Result<(), Error> {
        let step = ready.step;
        let wanted: BTreeSet<&str> = ready.units.iter().map(|unit| unit.id.as_str()).collect();
        let is_stale = |path: &&String| !unit_of(path).is_some_and(|unit| wanted.contains(unit));
        let remove = ready.standing.iter().filter(is_stale).cloned().collect();
        let mut add = Vec::new();
        let mut quarantined = Vec::new();
        let mut records = Vec::new();
        for (record, report) in results {
            add.extend(report.files);
            quarantined.extend(report.quarantined);
            records.push(record);
        }
        self.check_unique(step, &records)?;
        // A unit that stands must be known with its counts and its quarantine:
        // a run that is killed here runs it again, one that is killed after the
        // table's commit finds all three.
        ledger.units(self.engine, records).await?;
        if let Work::Files { source } = &step.work {
            self.commit_quarantine(source, &wanted, quarantined).await?;
        }
        let table = self.out.table(step.area, &step.name);
        let schema = match [TAGS, SENSITIVE_TAGS].contains(&step.name.as_str()) {
            true => self.commented(&ready.file_schema),
            false => Arc::clone(&ready.file_schema),
        };
        let change = Change { schema: &schema, partition: &ready.partition, add, remove, sequence: self.sequence };
        let version = table.commit(change).await?;
        if let Some(snapshot) = table.snapshot(Some(version)).await? {
            self.tables.insert(step.name.clone(), snapshot);
        }
        self.audit(ready, ledger).await
    }

    /// A table of tags calls its columns by their labels, for those who read it
    /// elsewhere. No unit depends on them.
    fn commented(&self, schema: &SchemaRef) -> SchemaRef {
        let columns = schema.fields().iter().map(|field| match self.project.tags.get(field.name()) {
            Some(tag) => {
                let comment = HashMap::from([(COMMENT.to_owned(), tag.comment())]);
                Arc::new(field.as_ref().clone().with_metadata(comment))
            }
            None => Arc::clone(field),
        });
        Arc::new(Schema::new(columns.collect::<Vec<_>>()))
    }

    /// Repeated keys are a matter of deliveries; a model that makes them joins
    /// wrongly or names the wrong key.
    fn check_unique(&self, step: &Step, records: &[UnitRecord]) -> Result<(), Error> {
        let rows: u64 = records.iter().map(|record| record.duplicates).sum();
        let is_delivery = matches!(step.work, Work::Files { .. }) || step.name.starts_with(STAGED);
        if rows == 0 || is_delivery {
            return Ok(());
        }
        Err(Error::NotUnique { model: step.name.clone(), key: step.key.join(", "), rows })
    }

    /// Readers rely on the values that an enumeration declares: where a tag gives
    /// another one, nothing is published.
    async fn check_domains(&self) -> Result<(), Error> {
        let is_made = self.plan.makes(TAG_PROFILE);
        let Some(profile) = self.tables.get(TAG_PROFILE).filter(|_| is_made) else { return Ok(()) };
        let sql = format!(
            "select tag, outside_value, outside_domain from {TAG_PROFILE} where outside_domain > 0 order by tag limit 1"
        );
        let rows = self.engine.query(vec![Relation::of_table(TAG_PROFILE, profile)], &sql).await?;
        let Some(row) = rows.iter().find(|rows| rows.num_rows() > 0) else { return Ok(()) };
        let text = |column: usize| row.column(column).as_string::<i32>().value(0).to_owned();
        let tag = text(0);
        let place = self.project.tags.get(&tag).map_or_else(String::new, |tag| tag.place.line());
        let accounts = row.column(2).as_primitive::<Int64Type>().value(0) as u64;
        Err(Error::OutsideDomain { place, value: text(1), tag, accounts })
    }

    async fn commit_quarantine(
        &self,
        source: &str,
        wanted: &BTreeSet<&str>,
        add: Vec<WrittenFile>,
    ) -> Result<(), Error> {
        let table = self.out.table(Area::Quarantine, source);
        let standing = table.snapshot(None).await?.map(|snapshot| snapshot.files).unwrap_or_default();
        let remove: Vec<String> = standing
            .into_iter()
            .map(|file| file.path)
            .filter(|path| !unit_of(path).is_some_and(|unit| wanted.contains(unit)))
            .collect();
        if add.is_empty() && remove.is_empty() {
            return Ok(());
        }
        table
            .commit(Change { schema: &quarantine_schema(), partition: &[], add, remove, sequence: self.sequence })
            .await?;
        Ok(())
    }
}

/// Steps of a phase that do not need each other run together.
fn waves<'a>(steps: &[&'a Step]) -> Vec<Vec<&'a Step>> {
    let mut waves: Vec<Vec<&Step>> = Vec::new();
    for step in steps {
        let after = waves.iter().rposition(|wave| wave.iter().any(|earlier| step.inputs.contains(&earlier.name)));
        let index = after.map_or(0, |index| index + 1);
        match waves.get_mut(index) {
            Some(wave) => wave.push(step),
            None => waves.push(vec![step]),
        }
    }
    waves
}

/// The unit that a data file came from: `u-<unit>-<uuid>.parquet`.
fn unit_of(path: &str) -> Option<&str> {
    path.rsplit('/').next()?.strip_prefix("u-")?.split('-').next()
}

/// Whether a unit was run before and gave no rows, good or bad.
fn was_empty(ledger: &Ledger, unit: &str) -> bool {
    ledger.known(unit).is_some_and(|record| record.rows_out == 0 && record.quarantined == 0)
}

fn stands(standing: &[String], unit: &str) -> bool {
    standing.iter().any(|path| unit_of(path) == Some(unit))
}
