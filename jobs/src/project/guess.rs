//! From a sample of foreign files to the contract that would map them: which
//! table it is, which column is which, units and time formats; with what is
//! unsure said beside it.

mod sample;
mod text;

use std::collections::BTreeSet;

use super::contract::{Column, ColumnType, Contract, INTERVAL_MINUTES};
use sample::is_name;
pub use sample::{Foreign, ForeignKind, Sample, SampleForm};

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
const POINTS: [usize; 8] = [24, 25, 48, 50, 96, 100, 288, 300];

/// The table that a sample fits best, with the contract for it.
pub fn guess(sample: &Sample, known: &[&Contract]) -> Option<Guess> {
    let mut best: Option<(f64, &Contract)> = None;
    for contract in known {
        let score = score(sample, contract);
        if score >= LEAST_SCORE && best.is_none_or(|(most, _)| score > most) {
            best = Some((score, contract));
        }
    }
    best.map(|(score, contract)| text::contract(sample, contract, score))
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
        let count = (0..=300).take_while(follows).count();
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

/// Letters and digits, in lower case: `Cons_No` and `CONS-NO` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
