//! Load factor.

use arrow::datatypes::{DataType, Decimal128Type};
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};
use crate::round::RATIO;

/// Mean load over maximum demand.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The load factor (DECIMAL(9,6)): the mean of the known points, negative ones as 0, over the maximum demand.

NULL for a NULL list, one of which no point is known, and one whose maximum is not above 0.",
    syntax_example = "load_factor(curve)",
    sql_example = r"```sql
> select load_factor([500, 1000, null, 1500]);
0.666667
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LoadFactor;

impl Measure for LoadFactor {
    const NAME: &'static str = "load_factor";
    type Value = Decimal128Type;
    const TYPE: DataType = RATIO;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i128> {
        points::load_factor(curve)
    }
}

measure!(LoadFactor);
