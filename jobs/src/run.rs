//! A run: plan, build table after table, publish a release.

mod build;
pub mod check;
pub mod compare;
mod gates;
mod ledger;
mod models;
mod published;
mod relations;
mod release;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use chrono::NaiveDate;

use crate::engine::{Engine, Target};
use crate::error::Error;
use crate::lake::source;
use crate::lake::{LakeError, Lease, Output};
use crate::plan::{self, Phase, Plan, Sources};
use crate::project::segment::modelled;
use crate::project::tag::Tag;
use crate::project::{Project, SEGMENT_MODEL, SEGMENTS, SENSITIVE_TAGS, TAGS};
use crate::state::Source;
use crate::tags::{self, Catalogue};

pub use build::Audit;
pub use models::why_left_out;
pub use published::Published;
pub use relations::as_of_sql;
pub use release::{Release, earlier_release, last_release, release_of, release_table, release_tables};

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct Request {
    pub job: String,
    pub lake: PathBuf,
    pub out: Option<PathBuf>,
    pub as_of: NaiveDate,
    pub target: Target,
    pub buckets: Option<u32>,
    /// Units side by side; one more than there are cores unless given.
    pub parallel: Option<usize>,
    /// Gates that may be broken.
    pub accept: Vec<String>,
}

/// Told of what goes on, for progress bars and logs.
pub trait Progress: Send + Sync {
    fn phase(&self, phase: Phase, units: usize);
    fn unit(&self, label: &str);
    fn finished(&self, cost: &PhaseCost);
}

/// Measured cost of one phase.
#[derive(Clone, Debug)]
pub struct PhaseCost {
    pub phase: Phase,
    pub seconds: f64,
    /// Highest resident memory of this process during the phase.
    pub peak_mib: Option<u64>,
    pub units: usize,
    /// Units that stood already and were not run again.
    pub skipped: usize,
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct Summary {
    pub out: PathBuf,
    pub release: Release,
    /// False where everything stood already.
    pub is_new: bool,
    pub phases: Vec<PhaseCost>,
    pub audits: Vec<Audit>,
    /// Rows of each published table.
    pub tables: BTreeMap<String, u64>,
    pub tags: usize,
    pub seconds: f64,
    /// Sources that the lake does not have.
    pub absent: Vec<String>,
    /// Sources that it has, and that nothing in this job reads.
    pub unread: Vec<String>,
    /// Fitted segmentations of which nothing is known yet.
    pub without_model: Vec<String>,
    /// Those for which the lake has too little, and why.
    pub left_out: Vec<String>,
    /// Those whose groups would be others if other accounts were in the sample.
    pub unsteady: Vec<String>,
}

/// Groups of other samples agree at the least so far, by the adjusted Rand index, or the
/// run says so.
const LEAST_AGREEMENT: f64 = 0.9;

/// The default output folder of a lake.
pub fn default_out(lake: &Path) -> PathBuf {
    lake.join("kwhy")
}

/// Runs a job to its release.
pub async fn run(project: Project, request: &Request, progress: Arc<dyn Progress>) -> Result<Summary, Error> {
    let start = Instant::now();
    let job = project.job(&request.job)?.clone();
    // Mistakes in the catalogue are found before anything is read.
    let catalogue = Catalogue::open(&project).await?;
    tags::check(&catalogue)?;
    let lineage = tags::lineage(&catalogue)?;
    gates::check_names(&project, &request.accept)?;
    let lake = request.lake.canonicalize().map_err(|_| LakeError::NoLake { path: request.lake.clone() })?;
    let sources = find_sources(&project, &lake).await?;
    let out = Output::open(&request.out.clone().unwrap_or_else(|| default_out(&lake)))?;
    let lease = Lease::take(&out.root)?;
    let engine = Engine::open(request.target.clone(), job.memory_bytes, request.parallel).await?;
    let buckets = decide_buckets(&out, request.buckets, &sources)?;
    let standing = release::standing(&engine, &out, request.as_of).await?;
    let plan = plan::plan(&project, &job, &sources, &standing, request.as_of, buckets)?;
    let mut ledger = ledger::Ledger::open(&engine, &out, &job.name, request.as_of).await?;
    let build = build::Build::new(&engine, &project, &out, &sources, &plan, ledger.sequence(), progress);
    let accepted = gates::Accepted::of(&engine, &out, request.as_of, &request.accept).await?;
    let outcome = match build.run(&mut ledger).await {
        Ok(built) => match gates::pass(&engine, &project, &built.tables, request.as_of, &accepted).await {
            Ok(gates) => {
                let built = build::Built { gates, ..built };
                release::publish(&engine, &out, &project, &plan, &ledger, built, &lineage).await
            }
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    ledger.close(&engine, outcome.as_ref().err().map(ToString::to_string)).await?;
    drop(lease);
    let published = outcome?;
    let is_read = |table: &&String| published.built.audits.iter().any(|audit| audit.source == **table);
    let unread = sources.found.keys().filter(|table| !is_read(table)).cloned().collect();
    let models = match published.built.tables.get(SEGMENT_MODEL).filter(|_| plan.makes(SEGMENTS)) {
        Some(table) => models::rows(&engine, SEGMENT_MODEL, table).await?,
        None => Vec::new(),
    };
    let unsteady = models.iter().filter_map(|model| {
        let (_, least) = model.details()?.likeness?.bootstrap.filter(|(_, least)| *least < LEAST_AGREEMENT)?;
        Some(format!("{} ({least:.2})", model.segmentation))
    });
    let (mut without_model, mut left_out) = (Vec::new(), Vec::new());
    for segmentation in modelled(&project.segmentations).filter(|_| plan.makes(SEGMENTS)) {
        let (name, fingerprint) = (&segmentation.name, segmentation.fingerprint());
        let of_it =
            |model: &&models::Model| model.segmentation == *name && Some(&model.fingerprint) == fingerprint.as_ref();
        match models.iter().find(of_it).map(models::Model::why_left_out) {
            None => without_model.push(name.clone()),
            Some(Some(why)) => left_out.push(format!("{name} ({why})")),
            Some(None) => {}
        }
    }
    Ok(Summary {
        unsteady: unsteady.collect(),
        without_model,
        left_out,
        out: out.root,
        release: published.release,
        is_new: published.is_new,
        phases: published.built.phases,
        audits: published.built.audits,
        tables: published.rows,
        tags: published_tags(&project, &plan),
        seconds: start.elapsed().as_secs_f64(),
        unread,
        absent: project.contracts.keys().filter(|table| sources.is_absent(table)).cloned().collect(),
    })
}

/// Tags in the tables that the run has made.
fn published_tags(project: &Project, plan: &Plan) -> usize {
    let table = |tag: &Tag| if tag.is_sensitive() { SENSITIVE_TAGS } else { TAGS };
    project.tags.tags.iter().filter(|tag| plan.makes(table(tag))).count()
}

async fn find_sources(project: &Project, lake: &Path) -> Result<Sources, Error> {
    let mut found: BTreeMap<String, Source> = BTreeMap::new();
    let is_needed = |table: &str| {
        table == "meters"
            && project.contracts.values().any(|contract| contract.is_by_meter() && !contract.files.is_empty())
    };
    for (table, contract) in &project.contracts {
        match source::find(lake, contract).await? {
            Some(source) => {
                found.insert(table.clone(), source);
            }
            None if contract.required || is_needed(table) => {
                let path = lake.to_owned();
                return Err(LakeError::NoSource {
                    path,
                    table: table.clone(),
                    globs: contract.files.clone(),
                    contract: contract.file.clone(),
                }
                .into());
            }
            None => {}
        }
    }
    source::check_apart(found.values())?;
    Ok(Sources { found })
}

fn decide_buckets(out: &Output, wanted: Option<u32>, sources: &Sources) -> Result<u32, Error> {
    if let Some(wanted) = wanted
        && (!wanted.is_power_of_two() || wanted > plan::MAX_BUCKETS)
    {
        let hint = format!("a power of two, at most {}", plan::MAX_BUCKETS);
        return Err(Error::Usage { message: format!("{wanted} is not a number of buckets"), hint });
    }
    match (out.buckets()?, wanted) {
        (Some(found), Some(wanted)) if found != wanted => Err(Error::Buckets { found, wanted }),
        (Some(found), _) => Ok(found),
        (None, wanted) => {
            let accounts =
                sources.found.get("accounts").map_or(0, |source| source.files.iter().map(|file| file.rows).sum());
            let buckets = wanted.unwrap_or_else(|| plan::bucket_count(accounts));
            out.set_buckets(buckets)?;
            Ok(buckets)
        }
    }
}
