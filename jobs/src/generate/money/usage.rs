//! What the meter of an account registers in a month, by period: the sum of its
//! curves, whether or not they are in the lake.

use super::tariff::{Layout, Tariff};
use crate::generate::curve::{self, Blend, Detail, POINTS};
use crate::generate::who::account::Account;
use crate::generate::world::{Month, World};

/// Something for each period of the day.
pub type ByPeriod<T> = [T; 4];

/// Capacity, in kVA, from which the power factor is billed.
const REACTIVE_FROM_KVA: u32 = 100;

/// What a meter registers in a month. Energy fed into the network has a
/// register of its own, which no bill knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Energy taken in each period, in watt-hours.
    pub energy_wh: ByPeriod<i64>,
    /// Highest mean power of a quarter hour, where the meter keeps it.
    pub max_demand_w: Option<i64>,
}

/// What the account's meter registers in a whole month, from the day of its
/// opening.
pub fn month_usage<'a>(
    world: &'a World,
    account: &Account,
    month: &Month,
    layout: Layout,
    blend: &mut Blend<'a>,
) -> Usage {
    let has_demand = account.has_demand_meter();
    let detail = if layout == Layout::Flat { Detail::Whole } else { Detail::Points };
    let mut quarters = [0i64; 4];
    let mut max_demand_w = 0;
    let mut points = [0; POINTS];
    for number in month.first.max(account.opened)..month.next.min(account.supplied_to()) {
        let day = world.day(number);
        // Only its points tell the highest of a day, and what of it was taken
        // and what fed in.
        let feeds_in = account.solar.is_some_and(|plant| plant.since <= number);
        if feeds_in || has_demand {
            curve::fill(world, account, day, blend, &mut points);
            for run in layout.runs() {
                quarters[run.period as usize] +=
                    points[run.points()].iter().map(|power_w| i64::from((*power_w).max(0))).sum::<i64>();
            }
            max_demand_w = points.iter().copied().fold(max_demand_w, i32::max);
        } else {
            curve::blend(world, account, day, detail, blend);
            let mut before = 0;
            for run in layout.runs() {
                let upto = blend.upto(run.points().end);
                quarters[run.period as usize] += upto - before;
                before = upto;
            }
        }
    }
    Usage { energy_wh: watt_hours(quarters), max_demand_w: has_demand.then_some(i64::from(max_demand_w)) }
}

impl Account {
    /// Whether the meter registers reactive energy.
    pub fn has_reactive_meter(&self) -> bool {
        !self.archetype().is_household() && self.capacity_kva >= REACTIVE_FROM_KVA
    }

    /// Whether the meter keeps the highest demand of a month.
    pub fn has_demand_meter(&self) -> bool {
        self.tariff == Tariff::IndustrialTwoPart || self.has_own_transformer()
    }
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
    fn a_month_is_the_sum_of_its_curves_whatever_its_age() {
        let world = world(6);
        let mut blend = Blend::default();
        let (first, last) = (world.billed_months()[0], world.billed_months()[23]);
        assert!(first.first < world.curves_from && last.first >= world.curves_from);
        for (index, month) in (0..150).flat_map(|index| [(index, first), (index, last)]) {
            let account = Account::draw(&world, index);
            for layout in Layout::ALL {
                let usage = month_usage(&world, &account, &month, layout, &mut blend);
                let mut quarters = [0i64; 4];
                let mut points = [0; POINTS];
                for number in month.first.max(account.opened)..month.next.min(account.supplied_to()) {
                    curve::fill(&world, &account, world.day(number), &mut Blend::default(), &mut points);
                    for (point, power_w) in points.iter().enumerate() {
                        quarters[layout.period(point) as usize] += i64::from((*power_w).max(0));
                    }
                }
                assert_eq!(usage.energy_wh, watt_hours(quarters), "account {index}");
            }
        }
    }

    #[test]
    fn rounding_keeps_the_whole() {
        assert_eq!(watt_hours([1, 1, 1, 1]), [0, 1, 0, 0]);
        assert_eq!(watt_hours([5, 6, 7, 9]).iter().sum::<i64>(), 7);
    }
}
