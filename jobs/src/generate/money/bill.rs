//! The bill of an account and month, in exact cents.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::tariff::{
    CAPACITY_PRICE, DEMAND_PRICE, Period, TIER_1_LIMIT_WH, TIER_2_LIMIT_WH, TIER_2_SURCHARGE, TIER_3_SURCHARGE, Tariff,
};
use super::usage::{ByPeriod, Usage, month_usage};
use crate::generate::calibrated::{REACTIVE_FIXED, REACTIVE_SLOPE};
use crate::generate::curve::Blend;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::{Account, account_id};
use crate::generate::world::{Month, World};
use crate::generate::write::{Row, dates, decimals, ints, opt_ints, texts};

/// Day of the month after, from which bills are issued, less one.
const ISSUE_AFTER_DAYS: i32 = 4;
/// Days to pay.
const TERM_DAYS: i32 = 20;

/// What separates (ten-thousandths of a yuan per kWh) times Wh from cents.
const PRICED_WH_PER_CENT: i64 = 100_000;

/// One bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    pub account: u64,
    pub month: Month,
    pub tariff: Tariff,
    pub energy_wh: i64,
    pub periods_wh: ByPeriod<i64>,
    pub max_demand_w: Option<i64>,
    /// In ten-thousandths.
    pub power_factor: Option<i64>,
    pub tier: Option<i64>,
    pub energy_cents: i64,
    pub capacity_cents: Option<i64>,
    pub power_factor_cents: Option<i64>,
    pub total_cents: i64,
    /// Days since 1970-01-01.
    pub issued: i32,
    /// Days since 1970-01-01.
    pub due: i32,
}

/// The bills of an account, oldest first.
pub fn bills_of(world: &World, account: &Account) -> Vec<Bill> {
    let billed = world.billed_months();
    let first_billed = billed.first().map_or(world.end, |month| month.first);
    // Tiers need the energy since January; nothing else looks back so far.
    let metered = if account.tariff.is_tiered() { world.metered_months() } else { billed };
    let mut bills = Vec::with_capacity(billed.len());
    let mut blend = Blend::default();
    let mut year = i32::MIN;
    let mut year_wh = 0;
    for month in metered.iter().filter(|month| account.opened < month.next && month.first < account.supplied_to()) {
        if month.year != year {
            year = month.year;
            year_wh = 0;
        }
        let (tariff, capacity_kva) = account.terms_on(month.first);
        let usage = month_usage(world, account, month, tariff.layout(month.month), &mut blend);
        if month.first >= first_billed {
            let bill = bill(world, account, month, &usage, tariff, capacity_kva, year_wh);
            // What is issued after the last day is not there yet.
            bills.extend((bill.issued < world.end).then_some(bill));
        }
        year_wh += usage.energy_wh.iter().sum::<i64>();
    }
    bills
}

fn bill(
    world: &World,
    account: &Account,
    month: &Month,
    usage: &Usage,
    tariff: Tariff,
    capacity_kva: u32,
    year_wh: i64,
) -> Bill {
    let key = Key::new(world.seed, Stream::Bill).with(account.index).on(month.first);
    let energy_wh: i64 = usage.energy_wh.iter().sum();
    let energy_cents = energy_cents(tariff, &usage.energy_wh, year_wh);
    let capacity_cents = (tariff == Tariff::IndustrialTwoPart).then(|| {
        // Capacity is priced per kVA, energy and demand per thousand.
        let capacity = i64::from(capacity_kva) * 1_000 * CAPACITY_PRICE;
        let demand = usage.max_demand_w.filter(|_| account.is_billed_by_demand);
        to_cents(demand.map_or(capacity, |demand_w| demand_w * DEMAND_PRICE))
    });
    let power_factor = account.has_reactive_meter().then(|| {
        let days = month.next.min(account.supplied_to()) - month.first.max(account.opened);
        let hours = f64::from(days) * 24.0;
        power_factor(account, energy_wh as f64, hours)
    });
    let power_factor_cents = power_factor.map(|power_factor| {
        let adjusted = energy_cents + capacity_cents.unwrap_or(0);
        power_factor_cents(power_factor, adjusted)
    });
    let issued = month.next + ISSUE_AFTER_DAYS + key.below(0, 4) as i32;
    Bill {
        account: account.index,
        month: *month,
        tariff,
        energy_wh,
        periods_wh: usage.energy_wh,
        max_demand_w: usage.max_demand_w,
        power_factor,
        tier: tariff.is_tiered().then(|| tier(year_wh + energy_wh)),
        energy_cents,
        capacity_cents,
        power_factor_cents,
        total_cents: energy_cents + capacity_cents.unwrap_or(0) + power_factor_cents.unwrap_or(0),
        issued,
        due: issued + TERM_DAYS,
    }
}

/// The power factor of a month, in ten-thousandths. Motors without load need
/// reactive energy, too, so a weak month has a poor one.
fn power_factor(account: &Account, energy_wh: f64, hours: f64) -> i64 {
    let reactive =
        REACTIVE_SLOPE * account.reactive * energy_wh + REACTIVE_FIXED * f64::from(account.tenant.mean_w) * hours;
    let apparent = libm::sqrt(energy_wh * energy_wh + reactive * reactive);
    (energy_wh / apparent.max(1.0) * 10_000.0).round() as i64
}

/// The price of a month's energy; `year_wh` was used earlier in the year.
fn energy_cents(tariff: Tariff, periods_wh: &ByPeriod<i64>, year_wh: i64) -> i64 {
    let periods = [Period::Sharp, Period::Peak, Period::Flat, Period::Valley];
    let mut priced: i64 =
        periods.iter().zip(periods_wh).map(|(period, energy_wh)| energy_wh * tariff.price(*period)).sum();
    if tariff.is_tiered() {
        let upto_wh = year_wh + periods_wh.iter().sum::<i64>();
        let within = |low: i64, high: i64| (upto_wh.min(high) - year_wh.max(low)).max(0);
        priced += within(TIER_1_LIMIT_WH, TIER_2_LIMIT_WH) * TIER_2_SURCHARGE;
        priced += within(TIER_2_LIMIT_WH, i64::MAX) * TIER_3_SURCHARGE;
    }
    to_cents(priced)
}

/// The highest tier reached when a year's energy is `upto_wh`.
fn tier(upto_wh: i64) -> i64 {
    1 + i64::from(upto_wh > TIER_1_LIMIT_WH) + i64::from(upto_wh > TIER_2_LIMIT_WH)
}

/// Rounds half up.
fn to_cents(priced_wh: i64) -> i64 {
    (priced_wh + PRICED_WH_PER_CENT / 2).div_euclid(PRICED_WH_PER_CENT)
}

/// What a power factor, in ten-thousandths, adds to an amount: nothing at 0.90,
/// a reward of up to 0.75 % above, a charge that grows faster and faster below.
fn power_factor_cents(power_factor: i64, cents: i64) -> i64 {
    let percent = power_factor / 100;
    let rate = match percent {
        90.. => -15 * (percent - 90).min(5),
        70..90 => 50 * (90 - percent),
        65..70 => 1_000 + 100 * (70 - percent),
        _ => 1_500 + 200 * (65 - percent),
    };
    (cents * rate + 5_000).div_euclid(10_000)
}

impl Row for Bill {
    const TABLE: &'static str = "bills";
    const KEY: &'static [&'static str] = &["account_id", "bill_month"];
    const FLAWS: &'static [Flaw] = &[
        wrong("energy_wh", "min", "-120400"),
        wrong("energy_wh", "max", "9999999999999999"),
        wrong("peak_wh", "min", "-1"),
        wrong("power_factor", "max", "9.8"),
        wrong("tier", "max", "9"),
        missing("amount_total_cny"),
        missing("issue_date"),
    ];
    const FLAWED: f64 = 0.000_3;
    const REPEATED: f64 = 0.002;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let cents = |of: fn(&Self) -> Option<i64>| decimals(rows.iter().map(|row| of(row).map(i128::from)), 14, 2);
        let energy = |period: Period| ints(rows.iter().map(move |row| row.periods_wh[period as usize]));
        let factors = rows.iter().map(|row| row.power_factor.map(i128::from));
        RecordBatch::try_from_iter_with_nullable([
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("bill_month", dates(rows.iter().map(|row| row.month.first)), false),
            ("tariff_code", texts(rows.iter().map(|row| row.tariff.code())), true),
            ("energy_wh", ints(rows.iter().map(|row| row.energy_wh)), false),
            ("sharp_wh", energy(Period::Sharp), true),
            ("peak_wh", energy(Period::Peak), true),
            ("flat_wh", energy(Period::Flat), true),
            ("valley_wh", energy(Period::Valley), true),
            ("max_demand_w", opt_ints(rows.iter().map(|row| row.max_demand_w)), true),
            ("power_factor", decimals(factors, 5, 4)?, true),
            ("tier", opt_ints(rows.iter().map(|row| row.tier)), true),
            ("amount_energy_cny", cents(|row| Some(row.energy_cents))?, true),
            ("amount_capacity_cny", cents(|row| row.capacity_cents)?, true),
            ("amount_power_factor_cny", cents(|row| row.power_factor_cents)?, true),
            ("amount_total_cny", cents(|row| Some(row.total_cents))?, false),
            ("issue_date", dates(rows.iter().map(|row| row.issued)), false),
            ("due_date", dates(rows.iter().map(|row| row.due)), false),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn periods_and_amounts_add_up() {
        let world = world(11);
        for index in 0..400 {
            let account = Account::draw(&world, index);
            let bills = bills_of(&world, &account);
            assert!(bills.len() <= 24);
            for bill in bills {
                assert_eq!(bill.periods_wh.iter().sum::<i64>(), bill.energy_wh);
                assert!(bill.periods_wh.iter().all(|energy_wh| *energy_wh >= 0), "{bill:?}");
                let parts = bill.energy_cents + bill.capacity_cents.unwrap_or(0) + bill.power_factor_cents.unwrap_or(0);
                assert_eq!(parts, bill.total_cents);
                assert!(bill.total_cents >= 0 && bill.issued < bill.due);
                assert!(account.opened < bill.month.next);
            }
        }
    }

    #[test]
    fn tiers_cut_a_month_exactly() {
        // 2,700 kWh before and 100 kWh now: 60 at the first price, 40 dearer.
        let cents = energy_cents(Tariff::ResidentialTiered, &[0, 0, 100_000, 0], 2_700_000);
        assert_eq!(cents, 5_380 + 200);
        let cents = energy_cents(Tariff::ResidentialTiered, &[0, 0, 100_000, 0], 4_750_000);
        assert_eq!(cents, 5_380 + 250 + 1_500);
        assert_eq!([tier(2_760_000), tier(2_760_001), tier(4_800_001)], [1, 2, 3]);
    }

    #[test]
    fn power_factor_pays_off() {
        assert_eq!(power_factor_cents(9_000, 10_000), 0);
        assert_eq!(power_factor_cents(9_800, 10_000), -75);
        assert_eq!(power_factor_cents(8_850, 10_000), 100);
        assert_eq!(power_factor_cents(6_900, 10_000), 1_100);
    }
}
