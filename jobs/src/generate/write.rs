//! Parquet files of the lake: the same rows give the same bytes.

use std::fs::{self, File};
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

use super::damage::{Flaw, Planted, schema_of, spoil};
use super::error::GenerateError;

/// Rows that are collected before they are handed to the Parquet writer.
const BATCH_ROWS: usize = 8_192;

const ROW_GROUP_ROWS: usize = 131_072;

/// What was written to one or more files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub rows: u64,
    pub bytes: u64,
    /// Points of load curves.
    pub readings: u64,
}

impl AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.readings += other.readings;
    }
}

/// Writer settings that all tables share.
pub fn properties() -> WriterPropertiesBuilder {
    // The version of the library stays out of the bytes.
    WriterProperties::builder().set_created_by("kwhy".to_owned())
}

/// The file name of a part.
pub fn part_name(part: u64) -> String {
    format!("part-{part:05}.parquet")
}

/// One Parquet file being written.
pub struct ParquetFile {
    path: PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl ParquetFile {
    /// Creates the file, and its folder where that is missing.
    pub fn create(
        folder: &Path,
        name: &str,
        schema: SchemaRef,
        properties: WriterProperties,
    ) -> Result<Self, GenerateError> {
        fs::create_dir_all(folder).map_err(GenerateError::io(folder))?;
        let path = folder.join(name);
        let file = File::create(&path).map_err(GenerateError::io(&path))?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(GenerateError::parquet(&path))?;
        Ok(Self { path, writer, rows: 0 })
    }

    /// Appends the rows of a batch.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), GenerateError> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(GenerateError::parquet(&self.path))
    }

    /// The file's path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the footer and closes the file.
    pub fn finish(self) -> Result<Written, GenerateError> {
        let Self { path, writer, rows } = self;
        writer.close().map_err(GenerateError::parquet(&path))?;
        let bytes = fs::metadata(&path).map_err(GenerateError::io(&path))?.len();
        Ok(Written { rows, bytes, readings: 0 })
    }
}

/// A row of a source table.
pub trait Row: Sized {
    /// The table's name, which is its folder's too.
    const TABLE: &'static str;

    /// The columns that name a row.
    const KEY: &'static [&'static str] = &[];

    /// What may be wrong with a row.
    const FLAWS: &'static [Flaw] = &[];

    /// Share of the rows in which something is.
    const FLAWED: f64 = 0.0;

    /// Share of the rows that come twice.
    const REPEATED: f64 = 0.0;

    /// The columns of the table's contract, in its order.
    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError>;
}

/// Collects rows of one table and writes them as one part.
pub struct Sink<R: Row> {
    file: ParquetFile,
    seed: u64,
    buffer: Vec<R>,
    planted: Vec<Planted>,
}

impl<R: Row> Sink<R> {
    /// Opens part `part` of the table.
    pub fn create(sources: &Path, seed: u64, part: u64) -> Result<Self, GenerateError> {
        Self::named(sources, seed, &part_name(part))
    }

    /// Opens a file of the table by its name.
    pub fn named(sources: &Path, seed: u64, name: &str) -> Result<Self, GenerateError> {
        let folder = sources.join(R::TABLE);
        let empty = R::batch(&[]).map_err(GenerateError::arrow(&folder))?;
        let properties = properties()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let schema = schema_of::<R>(&empty.schema());
        let file = ParquetFile::create(&folder, name, schema, properties)?;
        Ok(Self { file, seed, buffer: Vec::with_capacity(BATCH_ROWS), planted: Vec::new() })
    }

    /// Appends a row.
    pub fn push(&mut self, row: R) -> Result<(), GenerateError> {
        self.buffer.push(row);
        if self.buffer.len() >= BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// Appends rows.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = R>) -> Result<(), GenerateError> {
        rows.into_iter().try_for_each(|row| self.push(row))
    }

    fn flush(&mut self) -> Result<(), GenerateError> {
        let batch = R::batch(&self.buffer)
            .and_then(|batch| spoil::<R>(batch, self.seed, &mut self.planted))
            .map_err(GenerateError::arrow(self.file.path()))?;
        self.buffer.clear();
        self.file.write(&batch)
    }

    /// Writes what is left and closes the part; tells what was planted in it.
    pub fn finish(mut self, planted: &mut Vec<Planted>) -> Result<Written, GenerateError> {
        self.flush()?;
        planted.append(&mut self.planted);
        self.file.finish()
    }
}

/// A text column without nulls.
pub fn texts<T: AsRef<str>>(values: impl Iterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// A text column.
pub fn opt_texts<T: AsRef<str>>(values: impl Iterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// A column of whole numbers without nulls.
pub fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

/// A column of whole numbers.
pub fn opt_ints(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

/// A column of flags without nulls.
pub fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from(values.collect::<Vec<bool>>()))
}

/// A date column without nulls, of days since 1970-01-01.
pub fn dates(values: impl Iterator<Item = i32>) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(values))
}

/// A date column, of days since 1970-01-01.
pub fn opt_dates(values: impl Iterator<Item = Option<i32>>) -> ArrayRef {
    Arc::new(values.collect::<Date32Array>())
}

/// A timestamp column without zone, of microseconds since 1970-01-01.
pub fn opt_timestamps(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>())
}

/// A decimal column of unscaled values.
pub fn decimals(values: impl Iterator<Item = Option<i128>>, precision: u8, scale: i8) -> Result<ArrayRef, ArrowError> {
    let array = values.collect::<Decimal128Array>();
    Ok(Arc::new(array.with_precision_and_scale(precision, scale)?))
}
