//! An account: where it is, on which terms it is supplied, and who is behind
//! it. All of it is drawn from the seed, the end of the lake and the account's
//! index alone: neither days nor months nor other accounts change it.

use std::ops::Range;

use chrono::{Datelike, Months, NaiveDate};

use super::archetype::Archetype;
use super::network::{Node, is_house, region_of, transformer_of};
use super::outage::outages;
use super::tenant::{Device, Tenant, installed};
use super::terms::{FormerTerms, MEDIUM_VOLTAGE_KVA, capacity_kva, former_terms, has_own_transformer, tariff_of};
use crate::generate::calendar::{SUNDAY, weekday};
use crate::generate::money::tariff::Tariff;
use crate::generate::random::{Key, Stream};
use crate::generate::service::contact::Conversions;
use crate::generate::world::World;

/// Days of the year in which the newest accounts were opened.
const NEW_DAYS: u64 = 365;
/// Days within which all accounts were opened.
const OLDEST_DAYS: u64 = 9_500;
/// Days before the end in which dwellings changed hands, at most.
const MOVING_DAYS: u64 = 700;
/// Share of the dwellings in which somebody lived before, in that time.
const MOVED: f64 = 0.10;
/// Share of the vacant dwellings that somebody left in that time.
const VACATED: f64 = 0.45;
/// Share of the accounts that ended in that time.
const CLOSED: f64 = 0.006;

/// Who was there before.
#[derive(Clone, Debug, PartialEq)]
pub struct FormerTenant {
    pub tenant: Tenant,
    /// First day without them.
    pub left: i32,
    /// First day of who came after them; before the end where somebody did.
    pub next_came: i32,
}

/// A battery beside a plant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Storage {
    pub device: Device,
    pub capacity_wh: i64,
}

/// One account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub index: u64,
    pub region: usize,
    /// First day of supply, in days since 1970-01-01.
    pub opened: i32,
    /// First day without supply.
    pub closed: Option<i32>,
    /// Who is there on the last day.
    pub tenant: Tenant,
    pub former_tenant: Option<Box<FormerTenant>>,
    pub solar: Option<Device>,
    pub storage: Option<Storage>,
    pub capacity_kva: u32,
    pub tariff: Tariff,
    pub former: Option<FormerTerms>,
    /// Whether a two-part tariff bills demand instead of capacity.
    pub is_billed_by_demand: bool,
    /// What campaigns moved it to do.
    pub conversions: Conversions,
    /// Minutes since 1970-01-01 without supply, in order.
    pub interruptions: Box<[Range<i64>]>,
    /// Reactive power that goes with a unit of load, over what is usual.
    pub reactive: f64,
}

/// The numbered draws of an account.
#[derive(Clone, Copy)]
enum Draw {
    Archetype,
    Tenant,
    Opened,
    IsNew,
    InBlock,
    IsClosed,
    Closed,
    IsMoved,
    Moved,
    FormerKind,
    FormerTenant,
    HasSolar,
    HasStorage,
    Capacity,
    Tariff,
    IsChanged,
    Changed,
    Demand,
    Reactive,
    IsLinked,
    Industry,
}

impl Account {
    /// The account of this index.
    pub fn draw(world: &World, index: u64) -> Self {
        let key = Key::new(world.seed, Stream::Account).with(index);
        let unit = |draw: Draw| key.unit(draw as u64);
        let chance = |draw: Draw, probability| key.chance(draw as u64, probability);

        let archetype = archetype_of(world.seed, index);
        let opened = opened(world, key, index, archetype);
        let former_tenant = former_tenant(world, key, archetype, opened);
        let came = former_tenant.as_ref().map_or(opened, |former| former.next_came);
        let mut tenant = Tenant::draw(world, key.with(Draw::Tenant as u64), 0, archetype, came);
        tenant.heat_pump = tenant.heat_pump.filter(|_| is_house(world.seed, index));
        let has_roof = archetype.is_lived_in() && is_house(world.seed, index);
        let has_solar = has_roof && chance(Draw::HasSolar, 0.11);
        let solar = has_solar.then(|| {
            let key = key.with(Draw::HasSolar as u64);
            let device = installed(key, world.end, came, 1.0);
            Device { power_w: 3_000.0 + 500.0 * key.below(9, 18) as f32, ..device }
        });
        let storage = solar.filter(|_| chance(Draw::HasStorage, 0.3)).map(|plant| {
            let key = key.with(Draw::HasStorage as u64);
            let device = installed(key, world.end, plant.since, 0.9);
            Storage {
                device: Device { power_w: 2_500.0, ..device },
                capacity_wh: 5_000 + 2_500 * key.below(9, 3) as i64,
            }
        });
        let charger_w = tenant.charger.map_or(0.0, |charger| f64::from(charger.power_w));
        let device_w = charger_w.max(solar.map_or(0.0, |plant| f64::from(plant.power_w)));
        let capacity_kva = capacity_kva(archetype, f64::from(tenant.mean_w), device_w, unit(Draw::Capacity));
        let tariff = tariff_of(archetype, capacity_kva, tenant.charger.is_some(), unit(Draw::Tariff));
        let former = chance(Draw::IsChanged, 0.01)
            .then(|| former_terms(world.end, opened, tariff, capacity_kva, unit(Draw::Changed)))
            .flatten();
        let is_closed = former_tenant.is_none() && former.is_none() && chance(Draw::IsClosed, CLOSED);
        let closed = world.end - key.below(Draw::Closed as u64, MOVING_DAYS) as i32;
        let mut account = Self {
            index,
            region: region_of(transformer_of(index)),
            opened,
            closed: (is_closed && closed > opened).then_some(closed),
            tenant,
            former_tenant: former_tenant.map(Box::new),
            solar,
            storage,
            capacity_kva,
            tariff,
            former,
            is_billed_by_demand: chance(Draw::Demand, 0.45),
            conversions: Conversions::default(),
            interruptions: interruptions(world, Node::at(index, has_own_transformer(capacity_kva))),
            reactive: libm::exp(0.35 * key.normal(Draw::Reactive as u64) - 0.2).clamp(0.2, 2.4),
        };
        account.conversions = Conversions::of(world, &account);
        account.switch_tariff(world.end);
        account
    }

    /// Who was won for time of use has it from the next month.
    fn switch_tariff(&mut self, end: i32) {
        let won = self.conversions.time_of_use.filter(|_| self.former.is_none());
        let month = won.and_then(|won| NaiveDate::from_epoch_days(won.day)).and_then(|day| day.with_day(1));
        let until = month.and_then(|month| month.checked_add_months(Months::new(1))).map(|next| next.to_epoch_days());
        if let Some(until) = until.filter(|until| *until < end) {
            self.former = Some(FormerTerms { until, tariff: self.tariff, capacity_kva: self.capacity_kva });
            self.tariff = Tariff::ResidentialTou;
        }
    }

    /// The kind of who is there on the last day.
    pub fn archetype(&self) -> Archetype {
        self.tenant.archetype
    }

    /// First day without supply, beyond the lake where that goes on.
    pub fn supplied_to(&self) -> i32 {
        self.closed.unwrap_or(i32::MAX)
    }

    /// Who is behind the account on a day; nobody between two tenants.
    pub fn tenant_on(&self, day: i32) -> Option<&Tenant> {
        match &self.former_tenant {
            Some(former) if day < former.left => Some(&former.tenant),
            Some(former) if day < former.next_came => None,
            _ => Some(&self.tenant),
        }
    }

    /// Who holds the account on a day: until the next tenant comes, the last.
    pub fn holder_on(&self, day: i32) -> &Tenant {
        match &self.former_tenant {
            Some(former) if day < former.next_came => &former.tenant,
            _ => &self.tenant,
        }
    }

    /// Tariff and capacity, in kVA, that hold on a day.
    pub fn terms_on(&self, day: i32) -> (Tariff, u32) {
        match self.former {
            Some(former) if day < former.until => (former.tariff, former.capacity_kva),
            _ => (self.tariff, self.capacity_kva),
        }
    }

    /// Voltage at which the account is supplied.
    pub fn voltage_class(&self) -> &'static str {
        match self.capacity_kva {
            0..=12 if self.archetype().is_household() => "lv220",
            0..=8 => "lv220",
            9..MEDIUM_VOLTAGE_KVA => "lv380",
            MEDIUM_VOLTAGE_KVA..8_000 => "mv10",
            8_000..31_500 => "mv20_35",
            _ => "hv110plus",
        }
    }

    /// Whether the customer runs its own transformer.
    pub fn has_own_transformer(&self) -> bool {
        has_own_transformer(self.capacity_kva)
    }

    /// Industry of a business.
    pub fn industry_code(&self, seed: u64) -> Option<&'static str> {
        let industries = self.archetype().traits().industries;
        // A customer with several accounts is of one industry.
        let key = Key::new(seed, Stream::Account).with(customer_of(seed, self.index));
        let place = key.below(Draw::Industry as u64, industries.len() as u64);
        industries.get(place as usize).copied()
    }
}

/// Account number of an index: 13 digits that sort like the indexes.
pub fn account_id(index: u64) -> String {
    format!("3301{index:09}")
}

/// Index of the first account of the customer who holds account `index`.
pub fn customer_of(seed: u64, index: u64) -> u64 {
    let is_linked = |index: u64| {
        let key = Key::new(seed, Stream::Account).with(index);
        key.chance(Draw::IsLinked as u64, 0.055)
    };
    if !is_linked(index) {
        return index;
    }
    // Holders of several accounts hold the same kind, not far apart; looking
    // back alone keeps the answer the same in a lake of any size.
    let archetype = archetype_of(seed, index);
    (index.saturating_sub(40)..index)
        .rev()
        .find(|other| archetype_of(seed, *other) == archetype && !is_linked(*other))
        .unwrap_or(index)
}

fn archetype_of(seed: u64, index: u64) -> Archetype {
    let key = Key::new(seed, Stream::Account).with(index);
    Archetype::of_ticket(key.below(Draw::Archetype as u64, 1_000))
}

/// When a transformer was without supply, in order and without overlap.
fn interruptions(world: &World, node: Node) -> Box<[Range<i64>]> {
    let mut upto = i64::MIN;
    let outages = outages(world, node);
    let clipped = outages.iter().map(|outage| {
        let start = outage.start_minute().max(upto);
        let end = outage.start_minute() + outage.minutes();
        upto = end.max(upto);
        start..end
    });
    clipped.filter(|minutes| !minutes.is_empty()).collect()
}

/// The day of the first supply: developers have whole blocks connected at once.
fn opened(world: &World, key: Key, index: u64, archetype: Archetype) -> i32 {
    let block = Key::new(world.seed, Stream::Network).with(u64::MAX - 1).with(transformer_of(index));
    let days_ago = if key.chance(Draw::IsNew as u64, 0.03) {
        1 + key.below(Draw::Opened as u64, NEW_DAYS)
    } else if archetype.is_household() && key.chance(Draw::InBlock as u64, 0.6) {
        1 + NEW_DAYS + block.below(0, OLDEST_DAYS - NEW_DAYS - 60) + key.below(Draw::Opened as u64, 60)
    } else {
        1 + NEW_DAYS + key.below(Draw::Opened as u64, OLDEST_DAYS - NEW_DAYS)
    };
    // At most `OLDEST_DAYS`, far inside the range; nobody is connected on a Sunday.
    let day = world.end - days_ago as i32;
    if weekday(day) == SUNDAY { day - 2 } else { day }
}

/// Who lived in a dwelling before, if anybody did in the last years.
fn former_tenant(world: &World, key: Key, archetype: Archetype, opened: i32) -> Option<FormerTenant> {
    let share = match archetype {
        Archetype::Vacant => VACATED,
        _ if archetype.is_lived_in() => MOVED,
        _ => 0.0,
    };
    let key_of = key.with(Draw::Moved as u64);
    let left = world.end - 15 - key_of.below(0, MOVING_DAYS) as i32;
    if !key.chance(Draw::IsMoved as u64, share) || left <= opened {
        return None;
    }
    // Some stand empty for months before the next ones come.
    let most_days = f64::from((world.end - 1 - left).min(240));
    let empty_days = (key_of.unit(1) * key_of.unit(2) * most_days) as i32;
    let next_came = if archetype == Archetype::Vacant { left } else { left + empty_days };
    let kinds = [Archetype::WorkingFamily, Archetype::WorkingFamily, Archetype::AtHome, Archetype::NightOwl];
    let kind = kinds[key.below(Draw::FormerKind as u64, 4) as usize];
    let tenant = Tenant::draw(world, key.with(Draw::FormerTenant as u64), 1, kind, opened);
    // A car goes with its owner, and a heat pump was not there yet.
    Some(FormerTenant { tenant: Tenant { charger: None, heat_pump: None, ..tenant }, left, next_came })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn an_account_is_the_same_each_time() {
        let (one, two) = (world(3), world(3));
        assert_eq!(Account::draw(&one, 17), Account::draw(&two, 17));
        assert_ne!(Account::draw(&one, 17), Account::draw(&world(4), 17));
        assert_eq!(account_id(17), "3301000000017");
    }

    #[test]
    fn sizes_fit_their_contracts() {
        let world = world(3);
        let accounts: Vec<Account> = (0..4_000).map(|index| Account::draw(&world, index)).collect();
        let mut homes: Vec<f32> = accounts
            .iter()
            .filter(|account| account.archetype().is_lived_in())
            .map(|account| account.tenant.mean_w * 8.76)
            .collect();
        homes.sort_by(f32::total_cmp);
        let median_kwh = homes[homes.len() / 2];
        assert!((3_000.0..3_800.0).contains(&median_kwh), "{median_kwh}");
        for account in &accounts {
            assert!(account.opened < world.end);
            assert!(account.storage.is_none_or(|storage| storage.device.since >= account.opened));
            if account.has_own_transformer() {
                assert!(!account.archetype().is_household());
                assert!(account.voltage_class().starts_with(['m', 'h']));
            }
        }
    }

    #[test]
    fn some_move_some_leave_and_some_accounts_end() {
        let world = world(3);
        let accounts: Vec<Account> = (0..10_000).map(|index| Account::draw(&world, index)).collect();
        let moved =
            accounts.iter().filter_map(|account| account.former_tenant.as_deref().map(|former| (account, former)));
        let mut count = 0;
        for (account, former) in moved {
            count += 1;
            assert!(account.opened < former.left && former.left <= former.next_came && former.next_came < world.end);
            assert_eq!(account.tenant_on(former.left - 1).map(|tenant| tenant.number), Some(1));
            assert_eq!(account.tenant_on(world.end - 1).map(|tenant| tenant.number), Some(0));
            let is_empty = former.left < former.next_came;
            assert_eq!(account.tenant_on(former.left).is_none(), is_empty);
            assert!(account.tenant.charger.is_none_or(|charger| charger.since >= former.next_came));
        }
        assert!((700..1_500).contains(&count), "{count}");
        let closed = accounts.iter().filter(|account| account.closed.is_some()).count();
        assert!((30..90).contains(&closed), "{closed}");
        let idle = accounts.iter().filter(|account| account.tenant.idle_since.is_some()).count();
        assert!((10..80).contains(&idle), "{idle}");
    }

    #[test]
    fn some_customers_hold_several_accounts() {
        let linked = (0..10_000).filter(|index| customer_of(3, *index) != *index).count();
        assert!((350..650).contains(&linked), "{linked}");
        assert!((0..10_000).all(|index| customer_of(3, customer_of(3, index)) == customer_of(3, index)));
    }
}
