//! What a kilowatt-hour costs, all in all.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::bill::Bill;
use super::terms::{Tariff, Terms, Usage, Used};
use crate::figure::Millionths;
use crate::round::quotient;
use crate::row::{RowFunction, row_function};

/// The total of a bill over its energy.
#[user_doc(
    doc_section(label = "Tariffs"),
    description = r"The average price of a month (DECIMAL(9,6), per kWh): the total of its bill under a tariff, over its energy.

NULL where the bill is, see `monthly_bill`, and where the energy is not above 0; 999.999999 at most. Errors as there.",
    syntax_example = "average_price(tariff, usage)",
    sql_example = r"```sql
> select average_price({seasons: [{peak: 0.9, flat: 0.6, valley: 0.3}]}, {peak_wh: 100000, valley_wh: 50000});
0.700000
```",
    argument(name = "tariff", description = "STRUCT, as `monthly_bill` has it."),
    argument(name = "usage", description = "STRUCT, as `monthly_bill` has it.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AveragePrice;

impl RowFunction for AveragePrice {
    const NAME: &'static str = "average_price";
    const ARGUMENTS: &'static [&'static str] = &["tariff", "usage"];
    type Arguments = (Tariff, Usage);
    type Figure = Millionths;

    fn figure((terms, used): (Terms, Used)) -> Result<Option<Millionths>> {
        let energy: i128 = used.energy.iter().sum();
        let bill = Bill::new(Self::NAME, &terms, &used)?;
        // Hundredths over thousandths of a kWh, in millionths.
        Ok(bill.filter(|_| energy > 0).map(|bill| Millionths(quotient(bill.total, energy, 7))))
    }
}

row_function!(AveragePrice);
