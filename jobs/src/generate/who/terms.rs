//! On which terms an account is supplied: size and tariff, and what they were
//! before.

use chrono::{Datelike, Months, NaiveDate};

use super::archetype::Archetype;
use crate::generate::money::tariff::Tariff;

/// Months before the end in which terms changed, at most.
const CHANGED_MONTHS: u32 = 22;

/// Sizes in which capacity is contracted, in kVA.
const CAPACITIES_KVA: [u32; 32] = [
    2, 4, 6, 8, 12, 16, 20, 30, 50, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1_000, 1_250, 1_600, 2_000,
    2_500, 3_150, 4_000, 6_300, 8_000, 12_500, 16_000, 31_500,
];

/// Capacity, in kVA, from which business pays in two parts.
pub const TWO_PART_KVA: u32 = 315;
/// Capacity, in kVA, from which supply is at medium voltage.
pub const MEDIUM_VOLTAGE_KVA: u32 = 160;

/// Contract terms that held until a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FormerTerms {
    /// First day, and first of a month, on which they no longer held.
    pub until: i32,
    pub tariff: Tariff,
    pub capacity_kva: u32,
}

/// Whether a customer of this size runs its own transformer.
pub fn has_own_transformer(capacity_kva: u32) -> bool {
    capacity_kva >= MEDIUM_VOLTAGE_KVA
}

/// The contracted size that holds the highest load with some reserve.
pub fn capacity_kva(archetype: Archetype, mean_w: f64, device_w: f64, unit: f64) -> u32 {
    let reserve = 1.05 + 0.6 * unit * unit;
    let need_kva = (mean_w * archetype.traits().peak_factor * reserve + device_w) / 900.0;
    let least_kva = if archetype.is_household() { 4 } else { 6 };
    let most_kva = if archetype.is_household() { 20 } else { u32::MAX };
    CAPACITIES_KVA
        .into_iter()
        .find(|capacity| *capacity >= least_kva && f64::from(*capacity) >= need_kva)
        .unwrap_or(CAPACITIES_KVA[CAPACITIES_KVA.len() - 1])
        .min(most_kva)
}

/// The tariff of an account.
pub fn tariff_of(archetype: Archetype, capacity_kva: u32, has_charger: bool, unit: f64) -> Tariff {
    match archetype {
        Archetype::Farm => Tariff::Agricultural,
        Archetype::School | Archetype::Hospital | Archetype::StreetLighting => Tariff::Public,
        _ if archetype.is_household() => {
            // Who is up at night gains most from it.
            let tou_share = match archetype {
                _ if has_charger => 0.75,
                Archetype::NightOwl => 0.45,
                Archetype::WorkingFamily => 0.24,
                _ => 0.12,
            };
            if unit < tou_share { Tariff::ResidentialTou } else { Tariff::ResidentialTiered }
        }
        _ if capacity_kva >= TWO_PART_KVA => Tariff::IndustrialTwoPart,
        _ => Tariff::CommercialTou,
    }
}

/// What held before a change in one of the last months, if the account was there
/// already.
pub fn former_terms(end: i32, opened: i32, tariff: Tariff, capacity_kva: u32, unit: f64) -> Option<FormerTerms> {
    let month = NaiveDate::from_epoch_days(end)?.with_day(1)?;
    let until = month.checked_sub_months(Months::new(1 + (unit * f64::from(CHANGED_MONTHS)) as u32))?.to_epoch_days();
    let place = CAPACITIES_KVA.iter().position(|capacity| *capacity == capacity_kva)?;
    let smaller_kva = CAPACITIES_KVA[place.saturating_sub(1)];
    let (former_tariff, former_kva) = match tariff {
        Tariff::ResidentialTiered => (Tariff::ResidentialTou, capacity_kva),
        Tariff::ResidentialTou => (Tariff::ResidentialTiered, capacity_kva),
        Tariff::IndustrialTwoPart if smaller_kva < TWO_PART_KVA => (Tariff::CommercialTou, smaller_kva),
        _ => (tariff, smaller_kva),
    };
    // Nobody changes from the public transformer to one of their own here.
    let keeps_transformer = has_own_transformer(former_kva) == has_own_transformer(capacity_kva);
    (opened < until && keeps_transformer).then_some(FormerTerms {
        until,
        tariff: former_tariff,
        capacity_kva: former_kva,
    })
}
