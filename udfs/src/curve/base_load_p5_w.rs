//! Base load as a percentile.

use arrow::datatypes::Int64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::Curve;
use super::sorted;
use crate::round::divide;

/// 5th percentile of the points.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The base load as the 5th percentile of the known points (BIGINT, watts), interpolated linearly between the two nearest (type 7 of Hyndman and Fan, the default of numpy and Excel) and rounded half away from zero. Negative points count as 0.

NULL for a NULL list and one of which no point is known.",
    syntax_example = "base_load_p5_w(curve)",
    sql_example = r"```sql
> select base_load_p5_w([40, 90, 60, 20, 80, 70, 50, 30]);
24
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct BaseLoadP5W;

impl Measure for BaseLoadP5W {
    const NAME: &'static str = "base_load_p5_w";
    type Value = Int64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i64> {
        sorted::with_known(curve, |values| {
            values.sort_unstable();
            // A twentieth of the way from the first to the last.
            let (position, rest) = ((values.len() - 1) / 20, (values.len() - 1) % 20);
            let at = |position: usize| i64::from(values[position].max(0));
            let next = at((position + 1).min(values.len() - 1));
            divide(20 * at(position) + (next - at(position)) * rest as i64, 20)
        })
    }
}

measure!(BaseLoadP5W);
