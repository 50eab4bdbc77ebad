//! Everything that can end a command, with its exit code and a hint.

use std::path::PathBuf;

use datafusion::common::{Column, DataFusionError, SchemaError};

use crate::engine::EngineError;
use crate::generate::GenerateError;
use crate::lake::LakeError;
use crate::project::ProjectError;
use crate::project::diagnostic::{Mistakes, did_you_mean};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error("{file}: {}", told(source))]
    Model { file: String, source: Box<DataFusionError> },
    #[error("{}", told(.0))]
    Query(Box<DataFusionError>),
    #[error(
        "{table}: {rows_in} rows came in, but {published} published + {quarantined} quarantined + {duplicates} repeated were counted"
    )]
    Conservation { table: String, rows_in: u64, published: u64, quarantined: u64, duplicates: u64 },
    #[error("none of the {rows} rows of `{table}` fits its contract")]
    NothingFits { table: String, rows: u64 },
    #[error("{file}: a header without rows, and no other file of `{table}` has any")]
    NoRows { table: String, file: String, contract: String },
    #[error("`{model}` has {rows} rows whose key ({key}) another row has too")]
    NotUnique { model: String, key: String, rows: u64 },
    #[error("{place}: tag `{tag}` is `{value}` for {accounts} accounts, which is none of its values")]
    OutsideDomain { place: String, tag: String, value: String, accounts: u64 },
    #[error("{file}: {message}")]
    Fit { file: String, message: String },
    #[error("held back by {}: {}", if told.len() == 1 { "a gate" } else { "gates" }, told.join("; "))]
    Held { told: Vec<String>, names: Vec<String> },
    #[error("the output folder was made with {found} buckets, not {wanted}")]
    Buckets { found: u32, wanted: u32 },
    #[error("nothing is published in {}", out.display())]
    NothingPublished { out: PathBuf },
    #[error("`{model}` reads `{table}` whole in every bucket, and it has {mib} MiB")]
    TooLarge { model: String, table: String, mib: u64 },
    #[error("a run would stop at: {}", tables.join(", "))]
    Unfit { tables: Vec<String> },
    #[error("{failed} of {count} cases of tags do not hold")]
    Cases { failed: usize, count: usize },
    #[error("{message}")]
    Usage { message: String, hint: String },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("stopped by a signal")]
    Stopped { signal: i32 },
}

/// Columns that are listed where one was asked for that there is not.
const MOST_COLUMNS: usize = 20;

/// What the engine says; but of wide tables not all the columns that there are.
fn told(error: &DataFusionError) -> String {
    let Some((field, columns)) = missed_of_many(error) else { return error.to_string() };
    let near = did_you_mean(&field.name, columns.iter().map(|column| column.name.as_str()));
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("none of the {} columns is called `{}`{near}", columns.len(), field.flat_name())
}

/// The column that there is not, and those that there are.
fn missed_of_many(error: &DataFusionError) -> Option<(&Column, &[Column])> {
    let DataFusionError::SchemaError(found, _) = error.find_root() else { return None };
    let SchemaError::FieldNotFound { field, valid_fields } = found.as_ref() else { return None };
    (valid_fields.len() > MOST_COLUMNS).then_some((field, valid_fields))
}

impl From<Mistakes> for Error {
    fn from(mistakes: Mistakes) -> Self {
        Self::Project(ProjectError::Mistakes(mistakes))
    }
}

impl Error {
    /// 1 data or job, 2 usage or project files, 3 retryable, 4 a limit, 5 a gate; the
    /// README lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Project(_) | Self::Model { .. } | Self::Query(_) | Self::Usage { .. } | Self::Buckets { .. } => 2,
            Self::Lake(error) => match error {
                LakeError::Held { .. } | LakeError::Delta { .. } => 3,
                LakeError::NoLake { .. }
                | LakeError::Glob { .. }
                | LakeError::Partitioning { .. }
                | LakeError::TwoContracts { .. } => 2,
                _ => 1,
            },
            Self::Engine(error) => match error {
                EngineError::Limit { .. } => 4,
                EngineError::Plan(_) | EngineError::ManyStages { .. } => 2,
                EngineError::Remote { .. } | EngineError::Io { .. } => 1,
                _ => 3,
            },
            Self::Generate(error) => error.exit_code(),
            Self::TooLarge { .. } => 4,
            Self::Held { .. } => 5,
            Self::Stopped { signal } => 128 + *signal as u8,
            Self::NotUnique { .. }
            | Self::Fit { .. }
            | Self::OutsideDomain { .. }
            | Self::Unfit { .. }
            | Self::Cases { .. } => 1,
            Self::Conservation { .. }
            | Self::NoRows { .. }
            | Self::NothingFits { .. }
            | Self::NothingPublished { .. }
            | Self::Io { .. } => 1,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Project(ProjectError::NotAProject { .. }) => {
                "name a project folder with --project, or leave it out for the built-in one".into()
            }
            Self::Project(ProjectError::NoJob { known, near, .. }) => match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("jobs of this project: {}", known.join(", ")),
            },
            Self::Lake(error) => return lake_hint(error),
            Self::Engine(error) => return engine_hint(error),
            Self::Generate(error) => return error.hint().map(str::to_owned),
            Self::Model { .. } => "the SQL was read, but it does not fit the tables that it names".into(),
            Self::Query(error) if missed_of_many(error).is_some() => "kwhy sql -c 'describe TABLE' lists them".into(),
            Self::NotUnique { .. } => "a join multiplies rows, or the key in schemas/ does not name one row".into(),
            Self::Conservation { .. } => {
                "rows are missing or were counted twice: files changed during the run, or this is a bug".into()
            }
            Self::OutsideDomain { .. } => {
                "nothing was published: give the tag the value in `values`, or have its expression map it".into()
            }
            Self::Fit { .. } => {
                "nothing was published: change the features, the limits or the labels of the segmentation".into()
            }
            Self::Held { names, .. } => {
                let accept: Vec<String> = names.iter().map(|name| format!("--accept {name}")).collect();
                format!(
                    "readers still see the release before; to publish it as it is, run again with {}",
                    accept.join(" ")
                )
            }
            Self::NothingFits { table, .. } => format!("kwhy sources check {table} shows why"),
            Self::NoRows { contract, .. } => format!(
                "deliver it again, or move it away: without files the source counts as absent; where no rows is an answer, {contract} can say may_be_empty = true"
            ),
            Self::Buckets { .. } => {
                "the bucket count is fixed by the first run; leave --buckets out, or write to another --out".into()
            }
            Self::TooLarge { .. } => {
                "a table without account_id is held in memory; give it an account_id, or make it smaller first".into()
            }
            Self::NothingPublished { .. } => "run a job first: kwhy run daily --lake LAKE".into(),
            Self::Usage { hint, .. } => hint.clone(),
            _ => return None,
        })
    }
}

fn lake_hint(error: &LakeError) -> Option<String> {
    Some(match error {
        LakeError::NoLake { .. } => {
            "a lake is a folder with sources/<table>/…; make one with: kwhy generate --out DIR".into()
        }
        LakeError::NoSource { contract, .. } => {
            format!("{contract} says where the files lie; an overlay project can say otherwise")
        }
        LakeError::NoColumns { found, contract, .. } => format!(
            "the file has: {}; {contract} can map another name with `from`, give a `value`, or allow it to be missing with nullable = true",
            found.join(", ")
        ),
        LakeError::ColumnType { contract, .. } => format!("{contract} says what the column must become"),
        LakeError::Unreadable { .. } => {
            "the file is damaged or not what its name says; deliver it again or move it away".into()
        }
        LakeError::Differs { .. } => {
            "files of one source have one shape; give the other ones a contract of their own".into()
        }
        LakeError::NoFile { .. } => {
            "deliver it; a source that this lake does not have is written files = [], one that may come is a glob"
                .into()
        }
        LakeError::TwoContracts { contract, .. } => {
            format!("its rows would count twice: narrow `files` of {contract} or of the other one")
        }
        LakeError::ColumnTwice { .. } => {
            "give the columns names of their own with `header`, or leave this one out of the contract".into()
        }
        LakeError::Delimited(error) => error.hint().into(),
        LakeError::Held { .. } => "wait for it, or write to another --out".into(),
        LakeError::LinkOutside { .. } => "copy the file into the lake, or make its folder the lake".into(),
        LakeError::NotInPath { .. } => "`from_path` of the contract must fit every file that `files` finds".into(),
        LakeError::NoPartition { .. } | LakeError::PartitionValue { .. } => {
            "hive folders are named column=value, dates as 2026-01-31".into()
        }
        _ => return None,
    })
}

fn engine_hint(error: &EngineError) -> Option<String> {
    Some(match error {
        EngineError::NoScheduler { .. } => "start one: kwhy cluster scheduler --bind HOST:PORT".into(),
        EngineError::NoExecutors { .. } => "start one: kwhy cluster executor --scheduler HOST:PORT --bind HOST:PORT; nothing was published, the run can be repeated".into(),
        EngineError::OtherBuild { .. } => "run scheduler, executors and client from the same binary".into(),
        EngineError::ExecutorLost { .. } => "nothing was published; the run can be repeated".into(),
        EngineError::Limit { .. } => "raise memory_mib or lower rows_per_unit in the job".into(),
        EngineError::Bind { .. } => "the port is in use or not allowed; choose another with --bind".into(),
        _ => return None,
    })
}
