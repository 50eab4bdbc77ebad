//! What a run does, worked out without touching anything: which tables are
//! made from what, in which order, and the units of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use twox_hash::XxHash64;

use crate::engine::relation::PinnedFile;
use crate::lake::source::Source;
use crate::lake::{self, Snapshot};
use crate::project::contract::Contract;
use crate::project::diagnostic::Mistakes;
use crate::project::job::Job;
use crate::project::model::{Layer, Model, ModelContract, Scope};
use crate::project::{Project, SEGMENT_COUNTS, SEGMENTS, STAGED, TAGS, segment};

/// Accounts per bucket, before rounding up to a power of two.
const ACCOUNTS_PER_BUCKET: u64 = 32_768;
pub const MAX_BUCKETS: u32 = 65_536;
/// Rows of sources without curves are about this much lighter to sort.
const LIGHT_ROWS: u64 = 8;
/// Prefix of tables that hold deliveries before repeated keys are settled.
const LANDED: &str = "landed_";

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
}

/// One table to be made.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: String,
    pub phase: Phase,
    pub layer: lake::Layer,
    pub work: Work,
    pub sql: String,
    /// Tables and sources that the SQL reads, by the names it uses.
    pub inputs: BTreeSet<String>,
    pub key: Vec<String>,
    pub is_bucketed: bool,
    pub month_of: Option<String>,
    /// Business time of its rows, for those who read them.
    pub time: Option<String>,
    /// Repeated keys may be left: another step settles them.
    pub is_landing: bool,
}

/// A run's steps, each after all that it needs.
#[derive(Clone, Debug)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// Views that are written out inside the models that read them.
    pub views: BTreeMap<String, Model>,
    pub as_of: NaiveDate,
    pub buckets: u32,
    pub rows_per_unit: u64,
}

/// What lies in the lake.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub found: BTreeMap<String, Source>,
}

impl Sources {
    pub fn is_absent(&self, table: &str) -> bool {
        !self.found.contains_key(table)
    }
}

/// The next power of two of accounts / 32,768.
pub fn bucket_count(accounts: u64) -> u32 {
    accounts.div_ceil(ACCOUNTS_PER_BUCKET).max(1).next_power_of_two().min(u64::from(MAX_BUCKETS)) as u32
}

/// All models of a project, the compiled ones among them.
pub fn models(project: &Project, sources: &Sources) -> Result<BTreeMap<String, Model>, Mistakes> {
    let mut models = project.models.clone();
    let contract = |label: &str, label_zh: &str, key: &[&str], scope| ModelContract {
        label: label.to_owned(),
        label_zh: Some(label_zh.to_owned()),
        key: key.iter().map(|column| (*column).to_owned()).collect(),
        scope: Some(scope),
        time: None,
        month_of: None,
    };
    if !project.tags.tags.is_empty() {
        let sql = project.tags.sql(&|source| sources.is_absent(source));
        let contract = contract("Customer tags", "客户标签", &["account_id"], Scope::Bucket);
        models.insert(TAGS.to_owned(), Model::new(TAGS, Layer::Marts, "sql/tags", sql, contract)?);
    }
    if !project.segmentations.is_empty() {
        let sql = segment::segments_sql(&project.segmentations);
        let segments = contract("Customer segments", "客户分群", &["account_id"], Scope::Bucket);
        models.insert(SEGMENTS.to_owned(), Model::new(SEGMENTS, Layer::Marts, "sql/segments", sql, segments)?);
        let attributes: Vec<String> =
            project.tags.tags.iter().filter(|tag| tag.is_attribute()).map(|tag| tag.name.clone()).collect();
        let sql = segment::counts_sql(&project.segmentations, &attributes);
        let counts = contract(
            "Accounts by segment and attribute, per bucket",
            "分群属性计数",
            &["segmentation", "segment", "attribute", "value"],
            Scope::Bucket,
        );
        models.insert(
            SEGMENT_COUNTS.to_owned(),
            Model::new(SEGMENT_COUNTS, Layer::Features, "sql/segments", sql, counts)?,
        );
    }
    Ok(models)
}

/// The steps of a job.
pub fn plan(project: &Project, job: &Job, sources: &Sources, as_of: NaiveDate, buckets: u32) -> Result<Plan, Mistakes> {
    let models = models(project, sources)?;
    let mut planner = Planner {
        project,
        models: &models,
        sources,
        rows_per_unit: job.rows_per_unit,
        steps: Vec::new(),
        views: BTreeMap::new(),
        done: BTreeSet::new(),
    };
    for target in &job.build {
        planner.need(target);
    }
    Ok(Plan { steps: planner.steps, views: planner.views, as_of, buckets, rows_per_unit: job.rows_per_unit })
}

struct Planner<'a> {
    project: &'a Project,
    models: &'a BTreeMap<String, Model>,
    sources: &'a Sources,
    rows_per_unit: u64,
    steps: Vec<Step>,
    views: BTreeMap<String, Model>,
    done: BTreeSet<String>,
}

impl Planner<'_> {
    /// Adds what makes `name`, after what it needs in turn.
    fn need(&mut self, name: &str) {
        if !self.done.insert(name.to_owned()) {
            return;
        }
        if let Some(table) = name.strip_prefix(STAGED).filter(|table| self.project.contracts.contains_key(*table)) {
            self.need_source(name, table);
        } else if let Some(model) = self.models.get(name).cloned() {
            self.need_model(model);
        }
    }

    fn need_source(&mut self, name: &str, table: &str) {
        match self.sources.found.get(table) {
            Some(source) if !self.is_read_directly(name, &source.contract) => self.stage(name, source),
            // Nobody delivers it as it is: a staging model may make it of another source.
            None => {
                if let Some(view) = self.models.get(name).filter(|model| model.layer == Layer::Staging).cloned() {
                    for input in &view.inputs {
                        self.need(input);
                    }
                    self.views.insert(name.to_owned(), view);
                }
            }
            Some(_) => {}
        }
    }

    /// Rows of one key lie in files of one partition, and whoever reads them
    /// reads nothing else: then its units are groups of files.
    fn is_read_directly(&self, name: &str, contract: &Contract) -> bool {
        let is_disjoint = contract.is_per_account()
            && contract.partition.first().is_some_and(|column| contract.is_disjoint_by(column));
        is_disjoint
            && self
                .models
                .values()
                .filter(|model| model.layer != Layer::Staging && model.inputs.contains(name))
                .all(|model| model.inputs.len() == 1)
    }

    fn stage(&mut self, name: &str, source: &Source) {
        let contract = &source.contract;
        let step = Step {
            name: name.to_owned(),
            phase: Phase::Sources,
            layer: lake::Layer::Features,
            work: Work::Files { source: contract.table.clone() },
            sql: format!("select * from {name}"),
            inputs: BTreeSet::from([name.to_owned()]),
            key: contract.key.clone(),
            is_bucketed: contract.is_per_account(),
            month_of: None,
            time: contract.time.clone(),
            is_landing: false,
        };
        if source_groups(source, None, self.rows_per_unit).len() == 1
            || contract.partition.first().is_some_and(|column| contract.is_disjoint_by(column))
        {
            self.steps.push(step);
            return;
        }
        // Rows of one key may have been delivered in files of several units.
        let landing = format!("{LANDED}{}", contract.table);
        let work = if step.is_bucketed { Work::Bucket } else { Work::Whole };
        let settle = Step {
            work,
            sql: format!("select * from {landing}"),
            inputs: BTreeSet::from([landing.clone()]),
            ..step.clone()
        };
        self.steps.push(Step { name: landing, is_landing: true, ..step });
        self.steps.push(settle);
    }

    fn need_model(&mut self, model: Model) {
        for input in &model.inputs {
            self.need(input);
        }
        let direct = model.inputs.iter().find_map(|input| {
            let source = self.sources.found.get(input.strip_prefix(STAGED)?)?;
            self.is_read_directly(input, &source.contract).then(|| source.contract.table.clone())
        });
        let work = match (direct, model.scope) {
            (Some(source), _) => Work::Files { source },
            (None, Scope::Bucket) => Work::Bucket,
            (None, Scope::Whole) => Work::Whole,
        };
        let natural = match model.layer {
            _ if [SEGMENTS, SEGMENT_COUNTS].contains(&model.name.as_str()) => Phase::Segments,
            _ if model.month_of.is_some() => Phase::LoadDays,
            Layer::Marts => Phase::Tags,
            _ => Phase::Features,
        };
        // Never before what it reads.
        let inputs = self.steps.iter().filter(|step| model.inputs.contains(&step.name));
        let phase = inputs.map(|step| step.phase).fold(natural, Phase::max);
        self.steps.push(Step {
            phase,
            layer: if model.layer == Layer::Marts { lake::Layer::Marts } else { lake::Layer::Features },
            is_bucketed: model.scope == Scope::Bucket,
            work,
            name: model.name,
            sql: model.sql,
            inputs: model.inputs,
            key: model.key,
            month_of: model.month_of,
            time: model.time,
            is_landing: false,
        });
    }
}

/// One piece of work: a model over some files.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Fingerprint of all that its result depends on.
    pub id: String,
    pub label: String,
    pub bucket: Option<u32>,
    pub files: BTreeMap<String, Arc<Vec<PinnedFile>>>,
}

/// The tables that stand, by the names that models use.
pub type Tables = BTreeMap<String, Snapshot>;

/// The units of a step. `recipe` is everything but the files that its result
/// depends on: the bound SQL of the model and its views, the parameters that
/// they name, the build.
pub fn units(
    plan: &Plan,
    step: &Step,
    inputs: &BTreeSet<String>,
    sources: &Sources,
    tables: &Tables,
    recipe: &str,
) -> Vec<Unit> {
    let unit = |label: String, bucket: Option<u32>, files: BTreeMap<String, Arc<Vec<PinnedFile>>>| {
        let mut text = format!("{recipe}\n{}\n{bucket:?}\n{}\n", step.name, plan.buckets);
        for (name, files) in &files {
            for file in files.iter() {
                text.push_str(&format!(
                    "{name} {} {} {}\n",
                    file.path,
                    file.bytes,
                    file.modified_ms * i64::from(matches!(step.work, Work::Files { .. }))
                ));
            }
        }
        Unit { id: format!("{:016x}", XxHash64::oneshot(0, text.as_bytes())), label, bucket, files }
    };
    match &step.work {
        Work::Files { source: table } => {
            let Some(source) = sources.found.get(table) else { return Vec::new() };
            let groups = source_groups(source, step.month_of.as_deref(), plan.rows_per_unit);
            let count = groups.len();
            let relation = format!("{STAGED}{table}");
            groups
                .into_iter()
                .enumerate()
                .map(|(index, files)| {
                    unit(
                        format!("{} {}/{count}", step.name, index + 1),
                        None,
                        BTreeMap::from([(relation.clone(), Arc::new(files))]),
                    )
                })
                .collect()
        }
        Work::Bucket => (0..plan.buckets)
            .map(|bucket| {
                let files = inputs.iter().map(|name| {
                    (
                        name.clone(),
                        Arc::new(tables.get(name).map(|table| bucket_files(table, bucket)).unwrap_or_default()),
                    )
                });
                unit(format!("{} {}/{}", step.name, bucket + 1, plan.buckets), Some(bucket), files.collect())
            })
            .collect(),
        Work::Whole => {
            let files = inputs.iter().map(|name| {
                (name.clone(), Arc::new(tables.get(name).map(|table| table.files.clone()).unwrap_or_default()))
            });
            vec![unit(step.name.clone(), None, files.collect())]
        }
    }
}

/// The files of one bucket, or all files of a table that is not bucketed.
fn bucket_files(table: &Snapshot, bucket: u32) -> Vec<PinnedFile> {
    let Some(position) = table.partition.iter().position(|field| field.name() == "bucket") else {
        return table.files.clone();
    };
    let wanted = Some(bucket.to_string());
    table.files.iter().filter(|file| file.partition[position] == wanted).cloned().collect()
}

/// Files in groups of bounded rows; of one month each where the table is
/// partitioned by month, so that later runs find the same groups again.
fn source_groups(source: &Source, month_of: Option<&str>, rows_per_unit: u64) -> Vec<Vec<PinnedFile>> {
    let contract = &source.contract;
    let has_curves = contract.columns.iter().any(|column| column.kind == crate::project::contract::ColumnType::Curve);
    let limit = if has_curves { rows_per_unit } else { rows_per_unit * LIGHT_ROWS };
    let position = contract.partition.iter().position(|column| contract.is_disjoint_by(column));
    let value = |file: &PinnedFile| position.and_then(|position| file.partition[position].clone());
    let mut files = source.files.clone();
    files.sort_by(|a, b| (value(a), &a.path).cmp(&(value(b), &b.path)));
    let month = |file: &PinnedFile| {
        month_of?;
        let date: NaiveDate = value(file)?.parse().ok()?;
        Some((date.year(), date.month()))
    };
    let mut groups: Vec<Vec<PinnedFile>> = Vec::new();
    let mut rows = 0;
    for file in files {
        let fits = groups.last().and_then(|group| group.last()).is_some_and(|last| {
            let same_value = position.is_some() && value(last) == value(&file);
            same_value || (month(last) == month(&file) && rows + file.rows <= limit)
        });
        match groups.last_mut() {
            Some(group) if fits => {
                rows += file.rows;
                group.push(file);
            }
            _ => {
                rows = file.rows;
                groups.push(vec![file]);
            }
        }
    }
    groups
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
