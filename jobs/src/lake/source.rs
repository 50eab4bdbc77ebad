//! What lies in a lake: the files of each source, checked against the columns
//! that its contract reads, before anything is run.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::LakeError;
use super::table::store_path;
use crate::project::contract::{ColumnType, Contract, Format};
use crate::state::{FileKind, PinnedFile, Source};

/// Finds the files of a contract and reads their headers; `None` where there
/// are none.
pub fn find(lake: &Path, contract: &Arc<Contract>) -> Result<Option<Source>, LakeError> {
    let mut paths = Vec::new();
    for glob in &contract.files {
        collect(lake, glob, &mut paths)?;
    }
    paths.sort();
    paths.dedup();
    let Some(first) = paths.first().cloned() else { return Ok(None) };
    let mut files = Vec::with_capacity(paths.len());
    let mut known: Option<(SchemaRef, FileKind)> = None;
    for path in paths {
        let (schema, kind, rows) = read_header(&path, contract)?;
        check_columns(contract, &schema, &path)?;
        match &known {
            None => known = Some((schema, kind)),
            Some((first_schema, first_kind)) => {
                check_same(contract, (first_schema, *first_kind), (&schema, kind), &path, &first)?
            }
        }
        files.push(pin(lake, &path, contract, rows)?);
    }
    Ok(known.map(|(file_schema, kind)| Source { contract: Arc::clone(contract), kind, file_schema, files }))
}

fn collect(lake: &Path, glob: &str, paths: &mut Vec<PathBuf>) -> Result<(), LakeError> {
    let matcher = globset::GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .map_err(|error| LakeError::Glob { glob: glob.to_owned(), reason: error.to_string() })?
        .compile_matcher();
    let fixed: PathBuf = glob.split('/').take_while(|part| !part.contains(['*', '?', '[', '{'])).collect();
    let depth = if glob.contains("**") { usize::MAX } else { glob.split('/').count() };
    let mut pending = vec![lake.join(fixed)];
    while let Some(path) = pending.pop() {
        let kind = match path.symlink_metadata() {
            Ok(metadata) => metadata.file_type(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => return Err(LakeError::Io { path, source }),
        };
        // A link to a folder could go in a circle, or anywhere: it is not followed.
        if kind.is_symlink() && path.is_dir() {
            return Err(LakeError::LinkOutside { path });
        }
        if kind.is_dir() {
            if path.strip_prefix(lake).is_ok_and(|below| below.components().count() >= depth) {
                continue;
            }
            let entries = std::fs::read_dir(&path).map_err(|source| LakeError::Io { path: path.clone(), source })?;
            for entry in entries {
                let entry = entry.map_err(|source| LakeError::Io { path: path.clone(), source })?;
                if !entry.file_name().to_string_lossy().starts_with(['.', '_']) {
                    pending.push(entry.path());
                }
            }
        } else if path.strip_prefix(lake).is_ok_and(|relative| matcher.is_match(relative)) {
            let real = path.canonicalize().map_err(|source| LakeError::Io { path: path.clone(), source })?;
            if !real.starts_with(lake) {
                return Err(LakeError::LinkOutside { path });
            }
            paths.push(path);
        }
    }
    Ok(())
}

fn read_header(path: &Path, contract: &Contract) -> Result<(SchemaRef, FileKind, u64), LakeError> {
    match contract.format {
        Format::Parquet => {
            let unreadable = |reason: String| LakeError::Unreadable { path: path.to_owned(), reason };
            let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
            let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
                .map_err(|error| unreadable(error.to_string()))?;
            let rows = metadata.metadata().file_metadata().num_rows().max(0) as u64;
            Ok((plain(metadata.schema()), FileKind::Parquet, rows))
        }
        Format::Csv { delimiter } => {
            let gzip = path.extension().is_some_and(|extension| extension == "gz");
            let (columns, rows) = read_csv(path, delimiter, gzip)?;
            let fields = columns.into_iter().map(|name| Field::new(name, DataType::Utf8, true));
            Ok((Arc::new(Schema::new(fields.collect::<Vec<_>>())), FileKind::Csv { delimiter, gzip }, rows))
        }
    }
}

/// Dictionaries and views are details of a file, not types.
fn plain(schema: &Schema) -> SchemaRef {
    let kind = |found: &DataType| match found {
        DataType::Dictionary(_, value) => value.as_ref().clone(),
        DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    };
    Arc::new(Schema::new(
        schema.fields().iter().map(|field| Field::new(field.name(), kind(field.data_type()), true)).collect::<Vec<_>>(),
    ))
}

/// Header and number of lines after it.
fn read_csv(path: &Path, delimiter: u8, gzip: bool) -> Result<(Vec<String>, u64), LakeError> {
    let unreadable = |reason: String| LakeError::Unreadable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let reader: Box<dyn Read> = if gzip { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut lines = BufReader::with_capacity(1 << 20, reader);
    let mut header = Vec::new();
    lines.read_until(b'\n', &mut header).map_err(|error| unreadable(error.to_string()))?;
    if header.is_empty() {
        return Err(unreadable("no header line".to_owned()));
    }
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(header.as_slice());
    let record =
        reader.records().next().transpose().map_err(|error| unreadable(error.to_string()))?.unwrap_or_default();
    let columns = record.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    // Lines with something on them: what a reader that loses none gives back.
    let (mut rows, mut is_blank) = (0u64, true);
    loop {
        let chunk = lines.fill_buf().map_err(|error| unreadable(error.to_string()))?;
        if chunk.is_empty() {
            return Ok((columns, rows + u64::from(!is_blank)));
        }
        for byte in chunk {
            match byte {
                b'\n' => {
                    rows += u64::from(!is_blank);
                    is_blank = true;
                }
                b'\r' => {}
                _ => is_blank = false,
            }
        }
        let length = chunk.len();
        lines.consume(length);
    }
}

fn check_columns(contract: &Contract, schema: &Schema, path: &Path) -> Result<(), LakeError> {
    for column in contract.columns.iter().filter(|column| column.value.is_none()) {
        if contract.partition.contains(&column.from) {
            continue;
        }
        match schema.field_with_name(&column.from) {
            Ok(field) if fits(column.kind, field.data_type()) => {}
            Ok(field) => {
                return Err(LakeError::ColumnType {
                    path: path.to_owned(),
                    column: column.from.clone(),
                    found: field.data_type().to_string(),
                    wanted: column.kind.name(),
                    contract: contract.file.clone(),
                });
            }
            Err(_) if column.nullable => {}
            Err(_) => {
                let found = schema.fields().iter().map(|field| field.name().clone()).collect();
                return Err(LakeError::NoColumn {
                    path: path.to_owned(),
                    column: column.from.clone(),
                    found,
                    contract: contract.file.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Whether a column of this type can hold what the contract wants.
fn fits(kind: ColumnType, found: &DataType) -> bool {
    let is_list_of_numbers = |found: &DataType| match found {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_numeric()
        }
        _ => false,
    };
    match kind {
        ColumnType::Text => !found.is_nested(),
        ColumnType::Int | ColumnType::Decimal(..) => found.is_numeric() || found.is_string(),
        ColumnType::Date | ColumnType::Timestamp => {
            matches!(found, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) || found.is_string()
        }
        ColumnType::Bool => *found == DataType::Boolean || found.is_integer() || found.is_string(),
        ColumnType::Curve => is_list_of_numbers(found),
    }
}

fn check_same(
    contract: &Contract,
    first: (&SchemaRef, FileKind),
    this: (&SchemaRef, FileKind),
    path: &Path,
    first_path: &Path,
) -> Result<(), LakeError> {
    let differ = |what: String| LakeError::Differs { path: path.to_owned(), first: first_path.to_owned(), what };
    if first.1 != this.1 {
        return Err(differ("compression".to_owned()));
    }
    if matches!(contract.format, Format::Csv { .. }) && first.0 != this.0 {
        return Err(differ("header".to_owned()));
    }
    for column in &contract.columns {
        if let (Ok(a), Ok(b)) = (first.0.field_with_name(&column.from), this.0.field_with_name(&column.from))
            && a.data_type() != b.data_type()
        {
            return Err(differ(format!("type of `{}`: {} and {}", column.from, b.data_type(), a.data_type())));
        }
    }
    Ok(())
}

fn pin(lake: &Path, path: &Path, contract: &Contract, rows: u64) -> Result<PinnedFile, LakeError> {
    let metadata = path.metadata().map_err(|source| LakeError::Io { path: path.to_owned(), source })?;
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let folders: Vec<String> =
        path.strip_prefix(lake).unwrap_or(path).iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let mut partition = Vec::new();
    for name in &contract.partition {
        let value = folders.iter().find_map(|part| part.strip_prefix(&format!("{name}=")));
        let value = value.ok_or_else(|| LakeError::NoPartition { path: path.to_owned(), column: name.clone() })?;
        if contract.column(name).is_some_and(|column| column.kind == ColumnType::Date)
            && value.parse::<chrono::NaiveDate>().map(|date| date.to_string()).ok().as_deref() != Some(value)
        {
            return Err(LakeError::PartitionValue {
                path: path.to_owned(),
                column: name.clone(),
                value: value.to_owned(),
            });
        }
        partition.push(Some(value.to_owned()));
    }
    Ok(PinnedFile {
        path: store_path(path),
        bytes: metadata.len(),
        rows,
        modified_ms: modified.map_or(0, |age| age.as_millis() as i64),
        partition,
    })
}
