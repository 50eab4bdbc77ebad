//! When an electric car is charged.

use super::Scene;
use super::blend::{Blend, Power};
use crate::generate::calendar::{FRIDAY, MINUTES_PER_DAY, weekday};
use crate::generate::money::tariff::Tariff;
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::Account;
use crate::generate::who::tenant::Tenant;

/// Share of the days on which a car is charged: who drives little, who much.
const CHARGING_DAYS: (f64, f64) = (0.15, 0.85);

/// Adds what is charged on `day`: what began the evening before, and what
/// begins this evening.
pub fn add(scene: Scene<'_, '_>, blend: &mut Blend<'_>) {
    let Scene { world, account, who, day, .. } = scene;
    let (seed, day) = (world.seed, day.number);
    let Some(charger) = who.charger else {
        return;
    };
    let power = Power::of(f64::from(charger.power_w));
    if let Some((start, end)) = session(seed, account, who, day - 1).filter(|(_, end)| *end > MINUTES_PER_DAY) {
        blend.add_minutes((start - MINUTES_PER_DAY).max(0)..end - MINUTES_PER_DAY, power);
    }
    if let Some((start, end)) = session(seed, account, who, day).filter(|(start, _)| *start < MINUTES_PER_DAY) {
        blend.add_minutes(start..end.min(MINUTES_PER_DAY), power);
    }
}

/// The charging that begins in the evening of `day`, in minutes from its
/// midnight, beyond the end of the day where it lasts into the next.
fn session(seed: u64, account: &Account, who: &Tenant, day: i32) -> Option<(i64, i64)> {
    let charger = who.charger.filter(|charger| charger.since <= day)?;
    let key = Key::new(seed, Stream::Charging).with(account.index).on(day);
    let driver = Key::new(seed, Stream::Charging).with(account.index);
    // Before the trips of the weekend cars are filled.
    let weekend = if weekday(day) == FRIDAY { 1.25 } else { 1.0 };
    if !key.chance(0, driver.between(0, CHARGING_DAYS.0, CHARGING_DAYS.1) * weekend) {
        return None;
    }
    // Who pays less at night waits for it.
    let (earliest, width) = match account.terms_on(day).0 {
        // A timer starts when the valley does.
        Tariff::ResidentialTou if driver.chance(1, 0.55) => (22 * 60, 6),
        Tariff::ResidentialTou => (22 * 60, 180),
        _ => (19 * 60, 270),
    };
    let start = earliest + key.below(1, width) as i64;
    // A weaker charger takes longer for the same way driven.
    let least = if charger.power_w < 7_000.0 { 180 } else { 120 };
    Some((start, start + least + key.below(2, 130) as i64))
}

#[cfg(test)]
mod tests {
    use super::super::{Detail, POINTS};
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn charging_runs_over_midnight() {
        let world = world(2);
        let mut late = 0;
        for index in 0..2_000 {
            let account = Account::draw(&world, index);
            let who = &account.tenant;
            let Some(charger) = who.charger else {
                continue;
            };
            let (mut minutes, mut quarters) = (0, 0);
            for day in world.curves_from..world.end {
                let session = session(world.seed, &account, who, day);
                minutes += session.map_or(0, |(start, end)| end - start);
                late += usize::from(session.is_some_and(|(_, end)| end > MINUTES_PER_DAY));
                let mut blend = Blend::default();
                let scene =
                    Scene { world: &world, account: &account, who, day: world.day(day), detail: Detail::Points };
                add(scene, &mut blend);
                quarters += blend.upto(POINTS);
            }
            let used_minutes = quarters as f64 * 15.0 / f64::from(charger.power_w);
            // But for what the first and the last night cut off.
            assert!((used_minutes - minutes as f64).abs() < 500.0, "{used_minutes} {minutes}");
        }
        assert!(late > 0);
    }
}
