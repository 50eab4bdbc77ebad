//! The load of an account on a day: what it is made of, and from that its
//! curve and its energy. No curve is needed to know the energy, and the two
//! agree to the watt-hour.

use chrono::Datelike;

use super::calendar::{DayType, MINUTES_PER_DAY};
use super::random::{Key, Stream};
use super::who::account::Account;
use super::who::archetype::Archetype;

use super::who::tenant::Tenant;
use super::world::{Day, World};

mod battery;
mod blend;
mod charging;
pub mod fault;
mod habit;
pub mod home;
pub mod shape;
pub mod template;

pub use blend::Blend;
use blend::{Cycle, Power};
use shape::Heating;
use template::MAX_SHIFT;

/// Points of a curve: a day in quarter hours.
pub const POINTS: usize = 96;

/// Mean power of each quarter hour, in watts.
pub type Curve = [i32; POINTS];

/// The parts of an account's level: months, weeks, days, and what is left on in an
/// empty dwelling.
const MONTH: u64 = 0;
const WEEK: u64 = 1;
const DAY: u64 = 2;
const LEFT_ON: u64 = 3;

/// Kelvin below 15 degC of a mean day of the lake's climate.
const MEAN_COLD_K: f64 = 3.3;

/// Power of a dwelling between two tenants.
const EMPTY_W: f64 = 7.0;
/// Share of the load that is left of a business that closed.
const IDLE: f64 = 0.04;
/// Power of irrigation over a farm's mean, and its hours.
const IRRIGATION: f64 = 2.4;
const IRRIGATION_MINUTES: (i64, i64) = (180, 420);

/// How much of a day is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Its energy as a whole: when appliances are used does not matter.
    Whole,
    Points,
}

/// Whose load of which day is asked for.
#[derive(Clone, Copy)]
pub struct Scene<'a, 'b> {
    pub world: &'a World,
    pub account: &'b Account,
    pub who: &'b Tenant,
    pub day: &'b Day,
    pub detail: Detail,
}

/// Finds out what the load of an account on a day is made of.
pub fn blend<'a>(world: &'a World, account: &Account, day: &'a Day, detail: Detail, blend: &mut Blend<'a>) {
    blend.clear();
    let midnight = i64::from(day.number) * MINUTES_PER_DAY;
    for gap in account.interruptions.iter().skip_while(|gap| gap.end <= midnight) {
        let of_day = |minute: i64| (minute - midnight).clamp(0, MINUTES_PER_DAY);
        let minutes = of_day(gap.start)..of_day(gap.end);
        if minutes.is_empty() {
            break;
        }
        blend.interrupt(minutes);
    }
    let detail = if blend.is_interrupted() { Detail::Points } else { detail };
    match account.tenant_on(day.number) {
        Some(who) => add_tenant(Scene { world, account, who, day, detail }, blend),
        None => add_empty(world, account, day, blend),
    }
    if let Some(plant) = account.solar.filter(|plant| plant.since <= day.number) {
        // Roofs look this way or that, and the dust of years lies on some.
        let key = Key::new(world.seed, Stream::Sky).with(u64::MAX).with(account.index);
        let yield_share = key.between(0, 0.68, 1.04);
        let towards = MAX_SHIFT - 5 + key.below(1, 11) as usize;
        blend.add(-f64::from(plant.power_w) * yield_share, day.sky[account.region].at(towards));
    }
}

/// Between two tenants, what stands by.
fn add_empty<'a>(world: &'a World, account: &Account, day: &Day, blend: &mut Blend<'a>) {
    let key = Key::new(world.seed, Stream::Level).with(account.index).with(DAY).on(day.number);
    let day_type = day.decree.day_type;
    blend.add(EMPTY_W, world.shapes.base(Archetype::Vacant, day_type, day.month, MAX_SHIFT));
    blend.add(EMPTY_W, world.shapes.noise(Archetype::Vacant, day_type, key.bits(1), MAX_SHIFT));
}

fn add_tenant<'a>(scene: Scene<'a, '_>, blend: &mut Blend<'a>) {
    let Scene { world, account, who, day, .. } = scene;
    let years = f64::from(day.number - world.end) / 365.0;
    let size_w = f64::from(who.mean_w) * (1.0 + f64::from(who.growth) * years).max(0.1);
    match &who.home {
        Some(home) => {
            let cold_k = f64::from(day.weather[account.region].cold_k);
            let heat = f64::from(home.cold);
            home.add(scene, size_w * (1.0 - heat * MEAN_COLD_K).max(0.2), blend);
            add_climate(scene, size_w * heat * cold_k, blend);
            charging::add(scene, blend);
        }
        None => {
            let is_idle = who.idle_since.is_some_and(|since| since <= day.number);
            add_ordinary(scene, if is_idle { size_w * IDLE } else { size_w }, blend);
        }
    }
}

/// Cooling and heating of a dwelling, which follow the weather.
fn add_climate<'a>(scene: Scene<'a, '_>, heating_w: f64, blend: &mut Blend<'a>) {
    let Scene { world, account, who, day, .. } = scene;
    let weather = &day.weather[account.region];
    let (heating, heating_w) = match who.heat_pump {
        Some(pump) if pump.since <= day.number => {
            (Heating::HeatPump, f64::from(pump.power_w) * f64::from(weather.heating))
        }
        _ => (who.heating, heating_w),
    };
    // Nobody switches on at the same time every day, or in every room.
    let key = Key::new(world.seed, Stream::Climate).with(account.index).on(day.number);
    let shift = |draw: u64| (who.shift + key.below(draw, 13) as usize).saturating_sub(6);
    let lively = |draw: u64| key.unit(draw) + key.unit(draw + 1);
    blend.add(heating_w * lively(2), world.shapes.heating(heating, shift(0)));
    let cooling_w = f64::from(who.cooling_w) * f64::from(weather.cooling) * lively(4);
    blend.add(cooling_w, world.shapes.cooling(who.heating == Heating::AtHome, shift(1)));
}

/// The load of whoever follows the habits of a kind.
fn add_ordinary<'a>(scene: Scene<'a, '_>, size_w: f64, blend: &mut Blend<'a>) {
    let Scene { world, account, who, day, .. } = scene;
    let key = Key::new(world.seed, Stream::Level).with(account.index);
    let today = key.with(DAY).on(day.number);
    let level_w = size_w * level(account, who, day, key);
    let next_w = size_w * level(account, who, world.day(day.number + 1), key);
    let mut day_type = day.decree.day_type_for(who.festival_days.0, who.festival_days.1);
    if who.archetype == Archetype::School && !day.is_term && day_type == DayType::Workday {
        day_type = DayType::Sunday;
    }
    let (shapes, kind, character) = (&world.shapes, who.archetype, &who.character);
    let open = match day_type {
        DayType::Saturday => character.open[0],
        DayType::Sunday | DayType::Holiday => character.open[1],
        DayType::Workday | DayType::Festival => 0.0,
    };
    blend.add_steady((level_w + next_w) / 2.0 * character.standby);
    let moving = 1.0 - character.standby;
    for (day_type, share) in [(day_type, 1.0 - open), (DayType::Workday, open)] {
        let share = share * moving;
        blend.add(level_w * share, shapes.base(kind, day_type, day.month, who.shift));
        // Nothing jumps at midnight: the day leads over to the next.
        blend.add((next_w - level_w) * share, shapes.rising(kind, day_type, day.month, who.shift));
        let noise = shapes.noise(kind, day_type, today.bits(1), who.shift);
        blend.add(level_w.min(next_w) * share * character.noise, noise);
    }
    if kind == Archetype::Vacant && key.chance(LEFT_ON, 0.7) {
        // Something is left on, here this and there that.
        let period_minutes = 30 + key.below(LEFT_ON + 1, 70) as u16;
        let on_minutes = 4 + key.below(LEFT_ON + 2, u64::from(period_minutes / 2)) as u16;
        let power_w = key.between(LEFT_ON + 3, 8.0, 90.0) as f32;
        blend.add_cycle(&Cycle { power_w, period_minutes, on_minutes }, day.number, account.index);
    }
    if kind == Archetype::Farm && is_watered(account, day, today) {
        let (least, more) = IRRIGATION_MINUTES;
        let start = 240 + today.below(3, 180) as i64;
        blend.add_use(start, least + today.below(4, more.cast_unsigned()) as i64, Power::of(size_w * IRRIGATION));
    }
}

/// What a business uses on a day, over what its habits say.
fn level(account: &Account, who: &Tenant, day: &Day, key: Key) -> f64 {
    // Months are numbered by their first day, which no other month has.
    let month = key.with(MONTH).on(day.number - day.date.day0().cast_signed());
    let today = key.with(DAY).on(day.number);
    let weather = &day.weather[account.region];
    let traits = who.archetype.traits();
    let climate = traits.cooling_share * f64::from(weather.cooling) + traits.heating_share * f64::from(weather.heating);
    month.between(0, 0.95, 1.05) * today.between(0, 0.93, 1.07) * (1.0 + climate)
}

/// Fields are watered in the warm months, and rather when the sky is clear.
fn is_watered(account: &Account, day: &Day, today: Key) -> bool {
    let sun = f64::from(day.weather[account.region].sun);
    (3..9).contains(&day.month) && today.chance(2, 0.75 * sun * sun)
}

/// Writes the curve of a day: what the meter saw, before any reading was lost.
/// Negative where it feeds into the network.
pub fn fill<'a>(world: &'a World, account: &Account, day: &'a Day, scratch: &mut Blend<'a>, curve: &mut Curve) {
    let storage = account.storage.filter(|storage| storage.device.since <= day.number);
    let stored = match storage {
        Some(storage) => {
            blend(world, account, world.day(day.number - 1), Detail::Points, scratch);
            scratch.fill(curve);
            storage.smooth(curve, 0)
        }
        None => 0,
    };
    blend(world, account, day, Detail::Points, scratch);
    scratch.fill(curve);
    if let Some(storage) = storage {
        storage.smooth(curve, stored);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::who::network::{Transformer, accounts_of};
    use crate::generate::world::tests::world;

    fn curve(world: &World, index: u64, number: i32) -> Curve {
        let mut curve = [0; POINTS];
        fill(world, &Account::draw(world, index), world.day(number), &mut Blend::default(), &mut curve);
        curve
    }

    #[test]
    fn a_curve_depends_on_seed_account_and_date_alone() {
        let (one, two) = (world(9), world(9));
        let number = one.end - 3;
        assert_eq!(curve(&one, 17, number), curve(&two, 17, number));
        assert_ne!(curve(&one, 17, number), curve(&one, 17, number - 1));
        assert_ne!(curve(&one, 17, number), curve(&one, 18, number));
        assert_ne!(curve(&one, 17, number), curve(&world(10), 17, number));
    }

    #[test]
    fn only_plants_feed_in() {
        let world = world(9);
        let mut fed_in = 0;
        for index in 0..3_000 {
            let account = Account::draw(&world, index);
            for number in world.end - 8..world.end {
                let least = curve(&world, index, number).into_iter().min();
                match account.solar {
                    Some(_) => fed_in += usize::from(least < Some(0)),
                    None => assert!(least >= Some(0), "{account:?}"),
                }
            }
        }
        assert!(fed_in > 0);
    }

    /// Homes do not peak together: what hangs on a transformer peaks at about half
    /// the sum of the peaks, mostly within what it is rated at, and its phases
    /// carry about the same.
    #[test]
    fn sums_under_a_transformer_behave() {
        let world = world(9);
        let (mut coincidence, mut loading, mut imbalance) = (Vec::new(), Vec::new(), Vec::new());
        for transformer in 0..16 {
            let (mut sum, mut peaks, mut phases) = ([0i64; POINTS], 0i64, [0i64; 3]);
            let accounts = accounts_of(transformer).map(|index| Account::draw(&world, index));
            for account in accounts.filter(|account| !account.has_own_transformer()) {
                let mut points = [0; POINTS];
                fill(&world, &account, world.day(world.end - 40), &mut Blend::default(), &mut points);
                peaks += i64::from(points.iter().copied().max().unwrap_or(0));
                sum.iter_mut().zip(points).for_each(|(sum, power_w)| *sum += i64::from(power_w));
                if let Some(phase) = ["A", "B", "C"].iter().position(|phase| *phase == account.phase(9)) {
                    phases[phase] += points.iter().map(|power_w| i64::from(*power_w)).sum::<i64>();
                }
            }
            let peak = sum.into_iter().max().unwrap_or(0) as f64;
            coincidence.push(peak / peaks as f64);
            loading.push(peak / 1_000.0 / f64::from(Transformer::public(9, transformer).capacity_kva()));
            let mean = phases.iter().sum::<i64>() as f64 / 3.0;
            imbalance.push(phases.into_iter().max().unwrap_or(0) as f64 / mean - 1.0);
        }
        let sorted = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values
        };
        let (coincidence, loading, imbalance) = (sorted(coincidence), sorted(loading), sorted(imbalance));
        assert!(coincidence.iter().all(|share| (0.35..0.7).contains(share)), "{coincidence:?}");
        assert!(loading[2] > 0.3 && loading[12] < 1.0 && loading[15] < 2.0, "{loading:?}");
        assert!(imbalance[12] < 0.35, "{imbalance:?}");
    }

    #[test]
    fn energy_follows_the_size() {
        let world = world(9);
        for index in 0..3_000 {
            let account = Account::draw(&world, index);
            if account.archetype() != Archetype::DataCentre {
                continue;
            }
            let points = curve(&world, index, world.end - 1);
            let mean_w = points.iter().sum::<i32>() as f32 / POINTS as f32;
            let ratio = mean_w / account.tenant.mean_w;
            assert!((0.7..1.4).contains(&ratio), "{ratio}");
        }
    }
}
