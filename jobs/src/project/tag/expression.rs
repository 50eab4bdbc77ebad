//! The SQL of a tag: parsed, its parameters put in, its columns read off.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::functions_aggregate::all_default_aggregate_functions;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Value, visit_expressions, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use chrono::NaiveDate;

use super::{Expression, Parameter, Place};
use crate::project::diagnostic::{Mistake, did_you_mean};
use crate::project::document::Literal;
use crate::project::model::{date_literal, unsteady_function, unsteady_message};

/// `peer_percentile(TAG, 50)`: what half of the account's peers are below.
pub const PERCENTILE: &str = "peer_percentile";

/// A percentile of a tag among peers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pick {
    pub peers: String,
    pub tag: String,
    pub percentile: u32,
}

impl Pick {
    /// The column that stands for it in compiled SQL.
    pub fn column(&self) -> String {
        format!("{}__{}", self.peers, self.cut())
    }

    /// The column of the table of cuts.
    pub fn cut(&self) -> String {
        format!("{}__p{}", self.tag, self.percentile)
    }

    /// As it is written in a tag or a case.
    pub fn written(&self) -> String {
        format!("{PERCENTILE}({}, {})", self.tag, self.percentile)
    }
}

/// Parses the expression and binds it twice, to enter and to exit values.
pub(super) fn bind(
    sql: &str,
    parameters: &BTreeMap<String, Parameter>,
    peers: &str,
    place: &Place,
) -> Result<Expression, Vec<Mistake>> {
    let parsed = parse(sql, place).map_err(|mistake| vec![mistake])?;
    let mut mistakes = Vec::new();
    if let Some((word, message)) = beyond_a_row(&parsed) {
        mistakes.push(place.of_word(&word).mistake(message));
    }
    let asked = placeholders(&parsed);
    for name in asked.iter().filter(|name| *name != "as_of" && !parameters.contains_key(*name)) {
        let hint = match did_you_mean(name, parameters.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `${near}`?"),
            None => format!("give it: parameters.{name} = {{ value = …, unit = \"…\" }}"),
        };
        let word = format!("${name}");
        mistakes.push(place.of_word(&word).mistake(format!("no parameter is called `${name}`")).with_hint(hint));
    }
    for name in parameters.keys().filter(|name| !asked.contains(*name)) {
        mistakes
            .push(place.mistake(format!("the parameter `{name}` is not asked for: write `${name}` where it holds")));
    }
    let mut expression = parsed;
    let picks = take_percentiles(&mut expression, peers, place, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let columns = columns(&expression, &picks);
    let with =
        |of: fn(&Parameter) -> &Literal| put(expression.clone(), &|name| parameters.get(name).map(of)).to_string();
    let has_exit = parameters.values().any(|parameter| parameter.exit.is_some());
    Ok(Expression {
        written: sql.to_owned(),
        enter: with(|parameter| &parameter.enter),
        exit: has_exit.then(|| with(|parameter| parameter.exit.as_ref().unwrap_or(&parameter.enter))),
        columns,
        picks,
    })
}

/// One expression, as a condition or a value is written.
pub(super) fn parse(sql: &str, place: &Place) -> Result<Expr, Mistake> {
    let failed = |message: String| {
        let message = message.trim_start_matches("sql parser error: ").to_owned();
        Place { span: place_in(sql, &message, place), ..place.clone() }.mistake(message)
    };
    let parser = Parser::new(&GenericDialect {}).try_with_sql(sql);
    let mut parser = parser.map_err(|error| failed(error.to_string()))?;
    let expression = parser.parse_expr().map_err(|error| failed(error.to_string()))?;
    match parser.peek_token() {
        end if end.token == Token::EOF => Ok(expression),
        other => Err(failed(format!(
            "an expression ends before `{}` at Line: {}, Column: {}",
            other.token, other.span.start.line, other.span.start.column
        ))),
    }
}

/// Where `Line: 3, Column: 7` of an expression lies in its file.
fn place_in(sql: &str, message: &str, place: &Place) -> std::ops::Range<usize> {
    let number = |after: &str| -> Option<usize> {
        let rest = &message[message.find(after)? + after.len()..];
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
    };
    let (Some(line), Some(column)) = (number("Line: "), number("Column: ")) else { return place.span.clone() };
    let raw = &place.text[place.span.clone()];
    let begin = raw.find(sql.lines().next().unwrap_or_default()).unwrap_or(0);
    let before: usize = sql.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = place.span.start + begin + before + column.saturating_sub(1);
    if at + 1 > place.span.end || !place.text.is_char_boundary(at) || !place.text.is_char_boundary(at + 1) {
        return place.span.clone();
    }
    at..at + 1
}

fn placeholders(expression: &Expr) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let _: ControlFlow<()> = visit_expressions(expression, |found: &Expr| {
        if let Expr::Value(value) = found
            && let Value::Placeholder(name) = &value.value
        {
            names.insert(name.trim_start_matches('$').to_owned());
        }
        ControlFlow::Continue(())
    });
    names
}

/// Replaces calls of [`PERCENTILE`] by the columns that will hold them.
fn take_percentiles(expression: &mut Expr, peers: &str, place: &Place, mistakes: &mut Vec<Mistake>) -> BTreeSet<Pick> {
    let mut picks = BTreeSet::new();
    let _: ControlFlow<()> = visit_expressions_mut(expression, |found: &mut Expr| {
        let Expr::Function(call) = found else { return ControlFlow::Continue(()) };
        if !call.name.to_string().eq_ignore_ascii_case(PERCENTILE) {
            return ControlFlow::Continue(());
        }
        let pick = match &call.args {
            FunctionArguments::List(list) => match list.args.as_slice() {
                [
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(tag))),
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(number))),
                ] => number
                    .value
                    .to_string()
                    .parse()
                    .ok()
                    .filter(|percentile| (1..=99).contains(percentile))
                    .map(|percentile| Pick { peers: peers.to_owned(), tag: tag.value.clone(), percentile }),
                _ => None,
            },
            _ => None,
        };
        match pick {
            Some(pick) => {
                *found = Expr::Identifier(Ident::new(pick.column()));
                picks.insert(pick);
            }
            None => mistakes.push(
                place
                    .of_word(PERCENTILE)
                    .mistake(format!("`{PERCENTILE}` takes a tag and a percentile"))
                    .with_hint(format!("{PERCENTILE}(energy_12m_kwh, 50), with 1 to 99")),
            ),
        }
        ControlFlow::Continue(())
    });
    picks
}

/// Columns that an expression names, without those that stand for percentiles.
fn columns(expression: &Expr, picks: &BTreeSet<Pick>) -> BTreeSet<String> {
    let made: BTreeSet<String> = picks.iter().map(Pick::column).collect();
    paths(expression).into_iter().filter_map(|mut path| path.pop()).filter(|name| !made.contains(name)).collect()
}

/// What an expression names, each with the table before the column where it has one.
fn paths(expression: &Expr) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    let _: ControlFlow<()> = visit_expressions(expression, |found: &Expr| {
        let path = match found {
            Expr::Identifier(name) => std::slice::from_ref(name),
            Expr::CompoundIdentifier(path) => path,
            _ => &[],
        };
        let plain = |name: &Ident| match name.quote_style {
            Some(_) => name.value.clone(),
            None => name.value.to_lowercase(),
        };
        if !path.is_empty() {
            paths.insert(path.iter().map(plain).collect());
        }
        ControlFlow::Continue(())
    });
    paths
}

/// Puts values in the place of parameters, lists into the list they stand in.
fn put<'a>(mut expression: Expr, value: &dyn Fn(&str) -> Option<&'a Literal>) -> Expr {
    let of = |found: &Expr| match found {
        Expr::Value(placed) => match &placed.value {
            Value::Placeholder(name) => value(name.trim_start_matches('$')),
            _ => None,
        },
        _ => None,
    };
    let _: ControlFlow<()> = visit_expressions_mut(&mut expression, |found: &mut Expr| {
        if let Expr::InList { list, .. } = found {
            *list = list
                .drain(..)
                .flat_map(|item| match of(&item) {
                    Some(Literal::List(items)) => items.iter().map(written).collect(),
                    _ => vec![item],
                })
                .collect();
        } else if let Some(literal) = of(found)
            && !matches!(literal, Literal::List(_))
        {
            *found = written(literal);
        }
        ControlFlow::Continue(())
    });
    expression
}

/// A literal as SQL writes it.
pub fn written(literal: &Literal) -> Expr {
    let value = match literal {
        Literal::Text(text) => Value::SingleQuotedString(text.clone()),
        Literal::Number(number) => Value::Number(number.clone(), false),
        Literal::Flag(flag) => Value::Boolean(*flag),
        Literal::List(items) => {
            return Expr::Array(datafusion::sql::sqlparser::ast::Array {
                elem: items.iter().map(written).collect(),
                named: false,
            });
        }
    };
    Expr::Value(value.into())
}

/// A bound expression at a date.
pub fn at(sql: &str, as_of: NaiveDate) -> String {
    let day = date_literal(as_of);
    replaced(sql, &|found| match found {
        Expr::Value(value) => matches!(&value.value, Value::Placeholder(name) if name == "$as_of").then(|| day.clone()),
        _ => None,
    })
}

/// The expression with values put in the place of its columns.
pub fn with_values(sql: &str, values: &BTreeMap<String, String>) -> String {
    replaced(sql, &|found| match found {
        Expr::Identifier(name) => {
            let name = if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() };
            values.get(&name).map(|value| Expr::Identifier(Ident::new(value)))
        }
        _ => None,
    })
}

/// An expression with parts replaced; what is none stays as it is.
fn replaced(sql: &str, by: &dyn Fn(&Expr) -> Option<Expr>) -> String {
    let Ok(mut expression) = parsed(sql) else { return sql.to_owned() };
    let _: ControlFlow<()> = visit_expressions_mut(&mut expression, |found: &mut Expr| {
        if let Some(other) = by(found) {
            *found = other;
        }
        ControlFlow::Continue(())
    });
    expression.to_string()
}

/// An expression of its own, without a place.
fn parsed(sql: &str) -> Result<Expr, Mistake> {
    parse(sql, &Place { file: "".into(), text: sql.into(), span: 0..sql.len() })
}

/// An expression, or what is wrong with it.
pub fn parse_expression(sql: &str) -> Result<Expr, String> {
    parsed(sql).map_err(|mistake| mistake.message)
}

/// Texts that an expression may give, as far as they stand in it.
pub fn text_results(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(expression) = parsed(sql) {
        collect_texts(&expression, &mut found);
    }
    found
}

fn collect_texts(expression: &Expr, found: &mut Vec<String>) {
    match expression {
        Expr::Value(value) => {
            if let Value::SingleQuotedString(text) = &value.value {
                found.push(text.clone());
            }
        }
        Expr::Nested(inner) => collect_texts(inner, found),
        Expr::Case { conditions, else_result, .. } => {
            conditions.iter().for_each(|when| collect_texts(&when.result, found));
            if let Some(result) = else_result {
                collect_texts(result, found);
            }
        }
        _ => {}
    }
}

/// Columns that a condition names; none where it is no condition.
pub fn columns_of(sql: &str) -> BTreeSet<String> {
    columns_of_condition(sql).unwrap_or_default()
}

/// Columns that a condition or a value of one account names, or what is wrong with it.
pub fn columns_of_condition(sql: &str) -> Result<BTreeSet<String>, String> {
    Ok(paths_of_condition(sql)?.into_iter().filter_map(|mut path| path.pop()).collect())
}

/// The same, each with the table before it where it has one.
pub fn paths_of_condition(sql: &str) -> Result<BTreeSet<Vec<String>>, String> {
    let expression = parse_expression(sql)?;
    // It is put into other SQL, on one line with it.
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap_or_default();
    if tokens.iter().any(|token| matches!(token, Token::Whitespace(Whitespace::SingleLineComment { .. }))) {
        return Err("a comment stands outside of the SQL, behind #".to_owned());
    }
    match beyond_a_row(&expression) {
        Some((_, message)) => Err(message),
        None => Ok(paths(&expression)),
    }
}

/// What an expression calls that is not told by one row alone, and why it may not.
fn beyond_a_row(expression: &Expr) -> Option<(String, String)> {
    let mut aggregates: Option<BTreeSet<String>> = None;
    let found = visit_expressions(expression, |part: &Expr| {
        let told = match part {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                Some(("select".to_owned(), "a query within it looks at more than one row".to_owned()))
            }
            Expr::Function(call) => {
                let name = call.name.to_string().to_lowercase();
                let is_over_rows =
                    call.over.is_some() || aggregates.get_or_insert_with(aggregate_names).contains(&name);
                let over_rows = || (name.clone(), format!("`{name}` looks at more than one row"));
                let unsteady = || unsteady_function(part).map(|name| (name.clone(), unsteady_message(&name)));
                is_over_rows.then(over_rows).or_else(unsteady)
            }
            _ => None,
        };
        told.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    });
    found.break_value()
}

/// Functions of many rows, those of the engine and our own.
fn aggregate_names() -> BTreeSet<String> {
    let engine = all_default_aggregate_functions().into_iter().flat_map(|function| {
        let names = std::iter::once(function.name().to_owned());
        names.chain(function.aliases().iter().cloned()).collect::<Vec<_>>()
    });
    engine.chain(kwhy_udfs::aggregate_functions().iter().map(|function| function.name().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_one_row_is_told() {
        for sql in ["sum(a) > 1", "row_number() over (order by a)", "a in (select b from t)", "curve_max(c)"] {
            assert!(columns_of_condition(sql).is_err_and(|message| message.contains("more than one row")), "{sql}");
        }
        for sql in ["a > random()", "open_date < current_date", "now() > b"] {
            assert!(columns_of_condition(sql).is_err_and(|message| message.contains("each time")), "{sql}");
        }
        assert!(columns_of_condition("a > 1 -- or so").is_err());
        let known = columns_of_condition("greatest(a, b) > abs(C) and d = '--'").expect("columns");
        assert_eq!(known, ["a", "b", "c", "d"].map(str::to_owned).into());
    }

    #[test]
    fn values_stand_where_columns_stood() {
        let values = BTreeMap::from([("a".to_owned(), "7".to_owned()), ("b".to_owned(), "'x'".to_owned())]);
        assert_eq!(with_values("a > 1 and B = 'a'", &values), "7 > 1 AND 'x' = 'a'");
    }
}
