//! Rows of a question, written to a file.

use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use datafusion::dataframe::{DataFrame, DataFrameWriteOptions};

use super::absolute;
use crate::error::Error;

/// Writes all rows, as they come, to one file in the format that its name ends in;
/// one that is there is replaced. Gives their number.
pub async fn export(frame: DataFrame, path: &Path) -> Result<u64, Error> {
    let options = DataFrameWriteOptions::new().with_single_file_output(true);
    let absolute = absolute(path)?;
    if let Some(folder) = absolute.parent().filter(|folder| !folder.is_dir()) {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(Error::Io { path: folder.to_owned(), source: missing });
    }
    let text = absolute.display().to_string();
    let written = match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => frame.write_csv(&text, options, None).await,
        Some("parquet") => frame.write_parquet(&text, options, None).await,
        _ => {
            return Err(Error::Usage {
                message: format!("{} is of no format that can be written", path.display()),
                hint: "a name that ends in .csv or .parquet".into(),
            });
        }
    };
    let counts = written.map_err(|error| Error::Query(Box::new(error)))?;
    Ok(counts.iter().map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().iter().sum::<u64>()).sum())
}
