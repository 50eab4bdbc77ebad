//! Why an account has the value of a tag that it has.

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::ast::{Expr, visit_expressions_mut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// The expression with values put in the place of its columns.
pub fn with_values(sql: &str, values: &BTreeMap<String, String>) -> String {
    let Ok(mut expression) =
        Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_expr())
    else {
        return sql.to_owned();
    };
    let _: std::ops::ControlFlow<()> = visit_expressions_mut(&mut expression, |found: &mut Expr| {
        if let Expr::Identifier(name) = found
            && let Some(value) = values.get(&name.value.to_lowercase())
        {
            name.value.clone_from(value);
        }
        std::ops::ControlFlow::Continue(())
    });
    expression.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_columns_stood() {
        let values = BTreeMap::from([("a".to_owned(), "7".to_owned()), ("b".to_owned(), "'x'".to_owned())]);
        assert_eq!(with_values("a > 1 and B = 'a'", &values), "7 > 1 AND 'x' = 'a'");
    }
}
