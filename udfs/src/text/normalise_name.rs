//! Names that are written in many ways.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::normal::name;
use crate::row::{RowFunction, Text, row_function};

/// One way to write a name.
#[user_doc(
    doc_section(label = "Texts"),
    description = r"A name of a person or a company in one form (TEXT), so that equal ones are found: small letters, full width as half width, without punctuation; blanks only between words of letters, none beside Chinese. Titles (Mr, Mrs, Ms, Miss, Dr before, 先生, 女士, 小姐 after) are left out; legal forms are shortened (limited to ltd, 有限责任公司 to 有限公司). Traditional characters stay as they are.

NULL where the text is NULL or nothing is left of it.",
    syntax_example = "normalise_name(text)",
    sql_example = r"```sql
> select normalise_name('Ｈua Dong Power Company, Limited'), normalise_name('张 三先生');
hua dong power co ltd  张三
```",
    argument(name = "text", description = "TEXT")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NormaliseName;

impl RowFunction for NormaliseName {
    const NAME: &'static str = "normalise_name";
    const ARGUMENTS: &'static [&'static str] = &["text"];
    type Arguments = (Text,);
    type Figure = String;

    fn figure((text,): (&str,)) -> Result<Option<String>> {
        Ok(Some(name(text)).filter(|name| !name.is_empty()))
    }
}

row_function!(NormaliseName);
