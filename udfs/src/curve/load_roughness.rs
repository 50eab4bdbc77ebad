//! Roughness.

use arrow::datatypes::{DataType, Decimal128Type};
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};
use crate::round::{RATIO, ratio};

/// Mean change from point to point, over the mean load.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"How much a curve changes from point to point (DECIMAL(9,6)): the mean absolute change between known neighbours, over the mean of the known points, negative ones as 0. 0 for a flat curve. A null between two points parts them. Saturates at 999.999999.

NULL for a NULL list, one without two known neighbours, and one that takes nothing.",
    syntax_example = "load_roughness(curve)",
    sql_example = r"```sql
> select load_roughness([100, 300, 100, 300]);
1.000000
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LoadRoughness;

impl Measure for LoadRoughness {
    const NAME: &'static str = "load_roughness";
    type Value = Decimal128Type;
    const TYPE: DataType = RATIO;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i128> {
        let (taken, known) = points::taken(curve)?;
        let (changes, count) =
            points::steps(curve, (0i64, 0i64), |(sum, count), change| (sum + change.abs(), count + 1));
        (count > 0 && taken > 0)
            .then(|| ratio(i128::from(changes) * i128::from(known), i128::from(count) * i128::from(taken)))
    }
}

measure!(LoadRoughness);
