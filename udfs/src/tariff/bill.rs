//! The bill of a month under a tariff, exactly and item by item.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array};
use arrow::datatypes::DataType;
use datafusion_common::{DataFusionError, Result, exec_datafusion_err, exec_err};

use super::terms::{ONE, Terms, Used};
use crate::figure::Figure;
use crate::round::divide_wide;

/// Money: hundredths of the currency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Money(pub(super) i128);

const MONEY: DataType = DataType::Decimal128(18, 2);
/// The most that [`MONEY`] holds.
const LIMIT: i128 = 999_999_999_999_999_999;

impl Figure for Money {
    fn data_type() -> DataType {
        MONEY
    }

    fn column(figures: Vec<Option<Self>>) -> Result<ArrayRef> {
        let amounts: Decimal128Array = figures.into_iter().map(|money| money.map(|Money(money)| money)).collect();
        Ok(Arc::new(amounts.with_data_type(MONEY)))
    }
}

/// The items of a bill, each rounded to the hundredth, which is what they sum
/// up by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bill {
    pub(super) energy: i128,
    pub(super) tier: i128,
    pub(super) capacity: i128,
    pub(super) demand: i128,
    pub(super) power_factor: i128,
    pub(super) minimum_top_up: i128,
    pub(super) levy: i128,
    pub(super) tax: i128,
    pub(super) total: i128,
}

/// Millionths of a price times thousandths of a unit, in hundredths.
const OF_PRICE: i128 = 10_000_000;

impl Bill {
    /// `None` where the tariff asks for what is not known: a price of a period
    /// in which energy was used, a demand, a power factor.
    pub(super) fn new(function: &str, terms: &Terms, used: &Used) -> Result<Option<Self>> {
        check(function, terms, used)?;
        let Some(charges) = charges(terms, used) else { return Ok(None) };
        let bill = charges.and_then(|charges| items(terms, used, charges)).filter(Self::fits);
        bill.map(Some).ok_or_else(|| too_large(function))
    }

    fn fits(&self) -> bool {
        let items = [self.energy, self.tier, self.capacity, self.demand, self.power_factor];
        let rest = [self.minimum_top_up, self.levy, self.tax, self.total];
        items.iter().chain(&rest).all(|amount| amount.abs() <= LIMIT)
    }
}

impl Money {
    pub(super) fn checked(function: &str, amount: i128) -> Result<Self> {
        if amount.abs() <= LIMIT { Ok(Self(amount)) } else { Err(too_large(function)) }
    }
}

fn too_large(function: &str) -> DataFusionError {
    exec_datafusion_err!("{function}: an amount has more than 16 digits before the point")
}

/// What is wrong with a tariff, or with what was used.
pub(super) fn check(function: &str, terms: &Terms, used: &Used) -> Result<()> {
    if let Some(refusal) = &terms.refusal {
        return exec_err!("{function}: argument tariff: {refusal}");
    }
    if let Some(month) = used.month.filter(|month| !(1..=12).contains(month)) {
        return exec_err!("{function}: argument usage: month takes 1 to 12, not {month}");
    }
    if let Some(factor) = used.power_factor.filter(|factor| !(0..=ONE).contains(factor)) {
        let factor = factor as f64 / ONE as f64;
        return exec_err!("{function}: argument usage: power_factor takes 0 to 1, not {factor}");
    }
    for (name, quantity) in [("max_demand_w", used.max_demand_w), ("contract_capacity_va", used.contract_capacity_va)] {
        if let Some(quantity) = quantity.filter(|quantity| *quantity < 0) {
            return exec_err!("{function}: argument usage: {name} takes 0 or more, not {quantity}");
        }
    }
    Ok(())
}

/// Charges for energy, above tiers, for capacity and for demand, and the
/// adjustment of the power factor; the inner `None` where one is too large.
fn charges(terms: &Terms, used: &Used) -> Option<Option<[i128; 5]>> {
    let mut prices = [0; 4];
    if let Some(seasons) = &terms.seasons {
        let season = match &seasons[..] {
            [season] if (1..=12).all(|month| season.covers(month)) => season,
            seasons => {
                let month = used.month?;
                seasons.iter().find(|season| season.covers(month))?
            }
        };
        for ((price, of_season), energy) in prices.iter_mut().zip(season.prices).zip(used.energy) {
            *price = if energy == 0 { 0 } else { of_season? };
        }
    }
    let quantity = |price: Option<i128>, quantity: Option<i64>| match price {
        None => Some((0, 0)),
        Some(price) => Some((price, i128::from(quantity?))),
    };
    let capacity = quantity(terms.capacity_price, used.contract_capacity_va)?;
    let demand = quantity(terms.demand_price, used.max_demand_w)?;
    let accumulated = if terms.tiers.is_empty() { (0, 0) } else { accumulated(terms, used)? };
    let adjustment = match terms.power_factors.first() {
        None => 0,
        Some((_, lowest)) => {
            let factor = used.power_factor?;
            let from = terms.power_factors.partition_point(|(from, _)| *from <= factor);
            from.checked_sub(1).map_or(*lowest, |at| terms.power_factors[at].1)
        }
    };
    let charge = |(price, quantity): (i128, i128)| price.checked_mul(quantity).map(|all| divide_wide(all, OF_PRICE));
    let products = || {
        let energies = prices.iter().zip(used.energy).map(|(price, energy)| price.checked_mul(energy));
        let energy = energies.sum::<Option<i128>>()?;
        let four = [
            divide_wide(energy, OF_PRICE),
            divide_wide(tier_charge(terms, accumulated)?, OF_PRICE),
            charge(capacity)?,
            charge(demand)?,
        ];
        let adjusted = divide_wide(four.iter().sum::<i128>().checked_mul(adjustment)?, ONE);
        let [energy, tier, capacity, demand] = four;
        Some([energy, tier, capacity, demand, adjusted])
    };
    Some(products())
}

/// The whole bill; `None` where an item is too large.
fn items(terms: &Terms, used: &Used, charges: [i128; 5]) -> Option<Bill> {
    let adjusted: i128 = charges.iter().sum();
    // Millionths to hundredths.
    let minimum = terms.minimum_charge.map_or(adjusted, |minimum| divide_wide(minimum, 10_000));
    let minimum_top_up = (minimum - adjusted).max(0);
    let all: i128 = used.energy.iter().sum();
    let levy = divide_wide(terms.levy_price.unwrap_or(0).checked_mul(all)?, OF_PRICE);
    let net = adjusted + minimum_top_up + levy;
    let tax = divide_wide(net.checked_mul(terms.tax_rate.unwrap_or(0))?, ONE);
    let [energy, tier, capacity, demand, power_factor] = charges;
    Some(Bill { energy, tier, capacity, demand, power_factor, minimum_top_up, levy, tax, total: net + tax })
}

/// Energy since the tiers began, before and after this month; `None` where it
/// is not known.
pub(super) fn accumulated(terms: &Terms, used: &Used) -> Option<(i128, i128)> {
    let before = if terms.is_tier_of_year { i128::from(used.year_to_date_wh?) } else { 0 };
    Some((before, before + used.energy.iter().sum::<i128>()))
}

/// Millionths times watt-hours; `None` where it is too large.
fn tier_charge(terms: &Terms, (before, after): (i128, i128)) -> Option<i128> {
    let mut sum = 0i128;
    for (at, (above, surcharge)) in terms.tiers.iter().enumerate() {
        let up_to = terms.tiers.get(at + 1).map_or(i128::MAX, |(next, _)| *next);
        // What has been used of this tier, up to a point.
        let of_tier = |point: i128| point.clamp(*above, up_to) - above;
        sum = sum.checked_add((of_tier(after) - of_tier(before)).checked_mul(*surcharge)?)?;
    }
    Some(sum)
}
