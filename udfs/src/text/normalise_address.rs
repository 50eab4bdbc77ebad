//! Addresses that are written in many ways.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::normal::address;
use crate::row::{RowFunction, Text, row_function};

/// One way to write an address.
#[user_doc(
    doc_section(label = "Texts"),
    description = r"An address in one form (TEXT), so that equal ones are found: small letters, full width as half width, without punctuation; blanks only between words of letters and numbers, none beside Chinese. Chinese numerals up to 9,999 before a unit become digits (十二栋 to 12栋), leading zeros go, 号楼, 幢 and 座 after a number or letter become 栋, # becomes 号; usual English words are shortened (street to st, flat and apartment to apt).

NULL where the text is NULL or nothing is left of it.",
    syntax_example = "normalise_address(text)",
    sql_example = r"```sql
> select normalise_address('南京西路１２３４号 五号楼三〇一室'), normalise_address('Flat 04, 12 High Street');
南京西路1234号5栋301室  apt 4 12 high st
```",
    argument(name = "text", description = "TEXT")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NormaliseAddress;

impl RowFunction for NormaliseAddress {
    const NAME: &'static str = "normalise_address";
    const ARGUMENTS: &'static [&'static str] = &["text"];
    type Arguments = (Text,);
    type Figure = String;

    fn figure((text,): (&str,)) -> Result<Option<String>> {
        Ok(Some(address(text)).filter(|address| !address.is_empty()))
    }
}

row_function!(NormaliseAddress);
