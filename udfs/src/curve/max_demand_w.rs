//! Maximum demand.

use arrow::datatypes::Int32Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};

/// The largest interval mean.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The maximum demand (INT, watts): the largest of the known points; negative where the curve feeds back all day. NULL for a NULL list and one of which no point is known.",
    syntax_example = "max_demand_w(curve)",
    sql_example = r"```sql
> select max_demand_w([300, null, 1200, 800]);
1200
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MaxDemandW;

impl Measure for MaxDemandW {
    const NAME: &'static str = "max_demand_w";
    type Value = Int32Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i32> {
        points::greatest(curve)
    }
}

measure!(MaxDemandW);
