//! Rows of a question, written to a file.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::dataframe::DataFrame;
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use tempfile::NamedTempFile;

use super::absolute;
use crate::error::Error;

/// What a file is written as.
enum Format {
    Csv,
    Parquet,
}

/// Writes all rows, as they come, in the format that the file's name ends in. The
/// file is there when it is whole, and then replaces one that was there. Gives the
/// number of rows.
pub async fn export(frame: DataFrame, path: &Path) -> Result<u64, Error> {
    let format = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Format::Csv,
        Some("parquet") => Format::Parquet,
        _ => {
            return Err(Error::Usage {
                message: format!("{} is of no format that can be written", path.display()),
                hint: "a name that ends in .csv or .parquet".into(),
            });
        }
    };
    let path = absolute(path)?;
    let io = |source| Error::Io { path: path.clone(), source };
    // As any file of this user, who may show it to others.
    let shown = Permissions::from_mode(0o666);
    let file = tempfile::Builder::new().permissions(shown).tempfile_in(path.parent().unwrap_or(&path)).map_err(io)?;
    let failed = |error| Error::Query(Box::new(error));
    let mut rows = frame.execute_stream().await.map_err(failed)?;
    let mut writer = Writer::new(format, file, rows.schema()).map_err(io)?;
    let mut count = 0;
    while let Some(batch) = rows.try_next().await.map_err(failed)? {
        count += batch.num_rows() as u64;
        writer.write(&batch).map_err(io)?;
    }
    let file = writer.finish().map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(&path).map_err(|error| io(error.error))?;
    Ok(count)
}

enum Writer {
    Csv(Box<csv::Writer<NamedTempFile>>),
    Parquet(Box<ArrowWriter<NamedTempFile>>),
}

impl Writer {
    fn new(format: Format, file: NamedTempFile, schema: SchemaRef) -> std::io::Result<Self> {
        Ok(match format {
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(file);
                writer.write_record(schema.fields().iter().map(|field| field.name()))?;
                Self::Csv(Box::new(writer))
            }
            Format::Parquet => Self::Parquet(Box::new(ArrowWriter::try_new(file, schema, None)?)),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> std::io::Result<()> {
        let writer = match self {
            Self::Parquet(writer) => return Ok(writer.write(batch)?),
            Self::Csv(writer) => writer,
        };
        let options = FormatOptions::default();
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        let columns: Vec<_> = columns.collect::<Result<_, _>>().map_err(std::io::Error::other)?;
        let mut cell = String::new();
        for row in 0..batch.num_rows() {
            for column in &columns {
                cell.clear();
                column.value(row).write(&mut cell).map_err(std::io::Error::other)?;
                writer.write_field(&cell)?;
            }
            writer.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    fn finish(self) -> std::io::Result<NamedTempFile> {
        let mut file = match self {
            Self::Csv(writer) => writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?,
            Self::Parquet(writer) => writer.into_inner()?,
        };
        file.flush()?;
        Ok(file)
    }
}
