//! Who an account is: drawn from the seed and its index alone.

use super::archetype::Archetype;
use super::network::{region_of, transformer_of};
use super::payment::Payer;
use super::random::{Key, Stream};
use super::shape::{Heating, MAX_SHIFT};
use super::tariff::Tariff;
use super::world::World;

/// Days of the year in which the newest accounts were opened.
const NEW_DAYS: u64 = 365;
/// Days within which all accounts were opened.
const OLDEST_DAYS: u64 = 7_300;

/// Sizes in which capacity is contracted, in kVA.
const CAPACITIES_KVA: [u32; 32] = [
    2, 4, 6, 8, 12, 16, 20, 30, 50, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1_000, 1_250, 1_600, 2_000,
    2_500, 3_150, 4_000, 6_300, 8_000, 12_500, 16_000, 31_500,
];

/// Capacity, in kVA, from which business pays in two parts.
const TWO_PART_KVA: u32 = 315;
/// Capacity, in kVA, from which supply is at medium voltage.
const MEDIUM_VOLTAGE_KVA: u32 = 160;

/// A device behind the meter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Device {
    pub power_w: f32,
    /// First day in use, in days since 1970-01-01.
    pub since: i32,
    /// Whether the utility knows of it.
    pub is_registered: bool,
}

/// Contract terms that held until a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FormerTerms {
    /// First day, and first of a month, on which they no longer held.
    pub until: i32,
    pub tariff: Tariff,
    pub capacity_kva: u32,
}

/// One account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    pub index: u64,
    pub archetype: Archetype,
    pub region: usize,
    /// First day of supply, in days since 1970-01-01.
    pub opened: i32,
    /// Mean power of an ordinary year.
    pub mean_w: f32,
    /// Yearly growth as a share of the load on the last day.
    pub growth: f32,
    /// Points by which the day is shifted, plus the largest shift.
    pub shift: usize,
    /// Power of cooling at full need.
    pub cooling_w: f32,
    /// Power of plain electric heating at full need.
    pub heating_w: f32,
    pub heating: Heating,
    pub heat_pump: Option<Device>,
    pub charger: Option<Device>,
    pub solar: Option<Device>,
    pub capacity_kva: u32,
    pub tariff: Tariff,
    pub former: Option<FormerTerms>,
    pub payer: Payer,
    /// Whether a two-part tariff bills demand instead of capacity.
    pub is_billed_by_demand: bool,
    /// Ordinary power factor.
    pub power_factor: f64,
}

/// The numbered draws of an account.
#[derive(Clone, Copy)]
enum Draw {
    Archetype,
    Size,
    Opened,
    IsNew,
    Growth,
    Shift,
    HasCooling,
    Cooling,
    HasHeating,
    Heating,
    HasHeatPump,
    HasCharger,
    HasSolar,
    Capacity,
    Tariff,
    IsChanged,
    Changed,
    Payer,
    Demand,
    PowerFactor,
    IsLinked,
    Industry,
}

impl Account {
    /// The account of this index.
    pub fn draw(world: &World, index: u64) -> Self {
        let key = Key::new(world.seed, Stream::Account).with(index);
        let unit = |draw: Draw| key.unit(draw as u64);
        let chance = |draw: Draw, probability| key.chance(draw as u64, probability);
        let between = |draw: Draw, low, high| key.between(draw as u64, low, high);

        let archetype = archetype_of(world.seed, index);
        let traits = archetype.traits();
        let factor = libm::exp(traits.sigma * key.normal(Draw::Size as u64));
        let mean_w = (traits.median_kwh * factor / 8.76).clamp(2.0, 8.0e6);
        let opened = world.end - opened_days_ago(key);

        let is_lived_in = archetype.is_lived_in();
        let has = |draw, probability| is_lived_in && chance(draw, probability);
        let cooling_w = if has(Draw::HasCooling, 0.85) { mean_w * between(Draw::Cooling, 0.8, 3.5) } else { 0.0 };
        let heating_w = if has(Draw::HasHeating, 0.35) { mean_w * between(Draw::Heating, 1.0, 4.0) } else { 0.0 };
        let device = |draw: Draw, probability, registered| {
            has(draw, probability).then(|| installed(key, draw, world.end, opened, registered))
        };
        let charger = device(Draw::HasCharger, 0.03, 0.7).map(|device| Device {
            power_w: match key.with(Draw::HasCharger as u64).below(9, 10) {
                0..2 => 3_500.0,
                2..9 => 7_000.0,
                _ => 11_000.0,
            },
            ..device
        });
        let solar = device(Draw::HasSolar, 0.04, 1.0).map(|device| Device {
            power_w: 3_000.0 + 500.0 * key.with(Draw::HasSolar as u64).below(9, 25) as f32,
            ..device
        });
        let heat_pump = device(Draw::HasHeatPump, 0.02, 0.85).map(|device| Device {
            power_w: 2_500.0 + 500.0 * key.with(Draw::HasHeatPump as u64).below(9, 6) as f32,
            ..device
        });

        let capacity_kva = capacity_kva(archetype, mean_w, unit(Draw::Capacity));
        let tariff = tariff_of(archetype, capacity_kva, charger.is_some(), unit(Draw::Tariff));
        let former = chance(Draw::IsChanged, 0.01)
            .then(|| former_terms(world, opened, tariff, capacity_kva, unit(Draw::Changed)))
            .flatten();
        Self {
            index,
            archetype,
            region: region_of(transformer_of(index)),
            opened,
            mean_w: mean_w as f32,
            growth: (0.02 + 0.07 * key.normal(Draw::Growth as u64)).clamp(-0.2, 0.25) as f32,
            shift: key.below(Draw::Shift as u64, 2 * MAX_SHIFT as u64 + 1) as usize,
            cooling_w: cooling_w as f32,
            heating_w: heating_w as f32,
            heating: match archetype {
                Archetype::WorkingFamily => Heating::Away,
                _ => Heating::AtHome,
            },
            heat_pump,
            charger,
            solar,
            capacity_kva,
            tariff,
            former,
            payer: Payer::of(archetype, unit(Draw::Payer)),
            is_billed_by_demand: chance(Draw::Demand, 0.45),
            power_factor: (0.93 + 0.035 * key.normal(Draw::PowerFactor as u64)).clamp(0.68, 0.99),
        }
    }

    /// Account number: 13 digits that sort like the indexes.
    pub fn id(&self) -> String {
        account_id(self.index)
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
            0..=12 if self.archetype.is_household() => "lv220",
            0..=8 => "lv220",
            9..MEDIUM_VOLTAGE_KVA => "lv380",
            MEDIUM_VOLTAGE_KVA..8_000 => "mv10",
            8_000..31_500 => "mv20_35",
            _ => "hv110plus",
        }
    }

    /// Whether the customer runs its own transformer.
    pub fn has_own_transformer(&self) -> bool {
        self.capacity_kva >= MEDIUM_VOLTAGE_KVA
    }

    /// Industry of a business.
    pub fn industry_code(&self, seed: u64) -> Option<&'static str> {
        let industries = self.archetype.traits().industries;
        let key = Key::new(seed, Stream::Account).with(self.index);
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

fn opened_days_ago(key: Key) -> i32 {
    let days = if key.chance(Draw::IsNew as u64, 0.03) {
        1 + key.below(Draw::Opened as u64, NEW_DAYS)
    } else {
        1 + NEW_DAYS + key.below(Draw::Opened as u64, OLDEST_DAYS - NEW_DAYS)
    };
    // At most `OLDEST_DAYS`, far inside the range.
    days as i32
}

/// A device that came some time in the last five years.
fn installed(key: Key, draw: Draw, end: i32, opened: i32, registered: f64) -> Device {
    let key = key.with(draw as u64);
    Device {
        power_w: 0.0,
        since: (end - 1 - key.below(0, 1_825) as i32).max(opened),
        is_registered: key.chance(1, registered),
    }
}

/// The contracted size that holds the highest load with some reserve.
fn capacity_kva(archetype: Archetype, mean_w: f64, unit: f64) -> u32 {
    let reserve = 1.05 + 0.6 * unit * unit;
    let need_kva = mean_w * archetype.traits().peak_factor * reserve / 900.0;
    let least_kva = if archetype.is_household() { 4 } else { 6 };
    let most_kva = if archetype.is_household() { 16 } else { u32::MAX };
    CAPACITIES_KVA
        .into_iter()
        .find(|capacity| *capacity >= least_kva && f64::from(*capacity) >= need_kva)
        .unwrap_or(CAPACITIES_KVA[CAPACITIES_KVA.len() - 1])
        .min(most_kva)
}

fn tariff_of(archetype: Archetype, capacity_kva: u32, has_charger: bool, unit: f64) -> Tariff {
    match archetype {
        Archetype::Farm => Tariff::Agricultural,
        Archetype::School | Archetype::StreetLighting => Tariff::Public,
        _ if archetype.is_household() => {
            let tou_share = if has_charger { 0.7 } else { 0.28 };
            if unit < tou_share { Tariff::ResidentialTou } else { Tariff::ResidentialTiered }
        }
        _ if capacity_kva >= TWO_PART_KVA => Tariff::IndustrialTwoPart,
        _ => Tariff::CommercialTou,
    }
}

/// What held before a change in one of the billed months, if the account was
/// there already.
fn former_terms(world: &World, opened: i32, tariff: Tariff, capacity_kva: u32, unit: f64) -> Option<FormerTerms> {
    let months = world.billed_months();
    let later = months.len().checked_sub(1)?;
    let until = months.get(1 + (unit * later as f64) as usize)?.first;
    let place = CAPACITIES_KVA.iter().position(|capacity| *capacity == capacity_kva)?;
    let smaller_kva = CAPACITIES_KVA[place.saturating_sub(1)];
    let (former_tariff, former_kva) = match tariff {
        Tariff::ResidentialTiered => (Tariff::ResidentialTou, capacity_kva),
        Tariff::ResidentialTou => (Tariff::ResidentialTiered, capacity_kva),
        Tariff::IndustrialTwoPart if smaller_kva < TWO_PART_KVA => (Tariff::CommercialTou, smaller_kva),
        _ => (tariff, smaller_kva),
    };
    (opened < until).then_some(FormerTerms { until, tariff: former_tariff, capacity_kva: former_kva })
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
        assert_eq!(Account::draw(&one, 17).id(), "3301000000017");
    }

    #[test]
    fn sizes_fit_their_contracts() {
        let world = world(3);
        let accounts: Vec<Account> = (0..4_000).map(|index| Account::draw(&world, index)).collect();
        let mut homes: Vec<f32> = accounts
            .iter()
            .filter(|account| account.archetype.is_lived_in())
            .map(|account| account.mean_w * 8.76)
            .collect();
        homes.sort_by(f32::total_cmp);
        let median_kwh = homes[homes.len() / 2];
        assert!((2_200.0..2_800.0).contains(&median_kwh), "{median_kwh}");
        for account in &accounts {
            assert!(account.opened < world.end);
            if account.has_own_transformer() {
                assert!(!account.archetype.is_household());
                assert!(account.voltage_class().starts_with(['m', 'h']));
            }
        }
    }

    #[test]
    fn some_customers_hold_several_accounts() {
        let linked = (0..10_000).filter(|index| customer_of(3, *index) != *index).count();
        assert!((350..650).contains(&linked), "{linked}");
        assert!((0..10_000).all(|index| customer_of(3, customer_of(3, index)) <= index));
    }
}
