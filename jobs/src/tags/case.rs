//! The cases of tags: feature values, and the value that the tag must have.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::display::array_value_to_string;
use chrono::NaiveDate;
use datafusion::common::{DFSchema, ScalarValue};

use super::{CUT, Catalogue, DAY, pick_of};
use crate::engine::expression::physical;
use crate::error::Error;
use crate::project::diagnostic::{Mistake, did_you_mean};
use crate::project::document::Literal;
use crate::project::tag::{Body, Case, Expression, Pick, Place, Tag};

/// A case whose tag has another value.
#[derive(Debug)]
pub struct Failure {
    pub tag: String,
    pub mistake: Mistake,
}

/// Runs all cases; gives how many there are, and those that fail.
pub fn run_cases(catalogue: &Catalogue<'_>) -> Result<(usize, Vec<Failure>), Error> {
    let types = catalogue.types()?;
    let tags_schema = catalogue.tags_schema(&types)?;
    let mut count = 0;
    let mut failures = Vec::new();
    for tag in &catalogue.project.tags.tags {
        let (Body::Sql(expression), Some(schema)) = (&tag.body, catalogue.schema_of(tag, &tags_schema)) else {
            continue;
        };
        for case in &tag.cases {
            count += 1;
            if let Err(mistake) = run_case(catalogue, tag, expression, case, &schema) {
                failures.push(Failure { tag: tag.name.clone(), mistake });
            }
        }
    }
    Ok((count, failures))
}

fn run_case(
    catalogue: &Catalogue<'_>,
    tag: &Tag,
    expression: &Expression,
    case: &Case,
    schema: &DFSchema,
) -> Result<(), Mistake> {
    let as_of = match case.given.get("as_of") {
        None => DAY,
        Some(Literal::Text(day)) => day.parse().map_err(|_| {
            case.place.of_word("as_of").mistake(format!("`{day}` is not a date")).with_hint("such as 2026-01-31")
        })?,
        Some(_) => return Err(case.place.of_word("as_of").mistake("`as_of` takes a date: \"2026-01-31\"")),
    };
    let row = row(expression, &tag.picks(), case, schema)?;
    let value = |sql: &str| evaluate(catalogue, sql, &row, as_of, &tag.sql_place);
    let entered = value(&expression.enter)?;
    let found = match (case.given.get("previous"), &expression.exit) {
        (None, _) => entered,
        (Some(previous), Some(exit)) => {
            let kept = value(exit)?;
            if kept.as_deref() == Some(previous.shown().as_str()) { kept } else { entered }
        }
        (Some(_), None) => {
            let message = format!("`previous` says nothing: `{}` has no parameter with `enter` and `exit`", tag.name);
            return Err(case.place.of_word("previous").mistake(message));
        }
    };
    let expected = case.expect.as_ref().map(Literal::shown);
    if same(found.as_deref(), expected.as_deref()) {
        return Ok(());
    }
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let message = format!("`{}` is {} here, not {}", tag.name, shown(&found), shown(&expected));
    Err(case.place.mistake(message).with_hint(format!("it is: {}", expression.enter)))
}

/// Numbers are the same whatever zeros they are written with.
fn same(found: Option<&str>, expected: Option<&str>) -> bool {
    let plain = |text: &str| match text.contains('.') && text.parse::<f64>().is_ok() {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    found.map(plain) == expected.map(plain)
}

/// The one row that a case describes; what it does not give is null.
fn row(expression: &Expression, picks: &[Pick], case: &Case, schema: &DFSchema) -> Result<RecordBatch, Mistake> {
    let mut given: BTreeMap<String, &Literal> = BTreeMap::new();
    for (name, literal) in &case.given {
        let column = match pick_of(picks, name) {
            Some(pick) => pick.column(),
            None => name.clone(),
        };
        let is_read = expression.columns.contains(&column) || picks.iter().any(|pick| pick.column() == column);
        if !is_read && !["as_of", "previous"].contains(&name.as_str()) {
            let known = expression.columns.iter().map(String::as_str);
            let hint = match did_you_mean(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it reads: {}", known.collect::<Vec<_>>().join(", ")),
            };
            return Err(case.place.of_word(name).mistake(format!("the tag does not read `{name}`")).with_hint(hint));
        }
        given.insert(column, literal);
    }
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    let picked = picks.iter().map(|pick| (pick.column(), CUT));
    let read = expression.columns.iter().filter_map(|name| {
        schema.field_with_unqualified_name(name).ok().map(|field| (name.clone(), field.data_type().clone()))
    });
    for (name, kind) in read.chain(picked) {
        let value = match given.get(&name) {
            Some(literal) => scalar(literal, &kind)
                .map_err(|reason| case.place.of_word(&name).mistake(format!("`{name}`: {reason}")))?,
            None => null(&kind),
        };
        columns.push(value);
        fields.push(Field::new(name, kind, true));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .map_err(|error| case.place.mistake(error.to_string()))
}

fn null(kind: &DataType) -> ArrayRef {
    arrow::array::new_null_array(kind, 1)
}

/// A literal as a column of one row of a type.
fn scalar(literal: &Literal, kind: &DataType) -> Result<ArrayRef, String> {
    match (literal, kind) {
        (Literal::Text(text), _) if text == "null" => Ok(null(kind)),
        (Literal::List(items), DataType::List(field)) => {
            let items = items.iter().map(|item| {
                let column = scalar(item, field.data_type())?;
                ScalarValue::try_from_array(&column, 0).map_err(|error| error.to_string())
            });
            let items = items.collect::<Result<Vec<_>, String>>()?;
            let list = ScalarValue::new_list_nullable(&items, field.data_type());
            let list = arrow::compute::cast(&(list as ArrayRef), kind);
            list.map_err(|error| error.to_string())
        }
        (Literal::List(_), _) => Err(format!("is {kind}, not a list")),
        (other, _) => ScalarValue::try_from_string(other.shown(), kind)
            .and_then(|value| value.to_array())
            .map_err(|_| format!("`{}` is no {kind}", other.shown())),
    }
}

fn evaluate(
    catalogue: &Catalogue<'_>,
    sql: &str,
    row: &RecordBatch,
    as_of: NaiveDate,
    place: &Place,
) -> Result<Option<String>, Mistake> {
    let run = || -> datafusion::error::Result<Option<String>> {
        let schema = Arc::new(DFSchema::try_from(row.schema().as_ref().clone())?);
        let physical = physical(&catalogue.context.state(), &crate::project::tag::at(sql, as_of), &schema)?;
        let value = physical.evaluate(row)?.into_array(1)?;
        Ok((!value.is_null(0)).then(|| array_value_to_string(&value, 0)).transpose()?)
    };
    run().map_err(|error| place.mistake(error.strip_backtrace()))
}
