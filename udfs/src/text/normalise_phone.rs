//! Phone numbers that are written in many ways.

use datafusion_common::{Result, ScalarValue, exec_datafusion_err};
use datafusion_macros::user_doc;

use super::normal::folded;
use crate::row::{RowFunction, Text, row_function};

/// Digits of a number with its country: of E.164, and of a local number that
/// lacks its area.
const DIGITS: std::ops::RangeInclusive<usize> = 10..=15;

/// A phone number as E.164 has it.
#[user_doc(
    doc_section(label = "Texts"),
    description = r"A phone number as E.164 writes it (TEXT): + with the code of the country and the number, without the 0 before the area. A number that begins with + or 00 has its country already; others get `country_code`, unless they begin with it and are too long otherwise. What stands after an extension mark (转, 分机, ext, x, #) is left out.

NULL where an argument is NULL, other characters than digits, blanks and ()-./ are in the number, and where fewer than 10 or more than 15 digits are left: a local number without its area tells nobody apart. A country code that is not 1 to 3 digits is an error, at planning where it is a literal.",
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
    if (1..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()) {
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
        let national = |digits: &str| format!("{code}{}", digits.strip_prefix('0').unwrap_or(digits));
        let number = match digits.strip_prefix("00") {
            _ if is_plus => digits,
            Some(digits) => digits.to_owned(),
            // A number of one's own country with its code, but for the +.
            None if digits.len() > 11 && digits.starts_with(code) => digits,
            None => national(&digits),
        };
        Ok(DIGITS.contains(&number.len()).then(|| format!("+{number}")))
    }

    fn check(argument: usize, literal: &ScalarValue) -> Result<(), String> {
        match (argument, literal) {
            (1, ScalarValue::Utf8(Some(code))) => check_code(code),
            _ => Ok(()),
        }
    }
}

row_function!(NormalisePhone);
