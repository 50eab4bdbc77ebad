//! From a sample of foreign files to the contract that would map them: which
//! table it is, which column is which, units and time formats; with what is
//! unsure said beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::OnceLock;

use chrono::{NaiveDate, NaiveDateTime};

use super::contract::{Column, ColumnType, Contract, INTERVAL_MINUTES};
use crate::delimited::Dialect;

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

    fn are_numbers(&self) -> bool {
        *self
            .are_numbers
            .get_or_init(|| share(&self.values, |value| value.replace(',', ".").parse::<f64>().is_ok()) >= MOST)
    }

    /// The formats by which the values can be read, the likeliest first.
    fn formats(&self, kind: ColumnType) -> &[String] {
        match kind {
            ColumnType::Timestamp => self.times.get_or_init(|| formats(&self.values, kind)),
            _ => self.dates.get_or_init(|| formats(&self.values, kind)),
        }
    }

    /// How far the stamps lie apart, mostly.
    fn interval_minutes(&self) -> Option<i64> {
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
    fn head(&self) -> Vec<String> {
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

/// A contract for foreign files.
#[derive(Clone, Debug)]
pub struct Guess {
    pub table: String,
    /// Share of the columns that must be there and were found.
    pub score: f64,
    pub text: String,
    /// Columns of the contract and how many of them were found.
    pub columns: usize,
    pub found: usize,
    /// What a person should look at.
    pub doubts: usize,
}

/// Fewer matching columns than this make no table.
const LEAST_SCORE: f64 = 0.5;
/// Share of the values that must be read by a format.
const MOST: f64 = 0.98;
const DATES: [&str; 7] = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y年%m月%d日"];
const MONTHS: [&str; 3] = ["%Y%m", "%Y-%m", "%Y/%m"];
const TIMES: [&str; 6] = ["%H:%M:%S%.f", "%H:%M:%S", "%H:%M", "%H%M%S", "%H%M", "T%H:%M:%S%.f"];
const POINTS: [usize; 4] = [24, 48, 96, 288];

/// The table that a sample fits best, with the contract for it.
pub fn guess(sample: &Sample, known: &[&Contract]) -> Option<Guess> {
    let mut best: Option<(f64, &Contract)> = None;
    for contract in known {
        let score = score(sample, contract);
        if score >= LEAST_SCORE && best.is_none_or(|(most, _)| score > most) {
            best = Some((score, contract));
        }
    }
    best.map(|(score, contract)| write_contract(sample, contract, score))
}

/// Share of the required columns that are found, half of it for those that may
/// be others, and a little for the name of the files.
fn score(sample: &Sample, contract: &Contract) -> f64 {
    let matches = |column: &Column| find(sample, contract, column);
    let weight = |column: &&Column| matches(column).map_or(0.0, |found| if found.is_unsure { 0.5 } else { 1.0 });
    let required: Vec<&Column> = contract.columns.iter().filter(|column| !column.nullable).collect();
    let found: f64 = required.iter().map(weight).sum();
    let optional = contract.columns.iter().filter(|column| column.nullable && matches(column).is_some()).count();
    if repeats_key(sample, contract) {
        return 0.0;
    }
    let path = sample.files.rsplit_once('.').map_or(sample.files.as_str(), |(path, _)| path);
    let words: Vec<String> = path.split(['/', '_', '-', '.', '*', '=']).map(plain).collect();
    let names = std::iter::once(&contract.table).chain(contract.label_zh.iter()).chain(&contract.also);
    let is_named = names.map(|name| plain(name)).any(|name| {
        let one = name.strip_suffix('s').unwrap_or(&name);
        words.iter().any(|word| *word == name || word == one) || (name.len() >= 4 && plain(path).contains(&name))
    });
    found / required.len().max(1) as f64 + 0.01 * optional as f64 + if is_named { 0.35 } else { 0.0 }
}

/// Whether the columns that would be the key have the same values again and
/// again: then the rows are of something else.
fn repeats_key(sample: &Sample, contract: &Contract) -> bool {
    let columns = contract.key.iter().filter_map(|name| contract.column(name));
    let found: Vec<&Foreign> = columns
        .filter_map(|column| match find(sample, contract, column)?.from {
            From::One(foreign) if foreign.nulls == 0 && foreign.values.len() > 1 => Some(foreign),
            _ => None,
        })
        .collect();
    let rows = found.iter().map(|foreign| foreign.values.len()).min().unwrap_or(0);
    let day_of = |value: &str| value.split([' ', 'T']).next().unwrap_or_default().to_owned();
    let is_day = |name: &str| contract.column(name).is_some_and(|column| column.kind == ColumnType::Date);
    let of_days = contract.key.iter().any(|name| is_day(name));
    let keys: BTreeSet<Vec<String>> = (0..rows)
        .map(|row| {
            found
                .iter()
                .map(|foreign| if of_days { day_of(&foreign.values[row]) } else { foreign.values[row].clone() })
                .collect()
        })
        .collect();
    rows > 20 && keys.len() * 2 < rows
}

/// How a column of ours comes out of the foreign ones.
struct Match<'a> {
    from: From<'a>,
    /// The name is not one that others use for it.
    is_unsure: bool,
}

enum From<'a> {
    One(&'a Foreign),
    /// The same in all rows.
    Value(String),
    /// Prefix, first number with its zeros, points.
    Points {
        pattern: String,
        points: usize,
    },
}

fn find<'a>(sample: &'a Sample, contract: &Contract, column: &Column) -> Option<Match<'a>> {
    let exact = |name: &str| sample.columns.iter().find(|foreign| plain(&foreign.name) == plain(name));
    let names = || std::iter::once(&column.name).chain(&column.also).chain(&column.label_zh);
    let named = names().find_map(|name| exact(name)).filter(|foreign| is_plausible(foreign, column));
    if let Some(foreign) = named {
        return Some(Match { from: From::One(foreign), is_unsure: false });
    }
    if column.kind == ColumnType::Curve && !column.nullable {
        if let Some((pattern, points)) = points(&sample.columns) {
            return Some(Match { from: From::Points { pattern, points }, is_unsure: false });
        }
        let mut lists = sample.columns.iter().filter(|foreign| foreign.kind == ForeignKind::List);
        if let (Some(list), None) = (lists.next(), lists.next()) {
            return Some(Match { from: From::One(list), is_unsure: true });
        }
    }
    // A name within another one: `cons_no_2`, `t_pq_kwh`.
    let within = |foreign: &&Foreign| {
        let name = plain(&foreign.name);
        names().map(|own| plain(own)).any(|own| own.len() >= 4 && name.contains(&own))
    };
    let near = sample.columns.iter().filter(|foreign| is_plausible(foreign, column)).find(within);
    if let Some(foreign) = near {
        return Some(Match { from: From::One(foreign), is_unsure: true });
    }
    if column.name == INTERVAL_MINUTES {
        let minutes = sample.columns.iter().find_map(Foreign::interval_minutes)?;
        return Some(Match { from: From::Value(minutes.to_string()), is_unsure: true });
    }
    // The only stamps, or the only name that no two rows share.
    let only = |is_so: &dyn Fn(&&Foreign) -> bool| {
        let mut found = sample.columns.iter().filter(is_so);
        found.next().filter(|_| found.next().is_none())
    };
    let is_stamp = |foreign: &&Foreign| is_plausible(foreign, column) && foreign.interval_minutes().is_some();
    let foreign = match column.kind {
        ColumnType::Timestamp if !column.nullable => only(&is_stamp)?,
        ColumnType::Text if contract.required && contract.key.first() == Some(&column.name) => {
            sample.columns.first().filter(|foreign| is_name(foreign))?
        }
        _ => return None,
    };
    Some(Match { from: From::One(foreign), is_unsure: true })
}

/// Whether no two rows share a value, and the values are no plain numbers.
fn is_name(foreign: &Foreign) -> bool {
    let different: BTreeSet<&String> = foreign.values.iter().collect();
    let is_measured = |value: &String| value.contains('.') && value.parse::<f64>().is_ok();
    foreign.nulls == 0
        && different.len() > 1
        && different.len() == foreign.values.len()
        && !foreign.values.iter().any(is_measured)
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

/// `P1` to `P96` among the columns, as `P{1..96}`.
fn points(columns: &[Foreign]) -> Option<(String, usize)> {
    for (at, column) in columns.iter().enumerate() {
        let digits = column.name.len() - column.name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (prefix, number) = column.name.split_at(column.name.len() - digits);
        if !matches!(number.parse(), Ok(0 | 1)) {
            continue;
        }
        let first: usize = number.parse().ok()?;
        let follows = |step: &usize| {
            let next = format!("{prefix}{:0digits$}", first + step);
            columns.get(at + step).is_some_and(|column| column.name == next)
        };
        let count = (0..=288).take_while(follows).count();
        if POINTS.contains(&count) {
            let zeros = if digits > 1 { digits } else { 0 };
            let last = first + count - 1;
            return Some((format!("{prefix}{{{first:0zeros$}..{last}}}"), count));
        }
    }
    None
}

/// Whether the values can be what the column wants.
fn is_plausible(foreign: &Foreign, column: &Column) -> bool {
    match (column.kind, foreign.kind) {
        (_, ForeignKind::Other) => false,
        (ColumnType::Curve, kind) => kind == ForeignKind::List,
        (_, ForeignKind::List) => false,
        (ColumnType::Int | ColumnType::Decimal(..), ForeignKind::Text) => foreign.are_numbers(),
        (ColumnType::Int | ColumnType::Decimal(..), kind) => kind == ForeignKind::Number,
        (ColumnType::Date | ColumnType::Timestamp, ForeignKind::Date | ForeignKind::Timestamp) => true,
        (ColumnType::Date | ColumnType::Timestamp, _) => {
            foreign.values.is_empty() || !foreign.formats(column.kind).is_empty()
        }
        (ColumnType::Bool, _) | (ColumnType::Text, _) => true,
    }
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

/// Letters and digits, in lower case: `Cons_No` and `CONS-NO` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn write_contract(sample: &Sample, contract: &Contract, score: f64) -> Guess {
    let mut text = String::new();
    let mut doubts = sample.doubts.len();
    let _ =
        writeln!(text, "# Made from the files by `kwhy sources init`. What is marked with ? was guessed: look at it.");
    for doubt in &sample.doubts {
        let _ = writeln!(text, "# ? {doubt}");
    }
    let _ = writeln!(text, "label = {}", quoted(&contract.label));
    if let Some(label) = &contract.label_zh {
        let _ = writeln!(text, "label_zh = {}", quoted(label));
    }
    let _ = writeln!(text, "files = [{}]", quoted(&sample.files));
    for line in sample.head() {
        let _ = writeln!(text, "{line}");
    }
    if contract.required {
        text.push_str("required = true\n");
    }
    let is_found = |name: &String| contract.column(name).is_some_and(|column| find(sample, contract, column).is_some());
    // Without the begin of its validity a row holds for all time.
    let key: Vec<String> = contract
        .key
        .iter()
        .filter(|name| Some(*name) != contract.valid_from.as_ref() || is_found(name))
        .map(|name| quoted(name))
        .collect();
    let _ = writeln!(text, "key = [{}]", key.join(", "));
    for (name, column) in
        [("time", &contract.time), ("valid_from", &contract.valid_from), ("valid_to", &contract.valid_to)]
    {
        if let Some(column) = column.as_ref().filter(|column| name == "time" || is_found(column)) {
            let _ = writeln!(text, "{name} = {}", quoted(column));
        }
    }
    let (mut found, mut read) = (0, Vec::new());
    for column in &contract.columns {
        let matched = find(sample, contract, column);
        let is_there = matched.is_some();
        found += usize::from(is_there);
        if let Some(Match { from: From::One(foreign), .. }) = &matched {
            read.push(foreign.name.clone());
        }
        doubts += write_column(&mut text, sample, column, matched);
    }
    let is_point = |name: &String| {
        points(&sample.columns).is_some_and(|(pattern, _)| {
            let prefix = pattern.split('{').next().unwrap_or_default();
            name.strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    let unread: Vec<String> = sample
        .columns
        .iter()
        .map(|foreign| foreign.name.clone())
        .filter(|name| !read.contains(name) && !is_point(name))
        .collect();
    if !unread.is_empty() {
        let _ = writeln!(text, "\n# Not read: {}", unread.join(", ").escape_debug());
    }
    Guess { table: contract.table.clone(), score, text, columns: contract.columns.len(), found, doubts }
}

/// Writes the block of a column, and gives how many doubts stand in it.
fn write_column(text: &mut String, sample: &Sample, column: &Column, matched: Option<Match<'_>>) -> usize {
    let mut lines = vec![format!("name = {}", quoted(&column.name))];
    let mut doubts = Vec::new();
    let mut is_there = true;
    match &matched {
        Some(Match { from: From::Points { pattern, points }, .. }) => {
            lines.push(format!("from = {}", quoted(pattern)));
            doubts.push(format!("{points} points; the first one is taken for the interval that begins at 00:00"));
        }
        Some(Match { from: From::Value(value), .. }) => {
            lines.push(format!("value = {}", quoted(value)));
            doubts.push(format!("the stamps lie {value} minutes apart"));
        }
        Some(Match { from: From::One(foreign), is_unsure }) => {
            if foreign.name != column.name {
                lines.push(format!("from = {}", quoted(&foreign.name)));
            }
            if *is_unsure {
                doubts.push(format!("is it {}?", foreign.name));
            }
        }
        None => {
            is_there = false;
            if !column.nullable {
                doubts.push("no column looks like it: name one with `from`, or give a `value`".to_owned());
            }
        }
    }
    lines.push(format!("type = {}", quoted(&column.kind.name())));
    if let Some(unit) = &column.unit {
        lines.push(format!("unit = {}", quoted(unit)));
    }
    if let Some(matched) = &matched {
        write_values(&mut lines, &mut doubts, sample, column, &matched.from);
    }
    if column.nullable {
        lines.push("nullable = true".to_owned());
    }
    for (name, bound) in [("min", column.min), ("max", column.max)] {
        lines.extend(bound.map(|bound| format!("{name} = {bound}")));
    }
    if !column.values.is_empty() {
        let values: Vec<String> = column.values.iter().map(|value| quoted(value)).collect();
        lines.push(format!("values = [{}]", values.join(", ")));
    }
    if let Some(label) = &column.label {
        lines.push(format!("label = {}", quoted(label)));
    }
    if let Some(label) = &column.label_zh {
        lines.push(format!("label_zh = {}", quoted(label)));
    }
    if column.privacy > 1 {
        lines.push(format!("privacy = {}", column.privacy));
    }
    text.push('\n');
    if !is_there && column.nullable {
        text.push_str("# not in the files\n");
    }
    for doubt in &doubts {
        let _ = writeln!(text, "# ? {doubt}");
    }
    let _ = writeln!(text, "[[column]]\n{}", lines.join("\n"));
    doubts.len()
}

/// What the values say: units, time formats, codes.
fn write_values(lines: &mut Vec<String>, doubts: &mut Vec<String>, sample: &Sample, column: &Column, from: &From<'_>) {
    let (name, foreign) = match from {
        From::One(foreign) => (foreign.name.as_str(), Some(*foreign)),
        From::Points { pattern, .. } => (pattern.as_str(), None),
        From::Value(_) => return,
    };
    if let Some(unit @ ("W" | "Wh" | "var")) = column.unit.as_deref() {
        let lower = format!("{} {}", name.to_lowercase(), sample.files.to_lowercase());
        let is_energy = lower.contains("kwh") || lower.contains("kvarh") || lower.contains("电量");
        let kilo = match unit {
            "Wh" => "kWh",
            "W" if is_energy => "kWh",
            "W" => "kW",
            _ if is_energy => "kvarh",
            _ => "kvar",
        };
        // Whole numbers of watts are written without a point.
        let has_fraction = foreign.is_none_or(|foreign| foreign.values.iter().any(|value| value.contains('.')));
        let is_named = lower.contains("kw") || lower.contains("kvar");
        let is_base = plain(name).ends_with(&unit.to_lowercase()) && !is_named;
        if !is_base {
            lines.push(format!("from_unit = {}", quoted(kilo)));
            if unit != "Wh" && kilo.ends_with('h') {
                let told = sample.columns.iter().find_map(Foreign::interval_minutes);
                let minutes = match from {
                    From::Points { points, .. } => 1440 / *points as i64,
                    _ => told.unwrap_or(15),
                };
                lines.push(format!("interval_minutes = {minutes}"));
                if told.is_none() && foreign.is_some() {
                    doubts.push("energy of an interval: is it one of 15 minutes?".to_owned());
                }
            }
            if !is_named {
                let why = if has_fraction { "the values have fractions" } else { "the values are whole" };
                doubts.push(format!("unit: {kilo} or {unit}? ({why})"));
            }
        }
    }
    let Some(foreign) = foreign else { return };
    let is_time = matches!(column.kind, ColumnType::Date | ColumnType::Timestamp);
    if is_time && foreign.kind == ForeignKind::Text && !foreign.values.is_empty() {
        let formats = foreign.formats(column.kind);
        if let Some(format) =
            formats.first().filter(|format| !["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"].contains(&format.as_str()))
        {
            lines.push(format!("format = {}", quoted(format)));
        }
        let is_ambiguous = |format: &String| format.contains("%d/%m") || format.contains("%m/%d");
        if formats.iter().filter(|format| is_ambiguous(format)).count() > 1 {
            doubts.push("day and month could be the other way round".to_owned());
        }
        if column.kind == ColumnType::Timestamp {
            doubts.push(
                "local time, and the begin of the interval? else: from_time_zone and time_zone, stamp_marks = \"end\""
                    .to_owned(),
            );
        }
    }
    if !column.values.is_empty() || column.kind == ColumnType::Bool {
        let mut codes: Vec<&String> = foreign.values.iter().filter(|value| !column.values.contains(value)).collect();
        codes.sort();
        codes.dedup();
        let is_flag = column.kind == ColumnType::Bool
            && codes.iter().all(|code| ["true", "false", "0", "1"].contains(&code.as_str()));
        if !codes.is_empty() && codes.len() <= 30 && !is_flag {
            let map: Vec<String> = codes.iter().map(|code| format!("{} = \"\"", quoted(code))).collect();
            lines.push(format!("# map = {{ {} }}", map.join(", ")));
            doubts.push("codes of their own: say in `map` what each of them means".to_owned());
        }
    }
    if foreign.nulls > 0 && !column.nullable {
        doubts.push(format!("{} of the first {} rows have none", foreign.nulls, foreign.nulls + foreign.values.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, values: &[&str]) -> Foreign {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Foreign::new(name.to_owned(), ForeignKind::Text, values, 0)
    }

    #[test]
    fn points_are_seen_by_their_numbers() {
        let columns = |first: usize, count: usize, zeros: usize| -> Vec<Foreign> {
            (first..first + count).map(|number| column(&format!("P{number:0zeros$}"), &["1"])).collect()
        };
        assert_eq!(points(&columns(1, 96, 0)), Some(("P{1..96}".to_owned(), 96)));
        assert_eq!(points(&columns(0, 24, 2)), Some(("P{00..23}".to_owned(), 24)));
        assert_eq!(points(&columns(1, 95, 0)), None);
    }

    #[test]
    fn formats_are_those_that_read_all() {
        let of = |values: &[&str], kind| column("t", values).formats(kind).to_vec();
        assert_eq!(of(&["31/01/2026 00:15", "01/02/2026 00:30"], ColumnType::Timestamp), ["%d/%m/%Y %H:%M"]);
        assert_eq!(of(&["202601", "202512"], ColumnType::Date), ["%Y%m"]);
        assert_eq!(of(&["01/02/2026"], ColumnType::Date), ["%d/%m/%Y", "%m/%d/%Y"]);
        assert_eq!(of(&["soon"], ColumnType::Date), [""; 0]);
    }
}
