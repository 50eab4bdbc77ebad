//! The bill of a month under a tariff, exactly and item by item.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array};
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_datafusion_err, exec_err};

use super::terms::{Terms, Used};
use crate::figure::Figure;

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

/// `above / below`, rounded half away from zero; the divisor is above 0.
fn rounded(above: i128, below: i128) -> i128 {
    let (quotient, rest) = (above / below, (above % below).abs());
    if rest >= below - rest { quotient + above.signum() } else { quotient }
}

impl Bill {
    /// `None` where the tariff asks for what is not known: a price of a period
    /// in which energy was used, a demand, a power factor.
    pub(super) fn new(function: &str, terms: &Terms, used: &Used) -> Result<Option<Self>> {
        check(function, terms, used)?;
        Ok(items(terms, used).filter(|bill| bill.total.abs() <= LIMIT))
    }
}

/// What is wrong with a tariff, or with the month.
pub(super) fn check(function: &str, terms: &Terms, used: &Used) -> Result<()> {
    if let Some(refusal) = &terms.refusal {
        return exec_err!("{function}: argument tariff: {refusal}");
    }
    match used.month {
        Some(month) if !(1..=12).contains(&month) => {
            Err(exec_datafusion_err!("{function}: argument usage: month takes 1 to 12, not {month}"))
        }
        _ => Ok(()),
    }
}

fn items(terms: &Terms, used: &Used) -> Option<Bill> {
    let all: i128 = used.energy.iter().sum();
    let mut sum = 0;
    if !terms.seasons.is_empty() {
        let season = match &terms.seasons[..] {
            [season] if season.covers(1) && (2..=12).all(|month| season.covers(month)) => season,
            seasons => {
                let month = used.month?;
                seasons.iter().find(|season| season.covers(month))?
            }
        };
        for (energy, price) in used.energy.iter().zip(season.prices) {
            sum += if *energy == 0 { 0 } else { energy.checked_mul(price?)? };
        }
    }
    let energy = rounded(sum, OF_PRICE);
    let tier = rounded(tier_charge(terms, used)?, OF_PRICE);
    let charge = |price: Option<i128>, quantity: Option<i64>| match price {
        None => Some(0),
        Some(price) => Some(rounded(price * i128::from(quantity?), OF_PRICE)),
    };
    let capacity = charge(terms.capacity_price, used.contract_capacity_va)?;
    let demand = charge(terms.demand_price, used.max_demand_w)?;
    let before = energy + tier + capacity + demand;
    let power_factor = match terms.power_factors.first() {
        None => 0,
        Some(lowest) => {
            let factor = used.power_factor?;
            let from = terms.power_factors.partition_point(|(from, _)| *from <= factor);
            let (_, adjustment) = from.checked_sub(1).map_or(lowest, |at| &terms.power_factors[at]);
            rounded(before.checked_mul(*adjustment)?, 1_000_000)
        }
    };
    let adjusted = before + power_factor;
    // Millionths to hundredths.
    let minimum = terms.minimum_charge.map_or(i128::MIN, |minimum| rounded(minimum, 10_000));
    let minimum_top_up = if adjusted < minimum { minimum - adjusted } else { 0 };
    let levy = rounded(terms.levy_price.unwrap_or(0).checked_mul(all)?, OF_PRICE);
    let net = adjusted + minimum_top_up + levy;
    let tax = rounded(net.checked_mul(terms.tax_rate.unwrap_or(0))?, 1_000_000);
    Some(Bill { energy, tier, capacity, demand, power_factor, minimum_top_up, levy, tax, total: net + tax })
}

/// Energy since the tiers began, before and after this month; `None` where it
/// is not known.
pub(super) fn accumulated(terms: &Terms, used: &Used) -> Option<(i128, i128)> {
    let before = if terms.is_tier_of_year { i128::from(used.year_to_date_wh?) } else { 0 };
    Some((before, before + used.energy.iter().sum::<i128>()))
}

fn tier_charge(terms: &Terms, used: &Used) -> Option<i128> {
    if terms.tiers.is_empty() {
        return Some(0);
    }
    let (before, after) = accumulated(terms, used)?;
    let mut sum = 0i128;
    for (at, (above, surcharge)) in terms.tiers.iter().enumerate() {
        let up_to = terms.tiers.get(at + 1).map_or(i128::MAX, |(next, _)| *next);
        // What has been used of this tier, up to a point.
        let of_tier = |point: i128| point.clamp(*above, up_to) - above;
        sum += (of_tier(after) - of_tier(before)).checked_mul(*surcharge)?;
    }
    Some(sum)
}
