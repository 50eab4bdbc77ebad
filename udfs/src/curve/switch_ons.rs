//! Rises that look like a machine switched on.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, Parameter, measure};
use super::points::{self, Curve};

/// How often the curve rises by a step.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"How often a curve rises by `step_w` or more from one known point to the next (BIGINT). A null between two points parts them.

NULL for a NULL list and one without two known neighbours, and where `step_w` is NULL.",
    syntax_example = "switch_ons(curve, step_w)",
    sql_example = r"```sql
> select switch_ons([0, 2000, 100, 2500, 2600], 1500);
2
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "step_w", description = "BIGINT, watts, 1 to 2147483647.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SwitchOns;

impl Measure for SwitchOns {
    const NAME: &'static str = "switch_ons";
    const PARAMETERS: &'static [Parameter] = &[Parameter::new("step_w", 1, i32::MAX as i64)];
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, [step, ..]: [i64; MOST]) -> Option<i64> {
        points::steps(curve, None, |count: Option<i64>, change| Some(count.unwrap_or(0) + i64::from(change >= step)))
    }
}

measure!(SwitchOns);
