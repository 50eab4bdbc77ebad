//! Contracts: what a source table must look like, and how foreign files are
//! mapped onto it.

mod read;
mod states;

use std::collections::BTreeSet;

use chrono::{NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::diagnostic::Mistakes;
use super::document::Document;
use crate::delimited::Dialect;

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
    /// `files` names the folder of one table.
    Delta,
    Csv {
        dialect: Dialect,
        /// `1.234,5` is written for 1234.5.
        decimal_comma: bool,
    },
}

/// The type of a canonical column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The column that says how long the interval of a reading is.
pub const INTERVAL_MINUTES: &str = "interval_minutes";
/// The column that says whose clock dates and times go by, where that is changed.
pub const TIME_ZONE: &str = "time_zone";
/// The column that tells the second of two hours that a clock shows alike.
pub const IS_SECOND_HOUR: &str = "is_second_hour";
/// The column by which a row corrects another one: it is greater where delivered
/// later.
pub const VERSION: &str = "version";
/// The column of ours that says whether different rows came for a key.
pub const IS_RESTATED: &str = "is_restated";

/// A unit that files may use where ours is watts or watt-hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignUnit {
    Kw,
    /// Energy of one interval of so many minutes, turned into mean power.
    KwhPerInterval(u32),
    /// Energy turned into watt-hours.
    Kwh,
}

/// Zones of a column of dates or times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zones {
    /// Of the files.
    pub from: String,
    /// Of the accounts.
    pub to: String,
}

impl Zones {
    /// Whether the clock of the accounts is changed, in our days.
    pub fn changes_clock(&self) -> bool {
        let Ok(zone) = self.to.parse::<Tz>() else { return false };
        let month = |month: i32| NaiveDate::from_ymd_opt(2000 + month / 12, 1 + month as u32 % 12, 1);
        let offsets = (0..600).filter_map(month).map(|day| zone.offset_from_utc_date(&day).fix().local_minus_utc());
        offsets.collect::<BTreeSet<_>>().len() > 1
    }
}

/// One canonical column and where it comes from.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    /// The column of the file; the same name unless `from` says otherwise. Of a
    /// curve that has a column for each point, all of them.
    pub from: Vec<String>,
    /// A constant, for a column that the files do not have.
    pub value: Option<String>,
    /// Where in the path of a file the value stands: the first group of a regular
    /// expression. `from` is then a name of ours for it.
    pub from_path: Option<Regex>,
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
    /// The stamp marks the end of its interval, not the begin.
    pub marks_end: bool,
    /// A stamp of 00:00 bears the date of the day that it ends.
    pub midnight_ends_day: bool,
    /// Zone of the files' stamps and zone of our local time.
    pub zones: Option<Zones>,
    pub on_breach: Option<Breach>,
    /// The files name a meter here; the table `meters` knows whose it is.
    pub through_meters: bool,
    pub label: Option<String>,
    pub label_zh: Option<String>,
    /// Names by which others know it, for `kwhy sources init`.
    pub also: Vec<String>,
    pub privacy: u8,
}

impl Column {
    /// Times of the files go by another clock than that of the accounts.
    pub fn has_foreign_clock(&self) -> bool {
        self.zones.as_ref().is_some_and(|zones| zones.from != zones.to)
    }
}

/// A source table: `schemas/sources/<table>.toml`.
#[derive(Clone, Debug)]
pub struct Contract {
    pub table: String,
    /// The contract's file, for messages.
    pub file: String,
    pub label: String,
    pub label_zh: Option<String>,
    /// Words by which others name its files.
    pub also: Vec<String>,
    /// The run fails where this source is absent.
    pub required: bool,
    /// Files of text that have a header and no rows are a delivery, not a
    /// failed one.
    pub may_be_empty: bool,
    /// Globs relative to the lake. None: the source is absent by decision.
    pub files: Vec<String>,
    pub format: Format,
    /// Hive partition columns (`date=2026-01-31/`), in path order.
    pub partition: Vec<String>,
    pub key: Vec<String>,
    /// The column by which the table is cut into buckets, if it is.
    pub bucket_by: Option<String>,
    /// Business time: rows at or after the run's as-of do not count.
    pub time: Option<String>,
    /// First day of a row's validity, and first day after it.
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    /// SQL sees all states that began before the as-of, not only those of the day
    /// before it.
    pub shows_history: bool,
    /// Each day's rows are all there was on that day, which is `valid_from`.
    pub has_snapshots: bool,
    pub on_breach: Breach,
    pub columns: Vec<Column>,
}

impl Contract {
    pub fn parse(table: &str, file: &str, text: &str) -> Result<Self, Mistakes> {
        Document::read(file, text, |root| read::contract(table, file, root))
    }

    /// Whether the files name a meter where an account should stand.
    pub fn is_by_meter(&self) -> bool {
        self.columns.iter().any(|column| column.through_meters)
    }

    /// All that the result of reading a file depends on.
    pub fn fingerprint(&self) -> String {
        let reading = (&self.format, &self.partition, &self.key, &self.columns);
        let rules = (self.on_breach, &self.valid_from, &self.valid_to);
        format!("{reading:?} {rules:?}")
    }

    /// Whether a pattern of `files` can find something else than its own name.
    pub fn is_glob(pattern: &str) -> bool {
        pattern.contains(['*', '?', '[', '{'])
    }

    /// Columns of the files that are read, each once.
    pub fn foreign_columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.columns.iter().filter(|column| column.value.is_none()).flat_map(|column| &column.from) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Takes over what models rely on: the domains of columns, where it gives none,
    /// and the columns that the replaced contract allows to be missing, as missing
    /// ones; gives the names of those that it does not.
    pub fn inherit(&mut self, replaced: &Self) -> Vec<String> {
        // How models read the table does not depend on who delivers it.
        self.shows_history = replaced.shows_history;
        if replaced.shows_history {
            let has = |name: &Option<String>| name.clone().filter(|name| self.column(name).is_some());
            let (from, to) = (has(&replaced.valid_from), has(&replaced.valid_to));
            self.valid_from = self.valid_from.take().or(from);
            self.valid_to = self.valid_to.take().or(to);
        }
        if replaced.bucket_by.as_ref().is_some_and(|name| self.column(name).is_some()) {
            self.bucket_by.clone_from(&replaced.bucket_by);
        }
        for column in &mut self.columns {
            if let Some(ours) = replaced.column(&column.name).filter(|_| column.values.is_empty()) {
                column.values.clone_from(&ours.values);
            }
        }
        let is_new = |column: &&Column| self.column(&column.name).is_none();
        let (nullable, required): (Vec<&Column>, Vec<&Column>) =
            replaced.columns.iter().filter(is_new).partition(|column| column.nullable);
        // Of no column of the files, whatever these are called.
        let missing = nullable.into_iter().map(|column| Column {
            from: Vec::new(),
            value: None,
            from_path: None,
            ..column.clone()
        });
        let required = required.into_iter().map(|column| column.name.clone()).collect();
        self.columns.extend(missing.collect::<Vec<_>>());
        self.complete_key();
        required
    }

    /// Of two readings that the clock shows at one time each is a row.
    fn complete_key(&mut self) {
        let has_time = self.key.iter().filter_map(|name| self.column(name)).any(|it| it.kind == ColumnType::Timestamp);
        let is_told = self.key.iter().any(|name| name == IS_SECOND_HOUR);
        if has_time && !is_told && self.column(IS_SECOND_HOUR).is_some() {
            self.key.push(IS_SECOND_HOUR.to_owned());
        }
    }

    /// The zones of the column that says when: whose clock it is.
    pub fn clock(&self) -> Option<(&Column, &Zones)> {
        let columns = self.key.iter().filter_map(|name| self.column(name));
        columns.filter_map(|column| Some((column, column.zones.as_ref()?))).next()
    }

    /// Whether a row that breaks this rule (`energy_wh.min`) stops a run.
    pub fn is_fatal(&self, rule: &str) -> bool {
        let column = rule.rsplit_once('.').and_then(|(column, _)| self.column(column));
        column.and_then(|column| column.on_breach).unwrap_or(self.on_breach) == Breach::Fail
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether rows of one key can only lie in files of one value of a partition
    /// column: the value is part of the key as it is, and is written in one way.
    pub fn is_disjoint_by(&self, partition: &str) -> bool {
        let is_it = |column: &&Column| column.from == [partition] && column.value.is_none();
        self.columns.iter().find(is_it).is_some_and(|column| {
            // A date of a path may be written in more ways than one.
            let is_folder = column.from_path.is_none() || column.kind == ColumnType::Text;
            let is_plain =
                is_folder && column.map.is_empty() && !column.trim && column.zones.is_none() && column.format.is_none();
            let is_one_way = matches!(column.kind, ColumnType::Text | ColumnType::Date);
            is_plain && is_one_way && self.key.contains(&column.name)
        })
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
        assert_eq!(contract.bucket_by.as_deref(), Some("account_id"));
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

    #[test]
    fn versions_and_snapshots_have_their_rules() {
        let text = r#"
label = "Accounts"
files = ["a/*.csv"]
format = "csv"
key = ["account_id"]
snapshots = true

[[column]]
name = "account_id"
type = "text"
from_path = "a/(.+).csv"
from = "ID"

[[column]]
name = "version"
type = "text"

[[column]]
name = "is_restated"
type = "bool"
"#;
        let mistakes = Contract::parse("accounts", "accounts.toml", text).expect_err("bad");
        let shown = mistakes.render();
        for part in [
            "`snapshots` become states",
            "snapshots have no `version`",
            "`version` is a number, a date or a time",
            "`is_restated` is a column of kwhy's own",
            "two places for one value",
        ] {
            assert!(shown.contains(part), "{part} is not in:\n{shown}");
        }
        assert_eq!(mistakes.0.len(), 5, "{shown}");
    }
}
