//! Peak-to-valley ratio.

use arrow::datatypes::{DataType, Decimal128Type};
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};
use crate::round::{RATIO, ratio};

/// Maximum less minimum, over the maximum.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The peak-to-valley ratio (DECIMAL(9,6)): maximum less minimum demand, over the maximum. 0 for a flat curve, 1 where the minimum is 0, more where power is fed back.

NULL for a NULL list, one of which no point is known, and one whose maximum is not above 0. Saturates at 999.999999.",
    syntax_example = "peak_valley_ratio(curve)",
    sql_example = r"```sql
> select peak_valley_ratio([300, null, 1200, 800]);
0.750000
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PeakValleyRatio;

impl Measure for PeakValleyRatio {
    const NAME: &'static str = "peak_valley_ratio";
    type Value = Decimal128Type;
    const TYPE: DataType = RATIO;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i128> {
        let most = i128::from(points::greatest(curve)?);
        let least = i128::from(points::least(curve)?);
        (most > 0).then(|| ratio(most - least, most))
    }
}

measure!(PeakValleyRatio);
