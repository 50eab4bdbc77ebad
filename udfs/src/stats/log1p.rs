//! A scale for what grows by multiples.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use crate::row::{Number, RowFunction, row_function};

/// The natural logarithm of one more.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The natural logarithm of `1 + value` (DOUBLE): puts what grows by multiples, such as energy and money, on a scale on which differences can be compared, and leaves 0 at 0. Unlike `ln`, it has the same bits on every machine.

NULL where the value is NULL, NaN or infinite, and at -1 and below.",
    syntax_example = "log1p(value)",
    sql_example = r"```sql
> select log1p(1);
0.6931471805599453
```",
    argument(name = "value", description = "Number above -1.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Log1p;

impl RowFunction for Log1p {
    const NAME: &'static str = "log1p";
    const ARGUMENTS: &'static [&'static str] = &["value"];
    type Arguments = (Number,);
    type Figure = f64;

    fn figure((value,): (f64,)) -> Result<Option<f64>> {
        Ok((value > -1.0).then(|| libm::log1p(value)))
    }
}

row_function!(Log1p);
