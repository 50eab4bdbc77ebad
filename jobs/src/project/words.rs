//! The words of SQL: which columns it can be about.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// All words of SQL, in small letters, columns among them. `None` where it may be about
/// columns that it does not name.
pub fn words(sql: &str) -> Option<BTreeSet<String>> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().ok()?;
    let tokens: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let mut words = BTreeSet::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Word(word) if word.keyword == Keyword::NATURAL => return None,
            Token::Word(word) => {
                words.insert(word.value.to_lowercase());
            }
            Token::Mul if !is_count(&tokens[..at]) && !is_operand(tokens.get(at + 1)) => return None,
            _ => {}
        }
    }
    Some(words)
}

/// Whether a star after these tokens is that of `count(*)`.
fn is_count(before: &[&Token]) -> bool {
    matches!(before, [.., Token::Word(function), Token::LParen] if function.value.eq_ignore_ascii_case("count"))
}

/// Whether the star before it may be times. After one that is all columns comes the end
/// of a list, or what they are from or without.
fn is_operand(after: Option<&&Token>) -> bool {
    use Keyword::{EXCEPT, EXCLUDE, FROM, ILIKE, INTERSECT, LIMIT, ORDER, RENAME, REPLACE, UNION, WHERE};
    match after {
        None | Some(Token::Comma | Token::RParen | Token::SemiColon) => false,
        Some(Token::Word(word)) => {
            ![EXCEPT, EXCLUDE, FROM, ILIKE, INTERSECT, LIMIT, ORDER, RENAME, REPLACE, UNION, WHERE]
                .contains(&word.keyword)
        }
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_words() {
        let found =
            words("select \"A b\", t.x * 2, count(*) from t join u using (k) -- z\nwhere y > 'w'").expect("words");
        for word in ["a b", "x", "k", "y"] {
            assert!(found.contains(word), "{word}");
        }
        for word in ["z", "w"] {
            assert!(!found.contains(word), "{word}");
        }
        for all in [
            "select * from t",
            "select a, * from t",
            "select *, a from t",
            "select t.* from t",
            "select a from t natural join u",
            "select distinct * from t",
            "select distinct on (a) * from t",
            "select (*) from t",
            "select * except (a) from t",
            "select a from t where exists (select *)",
            "from t select *",
        ] {
            assert_eq!(words(all), None, "{all}");
        }
        for few in
            ["select (a) * b, 2 * 3 from t", "select year * case when a then 1 end from t", "select count( * ) from t"]
        {
            assert!(words(few).is_some(), "{few}");
        }
    }
}
