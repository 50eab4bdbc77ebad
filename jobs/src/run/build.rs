//! Building tables: each step's units run side by side, then one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Int64Type, SchemaRef};
use chrono::NaiveDate;
use datafusion::logical_expr::expr_fn::{cast, ident};
use datafusion::logical_expr::{LogicalPlanBuilder, lit};
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt};

use super::ledger::{Ledger, UnitRecord};
use super::relations::{Scene, slot_table};
use super::{PhaseCost, Progress};
use crate::engine::quarantine::quarantine_schema;
use crate::engine::relation::Relation;
use crate::engine::unit::{plan_model, plan_unit};
use crate::engine::write::{UnitReport, WriteSpec};
use crate::engine::{Engine, EngineError, build_id};
use crate::error::Error;
use crate::lake::{Change, Output};
use crate::plan::{Phase, Plan, Sources, Step, Tables, Unit, Work, units};
use crate::project::contract::IS_RESTATED;
use crate::project::model::{Folds, quoted};
use crate::project::{Project, STAGED};
use crate::state::{Area, FileKind, PinnedFile, Snapshot, Source, WrittenFile};

/// Most bytes of a table that every unit of a bucketed model reads whole.
const MAX_BUILD_SIDE_BYTES: u64 = 256 << 20;

/// What became of the rows of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub source: String,
    pub rows_in: u64,
    pub published: u64,
    pub quarantined: u64,
    /// Dropped by the rule that one key has one row.
    pub duplicates: u64,
    /// The table of which rows came with other values before, and how many: see
    /// `version` in contracts.
    pub restated: Option<(String, u64)>,
}

/// All tables of a run, as they stand when it is done.
pub struct Built {
    pub tables: Tables,
    pub phases: Vec<PhaseCost>,
    pub audits: Vec<Audit>,
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
        Self { engine, project, out, sources, plan, sequence, progress, tables: Tables::new(), audits: BTreeMap::new() }
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
        Ok(Built { tables: self.tables, phases, audits: self.audits.into_values().collect() })
    }

    async fn wave(&mut self, phase: Phase, steps: &[&'a Step], ledger: &mut Ledger) -> Result<(usize, usize), Error> {
        let mut ready = Vec::new();
        for step in steps {
            ready.push(self.prepare(step).await?);
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
        Ok((ran, total - ran))
    }

    async fn prepare(&self, step: &'a Step) -> Result<Ready<'a>, Error> {
        let context = self.engine.planning()?;
        let snapshots = if step.has_snapshots { self.snapshots(step).await? } else { Vec::new() };
        let scene = Scene {
            snapshots: &snapshots,
            project: self.project,
            plan: self.plan,
            sources: self.sources,
            tables: &self.tables,
            out: self.out,
        };
        let resolved = scene.resolve(&context, step).await?;
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
                let bucket = kwhy_udfs::expr_fn::account_bucket(ident(bucket_by), lit(i64::from(self.plan.buckets)));
                leading.push(cast(bucket, DataType::Int32).alias("bucket"));
            }
        }
        if let Some(date) = &step.month_of {
            partition.push(Arc::new(Field::new("month", DataType::Date32, true)));
            leading.push(kwhy_udfs::expr_fn::month_start(ident(date)).alias("month"));
        }
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
        let change =
            Change { schema: &ready.file_schema, partition: &ready.partition, add, remove, sequence: self.sequence };
        let version = table.commit(change).await?;
        if let Some(snapshot) = table.snapshot(Some(version)).await? {
            self.tables.insert(step.name.clone(), snapshot);
        }
        self.audit(ready, ledger).await
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

    /// Adds a step's rows to the audit of its source, those of units that
    /// stood already as the ledger remembers them.
    async fn audit(&mut self, ready: &Ready<'_>, ledger: &Ledger) -> Result<(), Error> {
        let step = ready.step;
        let settles = step
            .inputs
            .iter()
            .find_map(|input| self.plan.steps.iter().find(|other| other.is_landing && other.name == *input));
        let source = match (&step.work, settles) {
            (Work::Files { source }, _) => source.clone(),
            (_, Some(Step { work: Work::Files { source }, .. })) => source.clone(),
            _ => return Ok(()),
        };
        let folded = match (&step.folds, self.tables.get(&step.name)) {
            (Some(folds), Some(table)) => Some(self.folded(folds, &step.name, table).await?),
            _ => None,
        };
        let restated = match self.tables.get(&step.name).filter(|_| !step.is_landing) {
            Some(table) if table.schema.index_of(IS_RESTATED).is_ok() => {
                let sql = format!("select count(*) filter (where {IS_RESTATED}) from {}", step.name);
                Some((step.name.clone(), self.counts(&step.name, table, &sql).await?[0]))
            }
            _ => None,
        };
        let audit = self.audits.entry(source.clone()).or_insert(Audit {
            source,
            rows_in: 0,
            published: 0,
            quarantined: 0,
            duplicates: 0,
            restated: None,
        });
        audit.restated = restated.or(audit.restated.take());
        for record in ready.units.iter().filter_map(|unit| ledger.known(&unit.id)) {
            audit.rows_in += record.rows_in;
            audit.quarantined += record.quarantined;
            audit.duplicates += record.duplicates;
        }
        if let Some((delivered, distinct)) = folded {
            audit.published = distinct;
            audit.duplicates += delivered - distinct;
        } else if !step.is_landing {
            audit.published = self.tables.get(&step.name).map_or(0, |snapshot| snapshot.rows());
        }
        if step.has_snapshots {
            // Rows of one state are told as one.
            let landed = step.inputs.iter().filter_map(|name| self.tables.get(name)).map(Snapshot::rows);
            audit.duplicates += landed.sum::<u64>().saturating_sub(audit.published);
        }
        Ok(())
    }

    /// Delivered rows behind the rows of a table, and those of them that
    /// repeated no other one.
    async fn folded(&self, folds: &Folds, name: &str, table: &Snapshot) -> Result<(u64, u64), Error> {
        let sql = format!(
            "select coalesce(sum({}), 0) as delivered, coalesce(sum({}), 0) as distinct_rows from {name}",
            folds.delivered, folds.distinct
        );
        let counts = self.counts(name, table, &sql).await?;
        Ok((counts[0], counts[1]))
    }

    /// The one row of counts that SQL over a table gives.
    async fn counts(&self, name: &str, table: &Snapshot, sql: &str) -> Result<Vec<u64>, Error> {
        let batches = self.engine.query(vec![Relation::of_table(name, table)], sql).await?;
        let columns = batches.iter().flat_map(RecordBatch::columns);
        Ok(columns.map(|column| column.as_primitive::<Int64Type>().values().iter().sum::<i64>() as u64).collect())
    }

    /// Rows in = published + quarantined + filtered, for every source, and no
    /// row that a file's footer promised is missing. Readers of text give every
    /// record back or fail; a text without any is a delivery that went wrong.
    fn check_conservation(&self) -> Result<(), Error> {
        for audit in self.audits.values() {
            let source = self.sources.found.get(&audit.source);
            if let (0, Some(Source { kind: FileKind::Delimited(_), contract, files, .. })) = (audit.rows_in, source)
                && !contract.may_be_empty
            {
                let file = files.first().map(PinnedFile::shown).unwrap_or_default();
                return Err(Error::NoRows { table: audit.source.clone(), file, contract: contract.file.clone() });
            }
            if audit.rows_in > 0 && audit.quarantined == audit.rows_in {
                return Err(Error::NothingFits { table: audit.source.clone(), rows: audit.rows_in });
            }
            let promised = source.and_then(Source::promised_rows);
            let is_whole = promised.is_none_or(|rows: u64| rows == audit.rows_in);
            if audit.rows_in != audit.published + audit.quarantined + audit.duplicates || !is_whole {
                return Err(Error::Conservation {
                    table: audit.source.clone(),
                    rows_in: promised.unwrap_or(audit.rows_in),
                    published: audit.published,
                    quarantined: audit.quarantined,
                    duplicates: audit.duplicates,
                });
            }
        }
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
