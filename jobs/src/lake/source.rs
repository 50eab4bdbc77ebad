//! What lies in a lake: the files of each source, checked against the columns
//! that its contract reads, before anything is run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use regex::Regex;

use super::LakeError;
use super::table::{Table, store_path};
use crate::delimited::{self, DelimitedError, Form};
use crate::project::contract::{Column, ColumnType, Contract, Format};
use crate::state::{FileKind, PinnedFile, Source};

/// What a row of delimited text takes on average, and a gzipped byte unpacked:
/// units are cut by this, results do not depend on it.
const BYTES_PER_ROW: u64 = 40;
const GZIP_FACTOR: u64 = 6;

/// Finds the files of a contract and reads their headers; `None` where there
/// are none.
pub async fn find(lake: &Path, contract: &Arc<Contract>) -> Result<Option<Source>, LakeError> {
    let (pinned, partition) = match contract.format {
        Format::Delta => match delta(lake, contract).await? {
            Some(found) => found,
            None => return Ok(None),
        },
        _ => (globbed(lake, contract)?, partition(contract)),
    };
    let mut files = Vec::with_capacity(pinned.len());
    let mut known: Option<(PathBuf, SchemaRef)> = None;
    for file in pinned {
        let path = PathBuf::from(file.shown());
        let (schema, rows) = read_header(&file, contract)?;
        check_columns(contract, &schema, &partition, &path)?;
        match &mut known {
            None => known = Some((path, schema)),
            Some((first_path, first)) => *first = merge(contract, first_path, first, &path, &schema)?,
        }
        files.push(PinnedFile { rows, ..file });
    }
    let kind = match &contract.format {
        Format::Csv { dialect, .. } => FileKind::Delimited(dialect.clone()),
        Format::Parquet | Format::Delta => FileKind::Parquet,
    };
    // A table of a log may have no files; its columns are those of the contract.
    let is_there = known.is_some() || contract.format == Format::Delta;
    let file_schema = known.map_or_else(|| Arc::new(Schema::empty()), |(_, schema)| schema);
    let source = Source { contract: Arc::clone(contract), kind, file_schema, partition, files };
    Ok(is_there.then_some(source))
}

fn globbed(lake: &Path, contract: &Contract) -> Result<Vec<PinnedFile>, LakeError> {
    let mut paths = Vec::new();
    for glob in &contract.files {
        let found = paths.len();
        collect(lake, glob, &mut paths)?;
        // Who names a file expects it; who expects nothing writes a glob.
        if paths.len() == found && !Contract::is_glob(glob) {
            return Err(LakeError::NoFile { path: lake.join(glob), contract: contract.file.clone() });
        }
    }
    paths.sort();
    paths.dedup();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.extend(pin(lake, &path, contract)?);
    }
    Ok(files)
}

type Found = (Vec<PinnedFile>, Vec<(String, ColumnType)>);

/// The files of the last version of a Delta table of the lake.
async fn delta(lake: &Path, contract: &Contract) -> Result<Option<Found>, LakeError> {
    let Some(folder) = contract.files.first().map(|folder| lake.join(folder)) else { return Ok(None) };
    match folder.canonicalize() {
        Ok(real) if !real.starts_with(lake) => return Err(LakeError::LinkOutside { path: folder }),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LakeError::NoFile { path: folder, contract: contract.file.clone() });
        }
        Err(source) => return Err(LakeError::Io { path: folder, source }),
    }
    let Some(snapshot) = Table::new(&contract.table, folder.clone()).delivered().await? else {
        return Err(LakeError::Unreadable { path: folder, reason: "it has no _delta_log".to_owned() });
    };
    for file in &snapshot.files {
        let path = file.local_path();
        if path.canonicalize().is_ok_and(|real| !real.starts_with(lake)) {
            return Err(LakeError::LinkOutside { path });
        }
    }
    let names = snapshot.partition.iter().map(|field| field.name());
    Ok(Some((snapshot.files, names.map(|name| (name.clone(), partition_type(contract, name))).collect())))
}

/// Columns whose values stand in paths: hive partitions, and what a regular
/// expression finds.
fn partition(contract: &Contract) -> Vec<(String, ColumnType)> {
    let hive = contract.partition.iter().map(|name| (name.clone(), partition_type(contract, name)));
    hive.chain(found_in_paths(contract).map(|(name, _)| (name.clone(), ColumnType::Text))).collect()
}

fn found_in_paths(contract: &Contract) -> impl Iterator<Item = (&String, &Regex)> {
    contract.columns.iter().filter_map(|column| Some((column.from.first()?, column.from_path.as_ref()?)))
}

/// What the path below the lake says of a file.
fn in_path(contract: &Contract, path: &Path, below: &str) -> Result<Vec<Option<String>>, LakeError> {
    let values = found_in_paths(contract).map(|(name, pattern)| {
        let found = pattern.captures(below).and_then(|groups| groups.get(1));
        found.map(|value| Some(value.as_str().trim().to_owned())).ok_or_else(|| LakeError::NotInPath {
            path: path.to_owned(),
            column: name.trim_start_matches("<path> ").to_owned(),
            pattern: pattern.to_string(),
        })
    });
    values.collect()
}

/// Values of paths and logs are text: the contract says what they become.
fn partition_type(contract: &Contract, name: &str) -> ColumnType {
    let column = contract.columns.iter().find(|column| column.from == [name] || column.name == name);
    column.map_or(ColumnType::Text, |column| column.kind)
}

/// No file may belong to two tables: its rows would count twice.
pub fn check_apart<'a>(sources: impl Iterator<Item = &'a Source>) -> Result<(), LakeError> {
    let mut owners: BTreeMap<PathBuf, &Contract> = BTreeMap::new();
    for source in sources {
        for file in &source.files {
            // A link is the file that it leads to.
            let real = file.local_path().canonicalize().unwrap_or_else(|_| file.local_path());
            match owners.insert(real, &source.contract) {
                Some(other) if other.table != source.contract.table => {
                    return Err(LakeError::TwoContracts {
                        file: format!("/{}", file.path),
                        first: other.table.clone(),
                        second: source.contract.table.clone(),
                        contract: source.contract.file.clone(),
                    });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn collect(lake: &Path, glob: &str, paths: &mut Vec<PathBuf>) -> Result<(), LakeError> {
    let matcher = globset::GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .map_err(|error| LakeError::Glob { glob: glob.to_owned(), reason: error.to_string() })?
        .compile_matcher();
    let fixed: PathBuf = glob.split('/').take_while(|part| !Contract::is_glob(part)).collect();
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
            if !path.is_file() {
                let reason = "not a file that can be read to its end".to_owned();
                return Err(LakeError::Unreadable { path, reason });
            }
            let real = path.canonicalize().map_err(|source| LakeError::Io { path: path.clone(), source })?;
            if !real.starts_with(lake) {
                return Err(LakeError::LinkOutside { path });
            }
            paths.push(path);
        }
    }
    Ok(())
}

/// Columns of a file, and its rows: by its footer, or about so many.
fn read_header(file: &PinnedFile, contract: &Contract) -> Result<(SchemaRef, u64), LakeError> {
    let path = file.local_path();
    match &contract.format {
        Format::Csv { dialect, .. } => {
            let header = |records: &mut delimited::Records<'_>| Ok::<_, DelimitedError>(records.header().to_vec());
            let columns = delimited::read(&path, file.member.as_deref(), dialect, header)?;
            check_once(contract, &path, columns.iter().map(String::as_str))?;
            let packed = if Form::of(&path) == Form::Gzip { GZIP_FACTOR } else { 1 };
            let fields = columns.into_iter().map(|name| Field::new(name, DataType::Utf8, true));
            Ok((Arc::new(Schema::new(fields.collect::<Vec<_>>())), file.bytes * packed / BYTES_PER_ROW))
        }
        Format::Parquet | Format::Delta => {
            let unreadable = |reason: String| LakeError::Unreadable { path: path.clone(), reason };
            let open = File::open(&path).map_err(|error| unreadable(error.to_string()))?;
            let metadata = ArrowReaderMetadata::load(&open, ArrowReaderOptions::new())
                .map_err(|error| unreadable(error.to_string()))?;
            check_once(contract, &path, metadata.schema().fields().iter().map(|field| field.name().as_str()))?;
            let rows = metadata.metadata().file_metadata().num_rows().max(0) as u64;
            Ok((plain(metadata.schema()), rows))
        }
    }
}

/// A column that is read must not stand in a file twice.
fn check_once<'a>(contract: &Contract, path: &Path, columns: impl Iterator<Item = &'a str>) -> Result<(), LakeError> {
    let read: BTreeSet<&str> = contract.foreign_columns().into_iter().collect();
    let mut seen = BTreeSet::new();
    for name in columns.filter(|name| read.contains(name)) {
        if !seen.insert(name) {
            return Err(LakeError::ColumnTwice { path: path.to_owned(), column: name.to_owned() });
        }
    }
    Ok(())
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

fn check_columns(
    contract: &Contract,
    schema: &Schema,
    partition: &[(String, ColumnType)],
    path: &Path,
) -> Result<(), LakeError> {
    let mut missing = Vec::new();
    for column in contract.columns.iter().filter(|column| column.value.is_none()) {
        // A column for each point: numbers make the curve that a list would be.
        let is_point = column.from.len() > 1;
        for name in &column.from {
            if partition.iter().any(|(partition, _)| partition == name) {
                continue;
            }
            match schema.field_with_name(name) {
                Ok(field) if is_point && (field.data_type().is_numeric() || field.data_type().is_string()) => {}
                Ok(field) if !is_point && fits(column, field.data_type()) => {}
                Ok(field) => {
                    return Err(LakeError::ColumnType {
                        path: path.to_owned(),
                        column: name.clone(),
                        found: field.data_type().to_string(),
                        wanted: if is_point { "a point of a curve".to_owned() } else { column.kind.name() },
                        contract: contract.file.clone(),
                    });
                }
                Err(_) if column.nullable && !is_point => {}
                Err(_) => missing.push(name.clone()),
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(LakeError::NoColumns {
        path: path.to_owned(),
        columns: missing,
        found: schema.fields().iter().map(|field| field.name().clone()).collect(),
        contract: contract.file.clone(),
    })
}

/// Whether a column of this type can hold what the contract wants.
fn fits(column: &Column, found: &DataType) -> bool {
    let is_list_of_numbers = |found: &DataType| match found {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().is_numeric()
        }
        _ => false,
    };
    match column.kind {
        ColumnType::Text => !found.is_nested(),
        ColumnType::Int | ColumnType::Decimal(..) => found.is_numeric() || found.is_string(),
        ColumnType::Date | ColumnType::Timestamp => {
            // 20260131 is a date where the contract says how it is written.
            matches!(found, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
                || found.is_string()
                || (found.is_integer() && column.format.is_some())
        }
        ColumnType::Bool => *found == DataType::Boolean || found.is_integer() || found.is_string(),
        ColumnType::Curve => is_list_of_numbers(found),
    }
}

/// The columns of all files together; an error where a column that is read has
/// two types.
fn merge(
    contract: &Contract,
    first_path: &Path,
    first: &SchemaRef,
    path: &Path,
    schema: &SchemaRef,
) -> Result<SchemaRef, LakeError> {
    for name in contract.foreign_columns() {
        if let (Ok(a), Ok(b)) = (first.field_with_name(name), schema.field_with_name(name))
            && a.data_type() != b.data_type()
        {
            return Err(LakeError::Differs {
                path: path.to_owned(),
                first: first_path.to_owned(),
                what: format!("type of `{name}`: {} and {}", b.data_type(), a.data_type()),
            });
        }
    }
    let is_new = |field: &&FieldRef| first.field_with_name(field.name()).is_err();
    let more: Vec<FieldRef> = schema.fields().iter().filter(is_new).cloned().collect();
    if more.is_empty() {
        return Ok(Arc::clone(first));
    }
    Ok(Arc::new(Schema::new(first.fields().iter().cloned().chain(more).collect::<Vec<_>>())))
}

/// The files at a path: itself, or the members of an archive.
fn pin(lake: &Path, path: &Path, contract: &Contract) -> Result<Vec<PinnedFile>, LakeError> {
    let metadata = path.metadata().map_err(|source| LakeError::Io { path: path.to_owned(), source })?;
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let folders: Vec<String> =
        path.strip_prefix(lake).unwrap_or(path).iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let below = folders.join("/");
    let mut partition = Vec::new();
    for name in &contract.partition {
        let value = folders.iter().find_map(|part| part.strip_prefix(&format!("{name}=")));
        // As texts of the rows are: else a key would lie in two places.
        let value = value.map(|value| if matches!(contract.format, Format::Csv { .. }) { value.trim() } else { value });
        let value = value.ok_or_else(|| LakeError::NoPartition { path: path.to_owned(), column: name.clone() })?;
        if value == "__HIVE_DEFAULT_PARTITION__" {
            partition.push(None);
            continue;
        }
        if partition_type(contract, name) == ColumnType::Date
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
    let file = PinnedFile {
        path: store_path(path),
        member: None,
        bytes: metadata.len(),
        rows: 0,
        modified_ms: modified.map_or(0, |age| age.as_millis() as i64),
        partition,
    };
    if matches!(contract.format, Format::Csv { .. }) && Form::of(path) == Form::Zip {
        let members = delimited::members(path)?;
        if members.is_empty() {
            return Err(LakeError::Unreadable { path: path.to_owned(), reason: "the archive is empty".to_owned() });
        }
        let member = |(name, bytes): (String, u64)| {
            let mut file = PinnedFile { bytes, ..file.clone() };
            file.partition.extend(in_path(contract, path, &format!("{below}/{name}"))?);
            file.member = Some(name);
            Ok(file)
        };
        return members.into_iter().map(member).collect();
    }
    let mut file = file;
    file.partition.extend(in_path(contract, path, &below)?);
    Ok(vec![file])
}
