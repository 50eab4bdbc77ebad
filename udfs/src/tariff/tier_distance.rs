//! How near the next tier is.

use datafusion_common::{Result, exec_datafusion_err};
use datafusion_macros::user_doc;

use super::bill::{accumulated, check};
use super::terms::{Tariff, Terms, Usage, Used};
use crate::figure::figures;
use crate::row::{RowFunction, row_function};

/// The tier that a month ends in, and what is left of it.
#[user_doc(
    doc_section(label = "Tariffs"),
    description = r"The tier that a month ends in, and how much energy is left of it: a struct of `tier` INT, 1 below the first limit, and `to_next_wh` BIGINT, watt-hours to the next limit, NULL in the last tier.

Both are NULL where an argument or an energy is NULL, the tariff has no tiers, or its tiers are of the year and `year_to_date_wh` is not known. Errors as for `monthly_bill`.",
    syntax_example = "tier_distance(tariff, usage)",
    sql_example = r"```sql
> select tier_distance({tiers: [{above_kwh: 2520, surcharge: 0.05}, {above_kwh: 4800, surcharge: 0.3}], tier_period: 'year'}, {flat_wh: 300000, year_to_date_wh: 2400000});
{tier: 2, to_next_wh: 2100000}
```",
    argument(name = "tariff", description = "STRUCT, as `monthly_bill` has it."),
    argument(name = "usage", description = "STRUCT, as `monthly_bill` has it.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TierDistance;

figures! {
    pub(super) struct Distance {
        tier: i32,
        to_next_wh: Option<i64>,
    }
}

impl RowFunction for TierDistance {
    const NAME: &'static str = "tier_distance";
    const ARGUMENTS: &'static [&'static str] = &["tariff", "usage"];
    type Arguments = (Tariff, Usage);
    type Figure = Distance;

    fn figure((terms, used): (Terms, Used)) -> Result<Option<Distance>> {
        check(Self::NAME, &terms, &used)?;
        let Some((_, now)) = accumulated(&terms, &used).filter(|_| !terms.tiers.is_empty()) else { return Ok(None) };
        let tier = terms.tiers.partition_point(|(above, _)| *above < now);
        let to_next = terms.tiers.get(tier).map(|(above, _)| i64::try_from(above - now)).transpose();
        let to_next_wh =
            to_next.map_err(|_| exec_datafusion_err!("{}: argument tariff: a limit is beyond BIGINT", Self::NAME))?;
        // A list has at most as many elements as INT counts.
        Ok(Some(Distance { tier: tier as i32 + 1, to_next_wh }))
    }
}

row_function!(TierDistance);
