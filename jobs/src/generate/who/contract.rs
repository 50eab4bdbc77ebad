//! The rows of the accounts table: who is supplied where, on which terms, and
//! how the utility reaches them.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::{Datelike, NaiveDate};

use super::account::{Account, account_id, customer_of};
use super::archetype::Archetype;
use super::network::{Node, settlement, transformer_of};
use super::person::{Person, address};
use super::tenant::Tenant;
use super::terms::TWO_PART_KVA;
use crate::generate::damage::{Flaw, before, wrong};
use crate::generate::money::payment::Payer;
use crate::generate::money::tariff::Tariff;
use crate::generate::random::{Key, Stream};
use crate::generate::service::contact::Won;
use crate::generate::weather::REGIONS;
use crate::generate::world::World;
use crate::generate::write::{Row, dates, decimals, flags, opt_dates, opt_ints, opt_texts, texts};

/// Share of the accounts under which a customer was registered once more.
const REGISTERED_AGAIN: f64 = 0.012;

/// One row of the accounts: an account and a period of validity.
pub struct ContractRow {
    account: u64,
    customer_id: String,
    name: String,
    phone: Option<String>,
    address: String,
    class: &'static str,
    industry_code: Option<&'static str>,
    voltage_class: &'static str,
    tariff: Tariff,
    capacity_kva: u32,
    region: usize,
    settlement: &'static str,
    transformer_id: String,
    phase: &'static str,
    is_autopay: bool,
    demand_mode: Option<&'static str>,
    is_market: bool,
    importance: Option<&'static str>,
    social_flag: Option<&'static str>,
    household_size: Option<i64>,
    contract_end: Option<i32>,
    reach: Reach,
    opened: i32,
    valid_from: i32,
    valid_to: Option<i32>,
}

/// How the utility reaches a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    pub has_app: bool,
    pub has_wechat: bool,
    pub invoice_mode: &'static str,
    pub has_consent: bool,
}

impl Reach {
    /// How the holder of an account is reached.
    pub fn of(seed: u64, index: u64, who: &Tenant) -> Self {
        let key = Key::new(seed, Stream::Reach).with(index).with(who.number);
        let (app, wechat) = match who.archetype {
            Archetype::AtHome => (0.34, 0.45),
            Archetype::WorkingFamily => (0.62, 0.55),
            Archetype::NightOwl => (0.72, 0.66),
            Archetype::Vacant => (0.15, 0.2),
            _ => (0.55, 0.3),
        };
        let has_app = key.chance(0, app);
        Self {
            has_app,
            has_wechat: key.chance(1, wechat),
            invoice_mode: match key.below(2, 10) {
                0..5 if has_app => "app",
                5..7 => "email",
                _ => "paper",
            },
            has_consent: key.chance(3, if has_app { 0.7 } else { 0.25 }),
        }
    }
}

/// The customer who holds an account through a tenant, and whether they are
/// registered once more although they are known.
pub fn customer_id(seed: u64, index: u64, number: u64) -> (String, Person, bool) {
    if number > 0 {
        return (customer_number(index, 1), Person { index, number }, false);
    }
    let person = Person { index: customer_of(seed, index), number: 0 };
    let key = Key::new(seed, Stream::Reach).with(index).with(u64::MAX);
    if person.index != index && key.chance(0, REGISTERED_AGAIN / 0.055) {
        return (customer_number(index, 2), person, true);
    }
    (customer_number(person.index, 0), person, false)
}

/// A customer number, in which nobody sees the account: multiplying by a number
/// that is prime to ten leads from each to another one.
pub fn customer_number(index: u64, register: u64) -> String {
    format!("C{:010}", (index * 4 + register + 1_234_567) * 2_971_215_073 % 10_000_000_000)
}

/// The rows of an account, oldest first.
pub fn contracts_of(world: &World, account: &Account) -> Vec<ContractRow> {
    let mut starts = vec![account.opened];
    starts.extend(account.former.map(|former| former.until));
    starts.extend(account.former_tenant.as_ref().map(|former| former.next_came));
    let won = &account.conversions;
    starts.extend([won.app, won.electronic_bill, won.autopay].into_iter().flatten().map(|won| won.day));
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().map(Some).chain([account.closed]);
    starts.iter().zip(ends).map(|(from, to)| contract(world, account, *from, to)).collect()
}

fn contract(world: &World, account: &Account, valid_from: i32, valid_to: Option<i32>) -> ContractRow {
    let (seed, index) = (world.seed, account.index);
    let who = account.holder_on(valid_from);
    let key = Key::new(seed, Stream::Contract).with(index);
    let archetype = who.archetype;
    let (customer_id, person, _) = customer_id(seed, index, who.number);
    let (tariff, capacity_kva) = account.terms_on(valid_from);
    let settlement = settlement(seed, transformer_of(index));
    let is_household = archetype.is_household();
    let is_large = capacity_kva >= TWO_PART_KVA && !is_household;
    // What a campaign won goes with the customer.
    let since = |won: Option<Won>| won.is_some_and(|won| won.is_of(who, valid_from));
    let reach = Reach::of(seed, index, who);
    let reach = Reach {
        has_app: reach.has_app || since(account.conversions.app),
        invoice_mode: if since(account.conversions.electronic_bill) { "email" } else { reach.invoice_mode },
        ..reach
    };
    let is_two_part = tariff == Tariff::IndustrialTwoPart;
    ContractRow {
        account: index,
        customer_id,
        name: person.written_name(seed, archetype, account.industry_code(seed), index),
        phone: person.written_phone(seed, archetype, index),
        address: address(seed, index, archetype, settlement),
        class: archetype.traits().class,
        industry_code: account.industry_code(seed),
        voltage_class: account.voltage_class(),
        tariff,
        capacity_kva,
        region: account.region,
        settlement,
        transformer_id: Node::of(account).id(),
        phase: account.phase(seed),
        is_autopay: who.payer == Payer::Autopay || since(account.conversions.autopay),
        demand_mode: is_two_part.then_some(if account.is_billed_by_demand { "max_demand" } else { "capacity" }),
        is_market: is_large && key.chance(0, 0.6),
        importance: match archetype {
            Archetype::Hospital => Some("level1"),
            Archetype::DataCentre if is_large => Some("level2"),
            _ if is_large && key.chance(1, 0.03) => Some("level2"),
            _ => None,
        },
        social_flag: match key.below(2, 1_000) {
            0..12 if archetype == Archetype::AtHome => Some("low_income"),
            12..40 if archetype == Archetype::AtHome => Some("elderly"),
            40..44 if is_household => Some("medical_device"),
            _ => None,
        },
        household_size: (is_household && key.chance(3, 0.4)).then(|| household_size(who, key)),
        contract_end: contract_end(world, is_large, key),
        reach,
        opened: account.opened,
        valid_from,
        valid_to,
    }
}

/// People of a household: more where more is used, but not always.
fn household_size(who: &Tenant, key: Key) -> i64 {
    let people = 0.6 + 2.4 * libm::sqrt(f64::from(who.mean_w) / 400.0) + 1.1 * key.normal(4);
    (people.round() as i64).clamp(1, 9)
}

/// Supply contracts of large customers run for some years.
fn contract_end(world: &World, is_large: bool, key: Key) -> Option<i32> {
    let day = NaiveDate::from_epoch_days(world.end).filter(|_| is_large)?;
    let year_end = NaiveDate::from_ymd_opt(day.year() + key.below(6, 3) as i32, 12, 31)?;
    Some(year_end.to_epoch_days())
}

impl Account {
    /// The phase on which a small account hangs, or all of them. Linesmen
    /// balance phases, but not perfectly.
    pub fn phase(&self, seed: u64) -> &'static str {
        if self.voltage_class() != "lv220" {
            return "ABC";
        }
        let key = Key::new(seed, Stream::Network).with(transformer_of(self.index)).with(self.index);
        let place = if key.chance(0, 0.8) { self.index } else { key.below(1, 3) };
        ["A", "B", "C"][(place % 3) as usize]
    }
}

impl Row for ContractRow {
    const TABLE: &'static str = "accounts";
    const KEY: &'static [&'static str] = &["account_id", "valid_from"];
    const FLAWS: &'static [Flaw] = &[
        wrong("account_class", "values", "居民"),
        wrong("voltage_class", "values", "220V"),
        wrong("contract_capacity_kva", "min", "-8"),
        wrong("phase", "values", "D"),
        before("valid_to", "valid_from"),
    ];
    const FLAWED: f64 = 0.000_5;
    const REPEATED: f64 = 0.001;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let capacities = rows.iter().map(|row| Some(i128::from(row.capacity_kva) * 100));
        RecordBatch::try_from_iter_with_nullable([
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("customer_id", texts(rows.iter().map(|row| &row.customer_id)), true),
            ("customer_name", texts(rows.iter().map(|row| &row.name)), true),
            ("phone", opt_texts(rows.iter().map(|row| row.phone.as_ref())), true),
            ("address", texts(rows.iter().map(|row| &row.address)), true),
            ("account_class", texts(rows.iter().map(|row| row.class)), false),
            ("industry_code", opt_texts(rows.iter().map(|row| row.industry_code)), true),
            ("voltage_class", texts(rows.iter().map(|row| row.voltage_class)), true),
            ("contract_capacity_kva", decimals(capacities, 12, 2)?, true),
            ("region_code", texts(rows.iter().map(|row| REGIONS[row.region])), true),
            ("urban_rural", texts(rows.iter().map(|row| row.settlement)), true),
            ("transformer_id", texts(rows.iter().map(|row| &row.transformer_id)), true),
            ("phase", texts(rows.iter().map(|row| row.phase)), true),
            ("tariff_code", texts(rows.iter().map(|row| row.tariff.code())), true),
            ("demand_mode", opt_texts(rows.iter().map(|row| row.demand_mode)), true),
            ("is_market", flags(rows.iter().map(|row| row.is_market)), true),
            ("importance_level", opt_texts(rows.iter().map(|row| row.importance)), true),
            ("social_flag", opt_texts(rows.iter().map(|row| row.social_flag)), true),
            ("household_size", opt_ints(rows.iter().map(|row| row.household_size)), true),
            ("contract_end_date", opt_dates(rows.iter().map(|row| row.contract_end)), true),
            ("is_autopay", flags(rows.iter().map(|row| row.is_autopay)), true),
            ("is_app_bound", flags(rows.iter().map(|row| row.reach.has_app)), true),
            ("is_wechat_bound", flags(rows.iter().map(|row| row.reach.has_wechat)), true),
            ("invoice_mode", texts(rows.iter().map(|row| row.reach.invoice_mode)), true),
            ("has_marketing_consent", flags(rows.iter().map(|row| row.reach.has_consent)), true),
            ("open_date", dates(rows.iter().map(|row| row.opened)), true),
            ("valid_from", dates(rows.iter().map(|row| row.valid_from)), true),
            ("valid_to", opt_dates(rows.iter().map(|row| row.valid_to)), true),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn validity_has_no_gap() {
        let world = world(5);
        let (mut changed, mut closed) = (0, 0);
        for index in 0..3_000 {
            let account = Account::draw(&world, index);
            let rows = contracts_of(&world, &account);
            assert_eq!(rows[0].valid_from, account.opened);
            assert_eq!(rows[rows.len() - 1].valid_to, account.closed);
            closed += usize::from(account.closed.is_some());
            for pair in rows.windows(2) {
                assert_eq!(pair[0].valid_to, Some(pair[1].valid_from));
                assert!(pair[0].valid_from < pair[1].valid_from);
                changed += 1;
            }
        }
        assert!((200..500).contains(&changed), "{changed}");
        assert!(closed > 0);
    }

    #[test]
    fn an_account_that_changes_hands_changes_its_customer() {
        let world = world(5);
        let mut seen = 0;
        for index in 0..2_000 {
            let account = Account::draw(&world, index);
            let rows = contracts_of(&world, &account);
            let Some(former) = &account.former_tenant else {
                continue;
            };
            let of = |day: i32| {
                let holds = |row: &&ContractRow| row.valid_from <= day && row.valid_to.is_none_or(|to| day < to);
                rows.iter().find(holds).map(|row| row.customer_id.clone())
            };
            assert_ne!(of(former.left - 1), of(world.end - 1));
            seen += 1;
        }
        assert!(seen > 50);
    }

    #[test]
    fn some_are_registered_twice() {
        let again = (0..20_000).filter(|index| customer_id(5, *index, 0).2).count();
        assert!((120..360).contains(&again), "{again}");
    }
}
