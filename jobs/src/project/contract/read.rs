//! Reading a contract, and every mistake in it.

mod columns;

use std::collections::BTreeSet;

use toml::Spanned;

use self::columns::{read_columns, restated};
use super::{Breach, Column, Contract, Format, INTERVAL_MINUTES, IS_RESTATED, VERSION};
use crate::delimited::Dialect;
use crate::project::document::Section;

const ACCOUNT_ID: &str = "account_id";
/// Tables of load, which may come by meter.
const BY_METER: [&str; 3] = ["load_curve", "load_reading", "load_register"];

/// The folder beside the tables of a made lake.
const TRUTH: &str = "_truth";

/// The contract in a file's root section.
pub fn contract(table: &str, file: &str, root: &Section<'_>) -> Option<Contract> {
    let label = root.required_text("label");
    let files = root.required_texts("files").unwrap_or_default();
    for glob in &files {
        check_glob(root, glob);
    }
    let format = read_format(root);
    if format == Format::Delta && (files.len() > 1 || files.iter().any(|folder| Contract::is_glob(folder.get_ref()))) {
        root.mistake_with_hint(
            root.span(),
            "`files` of a Delta table names its folder",
            "files = [\"sources/bills\"], the folder with _delta_log",
        );
    }
    let mut columns: Vec<Column> = read_columns(root);
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    if has(IS_RESTATED) {
        root.mistake(
            root.span(),
            format!("`{IS_RESTATED}` is a column of kwhy's own, of every table with a `{VERSION}`"),
        );
    } else if has(VERSION) {
        columns.push(restated());
    }
    let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    if columns.iter().any(|column| column.marks_end) && !names.contains(INTERVAL_MINUTES) {
        root.mistake_with_hint(
            root.span(),
            "a stamp that marks the end of its interval needs the length of that",
            "a column `interval_minutes`, with a `value` where the files do not have it",
        );
    }
    let key = root.required_texts("key").unwrap_or_default();
    if key.is_empty() {
        root.mistake(root.span(), "`key` names no column");
    }
    let partition = root.texts("partition").unwrap_or_default();
    let references = ["time", "valid_from", "valid_to", "bucket_by"].map(|name| root.text(name));
    // A partition may be called by the name that the paths have for it.
    let froms: BTreeSet<&str> = columns.iter().filter_map(|column| column.from.first()).map(String::as_str).collect();
    for name in key.iter().chain(&partition).chain(references.iter().flatten()) {
        let is_partition = partition.iter().any(|partition| partition.span() == name.span());
        let text = name.get_ref().as_str();
        if !(names.contains(text) || is_partition && froms.contains(text)) {
            root.mistake_with_hint(
                name.span(),
                format!("no column is called `{}`", name.get_ref()),
                "columns are the [[column]] blocks of this file",
            );
        }
    }
    let [time, valid_from, valid_to, bucket_by] = references.map(|name| name.map(Spanned::into_inner));
    // Rows of one account lie together, where they belong to one.
    let account = || columns.iter().find(|column| column.name == ACCOUNT_ID).map(|column| column.name.clone());
    let bucket_by = bucket_by.or_else(account);
    if !BY_METER.contains(&table)
        && let Some(place) = columns.iter().find(|column| column.through_meters)
    {
        root.mistake_with_hint(
            root.span(),
            format!("`{}` of this table cannot come through meters", place.name),
            format!("load can: {}", BY_METER.join(", ")),
        );
    }
    if format == Format::Delta && columns.iter().any(|column| column.from_path.is_some()) {
        root.mistake(root.span(), "files of a Delta table have names of their own: `from_path` finds nothing in them");
    }
    let has_snapshots = root.flag("snapshots").unwrap_or(false);
    let is_dated = valid_from.as_ref().is_some_and(|from| key.iter().any(|name| name.get_ref() == from));
    if has_snapshots && (!is_dated || valid_to.is_none()) {
        root.mistake_with_hint(
            root.span(),
            "`snapshots` become states: `valid_from` names the column of the snapshot's day, which is in the key, and `valid_to` another one",
            "valid_from = \"valid_from\", valid_to = \"valid_to\" and key = [\"account_id\", \"valid_from\"] at the head, and a nullable column valid_to that the files do not have",
        );
    }
    if has_snapshots && columns.iter().any(|column| column.name == VERSION) {
        root.mistake(root.span(), "snapshots have no `version`: of two of one day the greater rows stand");
    }
    let mut contract = Contract {
        table: table.to_owned(),
        file: file.to_owned(),
        label: label?.into_inner(),
        label_zh: root.text("label_zh").map(Spanned::into_inner),
        also: read_also(root),
        required: root.flag("required").unwrap_or(false),
        may_be_empty: root.flag("may_be_empty").unwrap_or(false),
        files: files.into_iter().map(Spanned::into_inner).collect(),
        format,
        partition: partition.into_iter().map(Spanned::into_inner).collect(),
        key: key.into_iter().map(Spanned::into_inner).collect(),
        bucket_by,
        time,
        valid_from,
        valid_to,
        shows_history: root.flag("history").unwrap_or(false),
        has_snapshots,
        on_breach: read_breach(root).unwrap_or(Breach::Quarantine),
        columns,
    };
    contract.complete_key();
    Some(contract)
}

fn check_glob(root: &Section<'_>, glob: &Spanned<String>) {
    let text = glob.get_ref();
    if text.split('/').any(|part| part == "." || part.is_empty()) && !text.starts_with('/') {
        root.mistake_with_hint(glob.span(), format!("`{text}` finds nothing"), "write it without ./ and //");
    }
    if text.starts_with('/') || text.split('/').any(|part| part == "..") {
        root.mistake_with_hint(
            glob.span(),
            format!("`{text}` leaves the lake"),
            "globs are relative to the lake folder",
        );
    } else if text.split('/').any(|part| part == TRUTH) {
        root.mistake_with_hint(
            glob.span(),
            format!("`{text}` is in {TRUTH}, which no job reads"),
            "it holds what was planted in a made lake, to hold results against",
        );
    } else if let Err(error) = globset::Glob::new(text) {
        root.mistake(glob.span(), format!("`{text}` is not a glob: {}", error.kind()));
    }
}

fn read_also(section: &Section<'_>) -> Vec<String> {
    section.texts("also").unwrap_or_default().into_iter().map(Spanned::into_inner).collect()
}

fn read_format(root: &Section<'_>) -> Format {
    let format = root.choice("format", &[("parquet", "parquet"), ("csv", "csv"), ("delta", "delta")]);
    let dialect = Dialect {
        delimiter: read_delimiter(root),
        encoding: read_encoding(root),
        header: root.texts("header").map(|names| names.into_iter().map(Spanned::into_inner).collect()),
    };
    let decimal_comma = root.flag("decimal_comma").unwrap_or(false);
    match format {
        Some("csv") => Format::Csv { dialect, decimal_comma },
        other => {
            for key in ["delimiter", "encoding", "header", "decimal_comma"] {
                if root.has(key) {
                    root.mistake_with_hint(root.span(), format!("`{key}` holds for text"), "format = \"csv\"");
                }
            }
            if other == Some("delta") { Format::Delta } else { Format::Parquet }
        }
    }
}

fn read_encoding(root: &Section<'_>) -> String {
    let Some(text) = root.text("encoding") else { return Dialect::default().encoding };
    if encoding_rs::Encoding::for_label(text.get_ref().as_bytes()).is_none() {
        root.mistake_with_hint(
            text.span(),
            format!("`{}` is not an encoding", text.get_ref()),
            "a name such as utf-8, gb18030 or windows-1252",
        );
    }
    text.into_inner()
}

fn read_delimiter(root: &Section<'_>) -> u8 {
    let Some(text) = root.text("delimiter") else { return b',' };
    match text.get_ref().as_bytes() {
        [one] if one.is_ascii() && !matches!(one, b'"' | b'\n' | b'\r') => *one,
        _ => {
            root.mistake(text.span(), "`delimiter` takes one ASCII character, not a quote or a line end");
            b','
        }
    }
}

fn read_breach(section: &Section<'_>) -> Option<Breach> {
    section.choice("on_breach", &[("quarantine", Breach::Quarantine), ("fail", Breach::Fail)])
}
