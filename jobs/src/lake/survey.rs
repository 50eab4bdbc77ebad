//! What lies in a folder that no contract describes yet: files of one shape
//! together, with a sample of their rows as text.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::LakeError;
use super::table::Table;
use crate::delimited::{self, DelimitedError, Dialect, Form};
use crate::project::guess::{Foreign, ForeignKind, Sample, SampleForm};

/// Rows that are looked at of each set of files.
const SAMPLE_ROWS: usize = 2_000;
/// Bytes by which the encoding and the delimiter are told.
const SAMPLE_BYTES: usize = 256 << 10;
/// Delimiters that occur, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What a folder holds.
pub struct Survey {
    pub samples: Vec<Sample>,
    pub unreadable: Vec<LakeError>,
    /// Files of other kinds, and links.
    pub skipped: Vec<PathBuf>,
}

/// Files of one shape and the tables of logs.
#[derive(Default)]
struct Found {
    groups: BTreeMap<String, Vec<PathBuf>>,
    tables: Vec<PathBuf>,
    skipped: Vec<PathBuf>,
}

/// Looks at all files below a folder.
pub async fn survey(folder: &Path) -> Result<Survey, LakeError> {
    let mut files = Found::default();
    walk(folder, folder, &mut files)?;
    let Found { groups, tables, skipped } = files;
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for table in tables {
        match sample_delta(folder, &table).await {
            Ok(dataset) => found.push(dataset),
            Err(error) => unreadable.push(error),
        }
    }
    for (files, paths) in groups {
        match sample_files(files, &paths) {
            Ok(dataset) => found.push(dataset),
            Err(error) => unreadable.push(error),
        }
    }
    Ok(Survey { samples: found, unreadable, skipped })
}

fn walk(root: &Path, folder: &Path, found: &mut Found) -> Result<(), LakeError> {
    if folder.join("_delta_log").is_dir() {
        found.tables.push(folder.to_owned());
        return Ok(());
    }
    // What a run made of the lake is no delivery.
    if folder.join("marts/releases/_delta_log").is_dir() {
        return Ok(());
    }
    let io = |source| LakeError::Io { path: folder.to_owned(), source };
    let mut entries = std::fs::read_dir(folder).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().map_err(io)?);
        if entry.file_name().to_string_lossy().starts_with(['.', '_']) {
            continue;
        }
        if kind.is_dir() {
            walk(root, &path, found)?;
            continue;
        }
        match path.strip_prefix(root) {
            Ok(relative) if form(&path).is_some() && !kind.is_symlink() => {
                found.groups.entry(pattern(relative)).or_default().push(path);
            }
            _ => found.skipped.push(path),
        }
    }
    Ok(())
}

/// How a file of data is read, by its name; `None` for what is none.
fn form(path: &Path) -> Option<SampleForm> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let inner = name.strip_suffix(".gz").unwrap_or(&name);
    match inner.rsplit('.').next()? {
        "parquet" if inner == name => Some(SampleForm::Parquet),
        "csv" | "txt" | "tsv" | "dat" | "zip" => Some(SampleForm::Csv(Dialect::default())),
        _ => None,
    }
}

/// `date=2026-01-01/BILL_20260101.csv` as `date=*/BILL_*.csv`: the next delivery
/// is found too.
fn pattern(relative: &Path) -> String {
    let parts: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let parts = parts.iter().map(|part| match part.split_once('=') {
        Some((name, _)) => format!("{name}=*"),
        None => {
            let mut out = String::new();
            for c in part.chars() {
                if matches!(c, '[' | ']' | '{' | '}' | '?' | '*') {
                    // As it is, for a pattern.
                    out.extend(['[', c, ']']);
                } else if !c.is_ascii_digit() {
                    out.push(c);
                } else if !out.ends_with('*') {
                    out.push('*');
                }
            }
            out
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

fn sample_files(files: String, paths: &[PathBuf]) -> Result<Sample, LakeError> {
    let first = paths.first().ok_or_else(|| LakeError::Glob { glob: files.clone(), reason: "no files".to_owned() })?;
    let hive = files.split('/').filter_map(|part| part.split_once('=')).map(|(name, _)| name.to_owned());
    let partition: Vec<String> = hive.collect();
    let mut doubts = Vec::new();
    let (form, columns) = match form(first) {
        Some(SampleForm::Parquet) => (SampleForm::Parquet, sample_parquet(first)?),
        _ => {
            let (dialect, columns) = sample_text(first, &mut doubts)?;
            (SampleForm::Csv(dialect), columns)
        }
    };
    let values = |name: &String| {
        let value = first.iter().find_map(|part| part.to_str()?.strip_prefix(&format!("{name}=")).map(str::to_owned));
        Foreign::new(name.clone(), ForeignKind::Text, value.into_iter().collect(), 0)
    };
    let columns = columns.into_iter().chain(partition.iter().map(values)).collect();
    Ok(Sample { files, count: paths.len(), form, partition, columns, doubts })
}

async fn sample_delta(root: &Path, folder: &Path) -> Result<Sample, LakeError> {
    let refuse = |reason: &str| LakeError::Unreadable { path: folder.to_owned(), reason: reason.to_owned() };
    let files = folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().into_owned();
    let snapshot = Table::new(&files, folder.to_owned()).delivered().await?.ok_or_else(|| refuse("no _delta_log"))?;
    let first = snapshot.files.first().ok_or_else(|| refuse("the table has no files"))?;
    let mut columns = sample_parquet(&first.local_path())?;
    for (field, value) in snapshot.partition.iter().zip(&first.partition) {
        let values = value.iter().cloned().collect();
        columns.push(Foreign::new(field.name().clone(), ForeignKind::Text, values, 0));
    }
    let (count, form) = (snapshot.files.len(), SampleForm::Delta);
    Ok(Sample { files, count, form, partition: Vec::new(), columns, doubts: Vec::new() })
}

fn sample_parquet(path: &Path) -> Result<Vec<Foreign>, LakeError> {
    let unreadable = |reason: String| LakeError::Unreadable { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let read = || -> Result<(Vec<RecordBatch>, Schema), parquet::errors::ParquetError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let schema = reader.schema().as_ref().clone();
        let reader = reader.with_limit(SAMPLE_ROWS).with_batch_size(SAMPLE_ROWS).build()?;
        Ok((reader.collect::<Result<_, _>>()?, schema))
    };
    let (batches, schema) = read().map_err(|error| unreadable(error.to_string()))?;
    let options = FormatOptions::default();
    let mut columns = Vec::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let (mut values, mut nulls) = (Vec::new(), 0);
        for batch in &batches {
            let column = batch.column(index);
            let shown = ArrayFormatter::try_new(column, &options).map_err(|error| unreadable(error.to_string()))?;
            for row in 0..batch.num_rows() {
                match column.is_null(row) {
                    true => nulls += 1,
                    false => values.push(shown.value(row).to_string()),
                }
            }
        }
        columns.push(Foreign::new(field.name().clone(), kind(field.data_type()), values, nulls));
    }
    Ok(columns)
}

fn kind(found: &DataType) -> ForeignKind {
    match found {
        DataType::Dictionary(_, value) => kind(value),
        DataType::Date32 | DataType::Date64 => ForeignKind::Date,
        DataType::Timestamp(..) => ForeignKind::Timestamp,
        DataType::Boolean => ForeignKind::Bool,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            if item.data_type().is_numeric() =>
        {
            ForeignKind::List
        }
        _ if found.is_numeric() => ForeignKind::Number,
        _ if found.is_string() => ForeignKind::Text,
        _ => ForeignKind::Other,
    }
}

fn sample_text(path: &Path, doubts: &mut Vec<String>) -> Result<(Dialect, Vec<Foreign>), LakeError> {
    let member = match Form::of(path) {
        Form::Zip => match delimited::members(path)?.into_iter().next() {
            Some((name, _)) => Some(name),
            None => {
                let reason = "the archive is empty".to_owned();
                return Err(LakeError::Unreadable { path: path.to_owned(), reason });
            }
        },
        _ => None,
    };
    let member = member.as_deref();
    let head = delimited::head(path, member, SAMPLE_BYTES)?;
    let encoding = encoding(&head, doubts);
    let mut dialect = Dialect { encoding, ..Dialect::default() };
    let mut best = 0;
    for delimiter in DELIMITERS {
        let tried = Dialect { delimiter, ..dialect.clone() };
        // Rows that agree with the first one, by how much they are cut.
        let rows = rows(path, member, &tried, 50)?;
        let width = rows.first().map_or(0, Vec::len);
        let agreeing = rows.iter().filter(|row| row.len() == width).count();
        let score = (width - width.min(1)) * agreeing;
        if score > best {
            (best, dialect.delimiter) = (score, delimiter);
        }
    }
    let mut rows = rows(path, member, &dialect, SAMPLE_ROWS)?;
    let first = rows.first().cloned().unwrap_or_default();
    let is_data = |field: &String| field.trim().parse::<f64>().is_ok();
    let names = if first.iter().any(is_data) {
        doubts.push("the first line looks like data: the columns have no names of their own".to_owned());
        let names: Vec<String> = (1..=first.len()).map(|number| format!("c{number}")).collect();
        dialect.header = Some(names.clone());
        names
    } else {
        rows.remove(0)
    };
    let columns = names.into_iter().enumerate().map(|(at, name)| {
        let fields = rows.iter().filter_map(|row| row.get(at)).map(|field| field.trim().to_owned());
        let (values, blank): (Vec<String>, Vec<String>) = fields.partition(|field| !field.is_empty());
        Foreign::new(name, ForeignKind::Text, values, blank.len())
    });
    Ok((dialect, columns.collect()))
}

/// Records of a text as they are cut, the header among them.
fn rows(path: &Path, member: Option<&str>, dialect: &Dialect, most: usize) -> Result<Vec<Vec<String>>, DelimitedError> {
    delimited::read(path, member, dialect, |records| {
        let mut rows = vec![records.header().to_vec()];
        while let Some(record) = records.next()? {
            rows.push(record.fields().map(std::borrow::Cow::into_owned).collect());
            if rows.len() == most {
                break;
            }
        }
        Ok(rows)
    })
}

fn encoding(head: &[u8], doubts: &mut Vec<String>) -> String {
    match head {
        [0xff, 0xfe, ..] => return "utf-16le".to_owned(),
        [0xfe, 0xff, ..] => return "utf-16be".to_owned(),
        _ => {}
    }
    // A character that the sample cuts off is none to wonder at.
    let is_utf8 = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    if is_utf8 {
        return Dialect::default().encoding;
    }
    let mut text = String::with_capacity(head.len() * 2);
    let decoder = &mut encoding_rs::GB18030.new_decoder();
    let (result, _) = decoder.decode_to_string_without_replacement(head, &mut text, false);
    // Chinese characters are pairs of high bytes; an accent stands alone.
    let lone = head.windows(3).filter(|w| w[0] < 0x80 && w[1] >= 0x80 && w[2] < 0x80).count();
    let pairs = head.windows(2).filter(|w| w[0] >= 0x80 && w[1] >= 0x80).count();
    let is_chinese = result == encoding_rs::DecoderResult::InputEmpty && pairs > lone;
    let encoding = if is_chinese { "gb18030" } else { "windows-1252" };
    doubts.push(format!("the text is not UTF-8; it reads as {encoding}"));
    encoding.to_owned()
}
