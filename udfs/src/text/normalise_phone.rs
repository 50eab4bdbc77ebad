//! Phone numbers that are written in many ways.

use datafusion_common::{Result, ScalarValue, exec_datafusion_err};
use datafusion_macros::user_doc;

use super::normal::folded;
use crate::row::{RowFunction, Text, row_function};

/// Digits of a number with its country.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// Countries with the digits that a number has there, its area among them.
const COUNTRIES: [(&str, std::ops::RangeInclusive<usize>); 2] = [("1", 10..=10), ("86", 10..=11)];

/// The country whose numbers keep their 0.
const KEEPS_ZERO: &str = "39";

/// A number that has its country in front, without a 0 between the two.
fn international(digits: &str) -> Option<String> {
    let country = COUNTRIES.iter().find_map(|(code, lengths)| Some((*code, digits.strip_prefix(code)?, lengths)));
    match country {
        _ if digits.starts_with('0') => None,
        Some((code, number, lengths)) => {
            let number = number.strip_prefix('0').unwrap_or(number);
            lengths.contains(&number.len()).then(|| format!("{code}{number}"))
        }
        None => Some(digits.to_owned()),
    }
}

/// A number as it is dialled inside its country.
fn national(digits: &str, code: &str) -> Option<String> {
    let number = if code == KEEPS_ZERO { digits } else { digits.strip_prefix('0').unwrap_or(digits) };
    match COUNTRIES.iter().find(|(country, _)| *country == code) {
        Some((_, lengths)) if !lengths.contains(&number.len()) => {
            // It may have its country in front, but for the +.
            international(number).filter(|_| number.starts_with(code))
        }
        _ => Some(format!("{code}{number}")),
    }
}

/// A phone number as E.164 has it.
#[user_doc(
    doc_section(label = "Texts"),
    description = r"A phone number as E.164 writes it (TEXT): + with the code of the country and the number, without the 0 before the area (in Italy it stays). A number that begins with + or 00 has its country already; others get `country_code`. Of China and North America it is known how long numbers are: there a number may have its country in front without a +, and one without its area is NULL. What stands after an extension mark (转, 分机, ext, x, #) is left out.

NULL where an argument is NULL, other characters than digits, blanks and ()-./ are in the number, and where with the country fewer than 8 or more than 15 digits are left. A country code that is not 1 to 3 digits from 1 on is an error, at planning where it is a literal.",
    syntax_example = "normalise_phone(text, country_code)",
    sql_example = r"```sql
> select normalise_phone('０10-6512 3456 转 8', '86'), normalise_phone('+44 (0)20 7946 0958', '86'), normalise_phone('138 0013 8000', '86');
+861065123456  +442079460958  +8613800138000
```",
    argument(name = "text", description = "TEXT"),
    argument(
        name = "country_code",
        description = "TEXT: digits of the country that numbers without one belong to, such as '86'."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NormalisePhone;

fn check_code(code: &str) -> Result<(), String> {
    if (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0') {
        Ok(())
    } else {
        Err(format!("takes 1 to 3 digits, such as '86', not '{code}'"))
    }
}

impl RowFunction for NormalisePhone {
    const NAME: &'static str = "normalise_phone";
    const ARGUMENTS: &'static [&'static str] = &["text", "country_code"];
    type Arguments = (Text, Text);
    type Figure = String;

    fn figure((text, code): (&str, &str)) -> Result<Option<String>> {
        check_code(code).map_err(|refusal| exec_datafusion_err!("{}: argument country_code {refusal}", Self::NAME))?;
        let text = folded(text);
        let end = ["转", "分机", "ext", "x", "#"].into_iter().filter_map(|mark| text.find(mark)).min();
        // The 0 that is only dialled inside the country.
        let text = text[..end.unwrap_or(text.len())].replace("(0)", "");
        let text = text.trim();
        if text.chars().any(|c| !c.is_ascii_digit() && !c.is_whitespace() && !"()-./+".contains(c)) {
            return Ok(None);
        }
        let (is_plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
        if rest.contains('+') {
            return Ok(None);
        }
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        let number = match digits.strip_prefix("00") {
            _ if is_plus => international(&digits),
            Some(digits) => international(digits),
            None => national(&digits, code),
        };
        Ok(number.filter(|number| DIGITS.contains(&number.len())).map(|number| format!("+{number}")))
    }

    fn check(argument: usize, literal: &ScalarValue) -> Result<(), String> {
        match (argument, literal) {
            (1, ScalarValue::Utf8(Some(code))) => check_code(code),
            _ => Ok(()),
        }
    }
}

row_function!(NormalisePhone);
