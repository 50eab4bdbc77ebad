//! Share of points that are known.

use arrow::datatypes::{DataType, Decimal128Type};
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};
use crate::round::{RATIO, ratio};

/// Known points over all points.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The share of the points of a curve that are known (DECIMAL(9,6)). 0 where none is known. NULL for a NULL list and an empty one.",
    syntax_example = "valid_share(curve)",
    sql_example = r"```sql
> select valid_share([300, null, 1200, 800]);
0.750000
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ValidShare;

impl Measure for ValidShare {
    const NAME: &'static str = "valid_share";
    type Value = Decimal128Type;
    const TYPE: DataType = RATIO;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i128> {
        let (_, known) = points::sum(curve, |_| 0);
        (curve.len() > 0).then(|| ratio(i128::from(known), curve.len() as i128))
    }
}

measure!(ValidShare);
