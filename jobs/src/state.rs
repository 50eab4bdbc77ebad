//! What lies in a lake, as values: found and committed by `lake`, read and
//! written by `engine`, reasoned about by `plan`. Nothing here touches a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::delimited::Dialect;
use crate::project::contract::{ColumnType, Contract, VERSION};

/// Partition column of tables with rows per account.
pub const BUCKET: &str = "bucket";

/// The part of the output folder that a table lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    Features,
    Marts,
    Quarantine,
}

impl Area {
    pub fn folder(self) -> &'static str {
        match self {
            Self::Features => "features",
            Self::Marts => "marts",
            Self::Quarantine => "quarantine",
        }
    }
}

/// A file of a pinned table version or of a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PinnedFile {
    /// Path below the root of the store, without a leading slash.
    pub path: String,
    /// The file within the archive that lies at the path.
    pub member: Option<String>,
    pub bytes: u64,
    /// By its footer or its log; of delimited text about so many.
    pub rows: u64,
    /// Sources are recognised as changed by this.
    pub modified_ms: i64,
    /// One text per partition column; `None` is null.
    pub partition: Vec<Option<String>>,
}

impl PinnedFile {
    pub fn local_path(&self) -> PathBuf {
        Path::new("/").join(&self.path)
    }

    /// Its name for a person: `/lake/a.zip/b.csv`.
    pub fn shown(&self) -> String {
        let path = self.local_path();
        self.member.as_ref().map_or(path.clone(), |member| path.join(member)).display().to_string()
    }
}

/// How the files of a relation are written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileKind {
    Parquet,
    Delimited(Dialect),
}

/// A finished data file, as the driver commits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Path below the root of the store.
    pub path: String,
    pub bytes: u64,
    pub rows: u64,
    /// Partition column and value, in table order.
    pub partition: Vec<(String, Option<String>)>,
    /// Delta statistics (JSON): rows, and bounds of the key columns.
    pub stats: String,
}

/// A source that is there.
#[derive(Clone, Debug)]
pub struct Source {
    pub contract: Arc<Contract>,
    pub kind: FileKind,
    /// Columns that stand in the files.
    pub file_schema: SchemaRef,
    /// Columns that stand in the paths or in the table's log.
    pub partition: Vec<(String, ColumnType)>,
    pub files: Vec<PinnedFile>,
}

impl Source {
    /// Position of a partition column among the values of each file.
    pub fn partition_position(&self, column: &str) -> Option<usize> {
        self.partition.iter().position(|(name, _)| name == column)
    }

    /// Position of the partition column that parts the keys, where one does.
    pub fn disjoint_position(&self) -> Option<usize> {
        self.partition.iter().position(|(name, _)| self.contract.is_disjoint_by(name))
    }

    /// Whether rows say which of them corrects which.
    pub fn is_versioned(&self) -> bool {
        self.has(VERSION)
    }

    /// Whether anything stands for a column of the contract: a column that the
    /// contract allows to be missing may be in no file.
    pub fn has(&self, column: &str) -> bool {
        let is_there =
            |name: &String| self.file_schema.index_of(name).is_ok() || self.partition_position(name).is_some();
        self.contract.column(column).is_some_and(|column| {
            column.value.is_some()
                || column.from_path.is_some()
                || (!column.from.is_empty() && column.from.iter().all(is_there))
        })
    }

    /// Columns of the contract that nothing stands for, as `table.column`.
    pub fn absent_columns(&self) -> impl Iterator<Item = String> {
        let names = self.contract.columns.iter().map(|column| &column.name);
        names.filter(|name| !self.has(name)).map(|name| format!("{}.{name}", self.contract.table))
    }

    /// Rows by footers or log; `None` where only reading tells.
    pub fn promised_rows(&self) -> Option<u64> {
        match self.kind {
            FileKind::Parquet => Some(self.files.iter().map(|file| file.rows).sum()),
            FileKind::Delimited(_) => None,
        }
    }
}

/// One version of a table, as a list of files.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub version: u64,
    /// File columns, then partition columns.
    pub schema: SchemaRef,
    pub partition: Vec<FieldRef>,
    pub files: Vec<PinnedFile>,
}

impl Snapshot {
    /// Whether its rows lie in buckets of what they belong to.
    pub fn is_bucketed(&self) -> bool {
        self.partition.iter().any(|column| column.name() == BUCKET)
    }

    /// Rows by the log, without opening a file.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

/// Lists hold `element`s, as Delta and Parquet call them, and everything may
/// be null: the contract, not the file, says what must be there.
pub fn stored_schema(schema: &Schema) -> SchemaRef {
    let field = |field: &Field| match field.data_type() {
        DataType::List(inner) => Field::new(
            field.name(),
            DataType::List(Arc::new(Field::new("element", inner.data_type().clone(), true))),
            true,
        ),
        other => Field::new(field.name(), other.clone(), true),
    };
    Arc::new(Schema::new(schema.fields().iter().map(|f| field(f)).collect::<Vec<_>>()))
}
