//! Models: derived tables, each one SQL file, with the contract of what it
//! makes beside it in `schemas/`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    DataType as SqlType, Expr, TypedString, Value, visit_expressions, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;

use super::diagnostic::{Mistake, Mistakes};
use super::document::Document;
use super::tag::{Part, WideRelation};

/// Where a derived table is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// A source that is made of another one: readings folded into curves.
    Staging,
    Features,
    Marts,
}

/// What one unit of a model covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One bucket: of accounts, or of what the table is kept together by.
    Bucket,
    /// One bucket and one month: rows of a month are made of rows of that month alone,
    /// whatever the date of the run.
    Month,
    /// One bucket of something else, whose rows belong to many buckets of its own.
    Scatter,
    /// All rows at once: for totals over small tables.
    Whole,
    /// Made by the driver itself.
    Driver,
}

/// A derived table.
#[derive(Clone, Debug)]
pub struct Model {
    pub name: String,
    /// The SQL file, for messages.
    pub file: String,
    pub sql: String,
    pub layer: Layer,
    pub scope: Scope,
    /// The column whose rows of one value are kept together, where that is not the
    /// account: a re-keyed table.
    pub bucket_by: Option<String>,
    pub label: String,
    pub label_zh: Option<String>,
    pub key: Vec<String>,
    /// Business time: readers see rows before their as-of only.
    pub time: Option<String>,
    /// Date column by whose month the table is partitioned.
    pub month_of: Option<String>,
    pub folds: Option<Folds>,
    /// Tables that the SQL reads.
    pub inputs: BTreeSet<String>,
    /// Parameters that the SQL names, with the sign: `$as_of`.
    pub parameters: BTreeSet<String>,
    /// What the contract gives for them, without the sign.
    pub settings: BTreeMap<String, i64>,
    /// The contract as it is written.
    pub contract: String,
    /// Of a compiled model: the wide relation that its SQL sees.
    pub wide: Option<Arc<WideRelation>>,
}

/// Rows that stand for several delivered ones say how many, so that none is
/// lost unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    /// Column: delivered rows behind a row.
    pub delivered: String,
    /// Column: those of them that repeated no other one.
    pub distinct: String,
}

/// What a contract in `schemas/features` or `schemas/marts` says.
#[derive(Clone, Debug)]
pub struct ModelContract {
    pub label: String,
    pub label_zh: Option<String>,
    pub key: Vec<String>,
    pub scope: Option<Scope>,
    pub bucket_by: Option<String>,
    pub time: Option<String>,
    pub month_of: Option<String>,
    pub folds: Option<Folds>,
    /// Thresholds of the SQL by name.
    pub settings: BTreeMap<String, i64>,
    /// As it is written.
    pub text: String,
}

impl ModelContract {
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistakes> {
        Document::read(file, text, |root| {
            let label = root.required_text("label");
            let key = root.required_texts("key").unwrap_or_default();
            if key.is_empty() {
                root.mistake(root.span(), "`key` names no column");
            }
            let scopes = [
                ("bucket", Scope::Bucket),
                ("month", Scope::Month),
                ("scatter", Scope::Scatter),
                ("whole", Scope::Whole),
            ];
            let mut scope = root.choice("scope", &scopes);
            let bucket_by = root.text("bucket_by");
            match (&bucket_by, scope) {
                (Some(column), Some(Scope::Whole)) => {
                    root.mistake(column.span(), "`bucket_by` is of a table in buckets, and this one is made at once");
                }
                (Some(_), None) => scope = Some(Scope::Bucket),
                _ => {}
            }
            let month_of = root.text("month_of").map(toml::Spanned::into_inner);
            if scope == Some(Scope::Month) && month_of.is_none() {
                root.mistake(root.span(), "`scope = \"month\"` needs `month_of`, the date whose months are apart");
            }
            let columns = (root.text("delivered_rows"), root.text("distinct_rows"));
            let folds = match columns {
                (Some(delivered), Some(distinct)) => {
                    Some(Folds { delivered: delivered.into_inner(), distinct: distinct.into_inner() })
                }
                (None, None) => None,
                _ => {
                    root.mistake(root.span(), "`delivered_rows` and `distinct_rows` go together");
                    None
                }
            };
            let mut settings = BTreeMap::new();
            for (name, value) in root.literals("parameters") {
                match value.get_ref().shown().parse() {
                    _ if name.get_ref() == "as_of" => root.mistake(name.span(), "`as_of` is the date of the run"),
                    Ok(number) => drop(settings.insert(name.into_inner(), number)),
                    Err(_) => root.mistake(value.span(), format!("`{}` takes a whole number", name.get_ref())),
                }
            }
            Some(Self {
                folds,
                settings,
                text: text.to_owned(),
                label_zh: root.text("label_zh").map(toml::Spanned::into_inner),
                key: key.into_iter().map(toml::Spanned::into_inner).collect(),
                scope,
                bucket_by: bucket_by.map(toml::Spanned::into_inner),
                time: root.text("time").map(toml::Spanned::into_inner),
                month_of,
                label: label?.into_inner(),
            })
        })
    }
}

impl Model {
    /// Links a SQL file with its contract.
    pub fn new(name: &str, layer: Layer, file: &str, sql: String, contract: ModelContract) -> Result<Self, Mistakes> {
        let statement = parse_sql(file, &sql)?;
        check_steady(file, &sql, &statement)?;
        let is_per_account = contract.key.iter().any(|column| column == "account_id");
        let default = if is_per_account { Scope::Bucket } else { Scope::Whole };
        Ok(Self {
            name: name.to_owned(),
            file: file.to_owned(),
            layer,
            scope: contract.scope.unwrap_or(default),
            bucket_by: contract.bucket_by,
            label: contract.label,
            label_zh: contract.label_zh,
            key: contract.key,
            time: contract.time,
            month_of: contract.month_of,
            folds: contract.folds,
            inputs: tables(file, &sql, &statement)?,
            parameters: parameters(&statement),
            settings: contract.settings,
            contract: contract.text,
            wide: None,
            sql,
        })
    }

    /// A model whose SQL sees a wide relation as `aligned`.
    pub fn over(mut self, aligned: &str, wide: WideRelation) -> Result<Self, Mistakes> {
        self.inputs.remove(aligned);
        for Part { name, sql, .. } in &wide.parts {
            let statement = parse_sql(&format!("{} ({name})", self.file), sql)?;
            self.inputs.extend(tables(&self.file, sql, &statement)?);
            self.parameters.extend(parameters(&statement));
        }
        self.wide = Some(Arc::new(wide));
        Ok(self)
    }

    /// Where `word` stands in the SQL, for a caret.
    pub fn place(&self, word: &str) -> std::ops::Range<usize> {
        find_word(&self.sql, word)
    }
}

/// The one statement of a SQL file.
pub fn parse_sql(file: &str, sql: &str) -> Result<Statement, Mistakes> {
    let parsed = DFParser::parse_sql_with_dialect(sql, &GenericDialect {});
    let mistake = match parsed {
        Ok(mut statements) => match (statements.pop_front(), statements.is_empty()) {
            (Some(statement), true) => return Ok(statement),
            (Some(_), false) => Mistake::new(file, sql, 0..0, "a model is one statement"),
            (None, _) => Mistake::new(file, sql, 0..0, "no statement in this file"),
        },
        Err(error) => {
            let message = error.to_string();
            let message = message.trim_start_matches("SQL error: ").to_owned();
            Mistake::new(file, sql, place_in(sql, &message), message)
        }
    };
    Err(Mistakes(vec![mistake]))
}

/// Functions that give something else each time they are asked.
const UNSTEADY: [&str; 7] = ["current_date", "current_time", "current_timestamp", "now", "random", "today", "uuid"];

/// The function that an expression calls, if that is one of [`UNSTEADY`].
pub fn unsteady_function(expression: &Expr) -> Option<String> {
    let Expr::Function(call) = expression else { return None };
    let name = call.name.to_string().to_lowercase();
    UNSTEADY.contains(&&*name).then_some(name)
}

/// A model says the same of the same data whenever it is asked.
fn check_steady(file: &str, sql: &str, statement: &Statement) -> Result<(), Mistakes> {
    let Statement::Statement(statement) = statement else { return Ok(()) };
    let found = visit_expressions(statement.as_ref(), |found: &Expr| match unsteady_function(found) {
        Some(function) => ControlFlow::Break(function),
        None => ControlFlow::Continue(()),
    });
    let ControlFlow::Break(function) = found else { return Ok(()) };
    let mistake = Mistake::new(file, sql, find_word(sql, &function), unsteady_message(&function));
    Err(Mistakes(vec![mistake.with_hint("the day of the run is $as_of")]))
}

pub fn unsteady_message(function: &str) -> String {
    format!("`{function}` gives something else each time it is asked")
}

/// Reads `Line: 3, Column: 7` off a message of the parser.
fn place_in(sql: &str, message: &str) -> std::ops::Range<usize> {
    let number = |after: &str| -> Option<usize> {
        let rest = &message[message.find(after)? + after.len()..];
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
    };
    let (Some(line), Some(column)) = (number("Line: "), number("Column: ")) else { return 0..0 };
    let start: usize = sql.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = (start + column.saturating_sub(1)).min(sql.len());
    at..(at + 1).min(sql.len())
}

fn tables(file: &str, sql: &str, statement: &Statement) -> Result<BTreeSet<String>, Mistakes> {
    match resolve_table_references(statement, true) {
        Ok((tables, _)) => Ok(tables.into_iter().map(|table| table.table().to_owned()).collect()),
        Err(error) => Err(Mistakes(vec![Mistake::new(file, sql, 0..0, error.to_string())])),
    }
}

fn parameters(statement: &Statement) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Statement::Statement(statement) = statement {
        let _: ControlFlow<()> = visit_expressions(statement.as_ref(), |expression: &Expr| {
            if let Expr::Value(value) = expression
                && let Value::Placeholder(name) = &value.value
            {
                names.insert(name.clone());
            }
            ControlFlow::Continue(())
        });
    }
    names
}

/// Replaces parameters by what `value` gives for their names, in the parsed
/// statement, never in text.
pub fn bind(mut statement: Statement, value: &dyn Fn(&str) -> Option<Expr>) -> Statement {
    if let Statement::Statement(statement) = &mut statement {
        let _: ControlFlow<()> = visit_expressions_mut(statement.as_mut(), |expression: &mut Expr| {
            if let Expr::Value(found) = expression
                && let Value::Placeholder(name) = &found.value
                && let Some(value) = value(name.trim_start_matches('$'))
            {
                *expression = value;
            }
            ControlFlow::Continue(())
        });
    }
    statement
}

/// A day as SQL writes it.
pub fn date_literal(day: NaiveDate) -> Expr {
    let value = Value::SingleQuotedString(day.to_string()).into();
    Expr::TypedString(TypedString { data_type: SqlType::Date, value, uses_odbc_syntax: false })
}

/// A name in SQL, whatever it is made of.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The first place where `word` stands by itself.
pub fn find_word(text: &str, word: &str) -> std::ops::Range<usize> {
    let is_inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let found = text.match_indices(word).find(|(at, _)| {
        !is_inside(text[..*at].chars().next_back()) && !is_inside(text[at + word.len()..].chars().next())
    });
    found.map_or(0..0, |(at, _)| at..at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> ModelContract {
        ModelContract {
            label: "Bills".into(),
            label_zh: None,
            key: vec!["account_id".into()],
            scope: None,
            bucket_by: None,
            time: None,
            month_of: None,
            folds: None,
            settings: BTreeMap::new(),
            text: String::new(),
        }
    }

    #[test]
    fn inputs_and_parameters_are_read_off_the_sql() {
        let sql = "with b as (select * from stg_bills where bill_month < $as_of) select b.account_id from b join calendar using (bill_month)";
        let model = Model::new("m", Layer::Features, "m.sql", sql.into(), contract()).expect("good");
        assert_eq!(model.inputs.iter().map(String::as_str).collect::<Vec<_>>(), ["calendar", "stg_bills"]);
        assert_eq!(model.parameters.iter().map(String::as_str).collect::<Vec<_>>(), ["$as_of"]);
        assert_eq!(model.scope, Scope::Bucket);
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let mistakes =
            Model::new("m", Layer::Features, "m.sql", "select a\nfrom t where )".into(), contract()).expect_err("bad");
        let shown = mistakes.render();
        assert!(shown.contains("m.sql:2"), "{shown}");
    }

    #[test]
    fn a_model_is_the_same_whenever_it_is_asked() {
        let check = |sql: &str| check_steady("m", sql, &parse_sql("m", sql).expect("sql"));
        for sql in
            ["select now()", "select a from t where d < CURRENT_DATE", "with r as (select random()) select * from r"]
        {
            assert!(check(sql).is_err_and(|found| found.0[0].message.contains("each time")), "{sql}");
        }
        assert!(check("select a as now from t where d < $as_of and e = 'random()'").is_ok());
    }

    #[test]
    fn parameters_are_bound_in_the_syntax_tree() {
        let statement = parse_sql("m", "select '$least', a from t where a > $least and b < $most").expect("sql");
        let number = |name: &str| (name == "least").then(|| Expr::Value(Value::Number("-7".to_owned(), false).into()));
        assert_eq!(bind(statement, &number).to_string(), "SELECT '$least', a FROM t WHERE a > -7 AND b < $most");
    }
}
