//! What a run does, worked out without touching anything: which tables are
//! made from what, in which order, and the units of each.

mod models;
pub mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;

use crate::project::contract::VERSION;
use crate::project::diagnostic::Mistakes;
use crate::project::job::Job;
use crate::project::model::{Folds, Layer, Model, Scope, quoted};
use crate::project::tag::WideRelation;
use crate::project::{
    CUTS, HISTOGRAM_PARTS, HISTOGRAMS, LOAD_SHAPES, METERED, OF_SEGMENTS, Project, SEGMENT_DRIFT, SEGMENT_MIGRATION,
    SEGMENT_MODEL, SEGMENTS, STAGED, TAG_COUNT_PARTS, TAG_COUNTS,
};
use crate::state::{Area, Snapshot, Source};

pub use models::{Standing, models};
pub use units::{Unit, units};

/// Accounts per bucket, before rounding up to a power of two.
const ACCOUNTS_PER_BUCKET: u64 = 32_768;
pub const MAX_BUCKETS: u32 = 65_536;
/// Transformers, feeders and the like are fewer than accounts, and so are their
/// buckets: a step that scatters rows among them writes a file for each from every
/// bucket of accounts.
const ACCOUNT_BUCKETS_PER_BUCKET: u32 = 16;
/// Prefix of tables that hold deliveries before repeated keys are settled.
const LANDED: &str = "landed_";
/// The curves of accounts, wherever they come from.
const LOAD: &str = "stg_load_curve";

/// The stretch of a run that a step is measured under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Sources,
    LoadDays,
    Features,
    Tags,
    Segments,
}

impl Phase {
    pub const ALL: [Self; 5] = [Self::Sources, Self::LoadDays, Self::Features, Self::Tags, Self::Segments];

    pub fn label(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::LoadDays => "load days",
            Self::Features => "features",
            Self::Tags => "tags",
            Self::Segments => "segments",
        }
    }
}

/// What the rows of a step are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Files of a source, checked against its contract; `sql` over it.
    Files { source: String },
    /// Tables, one bucket at a time.
    Bucket,
    /// Tables, all at once.
    Whole,
    /// Small tables that the driver makes itself: models, and how they do.
    Driver,
}

/// One table to be made.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: String,
    /// The model whose SQL this is; the name of the table where there is none.
    pub model: String,
    pub phase: Phase,
    pub area: Area,
    pub work: Work,
    pub sql: String,
    /// Of a compiled model: the wide relation that its SQL sees.
    pub wide: Option<Arc<WideRelation>>,
    /// Tables and sources that the SQL reads, by the names it uses.
    pub inputs: BTreeSet<String>,
    pub key: Vec<String>,
    /// The column by which its rows lie in buckets, if they do.
    pub bucket_by: Option<String>,
    /// In how many.
    pub buckets: u32,
    /// Its units cover other buckets than their rows belong to.
    pub is_scattered: bool,
    pub month_of: Option<String>,
    /// Its units are months of buckets.
    pub is_monthly: bool,
    /// Business time of its rows, for those who read them.
    pub time: Option<String>,
    pub folds: Option<Folds>,
    /// Repeated keys may be left: another step settles them.
    pub is_landing: bool,
    /// Of rows with one key that of the greatest version stands.
    pub is_versioned: bool,
    /// The SQL asks for the days of all snapshots in its input.
    pub has_snapshots: bool,
}

/// A run's steps, each after all that it needs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// Tables of earlier runs that steps read.
    pub kept: Tables,
    pub as_of: NaiveDate,
    pub buckets: u32,
    pub rows_per_unit: u64,
}

impl Plan {
    /// Whether one of its steps makes a table.
    pub fn makes(&self, table: &str) -> bool {
        self.steps.iter().any(|step| step.name == table)
    }
}

/// The tables that stand, by the names that models use.
pub type Tables = BTreeMap<String, Snapshot>;

/// What lies in the lake.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub found: BTreeMap<String, Source>,
}

impl Sources {
    /// Whether the lake lacks a source, or where `table.column` is asked for, this
    /// column of it.
    pub fn is_absent(&self, source: &str) -> bool {
        match source.split_once('.') {
            None => !self.found.contains_key(source),
            Some((table, column)) => !self.found.get(table).is_some_and(|source| source.has(column)),
        }
    }
}

/// The next power of two of accounts / 32,768.
pub fn bucket_count(accounts: u64) -> u32 {
    accounts.div_ceil(ACCOUNTS_PER_BUCKET).max(1).next_power_of_two().min(u64::from(MAX_BUCKETS)) as u32
}

/// The steps of a job.
pub fn plan(
    project: &Project,
    job: &Job,
    sources: &Sources,
    standing: &Standing,
    as_of: NaiveDate,
    buckets: u32,
) -> Result<Plan, Mistakes> {
    let before = standing.before(project, job);
    let models = models(project, sources, &before)?;
    let kept = standing.kept(job);
    let mut planner = Planner {
        project,
        models: &models,
        sources,
        rows_per_unit: job.rows_per_unit,
        buckets,
        steps: Vec::new(),
        // What is kept is not made.
        done: kept.keys().cloned().collect(),
        asked: job.build.iter().cloned().collect(),
    };
    for target in &job.build {
        planner.need(target);
    }
    if planner.done.contains(SEGMENTS) {
        // What gates look at.
        planner.need(SEGMENT_MIGRATION);
        planner.need(SEGMENT_DRIFT);
    }
    let steps = planner.steps;
    let plan = Plan { steps, kept, as_of, buckets, rows_per_unit: job.rows_per_unit };
    if plan.makes(SEGMENTS) {
        standing.check_models(project, job)?;
    }
    Ok(plan)
}

struct Planner<'a> {
    project: &'a Project,
    models: &'a BTreeMap<String, Model>,
    sources: &'a Sources,
    rows_per_unit: u64,
    buckets: u32,
    steps: Vec<Step>,
    done: BTreeSet<String>,
    /// Tables that the job names.
    asked: BTreeSet<String>,
}

impl Planner<'_> {
    /// Adds what makes `name`, after what it needs in turn.
    fn need(&mut self, name: &str) {
        if !self.done.insert(name.to_owned()) {
            return;
        }
        if name == LOAD && self.sources.found.values().any(|source| source.contract.is_by_meter()) {
            self.need_netted();
        } else if let Some(table) =
            name.strip_prefix(STAGED).filter(|table| self.project.contracts.contains_key(*table))
        {
            self.need_source(name, table);
        } else if let Some(model) = self.models.get(name).cloned() {
            self.need_model(model, name);
        }
    }

    /// Load by meter: settled as it is elsewhere by account, then assigned to the
    /// accounts that had the meters, then netted.
    fn need_netted(&mut self) {
        if let Some(source) = self.sources.found.get("load_curve") {
            self.stage(METERED, source);
        } else if let Some(model) = self.models.get(LOAD).filter(|model| self.is_there(model)).cloned() {
            self.need_model(model, METERED);
        }
        self.need("assigned_load_curve");
        if let Some(model) = self.models.get("netted_load_curve").cloned() {
            self.need_model(model, LOAD);
        }
    }

    fn need_source(&mut self, name: &str, table: &str) {
        match self.sources.found.get(table) {
            Some(source) if !self.is_read_directly(name, source) => self.stage(name, source),
            // Nobody delivers it as it is: a staging model may make it of another source.
            None => {
                if let Some(model) = self.models.get(name).filter(|model| model.layer == Layer::Staging).cloned()
                    && self.is_there(&model)
                {
                    self.need_model(model, name);
                }
            }
            Some(_) => {}
        }
    }

    /// Whether a source stands behind a staging model.
    fn is_there(&self, model: &Model) -> bool {
        model.inputs.iter().any(|input| {
            let is_found = input.strip_prefix(STAGED).is_some_and(|table| self.sources.found.contains_key(table));
            is_found
                || self.models.get(input).is_some_and(|model| model.layer == Layer::Staging && self.is_there(model))
        })
    }

    /// Rows of one key lie in files of one partition, or whoever reads them lands
    /// them for another step to settle; and it reads nothing else: then its units
    /// are groups of files.
    fn is_read_directly(&self, name: &str, source: &Source) -> bool {
        // Rows that correct others are settled before anything is made of them.
        let is_disjoint =
            source.contract.bucket_by.is_some() && source.disjoint_position().is_some() && !source.is_versioned();
        // With a second reader each would check, count and quarantine the rows anew.
        let mut readers = self.models.values().filter(|model| model.inputs.contains(name));
        match (readers.next(), readers.next()) {
            (Some(_), _) if name == LOAD && source.contract.is_by_meter() || self.asked.contains(name) => false,
            (Some(reader), None) => reader.inputs.len() == 1 && (is_disjoint || reader.name.starts_with(LANDED)),
            _ => false,
        }
    }

    fn stage(&mut self, name: &str, source: &Source) {
        let contract = &source.contract;
        let delivered = format!("{STAGED}{}", contract.table);
        let step = Step {
            name: name.to_owned(),
            model: name.to_owned(),
            phase: Phase::Sources,
            area: Area::Features,
            work: Work::Files { source: contract.table.clone() },
            sql: format!("select * from {}", quoted(&delivered)),
            wide: None,
            inputs: BTreeSet::from([delivered]),
            key: contract.key.clone(),
            bucket_by: contract.bucket_by.clone(),
            buckets: self.buckets,
            is_scattered: false,
            month_of: None,
            is_monthly: false,
            time: contract.time.clone(),
            folds: None,
            is_landing: false,
            is_versioned: source.is_versioned(),
            has_snapshots: false,
        };
        let states = contract.states_sql(&format!("{LANDED}{}", contract.table));
        if states.is_none() && is_in_one_unit(source, self.rows_per_unit) {
            self.steps.push(step);
            return;
        }
        // Rows of one key may have been delivered in files of several units.
        let landing = format!("{LANDED}{}", contract.table);
        let work = if step.bucket_by.is_some() { Work::Bucket } else { Work::Whole };
        let settle = Step {
            work,
            has_snapshots: states.is_some(),
            sql: states.unwrap_or_else(|| format!("select * from {}", quoted(&landing))),
            inputs: BTreeSet::from([landing.clone()]),
            ..step.clone()
        };
        // What corrects what is seen where all versions are together.
        let version = step.is_versioned.then(|| VERSION.to_owned());
        let key = step.key.iter().cloned().chain(version).collect();
        self.steps.push(Step { name: landing, is_landing: true, is_versioned: false, key, ..step });
        self.steps.push(settle);
    }

    /// What makes the table `name` by a model, mostly of the same name.
    fn need_model(&mut self, mut model: Model, name: &str) {
        // Models are fitted by a job that names them; others take those that stand.
        for fitted in [SEGMENT_MODEL, LOAD_SHAPES] {
            if !self.asked.contains(fitted) && !self.done.contains(fitted) {
                model.inputs.remove(fitted);
            }
        }
        for input in &model.inputs {
            self.need(input);
        }
        let direct = model.inputs.iter().find_map(|input| {
            let source = self.sources.found.get(input.strip_prefix(STAGED)?)?;
            self.is_read_directly(input, source).then(|| source.contract.table.clone())
        });
        let work = match (direct, model.scope) {
            (Some(source), _) => Work::Files { source },
            (None, Scope::Bucket | Scope::Month | Scope::Scatter) => Work::Bucket,
            (None, Scope::Whole) => Work::Whole,
            (None, Scope::Driver) => Work::Driver,
        };
        let natural = match model.layer {
            _ if OF_SEGMENTS.contains(&model.name.as_str()) => Phase::Segments,
            _ if [HISTOGRAM_PARTS, HISTOGRAMS, CUTS, TAG_COUNT_PARTS, TAG_COUNTS].contains(&model.name.as_str()) => {
                Phase::Tags
            }
            Layer::Staging => Phase::Sources,
            _ if model.month_of.is_some() => Phase::LoadDays,
            Layer::Marts => Phase::Tags,
            _ => Phase::Features,
        };
        // Never before what it reads.
        let inputs = self.steps.iter().filter(|step| model.inputs.contains(&step.name));
        let phase = inputs.map(|step| step.phase).fold(natural, Phase::max);
        self.steps.push(Step {
            phase,
            area: if model.layer == Layer::Marts { Area::Marts } else { Area::Features },
            buckets: match &model.bucket_by {
                Some(_) => self.buckets.div_ceil(ACCOUNT_BUCKETS_PER_BUCKET),
                None => self.buckets,
            },
            bucket_by: matches!(model.scope, Scope::Bucket | Scope::Month | Scope::Scatter)
                .then(|| model.bucket_by.unwrap_or_else(|| "account_id".to_owned())),
            is_scattered: model.scope == Scope::Scatter,
            is_monthly: model.scope == Scope::Month,
            is_landing: model.name.starts_with(LANDED),
            is_versioned: false,
            has_snapshots: false,
            work,
            folds: model.folds,
            name: name.to_owned(),
            model: model.name,
            sql: model.sql,
            wide: model.wide,
            inputs: model.inputs,
            key: model.key,
            month_of: model.month_of,
            time: model.time,
        });
    }
}

/// Whether all rows of one key lie in the files of one unit.
fn is_in_one_unit(source: &Source, rows_per_unit: u64) -> bool {
    units::source_groups(source, None, rows_per_unit).len() == 1 || source.disjoint_position().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_the_next_power_of_two() {
        let counts = [0, 1, 32_768, 32_769, 100_000, 5_000_000].map(bucket_count);
        assert_eq!(counts, [1, 1, 1, 2, 4, 256]);
    }
}
