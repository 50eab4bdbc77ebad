//! The energy of an account in a month, by period: the sum of its curves where
//! there are curves, and what is to be expected of it before.

use super::account::Account;
use super::archetype::Archetype;
use super::calendar::DayType;
use super::curve::{self, drive};
use super::overlay;
use super::shape::{Heating, NO_SHIFT, POINTS, Shapes};
use super::tariff::Layout;
use super::world::{Day, Month, World};

/// Something for each period of the day.
pub type ByPeriod<T> = [T; 4];

/// What a meter registers in a month. Energy fed into the network has a
/// register of its own, which no bill knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Energy taken in each period, in watt-hours.
    pub energy_wh: ByPeriod<i64>,
    /// Highest mean power of a quarter hour.
    pub max_demand_w: i64,
}

/// Sums of the templates over each period, so that a day without a curve costs
/// no work per point.
pub struct Totals {
    base: Vec<ByPeriod<f32>>,
    base_peak: Vec<f32>,
    cooling: Vec<ByPeriod<f32>>,
    heating: Vec<ByPeriod<f32>>,
}

impl Totals {
    /// Sums all templates over all layouts.
    pub fn new(shapes: &Shapes) -> Self {
        let mut totals = Self { base: Vec::new(), base_peak: Vec::new(), cooling: Vec::new(), heating: Vec::new() };
        for archetype in Archetype::ALL {
            for day_type in DayType::ALL {
                for month in 0..12 {
                    let template = shapes.base(archetype, day_type, month, NO_SHIFT);
                    totals.base_peak.push(template.iter().copied().fold(0.0, f32::max));
                    totals.base.extend(Layout::ALL.map(|layout| sums(layout, template)));
                }
            }
        }
        for is_home_by_day in [false, true] {
            let template = shapes.cooling(is_home_by_day, NO_SHIFT);
            totals.cooling.extend(Layout::ALL.map(|layout| sums(layout, template)));
        }
        for heating in Heating::ALL {
            let template = shapes.heating(heating, NO_SHIFT);
            totals.heating.extend(Layout::ALL.map(|layout| sums(layout, template)));
        }
        totals
    }

    fn base(&self, archetype: Archetype, day: &Day, layout: Layout) -> (&ByPeriod<f32>, f32) {
        let types = DayType::ALL.len();
        let place = (archetype as usize * types + day.decree.day_type as usize) * 12 + day.month;
        (&self.base[place * Layout::ALL.len() + layout as usize], self.base_peak[place])
    }

    fn cooling(&self, is_home_by_day: bool, layout: Layout) -> &ByPeriod<f32> {
        &self.cooling[usize::from(is_home_by_day) * Layout::ALL.len() + layout as usize]
    }

    fn heating(&self, heating: Heating, layout: Layout) -> &ByPeriod<f32> {
        &self.heating[heating as usize * Layout::ALL.len() + layout as usize]
    }
}

fn sums(layout: Layout, template: &[f32]) -> ByPeriod<f32> {
    let mut sums = [0.0; 4];
    for run in layout.runs() {
        sums[run.period as usize] += template[run.points()].iter().sum::<f32>();
    }
    sums
}

/// What the account's meter registers in a whole month, from the day of its
/// opening.
pub fn month_usage(world: &World, account: &Account, month: &Month, layout: Layout) -> Usage {
    let mut exact = [0i64; 4];
    let mut expected = [0f64; 4];
    let mut max_demand_w = 0i64;
    let mut points = [0; POINTS];
    for number in month.first.max(account.opened)..month.next {
        let day = world.day(number);
        // What a plant leaves to be taken from the network is no sum of
        // templates, so its days are always made in full.
        let has_solar = account.solar.is_some_and(|plant| plant.since <= number);
        if number >= world.curves_from || has_solar {
            curve::fill(world, account, day, &mut points);
            for run in layout.runs() {
                exact[run.period as usize] +=
                    points[run.points()].iter().map(|power_w| i64::from((*power_w).max(0))).sum::<i64>();
            }
            let peak_w = points.iter().copied().max().unwrap_or(0);
            max_demand_w = max_demand_w.max(i64::from(peak_w));
        } else {
            let peak_w = add_expected(world, account, day, layout, &mut expected);
            max_demand_w = max_demand_w.max(peak_w as i64);
        }
    }
    let quarters: ByPeriod<i64> = std::array::from_fn(|period| exact[period] + expected[period].round() as i64);
    Usage { energy_wh: watt_hours(quarters), max_demand_w }
}

/// Adds the day's energy to be expected, in watt quarter-hours; returns its
/// highest power in watts.
fn add_expected(world: &World, account: &Account, day: &Day, layout: Layout, sums: &mut ByPeriod<f64>) -> f32 {
    let drive = drive(world, account, day);
    let (base, peak) = world.totals.base(account.archetype, day, layout);
    let cooling = world.totals.cooling(account.is_home_by_day(), layout);
    let heating = world.totals.heating(drive.heating, layout);
    for (period, sum) in sums.iter_mut().enumerate() {
        *sum += f64::from(
            base[period] * drive.level_w + cooling[period] * drive.cooling_w + heating[period] * drive.heating_w,
        );
    }
    if let Some(charger) = account.charger {
        for point in overlay::charging(world.seed, account, day.number).into_iter().flatten() {
            sums[layout.period(point) as usize] += f64::from(charger.power_w);
        }
    }
    let noise = 1.0 + 0.9 * account.archetype.traits().noise;
    peak * drive.level_w * noise + drive.cooling_w + drive.heating_w
}

/// Watt quarter-hours as watt-hours, rounded such that the periods add up to
/// the rounded whole.
fn watt_hours(quarters: ByPeriod<i64>) -> ByPeriod<i64> {
    let mut sum = 0i64;
    let mut given = 0i64;
    quarters.map(|quarter| {
        sum += quarter;
        let upto = (sum + 2).div_euclid(4);
        let energy_wh = upto - given;
        given = upto;
        energy_wh
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn a_month_with_curves_is_their_sum() {
        let world = world(6);
        let month = *world.billed_months().last().expect("a billed month");
        assert!(month.first >= world.curves_from);
        for index in 0..60 {
            let account = Account::draw(&world, index);
            let usage = month_usage(&world, &account, &month, Layout::Standard);
            let mut quarters = 0i64;
            let mut points = [0; POINTS];
            for number in month.first.max(account.opened)..month.next {
                curve::fill(&world, &account, world.day(number), &mut points);
                quarters += points.iter().map(|power_w| i64::from((*power_w).max(0))).sum::<i64>();
            }
            assert_eq!(usage.energy_wh.iter().sum::<i64>(), (quarters + 2).div_euclid(4));
        }
    }

    #[test]
    fn expected_energy_resembles_the_curves() {
        let world = world(6);
        let number = world.curves_from;
        let (mut exact, mut expected) = (0.0, [0.0; 4]);
        for index in 0..2_000 {
            let account = Account::draw(&world, index);
            if !account.archetype.is_lived_in() || account.solar.is_some() {
                continue;
            }
            let mut points = [0; POINTS];
            curve::fill(&world, &account, world.day(number), &mut points);
            exact += points.iter().map(|power_w| f64::from(*power_w)).sum::<f64>();
            add_expected(&world, &account, world.day(number), Layout::Flat, &mut expected);
        }
        let ratio = exact / expected.iter().sum::<f64>();
        assert!((0.95..1.05).contains(&ratio), "{ratio}");
    }

    #[test]
    fn rounding_keeps_the_whole() {
        assert_eq!(watt_hours([1, 1, 1, 1]), [0, 1, 0, 0]);
        assert_eq!(watt_hours([5, 6, 7, 9]).iter().sum::<i64>(), 7);
    }
}
