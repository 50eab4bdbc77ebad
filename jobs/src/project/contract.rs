//! Contracts: what a source table must look like, and how foreign files are
//! mapped onto it.

use std::collections::BTreeSet;

use toml::Spanned;

use super::diagnostic::Mistakes;
use super::document::{Document, Section};

/// What happens to a row that breaks its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// The row goes to the quarantine table; the run goes on.
    Quarantine,
    /// The run stops before anything is published.
    Fail,
}

/// How the files of a source are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    Parquet,
    Csv { delimiter: u8 },
}

/// The type of a canonical column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    /// 64-bit whole number.
    Int,
    Decimal(u8, i8),
    Date,
    /// Local wall-clock time, microseconds, without a zone.
    Timestamp,
    Bool,
    /// A day of mean watts: `List<Int32>`.
    Curve,
}

impl ColumnType {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "text" => Self::Text,
            "int" => Self::Int,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            "bool" => Self::Bool,
            "curve" => Self::Curve,
            _ => {
                let inner = text.strip_prefix("decimal(")?.strip_suffix(')')?;
                let (precision, scale) = inner.split_once(',')?;
                let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
                if !(1..=38).contains(&precision) || scale < 0 || scale as u8 > precision {
                    return None;
                }
                Self::Decimal(precision, scale)
            }
        })
    }

    /// The type as a contract writes it.
    pub fn name(&self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Int => "int".into(),
            Self::Decimal(precision, scale) => format!("decimal({precision},{scale})"),
            Self::Date => "date".into(),
            Self::Timestamp => "timestamp".into(),
            Self::Bool => "bool".into(),
            Self::Curve => "curve".into(),
        }
    }
}

/// A unit that files may use where ours is watts or watt-hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignUnit {
    Kw,
    /// Energy of one interval of so many minutes, turned into mean power.
    KwhPerInterval(u32),
    /// Energy turned into watt-hours.
    Kwh,
}

/// One canonical column and where it comes from.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    /// The column of the file; the same name unless `from` says otherwise.
    pub from: String,
    /// A constant, for a column that the files do not have.
    pub value: Option<String>,
    pub kind: ColumnType,
    pub unit: Option<String>,
    pub from_unit: Option<ForeignUnit>,
    pub nullable: bool,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub values: Vec<String>,
    /// Foreign code to ours.
    pub map: Vec<(String, String)>,
    pub trim: bool,
    /// strftime pattern of dates and timestamps written as text.
    pub format: Option<String>,
    /// Zone of the files' stamps and zone of our local time, where they differ.
    pub zones: Option<(String, String)>,
    pub on_breach: Option<Breach>,
    pub label: Option<String>,
    pub label_zh: Option<String>,
    pub privacy: u8,
}

/// A source table: `schemas/sources/<table>.toml`.
#[derive(Clone, Debug)]
pub struct Contract {
    pub table: String,
    /// The contract's file, for messages.
    pub file: String,
    pub label: String,
    pub label_zh: Option<String>,
    /// The run fails where this source is absent.
    pub required: bool,
    /// Globs relative to the lake. None: the source is absent by decision.
    pub files: Vec<String>,
    pub format: Format,
    /// Hive partition columns (`date=2026-01-31/`), in path order.
    pub partition: Vec<String>,
    pub key: Vec<String>,
    /// Business time: rows at or after the run's as-of do not count.
    pub time: Option<String>,
    /// First day of a row's validity, and first day after it.
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    pub on_breach: Breach,
    pub columns: Vec<Column>,
}

impl Contract {
    pub fn parse(table: &str, file: &str, text: &str) -> Result<Self, Mistakes> {
        Document::read(file, text, |root| Self::read(table, file, root))
    }

    /// Rows belong to one account each, so that the table is cut into buckets.
    pub fn is_per_account(&self) -> bool {
        self.key.iter().any(|column| column == "account_id")
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether rows of one key can only lie in files of one partition value.
    pub fn is_disjoint_by(&self, column: &str) -> bool {
        self.partition.iter().any(|p| p == column) && self.key.iter().any(|k| k == column)
    }

    fn read(table: &str, file: &str, root: &Section<'_>) -> Option<Self> {
        let label = root.required_text("label");
        let files = root.required_texts("files").unwrap_or_default();
        for glob in &files {
            check_glob(root, glob);
        }
        let format = root.choice("format", &[("parquet", "parquet"), ("csv", "csv")]).unwrap_or("parquet");
        let delimiter = read_delimiter(root);
        let columns: Vec<Column> = read_columns(root);
        let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let key = root.required_texts("key").unwrap_or_default();
        if key.is_empty() {
            root.mistake(root.span(), "`key` names no column");
        }
        let partition = root.texts("partition").unwrap_or_default();
        let references = ["time", "valid_from", "valid_to"].map(|name| root.text(name));
        for name in key.iter().chain(&partition).chain(references.iter().flatten()) {
            if !names.contains(name.get_ref().as_str()) {
                root.mistake_with_hint(
                    name.span(),
                    format!("no column is called `{}`", name.get_ref()),
                    "columns are the [[column]] blocks of this file",
                );
            }
        }
        let [time, valid_from, valid_to] = references.map(|name| name.map(Spanned::into_inner));
        Some(Self {
            table: table.to_owned(),
            file: file.to_owned(),
            label: label?.into_inner(),
            label_zh: root.text("label_zh").map(Spanned::into_inner),
            required: root.flag("required").unwrap_or(false),
            files: files.into_iter().map(Spanned::into_inner).collect(),
            format: if format == "csv" { Format::Csv { delimiter } } else { Format::Parquet },
            partition: partition.into_iter().map(Spanned::into_inner).collect(),
            key: key.into_iter().map(Spanned::into_inner).collect(),
            time,
            valid_from,
            valid_to,
            on_breach: read_breach(root).unwrap_or(Breach::Quarantine),
            columns,
        })
    }
}

fn check_glob(root: &Section<'_>, glob: &Spanned<String>) {
    let text = glob.get_ref();
    if text.starts_with('/') || text.split('/').any(|part| part == "..") {
        root.mistake_with_hint(
            glob.span(),
            format!("`{text}` leaves the lake"),
            "globs are relative to the lake folder",
        );
    } else if let Err(error) = globset::Glob::new(text) {
        root.mistake(glob.span(), format!("`{text}` is not a glob: {}", error.kind()));
    }
}

fn read_delimiter(root: &Section<'_>) -> u8 {
    let Some(text) = root.text("delimiter") else { return b',' };
    match text.get_ref().as_bytes() {
        [one] => *one,
        _ => {
            root.mistake(text.span(), "`delimiter` takes one ASCII character");
            b','
        }
    }
}

fn read_breach(section: &Section<'_>) -> Option<Breach> {
    section.choice("on_breach", &[("quarantine", Breach::Quarantine), ("fail", Breach::Fail)])
}

fn read_columns(root: &Section<'_>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for section in root.sections("column") {
        let column = read_column(&section);
        section.finish();
        let Some(column) = column else { continue };
        if columns.iter().any(|other| other.name == column.name) {
            root.mistake(section.span(), format!("column `{}` stands here twice", column.name));
        }
        columns.push(column);
    }
    if columns.is_empty() {
        root.mistake(root.span(), "a contract needs [[column]] blocks");
    }
    columns
}

fn read_column(section: &Section<'_>) -> Option<Column> {
    let name = section.required_text("name");
    let kind = section.required_text("type");
    let parsed = kind.as_ref().and_then(|kind| {
        let parsed = ColumnType::parse(kind.get_ref());
        if parsed.is_none() {
            section.mistake_with_hint(
                kind.span(),
                format!("`{}` is not a type", kind.get_ref()),
                "one of: text, int, decimal(P,S), date, timestamp, bool, curve",
            );
        }
        parsed
    });
    let unit = section.text("unit");
    let from_unit = read_foreign_unit(section, unit.as_ref());
    let map = section.scalars("map");
    let column = Column {
        from: section.text("from").or_else(|| name.clone()).map(Spanned::into_inner).unwrap_or_default(),
        value: section.text("value").map(Spanned::into_inner),
        unit: unit.map(Spanned::into_inner),
        from_unit,
        nullable: section.flag("nullable").unwrap_or(false),
        min: section.integer("min"),
        max: section.integer("max"),
        values: section.texts("values").unwrap_or_default().into_iter().map(Spanned::into_inner).collect(),
        map: map.into_iter().map(|(from, to)| (from.into_inner(), to.into_inner())).collect(),
        trim: section.flag("trim").unwrap_or(false),
        format: section.text("format").map(Spanned::into_inner),
        zones: read_zones(section),
        on_breach: read_breach(section),
        label: section.text("label").map(Spanned::into_inner),
        label_zh: section.text("label_zh").map(Spanned::into_inner),
        privacy: section.integer("privacy").unwrap_or(1).clamp(1, 3) as u8,
        name: name?.into_inner(),
        kind: parsed?,
    };
    if (column.min.is_some() || column.max.is_some())
        && !matches!(column.kind, ColumnType::Int | ColumnType::Decimal(..))
    {
        section.mistake(
            section.span(),
            format!("`min` and `max` hold for numbers, and `{}` is a {}", column.name, column.kind.name()),
        );
    }
    if column.format.is_some() && !matches!(column.kind, ColumnType::Date | ColumnType::Timestamp) {
        section.mistake(
            section.span(),
            format!("`format` holds for dates and timestamps, and `{}` is a {}", column.name, column.kind.name()),
        );
    }
    if column.zones.is_some() && column.kind != ColumnType::Timestamp {
        section.mistake(
            section.span(),
            format!("time zones hold for timestamps, and `{}` is a {}", column.name, column.kind.name()),
        );
    }
    Some(column)
}

/// `from_time_zone` and `time_zone`: stamps of the one become local time of the
/// other.
fn read_zones(section: &Section<'_>) -> Option<(String, String)> {
    let (from, to) = (section.text("from_time_zone"), section.text("time_zone"));
    for zone in [&from, &to].into_iter().flatten() {
        if zone.get_ref().parse::<chrono_tz::Tz>().is_err() {
            section.mistake_with_hint(
                zone.span(),
                format!("`{}` is not a time zone", zone.get_ref()),
                "a name such as Asia/Shanghai or UTC",
            );
        }
    }
    match (from, to) {
        (Some(from), Some(to)) => Some((from.into_inner(), to.into_inner())),
        (None, None) => None,
        _ => {
            section.mistake(section.span(), "`from_time_zone` and `time_zone` go together");
            None
        }
    }
}

/// `from_unit`, checked against `unit`: a factor that does not fit is a
/// mistake of the contract, not of the data.
fn read_foreign_unit(section: &Section<'_>, unit: Option<&Spanned<String>>) -> Option<ForeignUnit> {
    let interval = section.integer("interval_minutes");
    let from = section.text("from_unit")?;
    let unit = unit.map(|unit| unit.get_ref().as_str());
    match (from.get_ref().as_str(), unit) {
        ("W", Some("W")) | ("Wh", Some("Wh")) => None,
        ("kW", Some("W")) => Some(ForeignUnit::Kw),
        ("kWh", Some("Wh")) => Some(ForeignUnit::Kwh),
        ("kWh", Some("W")) => match interval {
            Some(minutes @ (5 | 15 | 30 | 60)) => Some(ForeignUnit::KwhPerInterval(minutes as u32)),
            _ => {
                section.mistake_with_hint(
                    from.span(),
                    "energy becomes power only with the length of its interval",
                    "interval_minutes = 5, 15, 30 or 60",
                );
                None
            }
        },
        (other, unit) => {
            section.mistake_with_hint(
                from.span(),
                format!("`{other}` cannot become `{}`", unit.unwrap_or("a column without unit")),
                "kW to W, kWh to Wh, kWh of an interval to W",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
label = "Bills"
files = ["sources/bills/*.parquet"]
key = ["account_id", "bill_month"]

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "bill_month"
type = "date"

[[column]]
name = "amount_total_cny"
type = "decimal(14,2)"
"#;

    #[test]
    fn a_contract_is_read() {
        let contract = Contract::parse("bills", "bills.toml", GOOD).expect("good");
        assert!(contract.is_per_account());
        assert_eq!(contract.columns[2].kind, ColumnType::Decimal(14, 2));
        assert_eq!(contract.on_breach, Breach::Quarantine);
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let text = r#"
label = "Bills"
files = ["../elsewhere/*.parquet"]
key = ["account"]
tmie = "bill_month"

[[column]]
name = "account_id"
type = "txt"

[[column]]
name = "energy_wh"
type = "int"
unit = "W"
from_unit = "kWh"
"#;
        let mistakes = Contract::parse("bills", "bills.toml", text).expect_err("bad");
        let shown = mistakes.render();
        for part in [
            "leaves the lake",
            "no column is called `account`",
            "did you mean `time`?",
            "`txt` is not a type",
            "interval_minutes",
        ] {
            assert!(shown.contains(part), "{part} is not in:\n{shown}");
        }
        assert_eq!(mistakes.0.len(), 5, "{shown}");
    }
}
