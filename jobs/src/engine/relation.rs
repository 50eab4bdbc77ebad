//! Relations of a plan: tables known by schema, whose files are decided later.
//!
//! A model is planned once, over slots; each unit then fills the slots with
//! the files of its own bucket. Ad-hoc SQL gives its relations files at once.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue, Statistics, internal_err};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::check::SourceCheck;
use super::origin;
use super::text_scan::{TextScanExec, TextScanSpec};
use crate::state::{FileKind, PinnedFile, Snapshot};

/// Slots are marked by the path of a file that cannot exist.
const SLOT_PREFIX: &str = "kwhy-slot";

/// A table as a plan sees it.
#[derive(Clone, Debug)]
pub struct Relation {
    pub name: String,
    /// Columns that stand in the files.
    pub file_schema: SchemaRef,
    /// Columns that stand in the paths.
    pub partition: Vec<FieldRef>,
    pub kind: FileKind,
    /// For sources: mapping onto the canonical columns and the contract's checks.
    pub check: Option<Arc<SourceCheck>>,
    /// About how many rows and bytes a plan will read of it, so that the planner
    /// holds the smaller side of a join in memory. Results do not depend on it.
    pub estimate: Option<(u64, u64)>,
    /// `None` while the relation is a slot.
    pub files: Option<Arc<Vec<PinnedFile>>>,
}

impl Relation {
    /// All files of one version of a table.
    pub fn of_table(name: &str, table: &Snapshot) -> Self {
        let is_partition = |field: &FieldRef| table.partition.iter().any(|partition| partition.name() == field.name());
        let columns: Vec<FieldRef> =
            table.schema.fields().iter().filter(|field| !is_partition(field)).cloned().collect();
        Self {
            name: name.to_owned(),
            file_schema: Arc::new(Schema::new(columns)),
            partition: table.partition.clone(),
            kind: FileKind::Parquet,
            check: None,
            estimate: Some((table.rows(), table.files.iter().map(|file| file.bytes).sum())),
            files: Some(Arc::new(table.files.clone())),
        }
    }

    /// The same with these columns alone: a planner looks through all that it is
    /// shown, and of a wide table few are asked for.
    pub fn only(mut self, is_asked: &dyn Fn(&str) -> bool) -> Self {
        let columns = self.file_schema.fields().iter().filter(|field| is_asked(field.name()));
        let columns: Vec<FieldRef> = columns.cloned().collect();
        // Rows that are only counted have columns all the same.
        if !columns.is_empty() {
            self.file_schema = Arc::new(Schema::new(columns));
        }
        self
    }

    /// File columns, then partition columns.
    pub fn raw_schema(&self) -> SchemaRef {
        let columns = self.file_schema.fields().iter().chain(&self.partition).cloned();
        Arc::new(Schema::new(columns.collect::<Vec<_>>()))
    }

    /// Columns in paths, and for a check where each row came from.
    fn path_columns(&self) -> Vec<FieldRef> {
        self.partition.iter().cloned().chain(self.check.is_some().then(origin::file_field)).collect()
    }

    fn scan_files(&self, groups: Vec<FileGroup>, projection: Option<Vec<usize>>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema =
            TableSchema::builder(Arc::clone(&self.file_schema)).with_table_partition_cols(self.path_columns()).build();
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(ParquetSource::new(schema)))
                .with_file_groups(groups)
                .with_projection_indices(projection)?
                .with_statistics(self.statistics())
                .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn statistics(&self) -> Statistics {
        let columns = self.file_schema.fields().iter().cloned().chain(self.path_columns());
        let unknown = Statistics::new_unknown(&Schema::new(columns.collect::<Vec<_>>()));
        match self.estimate {
            Some((rows, bytes)) => unknown
                .with_num_rows(Precision::Inexact(rows as usize))
                .with_total_byte_size(Precision::Inexact(bytes as usize)),
            None => unknown,
        }
    }

    fn groups(&self, partitions: usize) -> Result<Vec<FileGroup>> {
        match &self.files {
            None => {
                let nulls = self
                    .path_columns()
                    .iter()
                    .map(|field| ScalarValue::try_from(field.data_type()))
                    .collect::<Result<_>>()?;
                let marker =
                    PartitionedFile::new(format!("{SLOT_PREFIX}/{}", self.name), 1).with_partition_values(nulls);
                Ok(vec![FileGroup::new(vec![marker])])
            }
            Some(files) => Ok(FileGroup::new(partitioned(files, &self.path_columns())?).split_files(partitions)),
        }
    }
}

#[async_trait]
impl TableProvider for Relation {
    fn schema(&self) -> SchemaRef {
        match &self.check {
            Some(check) => check.schema(),
            None => self.raw_schema(),
        }
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let raw = self.raw_schema();
        match (&self.check, &self.kind) {
            (Some(check), FileKind::Parquet) => {
                let mut columns = check.raw_columns(&raw);
                columns.push(raw.fields().len());
                let scan = self.scan_files(self.groups(1)?, Some(columns))?;
                return check.plan(scan, projection, state);
            }
            (Some(check), FileKind::Delimited(dialect)) => {
                let columns = check.raw_columns(&self.file_schema).into_iter();
                let scan = TextScanExec::new(TextScanSpec {
                    relation: self.name.clone(),
                    dialect: dialect.clone(),
                    columns: columns.map(|column| self.file_schema.field(column).name().clone()).collect(),
                    partition: check.partition.clone(),
                    files: self.files.as_deref().cloned(),
                });
                return check.plan(Arc::new(scan), projection, state);
            }
            (None, FileKind::Delimited(_)) => return internal_err!("`{}` is text without a contract", self.name),
            (None, FileKind::Parquet) => {}
        }
        let groups = self.groups(state.config().target_partitions())?;
        if groups.is_empty() {
            let schema = datafusion::physical_plan::project_schema(&self.schema(), projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        self.scan_files(groups, projection.cloned())
    }
}

fn partitioned(files: &[PinnedFile], columns: &[FieldRef]) -> Result<Vec<PartitionedFile>> {
    files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let has_origin = columns.last().is_some_and(|column| column.name() == origin::FILE);
            let origin = has_origin.then(|| Ok(ScalarValue::Int32(Some(index as i32))));
            let values = file.partition.iter().zip(columns).map(|(value, field)| match value {
                Some(text) => ScalarValue::try_from_string(text.clone(), field.data_type()),
                None => ScalarValue::try_from(field.data_type()),
            });
            let values = values.chain(origin);
            let mut pinned = PartitionedFile::new(String::new(), file.bytes);
            // `Path::from` would encode characters that foreign names may hold.
            pinned.object_meta.location = object_store::path::Path::parse(&file.path)
                .map_err(|error| datafusion::common::exec_datafusion_err!("{}: {error}", file.path))?;
            Ok(pinned.with_partition_values(values.collect::<Result<_>>()?))
        })
        .collect()
}

/// The plan with each slot replaced by a scan of the files that `files` gives
/// for it, in one partition; by nothing where there are none.
pub fn fill_slots(
    plan: Arc<dyn ExecutionPlan>,
    files: &dyn Fn(&str) -> Arc<Vec<PinnedFile>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        if let Some(scan) = node.downcast_ref::<TextScanExec>() {
            let files = Some(files(&scan.spec.relation).to_vec());
            let filled: Arc<dyn ExecutionPlan> =
                Arc::new(TextScanExec::new(TextScanSpec { files, ..scan.spec.clone() }));
            return Ok(Transformed::yes(filled));
        }
        let Some((name, config)) = slot(&node) else { return Ok(Transformed::no(node)) };
        let files = files(&name);
        if files.is_empty() {
            return Ok(Transformed::yes(Arc::new(EmptyExec::new(node.schema()))));
        }
        let columns: Vec<FieldRef> = config.table_partition_cols().iter().cloned().collect();
        let group = FileGroup::new(partitioned(&files, &columns)?);
        let filled = FileScanConfigBuilder::from(config).with_file_groups(vec![group]).build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(filled)))
    })
    .data()
}

/// Name and scan of a slot, where the node is one.
fn slot(node: &Arc<dyn ExecutionPlan>) -> Option<(String, FileScanConfig)> {
    let config = node.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()?;
    let first = config.file_groups.first()?.files().first()?;
    let name = first.object_meta.location.as_ref().strip_prefix(SLOT_PREFIX)?.strip_prefix('/')?;
    Some((name.to_owned(), config.clone()))
}
