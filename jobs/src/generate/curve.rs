//! The load curve of an account on a day. This is the kernel of the lake
//! maker: no transcendental function and no allocation per point.

use chrono::Datelike;

use super::account::Account;
use super::overlay;
use super::random::{Key, Stream};
use super::shape::{Heating, POINTS};
use super::world::{Day, World};

/// Mean power of each quarter hour, in watts.
pub type Curve = [i32; POINTS];

/// Share of a dwelling's load that remains while everybody is away.
const AWAY_SHARE: f32 = 0.3;
/// Weeks in which a dwelling is empty.
const AWAY_WEEKS: f64 = 0.03;

const MONTH: u64 = 0;
const WEEK: u64 = 1;
const DAY: u64 = 2;

/// What drives an account's load on a day.
#[derive(Clone, Copy, Debug)]
pub struct Drive {
    /// Mean of the ordinary load.
    pub level_w: f32,
    /// Highest power of cooling.
    pub cooling_w: f32,
    /// Highest power of heating.
    pub heating_w: f32,
    pub heating: Heating,
}

/// What drives the load of `account` on `day`.
pub fn drive(world: &World, account: &Account, day: &Day) -> Drive {
    let key = Key::new(world.seed, Stream::Level).with(account.index);
    let ordinary = |part: u64, number: i32, half_width: f32| {
        let draw = key.with(part).unit_f32(u64::from(number.cast_unsigned()));
        1.0 - half_width + 2.0 * half_width * draw
    };
    let years = (day.number - world.end) as f32 / 365.0;
    // Months are numbered by their first day, which no other month has.
    let month = day.number - day.date.day0().cast_signed();
    let mut level_w = account.mean_w
        * (1.0 + account.growth * years).max(0.1)
        * ordinary(MONTH, month, 0.06)
        * ordinary(DAY, day.number, 0.10);

    let weather = &day.weather[account.region];
    let traits = account.archetype.traits();
    level_w *= 1.0 + traits.cooling_share * weather.cooling + traits.heating_share * weather.heating;

    let mut presence = 1.0;
    let week = day.number.div_euclid(7);
    if account.archetype.is_lived_in() && key.with(WEEK).chance(u64::from(week.cast_unsigned()), AWAY_WEEKS) {
        presence = AWAY_SHARE;
    }
    let (heating, heating_w) = match account.heat_pump {
        Some(pump) if pump.since <= day.number => (Heating::HeatPump, pump.power_w),
        _ => (account.heating, account.heating_w),
    };
    Drive {
        level_w: level_w * presence,
        cooling_w: account.cooling_w * weather.cooling * presence,
        heating_w: heating_w * weather.heating * presence,
        heating,
    }
}

/// Writes the curve of `account` on `day`: what its meter saw, before any
/// reading was lost. Negative where it feeds into the network.
pub fn fill(world: &World, account: &Account, day: &Day, curve: &mut Curve) {
    let drive = drive(world, account, day);
    let traits = account.archetype.traits();
    let shapes = &world.shapes;
    let base = shapes.base(account.archetype, day.decree.day_type, day.month, account.shift);
    let cooling = shapes.cooling(account.is_home_by_day(), account.shift);
    let heating = shapes.heating(drive.heating, account.shift);
    let base_w = drive.level_w * (1.0 - traits.appliances);

    let key = Key::new(world.seed, Stream::Curve).with(account.index).on(day.number);
    let mut power_w = [0.0f32; POINTS];
    noise(key, traits.noise, &mut power_w);
    let templates = base.iter().zip(cooling).zip(heating);
    for (power, ((base, cooling), heating)) in power_w.iter_mut().zip(templates) {
        *power *= base * base_w + cooling * drive.cooling_w + heating * drive.heating_w;
    }

    if traits.appliances > 0.0 {
        overlay::add_appliances(world.seed, account, day.number, drive.level_w, &mut power_w);
    }
    if account.charger.is_some() {
        overlay::add_charging(world.seed, account, day.number, &mut power_w);
    }
    if account.solar.is_some() {
        overlay::subtract_solar(world, account, day, key, &mut power_w);
    }
    for (point, power) in curve.iter_mut().zip(&power_w) {
        // Adding half with the sign of the number rounds without a call.
        *point = (power + 0.5f32.copysign(*power)) as i32;
    }
}

/// Factors about one, four to a draw.
fn noise(key: Key, half_width: f32, factors: &mut [f32; POINTS]) {
    let step = half_width / f32::from(1u16 << 15);
    for (draw, four) in factors.chunks_exact_mut(4).enumerate() {
        let bits = key.bits(draw as u64);
        for (lane, factor) in four.iter_mut().enumerate() {
            let sixteen = (bits >> (16 * lane)) as u16;
            *factor = 1.0 + step * (f32::from(sixteen) - 32_767.5);
        }
    }
}

impl Account {
    /// Whether somebody is in the dwelling by day.
    pub fn is_home_by_day(&self) -> bool {
        self.heating == Heating::AtHome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::archetype::Archetype;
    use crate::generate::world::tests::world;

    fn curve(world: &World, index: u64, number: i32) -> Curve {
        let mut curve = [0; POINTS];
        fill(world, &Account::draw(world, index), world.day(number), &mut curve);
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
            let least = curve(&world, index, world.end - 1).into_iter().min();
            match account.solar {
                Some(_) => fed_in += usize::from(least < Some(0)),
                None => assert!(least >= Some(0), "{account:?}"),
            }
        }
        assert!(fed_in > 0);
    }

    #[test]
    fn energy_follows_the_size() {
        let world = world(9);
        for index in 0..3_000 {
            let account = Account::draw(&world, index);
            if account.archetype != Archetype::DataCentre {
                continue;
            }
            let points = curve(&world, index, world.end - 1);
            let mean_w = points.iter().sum::<i32>() as f32 / POINTS as f32;
            let ratio = mean_w / account.mean_w;
            assert!((0.7..1.4).contains(&ratio), "{ratio}");
        }
    }
}
