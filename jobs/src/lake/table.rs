//! Delta tables: pinned snapshots, and one commit per table and run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake_core::kernel::{Action, Add, MetadataExt, StructField, StructType, Transaction};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableBuilder};
use futures::TryStreamExt;

use super::LakeError;
use crate::state::{PinnedFile, Snapshot, WrittenFile, stored_schema};

/// The key under which Delta keeps what a column is called for people.
pub const COMMENT: &str = "comment";

/// A Delta table below the output folder.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub folder: PathBuf,
}

/// What a commit changes.
pub struct Change<'a> {
    /// File columns only; what their metadata calls `comment` others see.
    pub schema: &'a Schema,
    pub partition: &'a [FieldRef],
    pub add: Vec<WrittenFile>,
    /// Paths of files that no longer belong to the table.
    pub remove: Vec<String>,
    /// The run's number: a commit that stands already is not made again.
    pub sequence: i64,
}

impl Table {
    pub fn new(name: &str, folder: PathBuf) -> Self {
        Self { name: name.to_owned(), folder }
    }

    /// Folder below the root of the store, as write nodes want it.
    pub fn location(&self) -> String {
        store_path(&self.folder)
    }

    /// The table at a version, or at its last one; `None` where it is not.
    pub async fn snapshot(&self, version: Option<u64>) -> Result<Option<Snapshot>, LakeError> {
        let Some(table) = self.load(version).await? else { return Ok(None) };
        self.pin(&table).await.map(Some)
    }

    /// The last version of a table that others wrote. What its log says beyond
    /// a list of files is not read, and refused: rows would come back that were
    /// deleted, or columns under other names.
    pub async fn delivered(&self) -> Result<Option<Snapshot>, LakeError> {
        let Some(table) = self.load(None).await? else { return Ok(None) };
        let refuse = |reason: &str| LakeError::Unreadable { path: self.folder.clone(), reason: reason.to_owned() };
        let state = table.snapshot().map_err(|error| self.error(error))?;
        if state.metadata().configuration().get("delta.columnMapping.mode").is_some_and(|mode| mode != "none") {
            return Err(refuse("its columns are mapped to other names (delta.columnMapping.mode)"));
        }
        let views: Vec<_> =
            table.get_active_add_actions_by_partitions(&[]).try_collect().await.map_err(|error| self.error(error))?;
        if views.iter().any(|view| view.deletion_vector_descriptor().is_some()) {
            return Err(refuse("it has deletion vectors; rewrite it without them first"));
        }
        self.pin(&table).await.map(Some)
    }

    async fn load(&self, version: Option<u64>) -> Result<Option<DeltaTable>, LakeError> {
        if !self.folder.join("_delta_log").is_dir() {
            return Ok(None);
        }
        let mut builder = DeltaTableBuilder::from_url(folder_url(&self.folder)?).map_err(|error| self.error(error))?;
        if let Some(version) = version {
            builder = builder.with_version(version as _);
        }
        builder.load().await.map(Some).map_err(|error| self.error(error))
    }

    async fn pin(&self, table: &DeltaTable) -> Result<Snapshot, LakeError> {
        let state = table.snapshot().map_err(|error| self.error(error))?;
        // Comments are for others; to us a column is the same whatever it is called.
        let schema = stored_schema(&state.snapshot().arrow_schema());
        let partition: Vec<FieldRef> = state
            .metadata()
            .partition_columns()
            .iter()
            .filter_map(|name| schema.field_with_name(name).ok().cloned().map(Arc::new))
            .collect();
        let views: Vec<_> =
            table.get_active_add_actions_by_partitions(&[]).try_collect().await.map_err(|error| self.error(error))?;
        let mut files = Vec::with_capacity(views.len());
        for view in views {
            let values = view.partition_values_map();
            files.push(PinnedFile {
                path: format!("{}/{}", self.location(), view.object_store_path()),
                member: None,
                bytes: view.size().max(0) as u64,
                rows: view.num_records().unwrap_or_default() as u64,
                modified_ms: view.modification_time(),
                partition: partition.iter().map(|field| values.get(field.name()).cloned().flatten()).collect(),
            });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Snapshot { version: state.version(), schema, partition, files })
    }

    /// Commits a change in one Delta transaction and returns the version that
    /// the table has then. Data files must be on disk already.
    pub async fn commit(&self, change: Change<'_>) -> Result<u64, LakeError> {
        let application = format!("kwhy/{}", self.name);
        let table = match self.load(None).await? {
            Some(table) => table,
            None => {
                let table = self.create(&change).await?;
                self.sync_log(0)?;
                table
            }
        };
        let state = table.snapshot().map_err(|error| self.error(error))?;
        let log = table.log_store();
        let done = state.transaction_version(log.as_ref(), &application).await.map_err(|error| self.error(error))?;
        if done.is_some_and(|done| done >= change.sequence) {
            return Ok(state.version() as u64);
        }
        let partition: Vec<String> = change.partition.iter().map(|field| field.name().clone()).collect();
        if *state.metadata().partition_columns() != partition {
            let found = state.metadata().partition_columns().join(", ");
            return Err(LakeError::Partitioning { table: self.name.clone(), found, wanted: partition.join(", ") });
        }
        let wanted = delta_type(&change).map_err(|error| self.error(error.into()))?;
        let mut actions = Vec::new();
        if *state.schema() != wanted {
            let metadata = state.metadata().clone().with_schema(&wanted).map_err(|error| self.error(error.into()))?;
            actions.push(Action::Metadata(metadata));
        }
        if actions.is_empty() && change.add.is_empty() && change.remove.is_empty() {
            return Ok(state.version() as u64);
        }
        self.removals(&table, &change.remove, &mut actions).await?;
        actions.extend(change.add.iter().map(|file| self.addition(file)).collect::<Result<Vec<_>, _>>()?);
        let names: Vec<String> = change.partition.iter().map(|field| field.name().clone()).collect();
        let operation = DeltaOperation::Write { mode: SaveMode::Overwrite, partition_by: Some(names), predicate: None };
        let now = chrono::Utc::now().timestamp_millis();
        let properties = CommitProperties::default().with_application_transaction(Transaction::new_with_last_update(
            &application,
            change.sequence,
            Some(now),
        ));
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(state as &dyn TableReference), Arc::clone(&log), operation)
            .await
            .map_err(|error| self.error(error))?;
        let version = committed.version() as u64;
        self.sync_log(version)?;
        Ok(version)
    }

    async fn create(&self, change: &Change<'_>) -> Result<DeltaTable, LakeError> {
        std::fs::create_dir_all(&self.folder).map_err(|source| LakeError::Io { path: self.folder.clone(), source })?;
        let schema = delta_type(change).map_err(|error| self.error(error.into()))?;
        CreateBuilder::new()
            .with_location(folder_url(&self.folder)?.as_str())
            .with_table_name(&self.name)
            .with_columns(schema.fields().cloned().collect::<Vec<StructField>>())
            .with_partition_columns(change.partition.iter().map(|field| field.name().clone()))
            .with_save_mode(SaveMode::Ignore)
            .await
            .map_err(|error| self.error(error))
    }

    async fn removals(
        &self,
        table: &DeltaTable,
        remove: &[String],
        actions: &mut Vec<Action>,
    ) -> Result<(), LakeError> {
        if remove.is_empty() {
            return Ok(());
        }
        let views: Vec<_> =
            table.get_active_add_actions_by_partitions(&[]).try_collect().await.map_err(|error| self.error(error))?;
        for view in views {
            let path = format!("{}/{}", self.location(), view.object_store_path());
            if remove.contains(&path) {
                actions.push(Action::Remove(view.remove_action(true)));
            }
        }
        Ok(())
    }

    fn addition(&self, file: &WrittenFile) -> Result<Action, LakeError> {
        let relative = file
            .path
            .strip_prefix(&format!("{}/", self.location()))
            .ok_or_else(|| LakeError::Foreign { table: self.name.clone(), path: file.path.clone() })?;
        Ok(Action::Add(Add {
            path: relative.to_owned(),
            partition_values: file.partition.iter().cloned().collect::<HashMap<_, _>>(),
            size: file.bytes as i64,
            modification_time: chrono::Utc::now().timestamp_millis(),
            data_change: true,
            stats: Some(file.stats.clone()),
            ..Add::default()
        }))
    }

    /// Data files were synced when they were written; now the log that names
    /// them, then its folder.
    fn sync_log(&self, version: u64) -> Result<(), LakeError> {
        let folder = self.folder.join("_delta_log");
        for path in [folder.join(format!("{version:020}.json")), folder, self.folder.clone()] {
            std::fs::File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(|source| LakeError::Io { path, source })?;
        }
        Ok(())
    }

    fn error(&self, source: deltalake_core::DeltaTableError) -> LakeError {
        LakeError::Delta { table: self.name.clone(), source: Box::new(source) }
    }
}

fn delta_type(change: &Change<'_>) -> Result<StructType, arrow::error::ArrowError> {
    let columns: Vec<FieldRef> = change.schema.fields().iter().chain(change.partition).cloned().collect();
    let stored = stored_schema(&Schema::new(columns.clone()));
    let commented = stored.fields().iter().zip(&columns).map(|(stored, column)| {
        let comment = column.metadata().get(COMMENT).map(|text| (COMMENT.to_owned(), text.clone()));
        stored.as_ref().clone().with_metadata(comment.into_iter().collect())
    });
    (&Schema::new(commented.collect::<Vec<_>>())).try_into_kernel()
}

/// A path below the root of the local store.
pub fn store_path(path: &Path) -> String {
    path.to_string_lossy().trim_matches('/').to_owned()
}

fn folder_url(folder: &Path) -> Result<url::Url, LakeError> {
    url::Url::from_directory_path(folder)
        .map_err(|()| LakeError::Io { path: folder.to_owned(), source: std::io::Error::other("not an absolute path") })
}
