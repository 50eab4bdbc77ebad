//! Foreign files of one shape, and what their values say of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use chrono::{NaiveDate, NaiveDateTime};

use crate::delimited::Dialect;
use crate::project::contract::ColumnType;

/// Share of the values that must be read by a format.
const MOST: f64 = 0.98;
const DATES: [&str; 7] = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y年%m月%d日"];
const MONTHS: [&str; 3] = ["%Y%m", "%Y-%m", "%Y/%m"];
const TIMES: [&str; 6] = ["%H:%M:%S%.f", "%H:%M:%S", "%H:%M", "%H%M%S", "%H%M", "T%H:%M:%S%.f"];

/// A foreign column and what its first rows hold.
#[derive(Clone, Debug)]
pub struct Foreign {
    pub name: String,
    pub kind: ForeignKind,
    /// Values that are not null, as text.
    pub values: Vec<String>,
    pub nulls: usize,
    /// What is found out of the values, once.
    are_numbers: OnceLock<bool>,
    dates: OnceLock<Vec<String>>,
    times: OnceLock<Vec<String>>,
    minutes: OnceLock<Option<i64>>,
}

impl Foreign {
    pub fn new(name: String, kind: ForeignKind, values: Vec<String>, nulls: usize) -> Self {
        let (are_numbers, minutes) = (OnceLock::new(), OnceLock::new());
        Self { name, kind, values, nulls, are_numbers, dates: OnceLock::new(), times: OnceLock::new(), minutes }
    }

    pub fn are_numbers(&self) -> bool {
        *self
            .are_numbers
            .get_or_init(|| share(&self.values, |value| value.replace(',', ".").parse::<f64>().is_ok()) >= MOST)
    }

    /// The formats by which the values can be read, the likeliest first.
    pub fn formats(&self, kind: ColumnType) -> &[String] {
        match kind {
            ColumnType::Timestamp => self.times.get_or_init(|| formats(&self.values, kind)),
            _ => self.dates.get_or_init(|| formats(&self.values, kind)),
        }
    }

    /// How far the stamps lie apart, mostly.
    pub fn interval_minutes(&self) -> Option<i64> {
        *self.minutes.get_or_init(|| interval_minutes(self))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignKind {
    Text,
    Number,
    Date,
    Timestamp,
    Bool,
    /// A list of numbers.
    List,
    Other,
}

/// Foreign files of one shape.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Finds the files, below their folder.
    pub files: String,
    pub count: usize,
    pub form: SampleForm,
    /// Hive partition columns, in path order.
    pub partition: Vec<String>,
    pub columns: Vec<Foreign>,
    /// What could not be told for certain.
    pub doubts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleForm {
    Parquet,
    Delta,
    Csv(Dialect),
}

impl Sample {
    /// The lines of a contract that say how the files are read.
    pub fn head(&self) -> Vec<String> {
        let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let mut head = Vec::new();
        match &self.form {
            SampleForm::Parquet => {}
            SampleForm::Delta => head.push("format = \"delta\"".to_owned()),
            SampleForm::Csv(dialect) => {
                head.push("format = \"csv\"".to_owned());
                if dialect.delimiter != b',' {
                    head.push(format!("delimiter = {}", quoted(&char::from(dialect.delimiter).to_string())));
                }
                if dialect.encoding != Dialect::default().encoding {
                    head.push(format!("encoding = {}", quoted(&dialect.encoding)));
                }
                head.extend(dialect.header.as_ref().map(|names| format!("header = [{}]", list(names))));
            }
        }
        if !self.partition.is_empty() {
            head.push(format!("partition = [{}]", list(&self.partition)));
        }
        head
    }
}

fn interval_minutes(foreign: &Foreign) -> Option<i64> {
    let format = match foreign.kind {
        ForeignKind::Text => {
            foreign.formats(ColumnType::Timestamp).iter().find(|format| format.contains("%H"))?.clone()
        }
        ForeignKind::Timestamp => "%Y-%m-%dT%H:%M:%S%.f".to_owned(),
        _ => return None,
    };
    let stamps: Vec<NaiveDateTime> =
        foreign.values.iter().filter_map(|value| NaiveDateTime::parse_from_str(value, &format).ok()).collect();
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for pair in stamps.windows(2) {
        *counts.entry((pair[1] - pair[0]).num_minutes()).or_default() += 1;
    }
    let (minutes, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    ([5, 15, 30, 60].contains(&minutes) && count * 2 > stamps.len()).then_some(minutes)
}

/// Whether no two rows share a value, and the values are no plain numbers.
pub fn is_name(foreign: &Foreign) -> bool {
    let different: BTreeSet<&String> = foreign.values.iter().collect();
    let is_measured = |value: &String| value.contains('.') && value.parse::<f64>().is_ok();
    foreign.nulls == 0
        && different.len() > 1
        && different.len() == foreign.values.len()
        && !foreign.values.iter().any(is_measured)
}

fn share(values: &[String], is_so: impl Fn(&str) -> bool) -> f64 {
    if values.is_empty() {
        return 1.0;
    }
    values.iter().filter(|value| is_so(value)).count() as f64 / values.len() as f64
}

fn formats(values: &[String], kind: ColumnType) -> Vec<String> {
    // Of most formats the first few values say that they are none of it.
    let reads = |format: &String| {
        let by = |values: &[String]| {
            share(values, |value| match format.contains("%H") {
                true => NaiveDateTime::parse_from_str(value, format).is_ok(),
                false if format.contains("%d") => NaiveDate::parse_from_str(value, format).is_ok(),
                false => NaiveDate::parse_from_str(&format!("{value}01"), &format!("{format}%d")).is_ok(),
            })
        };
        let few = values.len().min(20);
        by(&values[..few]) > 0.5 && by(values) >= MOST
    };
    let dates = || DATES.iter().map(|date| (*date).to_owned());
    let stamps = || {
        DATES.iter().flat_map(|date| {
            TIMES.iter().map(move |time| match time.strip_prefix('T') {
                Some(time) => format!("{date}T{time}"),
                None if !time.contains(':') && !date.contains(['-', '/', '.']) => format!("{date}{time}"),
                None => format!("{date} {time}"),
            })
        })
    };
    let candidates: Vec<String> = match kind {
        ColumnType::Timestamp => stamps().chain(dates()).collect(),
        _ => dates().chain(MONTHS.iter().map(|month| (*month).to_owned())).chain(stamps()).collect(),
    };
    candidates.into_iter().filter(reads).collect()
}

pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
