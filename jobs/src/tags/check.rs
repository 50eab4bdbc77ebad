//! What in the catalogue does not fit: columns that are not there, values of
//! another type than the tag's, values outside its domain; and segmentations.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, DataFusionError, SchemaError};
use datafusion::logical_expr::ExprSchemable;

use super::Catalogue;
use crate::error::Error;
use crate::project::TAGS;
use crate::project::diagnostic::{Mistake, Mistakes, did_you_mean};
use crate::project::tag::{Body, Evidence, Expression, Place, Tag, TagType, text_results};

/// Checks all tags and evidence; every mistake is found at once.
pub fn check(catalogue: &Catalogue<'_>) -> Result<(), Error> {
    mistakes(catalogue)?.into_result().map_err(Error::from)
}

/// Everything in the catalogue that does not fit.
pub fn mistakes(catalogue: &Catalogue<'_>) -> Result<Mistakes, Error> {
    let mut mistakes = Mistakes::default();
    let project = catalogue.project;
    for evidence in project.tags.evidence.values() {
        mistakes.0.extend(check_evidence(catalogue, evidence));
    }
    for peers in project.tags.peers.values() {
        let accounts = catalogue.schema("stg_accounts");
        for column in &peers.levels {
            if let Some(schema) = accounts.filter(|schema| schema.index_of_column_by_name(None, column).is_none()) {
                mistakes.push(unknown_column(column, schema, "stg_accounts", &peers.place));
            }
        }
    }
    let types = catalogue.types()?;
    let tags_schema = catalogue.tags_schema(&types)?;
    // A template is told about once, with the first of its tags.
    let mut told: Vec<(usize, &str)> = Vec::new();
    for tag in &project.tags.tags {
        let Body::Sql(expression) = &tag.body else { continue };
        let key = (tag.place.span.start, &*tag.place.file);
        if told.contains(&key) {
            continue;
        }
        // What is wrong with a tag that it reads is told there.
        if tag.tags_read().iter().any(|name| project.tags.get(name).is_some() && !types.contains_key(name)) {
            continue;
        }
        let Some(schema) = catalogue.schema_of(tag, &tags_schema) else { continue };
        let found = check_tag(catalogue, tag, expression, &schema);
        if !found.is_empty() {
            told.push(key);
        }
        mistakes.0.extend(found);
    }
    mistakes.0.extend(super::segment::mistakes(catalogue, &types)?);
    Ok(mistakes)
}

fn check_evidence(catalogue: &Catalogue<'_>, evidence: &Evidence) -> Vec<Mistake> {
    let mut found = Vec::new();
    for source in &evidence.sources {
        let contracts = &catalogue.project.contracts;
        let (table, column) = source.split_once('.').map_or((&**source, None), |(table, column)| (table, Some(column)));
        let (what, near) = match (contracts.get(table), column) {
            (None, _) => ("source", did_you_mean(table, contracts.keys().map(String::as_str))),
            (Some(contract), Some(column)) if contract.column(column).is_none() => {
                ("column of a source", did_you_mean(column, contract.columns.iter().map(|column| column.name.as_str())))
            }
            _ => continue,
        };
        let hint = near.map_or_else(|| "see schemas/sources".to_owned(), |near| format!("did you mean `{near}`?"));
        found.push(evidence.place.of_word(source).mistake(format!("no {what} is called `{source}`")).with_hint(hint));
    }
    let Some(schema) = catalogue.schema(&evidence.feature) else { return found };
    let slice = evidence.slice.as_ref().map(|slice| (slice, evidence.place.of_word(slice)));
    for (sql, place) in [(&evidence.when, evidence.when_place.clone())].into_iter().chain(slice) {
        match type_of(catalogue, sql, schema, &evidence.feature, &place) {
            Ok(DataType::Boolean) => {}
            Ok(other) => found.push(place.mistake(format!("a condition is true or false, and this is {other}"))),
            Err(mistake) => found.push(mistake),
        }
    }
    found
}

fn check_tag(catalogue: &Catalogue<'_>, tag: &Tag, expression: &Expression, schema: &Arc<DFSchema>) -> Vec<Mistake> {
    let place = &tag.sql_place;
    let mut found = Vec::new();
    if let Some(slice) = &tag.slice {
        match type_of(catalogue, slice, schema, &tag.feature, &tag.place) {
            Ok(DataType::Boolean) => {}
            Ok(other) => found.push(tag.place.mistake(format!("`slice` is a condition, and this is {other}"))),
            Err(mistake) => found.push(mistake),
        }
    }
    match type_of(catalogue, &expression.enter, schema, &tag.feature, place) {
        Err(mistake) => found.push(mistake),
        Ok(kind) if !fits(tag.kind, &kind) => {
            let mistake = place.mistake(format!("`{}` is a {}, and its SQL gives {kind}", tag.name, tag.kind.name()));
            found.push(match wanted(tag.kind, &kind) {
                Some(hint) => mistake.with_hint(hint),
                None => mistake,
            });
        }
        Ok(_) => {}
    }
    if let Some(exit) = &expression.exit
        && found.is_empty()
        && let Err(mistake) = type_of(catalogue, exit, schema, &tag.feature, place)
    {
        found.push(mistake);
    }
    if tag.kind == TagType::Enum {
        for value in text_results(&expression.enter) {
            if !tag.values.contains(&value) {
                let hint = match did_you_mean(&value, tag.values.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its values: {}", tag.values.join(", ")),
                };
                let message = format!("`{value}` is none of the values of `{}`", tag.name);
                found.push(place.of_word(&value).mistake(message).with_hint(hint));
            }
        }
    }
    found
}

fn fits(kind: TagType, found: &DataType) -> bool {
    match kind {
        TagType::Bool => *found == DataType::Boolean,
        // A float is not exact: it may not be published.
        TagType::Number => found.is_integer() || matches!(found, DataType::Decimal128(..)),
        TagType::Tier => found.is_integer(),
        TagType::Enum | TagType::Text => matches!(found, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
        TagType::Date => *found == DataType::Date32,
    }
}

fn wanted(kind: TagType, found: &DataType) -> Option<String> {
    match kind {
        TagType::Number if found.is_floating() => {
            Some("a float depends on the order of its terms: ratio(a, b), or cast(… as decimal(12, 3))".to_owned())
        }
        TagType::Bool => Some("a condition, such as `x > 0`".to_owned()),
        TagType::Date => Some("cast(… as date)".to_owned()),
        _ => None,
    }
}

pub(super) fn type_of(
    catalogue: &Catalogue<'_>,
    sql: &str,
    schema: &Arc<DFSchema>,
    table: &str,
    place: &Place,
) -> Result<DataType, Mistake> {
    let planned = catalogue.expression(sql, schema).and_then(|expression| expression.get_type(schema.as_ref()));
    planned.map_err(|error| match error.find_root() {
        DataFusionError::SchemaError(found, _) => match found.as_ref() {
            SchemaError::FieldNotFound { field, .. } => unknown_column(field.name(), schema, table, place),
            other => place.mistake(other.to_string()),
        },
        other => place.mistake(first_sentence(&other.strip_backtrace())),
    })
}

/// What a planner says, without the advice that is not ours.
fn first_sentence(message: &str) -> String {
    let message = message.trim_start_matches("Error during planning: ");
    message.lines().next().unwrap_or(message).to_owned()
}

pub(super) fn unknown_column(column: &str, schema: &DFSchema, table: &str, place: &Place) -> Mistake {
    let names: BTreeMap<&str, ()> = schema.fields().iter().map(|field| (field.name().as_str(), ())).collect();
    let (what, all) = match table {
        TAGS => ("no tag is called", "kwhy tags list shows all".to_owned()),
        _ => ("no column is called", format!("{table} has: {}", names.keys().copied().collect::<Vec<_>>().join(", "))),
    };
    let hint = match did_you_mean(column, names.keys().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => all,
    };
    place.of_word(column).mistake(format!("{what} `{column}` in {table}")).with_hint(hint)
}
