//! Rows that broke a contract, as they came: file, row number, rule, content.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::writer::{LineDelimited, WriterBuilder};
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::execution::TaskContext;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};

use super::check_exec::CheckSpec;
use super::write_file::DataFile;
use crate::state::{PinnedFile, WrittenFile};

/// Rows that are held until their files are read again for what they were, and
/// most bytes of those that are known already.
const ROWS_HELD: usize = 65_536;
const BYTES_HELD: usize = 16 << 20;
/// Rows that are written at once: each may be long.
const ROWS_WRITTEN: usize = 1_024;

/// A row that broke a rule.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// Position of its file among those of the unit.
    pub file: i32,
    /// Its number in the file, from 1.
    pub row: u64,
    pub rule: i32,
    pub key: String,
    /// As it came; `None` where the file must be asked.
    pub content: Option<String>,
}

/// The quarantine of one unit.
pub struct Quarantine {
    pub spec: CheckSpec,
    context: Arc<TaskContext>,
    held: Vec<Rejected>,
    held_bytes: usize,
    file: Option<DataFile>,
}

/// Rows of a quarantine table.
pub fn quarantine_schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("source"),
        text("file"),
        Field::new("row", DataType::Int64, true),
        text("rule"),
        text("reason"),
        text("row_key"),
        text("content"),
    ]))
}

impl Quarantine {
    pub fn new(spec: CheckSpec, context: Arc<TaskContext>) -> Self {
        Self { spec, context, held: Vec::new(), held_bytes: 0, file: None }
    }

    /// Sets a row aside, or fails where its breach must stop the run.
    pub async fn take(&mut self, rejected: Rejected) -> Result<()> {
        if let Some(rule) = self.spec.rules.get(rejected.rule as usize).filter(|rule| rule.is_fatal) {
            let (source, file) = (&self.spec.source, self.file_of(&rejected).shown());
            return exec_err!(
                "contract of `{source}` broken: {} (row {} of {file}: {})",
                rule.reason,
                rejected.row,
                rejected.key
            );
        }
        self.held_bytes += rejected.content.as_ref().map_or(0, String::len) + rejected.key.len();
        self.held.push(rejected);
        let is_full = self.held.len() >= ROWS_HELD || self.held_bytes >= BYTES_HELD;
        if is_full { self.flush().await } else { Ok(()) }
    }

    /// Writes what is left; the file, where any row was set aside.
    pub async fn finish(&mut self) -> Result<Vec<WrittenFile>> {
        self.flush().await?;
        match self.file.take() {
            Some(file) => Ok(vec![file.finish().await?]),
            None => Ok(Vec::new()),
        }
    }

    fn file_of(&self, rejected: &Rejected) -> &PinnedFile {
        &self.spec.files[rejected.file as usize]
    }

    async fn flush(&mut self) -> Result<()> {
        self.held_bytes = 0;
        let held = std::mem::take(&mut self.held);
        for rows in held.chunks(ROWS_WRITTEN) {
            let mut rows = rows.to_vec();
            for rows in rows.chunk_by_mut(|a, b| a.file == b.file) {
                let file = self.file_of(&rows[0]).clone();
                ask(file, rows).await?;
            }
            let batch = self.batch(&rows)?;
            if self.file.is_none() {
                let (folder, unit) = (&self.spec.quarantine, &self.spec.unit);
                self.file = Some(DataFile::create(&self.context, folder, unit, &[], quarantine_schema(), &[])?);
            }
            if let Some(file) = &mut self.file {
                file.write(&batch).await?;
            }
        }
        Ok(())
    }

    fn batch(&self, rows: &[Rejected]) -> Result<RecordBatch> {
        let rule = |row: &Rejected| self.spec.rules.get(row.rule as usize);
        let texts = |of: &dyn Fn(&Rejected) -> Option<String>| -> ArrayRef {
            Arc::new(rows.iter().map(of).collect::<StringArray>())
        };
        let columns = vec![
            texts(&|_| Some(self.spec.source.clone())),
            texts(&|row| Some(self.file_of(row).shown())),
            Arc::new(rows.iter().map(|row| Some(row.row as i64)).collect::<Int64Array>()) as ArrayRef,
            texts(&|row| rule(row).map(|rule| rule.name.clone())),
            texts(&|row| rule(row).map(|rule| rule.reason.clone())),
            texts(&|row| Some(row.key.clone())),
            texts(&|row| row.content.clone()),
        ];
        Ok(RecordBatch::try_new(quarantine_schema(), columns)?)
    }
}

/// Reads rows of one file again, where nothing but the file knows them.
async fn ask(file: PinnedFile, rows: &mut [Rejected]) -> Result<()> {
    if rows[0].content.is_some() {
        return Ok(());
    }
    let numbers: Vec<u64> = rows.iter().map(|row| row.row).collect();
    let read = tokio::task::spawn_blocking(move || (contents(&file, &numbers), file));
    let (contents, file) = read.await.map_err(|error| DataFusionError::External(Box::new(error)))?;
    match contents {
        Ok(contents) if contents.len() == rows.len() => {
            rows.iter_mut().zip(contents).for_each(|(row, content)| row.content = Some(content));
            Ok(())
        }
        Ok(_) => exec_err!("{}: changed while it was read", file.shown()),
        // Some column has no form in JSON: file and number must do.
        Err(error) => {
            tracing::warn!(file = file.shown(), %error, "rows that break a rule cannot be shown");
            Ok(())
        }
    }
}

/// Rows of a Parquet file, in ascending order, with all their columns, as JSON:
/// read again, because the run itself reads only the columns that it needs.
fn contents(file: &PinnedFile, rows: &[u64]) -> Result<Vec<String>> {
    let mut selectors = Vec::new();
    let mut read = 0;
    for row in rows {
        let before = (row - 1 - read) as usize;
        if before > 0 {
            selectors.push(RowSelector::skip(before));
        }
        selectors.push(RowSelector::select(1));
        read = *row;
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file.local_path())?)?;
    let reader = reader.with_row_selection(RowSelection::from(selectors)).build()?;
    let mut lines = Vec::new();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut lines);
    for batch in reader {
        writer.write(&batch?)?;
    }
    writer.finish()?;
    Ok(String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect())
}
