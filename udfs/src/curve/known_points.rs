//! How many points of a curve are known.

use arrow::datatypes::{DataType, Int32Type};
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};

/// Points that are not null.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The number of points of a curve that are known (INT). 0 for an empty list. NULL for a NULL list.",
    syntax_example = "known_points(curve)",
    sql_example = r"```sql
> select known_points([300, null, 1200, 800]);
3
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct KnownPoints;

impl Measure for KnownPoints {
    const NAME: &'static str = "known_points";
    type Value = Int32Type;
    const TYPE: DataType = DataType::Int32;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i32> {
        let (_, known) = points::sum(curve, |_| 0);
        // A list has at most 2^31 points.
        Some(known as i32)
    }
}

measure!(KnownPoints);
