//! Share of the energy of the night.

use arrow::datatypes::{DataType, Decimal128Type};
use datafusion_macros::user_doc;

use super::energy_share::EnergyShare;
use super::measure::{MOST, Measure, measure};
use super::points::Curve;
use crate::round::RATIO;

/// Share of the energy taken from 00:00 to 06:00.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The share of a day's energy that is taken in the night, from 00:00 to 06:00 (DECIMAL(9,6)): `energy_share(curve, 0, 360)`.

NULL for a NULL list, one that takes nothing or of which no point is known, and one whose length does not divide the day.",
    syntax_example = "night_share(curve)",
    sql_example = r"```sql
> select night_share([300, 300, 100, 100, 100, 300, 400, 400]);
0.300000
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NightShare;

impl Measure for NightShare {
    const NAME: &'static str = "night_share";
    type Value = Decimal128Type;
    const TYPE: DataType = RATIO;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<i128> {
        EnergyShare::measure(curve, [0, 360, 0, 0])
    }
}

measure!(NightShare);
