//! A lake held against its contracts, without a run: what would come in, what
//! would not, and which rows those are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::{StreamExt, TryStreamExt};

use super::relations::delivered;
use crate::engine::check_exec::CheckReport;
use crate::engine::quarantine::quarantine_schema;
use crate::engine::relation::Relation;
use crate::engine::unit::{plan_check, plan_model};
use crate::engine::{Engine, Target};
use crate::error::Error;
use crate::lake::table::store_path;
use crate::lake::{LakeError, source};
use crate::plan;
use crate::project::contract::Contract;
use crate::project::{Project, STAGED};
use crate::state::{FileKind, PinnedFile, Source, WrittenFile};

/// Rows of a unit: as in the daily job.
const ROWS_PER_UNIT: u64 = 200_000;
const MEMORY_BYTES: usize = 1 << 30;
/// Rows of each rule that are shown.
const EXAMPLES: usize = 3;

/// What became of one source table.
#[derive(Debug)]
pub enum Checked {
    /// No file; a mistake where the contract requires the table.
    Absent {
        is_required: bool,
    },
    /// Files that cannot be read as the contract says.
    Unusable(Error),
    Read(Read),
}

/// A source that was read.
#[derive(Debug)]
pub struct Read {
    pub files: usize,
    pub rows: u64,
    pub broken: Vec<Broken>,
    /// Text with a header and nothing else, where the contract wants rows.
    pub lacks_rows: bool,
}

impl Read {
    pub fn fitting(&self) -> u64 {
        self.rows - self.broken.iter().map(|broken| broken.rows).sum::<u64>()
    }
}

/// A rule and the rows that break it.
#[derive(Debug)]
pub struct Broken {
    pub rule: String,
    pub reason: String,
    pub rows: u64,
    /// A run would stop here.
    pub is_fatal: bool,
    pub examples: Vec<Example>,
}

/// A row that breaks a rule.
#[derive(Debug)]
pub struct Example {
    pub file: String,
    pub row: u64,
    pub content: String,
}

impl Checked {
    /// Whether a run would go on.
    pub fn is_usable(&self) -> bool {
        match self {
            Self::Absent { is_required } => !is_required,
            Self::Unusable(_) => false,
            Self::Read(read) => {
                let is_lost = read.rows > 0 && read.fitting() == 0;
                !read.lacks_rows && !is_lost && !read.broken.iter().any(|broken| broken.is_fatal)
            }
        }
    }
}

/// Checks the tables that are named, or all, against the files of a lake.
pub async fn check(project: &Project, lake: &Path, tables: &[String]) -> Result<BTreeMap<String, Checked>, Error> {
    let lake = lake.canonicalize().map_err(|_| LakeError::NoLake { path: lake.to_owned() })?;
    let engine = Engine::open(Target::Local, MEMORY_BYTES, None).await?;
    let mut found = BTreeMap::new();
    for (table, contract) in &project.contracts {
        if tables.is_empty() || tables.contains(table) {
            found.insert(table.clone(), (source::find(&lake, contract).await, contract.required));
        }
    }
    source::check_apart(found.values().filter_map(|(source, _)| source.as_ref().ok()?.as_ref()))?;
    let mut checked = BTreeMap::new();
    for (table, (source, is_required)) in found {
        let what = match source {
            Ok(None) => Checked::Absent { is_required },
            Ok(Some(source)) => match read(&engine, &source).await {
                Ok(read) => Checked::Read(read),
                Err(error) => Checked::Unusable(error),
            },
            Err(error) => Checked::Unusable(error.into()),
        };
        checked.insert(table, what);
    }
    Ok(checked)
}

/// Reads every row behind the contract, and keeps the broken ones alone, in a
/// folder that goes when this is done.
async fn read(engine: &Engine, source: &Source) -> Result<Read, Error> {
    let folder = tempfile::tempdir().map_err(|source| Error::Io { path: std::env::temp_dir(), source })?;
    let contract = &source.contract;
    let name = format!("{STAGED}{}", contract.table);
    let context = engine.planning()?;
    let relation = delivered(&name, source, store_path(folder.path()));
    let planned = async {
        context.register_table(name.as_str(), Arc::new(relation))?;
        context.sql(&format!("select * from {name}")).await
    };
    let failed = |source| Error::Model { file: contract.file.clone(), source: Box::new(source) };
    let frame = planned.await.map_err(failed)?;
    let model = plan_model(&context.state(), &name, frame.logical_plan()).await?;
    let groups = plan::units::source_groups(source, None, ROWS_PER_UNIT);
    let reports = futures::stream::iter(groups.into_iter().enumerate().map(|(index, files)| {
        let (model, engine) = (Arc::clone(&model), engine.clone());
        let (files, unit) = (Arc::new(files), format!("check{index}"));
        async move {
            let plan = plan_check(&model, &|_| Arc::clone(&files), &unit)?;
            let task = tokio::spawn(async move { engine.drain(&unit, plan).await });
            task.await
                .map_err(|error| Error::Usage { message: error.to_string(), hint: String::new() })?
                .map_err(Error::from)
        }
    }));
    let reports: Vec<CheckReport> = reports.buffer_unordered(engine.parallel).try_collect().await?;
    let rows = reports.iter().map(|report| report.rows).sum();
    let quarantined: Vec<WrittenFile> = reports.into_iter().flat_map(|report| report.quarantined).collect();
    let lacks_rows = rows == 0 && matches!(source.kind, FileKind::Delimited(_)) && !contract.may_be_empty;
    Ok(Read { files: source.files.len(), rows, broken: broken(engine, contract, quarantined).await?, lacks_rows })
}

/// What was set aside, by rule.
async fn broken(engine: &Engine, contract: &Contract, files: Vec<WrittenFile>) -> Result<Vec<Broken>, Error> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let pinned = |file: WrittenFile| PinnedFile {
        path: file.path,
        member: None,
        bytes: file.bytes,
        rows: file.rows,
        modified_ms: 0,
        partition: Vec::new(),
    };
    let relation = Relation {
        name: "broken".to_owned(),
        file_schema: quarantine_schema(),
        partition: Vec::new(),
        kind: FileKind::Parquet,
        check: None,
        estimate: None,
        files: Some(Arc::new(files.into_iter().map(pinned).collect())),
    };
    let sql = format!(
        "select rule, reason, rows, file, \"row\", content from (
           select *, count(*) over (partition by rule) as rows,
             row_number() over (partition by rule order by file, \"row\") as place from broken)
         where place <= {EXAMPLES} order by rows desc, rule, place"
    );
    let mut found: Vec<Broken> = Vec::new();
    for batch in engine.query(vec![relation], &sql).await? {
        let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
        let number = |column: usize, row: usize| batch.column(column).as_primitive::<Int64Type>().value(row) as u64;
        for row in 0..batch.num_rows() {
            let example = Example { file: text(3, row), row: number(4, row), content: text(5, row) };
            let rule = text(0, row);
            match found.last_mut().filter(|last| last.rule == rule) {
                Some(last) => last.examples.push(example),
                None => found.push(Broken {
                    is_fatal: contract.is_fatal(&rule),
                    reason: text(1, row),
                    rows: number(2, row),
                    examples: vec![example],
                    rule,
                }),
            }
        }
    }
    Ok(found)
}
