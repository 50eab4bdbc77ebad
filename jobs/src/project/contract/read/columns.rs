//! The columns of a contract.

use chrono::format::{Item, StrftimeItems};
use regex::Regex;
use toml::Spanned;

use super::super::{Column, ColumnType, ForeignUnit, IS_RESTATED, VERSION, Zones};
use super::{ACCOUNT_ID, read_also, read_breach};
use crate::project::document::{Literal, Section};

/// The column that says whether a row replaced another one.
pub fn restated() -> Column {
    Column {
        name: IS_RESTATED.to_owned(),
        from: Vec::new(),
        value: None,
        from_path: None,
        kind: ColumnType::Bool,
        unit: None,
        from_unit: None,
        nullable: true,
        min: None,
        max: None,
        values: Vec::new(),
        map: Vec::new(),
        trim: false,
        format: None,
        marks_end: false,
        midnight_ends_day: false,
        zones: None,
        on_breach: None,
        through_meters: false,
        label: Some("Delivered again with other values".to_owned()),
        label_zh: Some("是否更正".to_owned()),
        also: Vec::new(),
        privacy: 1,
    }
}

/// The `[[column]]` blocks.
pub fn read_columns(root: &Section<'_>) -> Vec<Column> {
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
    let map = section.literals("map");
    for (_, value) in map.iter().filter(|(_, value)| matches!(value.get_ref(), Literal::List(_))) {
        section.mistake(value.span(), "`map` gives one value for one value, not a list");
    }
    let from_path = read_from_path(section);
    let from = read_from(section, name.as_ref(), parsed);
    let column = Column {
        from: match (&from_path, &name) {
            (Some(_), Some(name)) => vec![format!("<path> {}", name.get_ref())],
            _ => from,
        },
        value: section.text("value").map(Spanned::into_inner),
        from_path,
        unit: unit.map(Spanned::into_inner),
        from_unit,
        nullable: section.flag("nullable").unwrap_or(false),
        min: section.integer("min"),
        max: section.integer("max"),
        values: section.texts("values").unwrap_or_default().into_iter().map(Spanned::into_inner).collect(),
        map: map.into_iter().map(|(from, to)| (from.into_inner(), to.get_ref().shown())).collect(),
        trim: section.flag("trim").unwrap_or(false),
        format: section.text("format").map(Spanned::into_inner),
        marks_end: section.choice("stamp_marks", &[("begin", false), ("end", true)]).unwrap_or(false),
        midnight_ends_day: section.flag("midnight_ends_day").unwrap_or(false),
        zones: read_zones(section),
        on_breach: read_breach(section),
        through_meters: section.choice("through", &[("meters", true)]).unwrap_or(false),
        label: section.text("label").map(Spanned::into_inner),
        label_zh: section.text("label_zh").map(Spanned::into_inner),
        also: read_also(section),
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
    if column.unit.is_some() && !matches!(column.kind, ColumnType::Int | ColumnType::Decimal(..) | ColumnType::Curve) {
        section.mistake(
            section.span(),
            format!("`unit` holds for numbers and curves, and `{}` is a {}", column.name, column.kind.name()),
        );
    }
    if column.format.is_some() && !matches!(column.kind, ColumnType::Date | ColumnType::Timestamp) {
        section.mistake(
            section.span(),
            format!("`format` holds for dates and timestamps, and `{}` is a {}", column.name, column.kind.name()),
        );
    }
    if column.from_unit.is_some() && !matches!(column.kind, ColumnType::Int | ColumnType::Curve) {
        section.mistake_with_hint(
            section.span(),
            format!("`from_unit` holds for int and curve, and `{}` is a {}", column.name, column.kind.name()),
            "energy and power are whole: type = \"int\"",
        );
    }
    let is_ordered = matches!(column.kind, ColumnType::Int | ColumnType::Date | ColumnType::Timestamp);
    if column.name == VERSION && !is_ordered {
        section.mistake_with_hint(
            section.span(),
            format!("`{VERSION}` is a number, a date or a time, and not a {}", column.kind.name()),
            "type = \"int\" of a revision, \"timestamp\" of a time of delivery",
        );
    }
    if column.through_meters && column.name != ACCOUNT_ID {
        section.mistake(section.span(), "only `account_id` comes through meters");
    }
    if column.nullable && column.name == ACCOUNT_ID {
        section.mistake(section.span(), "`account_id` cannot be nullable: it says where a row lies");
    }
    let on_stamps = [
        ("time zones hold", column.zones.is_some() && column.kind != ColumnType::Date),
        ("`stamp_marks` holds", column.marks_end),
        ("`midnight_ends_day` holds", column.midnight_ends_day),
    ];
    for (what, _) in on_stamps.iter().filter(|(_, is_set)| *is_set && column.kind != ColumnType::Timestamp) {
        section.mistake(
            section.span(),
            format!("{what} for timestamps, and `{}` is a {}", column.name, column.kind.name()),
        );
    }
    let has_offset = |format: &String| ["%z", "%:z", "%::z", "%#z", "%+"].iter().any(|item| format.contains(item));
    let is_utc = column.zones.as_ref().is_some_and(|zones| zones.from == "UTC");
    if column.format.as_ref().is_some_and(has_offset) && !is_utc {
        section.mistake_with_hint(
            section.span(),
            "times with an offset are read as UTC",
            "from_time_zone = \"UTC\" and time_zone, the zone of the accounts",
        );
    }
    if let Some(format) = &column.format
        && (!format.contains('%') || StrftimeItems::new(format).any(|item| item == Item::Error))
    {
        section.mistake_with_hint(
            section.span(),
            format!("`{format}` is not a format of dates and times"),
            "such as %Y-%m-%d or %d/%m/%Y %H:%M",
        );
    }
    Some(column)
}

/// A regular expression with a group for the value.
fn read_from_path(section: &Section<'_>) -> Option<Regex> {
    let text = section.text("from_path")?;
    for key in ["from", "value"] {
        if section.has(key) {
            section.mistake(text.span(), format!("`from_path` and `{key}` are two places for one value"));
        }
    }
    match Regex::new(text.get_ref()) {
        Ok(pattern) if pattern.captures_len() > 1 => return Some(pattern),
        Ok(_) => section.mistake_with_hint(
            text.span(),
            format!("`{}` has no group for the value", text.get_ref()),
            "from_path = 'METER_(\\w+)_\\d{8}\\.csv', with the value in parentheses",
        ),
        Err(error) => section.mistake(
            text.span(),
            format!(
                "`{}` is not a regular expression: {}",
                text.get_ref(),
                error.to_string().lines().last().unwrap_or_default()
            ),
        ),
    }
    None
}

/// The column or columns of the files: `from`, else the column's own name.
/// `P{1..96}` stands for 96 columns, as does a list of 96 names.
fn read_from(section: &Section<'_>, name: Option<&Spanned<String>>, kind: Option<ColumnType>) -> Vec<String> {
    let Some(from) = section.text_or_texts("from") else {
        return name.map(|name| name.get_ref().clone()).into_iter().collect();
    };
    let place = from.first().map_or_else(|| section.span(), |name| name.span());
    let is_curve = kind == Some(ColumnType::Curve);
    let names: Vec<String> = match from.as_slice() {
        [one] if is_curve => numbered(one.get_ref()).unwrap_or_else(|| vec![one.get_ref().clone()]),
        _ => from.into_iter().map(Spanned::into_inner).collect(),
    };
    match names.len() {
        1 => {}
        24 | 25 | 48 | 50 | 96 | 100 | 288 | 300 if is_curve => {
            if let Some(twice) =
                names.iter().enumerate().find_map(|(at, name)| names[..at].contains(name).then_some(name))
            {
                section.mistake(place, format!("`{twice}` stands here twice"));
            }
        }
        count if is_curve => section.mistake_with_hint(
            place,
            format!("{count} columns do not make a day"),
            "a column for each point: 24, 48, 96 or 288 of them, such as from = \"P{1..96}\", or those of 25 hours",
        ),
        _ => section.mistake(place, "only a curve is made from several columns"),
    }
    names
}

/// The names that `P{1..96}` or `P{01..96}` stands for.
fn numbered(pattern: &str) -> Option<Vec<String>> {
    let (before, rest) = pattern.split_once('{')?;
    let (range, after) = rest.split_once('}')?;
    let (first, last) = range.split_once("..")?;
    let width = if first.starts_with('0') && first.len() > 1 { first.len() } else { 0 };
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    // More than any day has: a slip of the pen must not fill the memory.
    let last = last.min(first.saturating_add(1_000));
    Some((first..=last).map(|number| format!("{before}{number:0width$}{after}")).collect())
}

/// `from_time_zone` and `time_zone`: stamps of the one become local time of the
/// other. Without the first they are local time already.
fn read_zones(section: &Section<'_>) -> Option<Zones> {
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
    if to.is_none() && from.is_some() {
        section.mistake_with_hint(
            section.span(),
            "`from_time_zone` goes with `time_zone`",
            "time_zone = \"Asia/Shanghai\", the zone of the accounts",
        );
    }
    let to = to?.into_inner();
    Some(Zones { from: from.map_or_else(|| to.clone(), Spanned::into_inner), to })
}

/// `from_unit`, checked against `unit`: a factor that does not fit is a
/// mistake of the contract, not of the data.
fn read_foreign_unit(section: &Section<'_>, unit: Option<&Spanned<String>>) -> Option<ForeignUnit> {
    let interval = section.integer("interval_minutes");
    let from = section.text("from_unit")?;
    let unit = unit.map(|unit| unit.get_ref().as_str());
    match (from.get_ref().as_str(), unit) {
        (same, Some(unit)) if same == unit => None,
        ("kW", Some("W")) | ("kvar", Some("var")) => Some(ForeignUnit::Kw),
        ("kWh", Some("Wh")) | ("kvarh", Some("varh")) => Some(ForeignUnit::Kwh),
        ("kWh", Some("W")) | ("kvarh", Some("var")) => match interval {
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
