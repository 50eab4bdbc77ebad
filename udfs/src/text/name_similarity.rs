//! Names that may be one.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::normal::name;
use crate::row::{RowFunction, Text, row_function};

/// How alike two names are.
#[user_doc(
    doc_section(label = "Texts"),
    description = r"How alike two names of persons or companies are (DOUBLE, 0 to 1): Jaro and Winkler's similarity of their normalised forms, see `normalise_name`. 1 where these are the same; from 0.9 on a slip of the pen is likely.

NULL where an argument is NULL or nothing is left of one. Source: W. E. Winkler, String comparator metrics and enhanced decision rules (1990).",
    syntax_example = "name_similarity(text, other_text)",
    sql_example = r"```sql
> select round(name_similarity('Martha Jones', 'Mrs. Marhta JONES'), 4);
0.9806
```",
    argument(name = "text", description = "TEXT"),
    argument(name = "other_text", description = "TEXT")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NameSimilarity;

impl RowFunction for NameSimilarity {
    const NAME: &'static str = "name_similarity";
    const ARGUMENTS: &'static [&'static str] = &["text", "other_text"];
    type Arguments = (Text, Text);
    type Figure = f64;

    fn figure((left, right): (&str, &str)) -> Result<Option<f64>> {
        let (left, right) = (name(left), name(right));
        Ok((!left.is_empty() && !right.is_empty()).then(|| strsim::jaro_winkler(&left, &right)))
    }
}

row_function!(NameSimilarity);
