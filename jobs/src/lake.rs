//! What lies on disk: sources as they are found, Delta tables as pinned
//! snapshots and atomic commits, the lease of an output folder. No other room
//! lists folders or commits. It knows no sessions and no plans.

pub mod lease;
pub mod source;
pub mod survey;
pub mod table;

use std::path::{Path, PathBuf};

pub use lease::Lease;
pub use table::{Change, Table};

use crate::delimited::DelimitedError;
use crate::state::{Area, Snapshot};

#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("no lake at {}", path.display())]
    NoLake { path: PathBuf },
    #[error("the lake {} has no files for `{table}`: {}", path.display(), globs.join(", "))]
    NoSource { path: PathBuf, table: String, globs: Vec<String>, contract: String },
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("{}: {} missing", path.display(), columns_are(columns))]
    NoColumns { path: PathBuf, columns: Vec<String>, found: Vec<String>, contract: String },
    #[error("{}: column `{column}` is {found}, which cannot become {wanted}", path.display())]
    ColumnType { path: PathBuf, column: String, found: String, wanted: String, contract: String },
    #[error("{}: differs from {} in {what}", path.display(), first.display())]
    Differs { path: PathBuf, first: PathBuf, what: String },
    #[error("no file {}, which {contract} names", path.display())]
    NoFile { path: PathBuf, contract: String },
    #[error("{file} belongs to `{first}` and to `{second}`")]
    TwoContracts { file: String, first: String, second: String, contract: String },
    #[error("{}: the header names `{column}` twice", path.display())]
    ColumnTwice { path: PathBuf, column: String },
    #[error(transparent)]
    Delimited(#[from] DelimitedError),
    #[error("{}: no folder `{column}=…` on its path", path.display())]
    NoPartition { path: PathBuf, column: String },
    #[error("{}: `{column}` is not in the path: {pattern} finds nothing", path.display())]
    NotInPath { path: PathBuf, column: String, pattern: String },
    #[error("{}: `{column}={value}` is not a date", path.display())]
    PartitionValue { path: PathBuf, column: String, value: String },
    #[error("{}: a link to a folder, or out of the lake", path.display())]
    LinkOutside { path: PathBuf },
    #[error("`{glob}`: {reason}")]
    Glob { glob: String, reason: String },
    #[error("another run holds {}: {holder}", out.display())]
    Held { out: PathBuf, holder: String },
    #[error("{table}: {source}")]
    Delta { table: String, source: Box<deltalake_core::DeltaTableError> },
    #[error("{table} stands partitioned by ({found}), not by ({wanted})")]
    Partitioning { table: String, found: String, wanted: String },
    #[error("{table}: {path} does not lie in the table's folder")]
    Foreign { table: String, path: String },
    #[error("{}: {reason}", path.display())]
    Layout { path: PathBuf, reason: String },
}

/// `column `a` is`, or `columns `a`, `b` are`.
fn columns_are(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
    match columns {
        [_] => format!("column {} is", names[0]),
        _ => format!("columns {} are", names.join(", ")),
    }
}

/// The folder that everything made by kwhy lies in.
#[derive(Clone, Debug)]
pub struct Output {
    pub root: PathBuf,
}

impl Output {
    /// The output folder, made where it is not there; its path is absolute.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        let io = |source| LakeError::Io { path: root.to_owned(), source };
        std::fs::create_dir_all(root).map_err(io)?;
        Ok(Self { root: root.canonicalize().map_err(io)? })
    }

    pub fn table(&self, area: Area, name: &str) -> Table {
        Table::new(name, self.root.join(area.folder()).join(name))
    }

    /// Tables of rows that broke a contract, by source.
    pub async fn quarantine(&self, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(String, Snapshot)>, LakeError> {
        let folder = self.root.join(Area::Quarantine.folder());
        let mut found = Vec::new();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(source) => return Err(LakeError::Io { path: folder, source }),
        };
        for entry in entries {
            let entry = entry.map_err(|source| LakeError::Io { path: folder.clone(), source })?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_wanted(&name) {
                continue;
            }
            if let Some(snapshot) = self.table(Area::Quarantine, &name).snapshot(None).await? {
                found.push((name, snapshot));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    /// The number of buckets that this folder was made with. It is fixed by
    /// the first run: all tables with rows per account are cut by it.
    pub fn buckets(&self) -> Result<Option<u32>, LakeError> {
        let path = self.root.join("buckets");
        match std::fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(buckets) => Ok(Some(buckets)),
                Err(_) => {
                    Err(LakeError::Layout { path, reason: format!("`{}` is not a number of buckets", text.trim()) })
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LakeError::Io { path, source }),
        }
    }

    pub fn set_buckets(&self, buckets: u32) -> Result<(), LakeError> {
        let path = self.root.join("buckets");
        let fresh = path.with_extension("new");
        let write = || {
            std::fs::write(&fresh, format!("{buckets}\n"))?;
            std::fs::File::open(&fresh)?.sync_all()?;
            std::fs::rename(&fresh, &path)?;
            std::fs::File::open(&self.root)?.sync_all()
        };
        write().map_err(|source| LakeError::Io { path: path.clone(), source })
    }
}
