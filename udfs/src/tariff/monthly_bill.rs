//! What a month costs.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::bill::{Bill, Money};
use super::terms::{Tariff, Terms, Usage, Used};
use crate::figure::figures;
use crate::row::{RowFunction, row_function};

/// The bill of a month.
#[user_doc(
    doc_section(label = "Tariffs"),
    description = r"The bill of a month under a tariff, both given as data: a struct of DECIMAL(18,2), in the tariff's currency, each item rounded half away from zero and the total their sum:

- `energy_charge`: the energy of each period at the price of the season.
- `tier_charge`: surcharges on what was used above the tiers.
- `capacity_charge`, `demand_charge`: the contract capacity in kVA and the maximum demand in kW at their prices: a two-part tariff has one of the two.
- `power_factor_charge`: the adjustment of the power factor on all of the above; a reward is negative.
- `minimum_top_up`: what the above lack to the minimum charge.
- `levy`: all energy at the price of levies and funds.
- `tax`: the tax rate on all of the above.
- `total`

The tariff is a STRUCT. Fields that do not apply are left out; the structs of one list have the same fields, NULL where they do not apply:

- `seasons`: LIST of STRUCT of `from_month`, `to_month` (1 to 12, both included, over the end of the year where the first is larger; left out: the whole year) and the prices per kWh `sharp`, `peak`, `flat`, `valley`. The first that covers the month counts. A tariff of one price has that of `flat`.
- `tiers`: LIST of STRUCT of `above_kwh`, a whole number, and `surcharge` per kWh, ascending: a surcharge applies to the energy above its limit and up to the next; it stands beside the price of the season and does not add to the surcharge before it.
- `tier_period`: 'month', or 'year' where energy accumulates from January on.
- `capacity_price` per kVA, `demand_price` per kW, each a month.
- `power_factors`: LIST of STRUCT of `from_factor` and `adjustment`, ascending, such as 0.9 and -0.0075: the last that the power factor reaches counts, below the first the first.
- `minimum_charge` a month, before levies and taxes.
- `levy_price` per kWh, `tax_rate` such as 0.13.

Prices have up to 12 digits before the point and 6 after it; floats are rounded to them. A season that is NULL is passed over; tiers and power factors have no NULL. The usage is a STRUCT of `month` (DATE, or 1 to 12), `sharp_wh`, `peak_wh`, `flat_wh`, `valley_wh`, of which those left out are 0, `year_to_date_wh` (energy from January to before this month), `max_demand_w`, `contract_capacity_va` and `power_factor`.

All items are NULL where an argument or an energy is NULL, no energy is given, and where the tariff asks for what is NULL or left out: the month, or a season that covers it, the price of a period with energy, the demand. A field of another name or type is an error at planning; tiers that do not ascend, a month beyond 12, a power factor or a tax rate outside 0 to 1, another `tier_period` and amounts of more than 16 digits are errors.",
    syntax_example = "monthly_bill(tariff, usage)",
    sql_example = r"```sql
> select monthly_bill({seasons: [{peak: 0.9, flat: 0.6, valley: 0.3}], tax_rate: 0.1}, {peak_wh: 100000, valley_wh: 50500})['total'];
115.67
```",
    argument(name = "tariff", description = "STRUCT, as above."),
    argument(name = "usage", description = "STRUCT, as above.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MonthlyBill;

figures! {
    pub(super) struct Items {
        energy_charge: Money,
        tier_charge: Money,
        capacity_charge: Money,
        demand_charge: Money,
        power_factor_charge: Money,
        minimum_top_up: Money,
        levy: Money,
        tax: Money,
        total: Money,
    }
}

impl RowFunction for MonthlyBill {
    const NAME: &'static str = "monthly_bill";
    const ARGUMENTS: &'static [&'static str] = &["tariff", "usage"];
    type Arguments = (Tariff, Usage);
    type Figure = Items;

    fn figure((terms, used): (Terms, Used)) -> Result<Option<Items>> {
        let bill = Bill::new(Self::NAME, &terms, &used)?;
        Ok(bill.map(|bill| Items {
            energy_charge: Money(bill.energy),
            tier_charge: Money(bill.tier),
            capacity_charge: Money(bill.capacity),
            demand_charge: Money(bill.demand),
            power_factor_charge: Money(bill.power_factor),
            minimum_top_up: Money(bill.minimum_top_up),
            levy: Money(bill.levy),
            tax: Money(bill.tax),
            total: Money(bill.total),
        }))
    }
}

row_function!(MonthlyBill);
