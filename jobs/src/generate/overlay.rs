//! What lies over the ordinary load of a dwelling: short uses of appliances,
//! the charging of an electric car, and the sun on the roof.

use std::ops::Range;

use super::account::Account;
use super::random::{Key, Stream};
use super::shape::POINTS;
use super::tariff::Tariff;
use super::world::{Day, World};

/// Fewest uses of an appliance in a day; up to two more follow.
const LEAST_USES: u64 = 3;
/// Quarter hours that all uses of a day take together, on average.
const MEAN_USED_POINTS: f32 = 6.0;
/// Share of the days on which a car is charged.
const CHARGING_DAYS: f64 = 0.45;

/// Adds short uses of appliances, which together make up their share of the
/// day's energy, on average.
pub fn add_appliances(seed: u64, account: &Account, day: i32, level_w: f32, power_w: &mut [f32; POINTS]) {
    let traits = account.archetype.traits();
    let key = Key::new(seed, Stream::Appliance).with(account.index).on(day);
    let mean_w = level_w * traits.appliances * POINTS as f32 / MEAN_USED_POINTS;
    let uses = LEAST_USES + key.below(0, 3);
    for one in 0..uses {
        let draw = 1 + 4 * one;
        let (first, width) = traits.appliance_windows[key.below(draw, 4) as usize];
        let start = usize::from(first) + key.below(draw + 1, u64::from(width)) as usize;
        let points = 1 + key.below(draw + 2, 2) as usize;
        let use_w = mean_w * (0.4 + 1.2 * key.unit_f32(draw + 3));
        power_w.iter_mut().skip(start).take(points).for_each(|power| *power += use_w);
    }
}

/// The points of `day` in which the car is charged: what began the evening
/// before, and what begins this evening.
pub fn charging(seed: u64, account: &Account, day: i32) -> [Range<usize>; 2] {
    let evening = |day: i32| session(seed, account, day).unwrap_or(0..0);
    let (before, today) = (evening(day - 1), evening(day));
    [
        before.start.saturating_sub(POINTS)..before.end.saturating_sub(POINTS),
        today.start.min(POINTS)..today.end.min(POINTS),
    ]
}

/// The charging that begins in the evening of `day`, counted in points from
/// its midnight, beyond the end of the day where it lasts into the next.
fn session(seed: u64, account: &Account, day: i32) -> Option<Range<usize>> {
    let charger = account.charger.filter(|charger| charger.since <= day)?;
    let key = Key::new(seed, Stream::Charging).with(account.index).on(day);
    if !key.chance(0, CHARGING_DAYS) {
        return None;
    }
    // Who pays less at night waits for it.
    let (earliest, width) = match account.tariff {
        Tariff::ResidentialTou => (88, 12),
        _ => (76, 18),
    };
    let start = earliest + key.below(1, width) as usize;
    // A weaker charger takes longer for the same way driven.
    let points = if charger.power_w < 7_000.0 { 12 } else { 8 };
    Some(start..start + points + key.below(2, 9) as usize)
}

/// Adds the charging of the car.
pub fn add_charging(seed: u64, account: &Account, day: i32, power_w: &mut [f32; POINTS]) {
    let Some(charger) = account.charger else {
        return;
    };
    for range in charging(seed, account, day) {
        power_w[range].iter_mut().for_each(|power| *power += charger.power_w);
    }
}

/// Takes off what the plant on the roof makes.
pub fn subtract_solar(world: &World, account: &Account, day: &Day, key: Key, power_w: &mut [f32; POINTS]) {
    let Some(plant) = account.solar.filter(|plant| plant.since <= day.number) else {
        return;
    };
    let sun = day.weather[account.region].sun;
    let clear_w = plant.power_w * sun;
    // Passing clouds matter most when the sky is half covered.
    let ripple = 0.8 * sun * (1.0 - sun);
    let sky = world.shapes.solar(day.month);
    for (point, (power, share)) in power_w.iter_mut().zip(sky).enumerate() {
        if *share > 0.0 {
            let cloud = ripple * (2.0 * key.unit_f32(1_000 + point as u64) - 1.0);
            *power -= clear_w * share * (1.0 + cloud);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn charging_runs_over_midnight() {
        let world = world(2);
        let mut late = 0;
        for index in 0..2_000 {
            let account = Account::draw(&world, index);
            for day in world.curves_from..world.end {
                let Some(session) = session(world.seed, &account, day) else {
                    continue;
                };
                let points =
                    charging(world.seed, &account, day)[1].len() + charging(world.seed, &account, day + 1)[0].len();
                assert_eq!(points, session.len());
                late += usize::from(session.end > POINTS);
            }
        }
        assert!(late > 0);
    }
}
