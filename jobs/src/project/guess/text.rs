//! A contract as TOML, with its doubts beside it.

use std::fmt::Write;

use super::sample::{Foreign, ForeignKind, Sample, quoted};
use super::{From, Guess, Match, find, plain, points};
use crate::project::contract::{Column, ColumnType, Contract, IS_RESTATED};

pub fn contract(sample: &Sample, contract: &Contract, score: f64) -> Guess {
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
    let theirs = || contract.columns.iter().filter(|column| column.name != IS_RESTATED);
    for column in theirs() {
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
    Guess { table: contract.table.clone(), score, text, columns: theirs().count(), found, doubts }
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
