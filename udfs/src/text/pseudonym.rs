//! Another name, from which the first cannot be told.

use datafusion_common::{Result, ScalarValue, exec_datafusion_err};
use datafusion_macros::user_doc;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::row::{RowFunction, Text, row_function};

/// A keyed hash of a text.
#[user_doc(
    doc_section(label = "Texts"),
    description = r"A pseudonym for a text (TEXT of 32 hexadecimal digits): the first half of HMAC-SHA-256 of its UTF-8 bytes, with the salt as the key. The same text and salt give the same pseudonym, here and in any other tool; without the salt nobody can tell the text, nor try out all phone numbers. Keep the salt secret, and change it where pseudonyms must not be joined. Normalise before, or two ways to write one number get two pseudonyms.

NULL where an argument is NULL. An empty salt is an error, at planning where it is a literal.",
    syntax_example = "pseudonym(text, salt)",
    sql_example = r"```sql
> select pseudonym('what do ya want for nothing?', 'Jefe');
5bdcc146bf60754e6a042426089575c7
```",
    argument(name = "text", description = "TEXT"),
    argument(name = "salt", description = "TEXT, not empty; 16 random bytes or more, in hexadecimal, are safe.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Pseudonym;

fn check_salt(salt: &str) -> Result<(), String> {
    if salt.is_empty() { Err("takes a text that is not empty".to_owned()) } else { Ok(()) }
}

impl RowFunction for Pseudonym {
    const NAME: &'static str = "pseudonym";
    const ARGUMENTS: &'static [&'static str] = &["text", "salt"];
    type Arguments = (Text, Text);
    type Figure = String;

    fn figure((text, salt): (&str, &str)) -> Result<Option<String>> {
        check_salt(salt).map_err(|refusal| exec_datafusion_err!("{}: argument salt {refusal}", Self::NAME))?;
        let keyed = Hmac::<Sha256>::new_from_slice(salt.as_bytes());
        // A key of any length will do.
        let mut keyed = keyed.map_err(|error| exec_datafusion_err!("{}: {error}", Self::NAME))?;
        keyed.update(text.as_bytes());
        let digest = keyed.finalize().into_bytes();
        let digits = digest.iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
        // One of sixteen each.
        Ok(Some(digits.map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or_default()).collect()))
    }

    fn check(argument: usize, literal: &ScalarValue) -> Result<(), String> {
        match (argument, literal) {
            (1, ScalarValue::Utf8(Some(salt))) => check_salt(salt),
            _ => Ok(()),
        }
    }
}

row_function!(Pseudonym);
