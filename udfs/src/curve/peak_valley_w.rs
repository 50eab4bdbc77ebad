//! Difference of peak and valley.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};

/// Maximum less minimum demand.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The difference of peak and valley (BIGINT, watts): maximum less minimum demand. NULL for a NULL list and one of which no point is known.",
    syntax_example = "peak_valley_w(curve)",
    sql_example = r"```sql
> select peak_valley_w([300, null, 1200, 800]);
900
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PeakValleyW;

impl Measure for PeakValleyW {
    const NAME: &'static str = "peak_valley_w";
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i64> {
        let most = points::greatest(curve)?;
        Some(i64::from(most) - i64::from(points::least(curve)?))
    }
}

measure!(PeakValleyW);
