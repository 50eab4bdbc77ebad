//! Steepest rise.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};

/// Largest rise between neighbours.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The largest rise from one known point to the next (BIGINT, watts); 0 where the curve never rises. A null between two points parts them.

NULL for a NULL list and one without two known neighbours.",
    syntax_example = "ramp_up_w(curve)",
    sql_example = r"```sql
> select ramp_up_w([300, 200, 900, null, 2000]);
700
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RampUpW;

impl Measure for RampUpW {
    const NAME: &'static str = "ramp_up_w";
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i64> {
        points::steps(curve, None, |most: Option<i64>, change| Some(most.unwrap_or(0).max(change)))
    }
}

measure!(RampUpW);
