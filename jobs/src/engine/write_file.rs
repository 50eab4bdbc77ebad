//! One Parquet data file of a Delta table: its name, its encodings, its
//! statistics, and that it is on disk when it is reported.

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::ObjectStoreUrl;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::state::{WrittenFile, stored_schema};

const ROW_GROUP_ROWS: usize = 262_144;

/// A data file being written.
pub struct DataFile {
    path: String,
    partition: Vec<(String, Option<String>)>,
    schema: SchemaRef,
    writer: AsyncArrowWriter<BufWriter>,
    rows: u64,
    bounds: Vec<Bound>,
}

/// Least and greatest value of a column seen so far, as Delta writes them.
struct Bound {
    column: usize,
    name: String,
    range: Option<(String, String)>,
}

impl DataFile {
    /// Opens `<folder>/<partition>/u-<unit>-<uuid>.parquet`. The unit's
    /// fingerprint in the name is how a later run knows what a file came from.
    pub fn create(
        context: &TaskContext,
        folder: &str,
        unit: &str,
        partition: &[(String, Option<String>)],
        schema: SchemaRef,
        key: &[String],
    ) -> Result<Self> {
        let schema = stored_schema(&schema);
        let mut path = folder.trim_matches('/').to_owned();
        for (name, value) in partition {
            path.push_str(&format!("/{name}={}", value.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__")));
        }
        path.push_str(&format!("/u-{unit}-{}.parquet", uuid::Uuid::new_v4()));
        let store = context.runtime_env().object_store(ObjectStoreUrl::local_filesystem())?;
        let location = Path::parse(&path).map_err(|error| exec_datafusion_err!("{path}: {error}"))?;
        // The table's log has the schema: said again in every file, it would be a
        // fourth of the time in which a wide table is asked a question.
        let options =
            ArrowWriterOptions::new().with_properties(properties(&schema, key)).with_skip_arrow_metadata(true);
        let writer =
            AsyncArrowWriter::try_new_with_options(BufWriter::new(store, location), Arc::clone(&schema), options)?;
        let bounds = key
            .iter()
            .filter_map(|name| {
                let column = schema.index_of(name).ok()?;
                matches!(schema.field(column).data_type(), DataType::Utf8 | DataType::Date32).then(|| Bound {
                    column,
                    name: name.clone(),
                    range: None,
                })
            })
            .collect();
        Ok(Self { path, partition: partition.to_vec(), schema, writer, rows: 0, bounds })
    }

    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for bound in &mut self.bounds {
            bound.widen(batch.column(bound.column));
        }
        let columns = batch.columns().iter().zip(self.schema.fields()).map(|(column, field)| as_field(column, field));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_>>()?)?;
        Ok(self.writer.write(&batch).await?)
    }

    /// Closes the file. It is on disk only after [`sync`].
    pub async fn finish(self) -> Result<WrittenFile> {
        let mut writer = self.writer;
        writer.finish().await?;
        let bytes = writer.bytes_written() as u64;
        Ok(WrittenFile {
            stats: stats(self.rows, &self.bounds),
            path: self.path,
            bytes,
            rows: self.rows,
            partition: self.partition,
        })
    }
}

impl Bound {
    fn widen(&mut self, column: &ArrayRef) {
        let (least, greatest) = match column.data_type() {
            DataType::Utf8 => {
                let values = column.as_string::<i32>();
                (
                    arrow::compute::min_string(values).map(str::to_owned),
                    arrow::compute::max_string(values).map(str::to_owned),
                )
            }
            DataType::Date32 => {
                let values = column.as_primitive::<Date32Type>();
                let text = |day: i32| Date32Type::to_naive_date_opt(day).map(|date| date.to_string());
                (arrow::compute::min(values).and_then(text), arrow::compute::max(values).and_then(text))
            }
            _ => return,
        };
        let (Some(least), Some(greatest)) = (least, greatest) else { return };
        self.range = Some(match self.range.take() {
            Some((low, high)) => (low.min(least), high.max(greatest)),
            None => (least, greatest),
        });
    }
}

fn stats(rows: u64, bounds: &[Bound]) -> String {
    let side = |pick: fn(&(String, String)) -> &String| {
        let pairs = bounds.iter().filter_map(|bound| {
            bound.range.as_ref().map(|range| (bound.name.clone(), serde_json::Value::String(pick(range).clone())))
        });
        serde_json::Value::Object(pairs.collect())
    };
    serde_json::json!({ "numRecords": rows, "minValues": side(|range| &range.0), "maxValues": side(|range| &range.1) })
        .to_string()
}

/// The same list under another element name, without copying.
fn as_field(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    match (column.data_type(), field.data_type()) {
        (found, wanted) if found == wanted => Ok(Arc::clone(column)),
        (DataType::List(_), DataType::List(inner)) => {
            let (_, offsets, values, nulls) = column.as_list::<i32>().clone().into_parts();
            Ok(Arc::new(arrow::array::ListArray::try_new(Arc::clone(inner), offsets, values, nulls)?))
        }
        (found, wanted) => Err(exec_datafusion_err!("column `{}` is {found}, not {wanted}", field.name())),
    }
}

/// Whole numbers are delta-packed and nothing is compressed: measured on load
/// curves, smaller than floats with zstd and faster to scan. Texts of the key,
/// by which rows are sorted, share their beginnings with the row before.
/// Statistics serve to skip row groups, and who skips does so by key.
fn properties(schema: &Schema, key: &[String]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_created_by("kwhy".to_owned())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::None);
    for name in key {
        properties =
            properties.set_column_statistics_enabled(ColumnPath::from(name.as_str()), EnabledStatistics::Chunk);
    }
    for field in schema.fields() {
        if field.data_type() == &DataType::Utf8 && key.contains(field.name()) {
            let path = ColumnPath::from(field.name().as_str());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BYTE_ARRAY);
        }
        let (column, list) = match field.data_type() {
            DataType::List(inner) => (inner.data_type(), true),
            other => (other, false),
        };
        let packs = column.is_integer()
            || *column == DataType::Date32
            || matches!(column, DataType::Decimal128(precision, _) if *precision <= 18);
        if packs {
            let mut path = vec![field.name().clone()];
            if list {
                path.extend(["list".to_owned(), "element".to_owned()]);
            }
            let path = ColumnPath::new(path);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties.build()
}

/// On local disk the data must not be lost once a commit names it: files, and
/// every folder down to them, are synced. Waiting for the disk holds up no
/// other unit.
pub async fn sync(files: &[WrittenFile]) -> Result<()> {
    let files: Vec<PathBuf> = files.iter().map(|file| PathBuf::from(format!("/{}", file.path))).collect();
    let work = move || {
        // Two folders of partitions at most, the table's, and the one it is in.
        let folders: BTreeSet<&FilePath> = files.iter().flat_map(|file| file.ancestors().skip(1).take(4)).collect();
        files.iter().map(PathBuf::as_path).chain(folders).try_for_each(|path| std::fs::File::open(path)?.sync_all())
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| DataFusionError::External(Box::new(error)))?.map_err(DataFusionError::IoError)
}
