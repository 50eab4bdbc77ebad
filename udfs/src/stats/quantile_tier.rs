//! Tiers by a cut table.

use datafusion_common::{Result, exec_err};
use datafusion_macros::user_doc;

use crate::row::{Number, Numbers, RowFunction, row_function};

/// Where a value stands among cuts.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The tier of a value among ascending cuts (INT): 1 below the first cut, 2 from the first cut on, and so on; with no cut there is one tier. The cuts come from a table of quantiles, so that tiers stay the same from one account to the next and from run to run.

NULL where the value is NULL, NaN or infinite, and where the list or one of its cuts is. Cuts that descend are an error.",
    syntax_example = "quantile_tier(value, cuts)",
    sql_example = r"```sql
> select quantile_tier(250, [100, 250, 900]);
3
```",
    argument(name = "value", description = "Any number; exact up to 2^53."),
    argument(name = "cuts", description = "LIST of numbers, ascending.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct QuantileTier;

impl RowFunction for QuantileTier {
    const NAME: &'static str = "quantile_tier";
    const ARGUMENTS: &'static [&'static str] = &["value", "cuts"];
    type Arguments = (Number, Numbers);
    type Figure = i32;

    fn figure((value, cuts): (f64, &[f64])) -> Result<Option<i32>> {
        if !cuts.is_sorted() {
            return exec_err!("{}: argument cuts takes numbers that ascend, not {cuts:?}", Self::NAME);
        }
        // A list has at most as many elements as INT counts.
        Ok(Some(cuts.partition_point(|cut| *cut <= value) as i32 + 1))
    }
}

row_function!(QuantileTier);
