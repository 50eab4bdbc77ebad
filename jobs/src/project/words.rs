//! The words of SQL: which columns it can be about.

use std::collections::BTreeSet;

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// All words of SQL, in small letters, columns among them. `None` where it may be about
/// columns that it does not name.
pub fn words(sql: &str) -> Option<BTreeSet<String>> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().ok()?;
    let mut words = BTreeSet::new();
    let mut before: Option<&Token> = None;
    for token in tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))) {
        match token {
            Token::Word(word) if word.keyword == Keyword::NATURAL => return None,
            Token::Word(word) => {
                words.insert(word.value.to_lowercase());
            }
            // Times comes after a value; after a keyword it may be either.
            Token::Mul => match before {
                Some(Token::Word(word)) if word.keyword != Keyword::NoKeyword => return None,
                Some(Token::Comma | Token::Period) | None => return None,
                _ => {}
            },
            _ => {}
        }
        before = Some(token);
    }
    Some(words)
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
        for all in ["select * from t", "select a, * from t", "select t.* from t", "select a from t natural join u"] {
            assert_eq!(words(all), None, "{all}");
        }
        assert_eq!(words("select distinct * from t"), None);
        assert!(words("select (a) * b, 2 * 3 from t").is_some());
    }
}
