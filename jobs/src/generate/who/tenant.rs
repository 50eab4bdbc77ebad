//! Who lives or works behind an account: a household with its habits, or a
//! business of a kind. Another one may have been there before.

use super::archetype::Archetype;
use crate::generate::curve::home::{self, Home};
use crate::generate::curve::shape::Heating;
use crate::generate::curve::template::MAX_SHIFT;
use crate::generate::money::payment::Payer;
use crate::generate::random::Key;
use crate::generate::world::World;

/// Standard deviations of the logarithm of a size beyond which nobody is.
const MOST_DEVIATIONS: f64 = 2.2;

/// A device behind the meter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Device {
    pub power_w: f32,
    /// First day in use, in days since 1970-01-01.
    pub since: i32,
    /// Whether the utility knows of it.
    pub is_registered: bool,
}

/// How a business is unlike others of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Character {
    /// Share of a workday's business done on Saturdays, and on days of rest.
    pub open: [f64; 2],
    /// Share of its load that never stops, beyond what is usual.
    pub standby: f64,
    /// Noise over what is usual.
    pub noise: f64,
}

/// Who is behind an account for some time.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// 0 for who is there now, 1 for who was there before.
    pub number: u64,
    pub archetype: Archetype,
    /// Mean power of an ordinary year.
    pub mean_w: f32,
    /// Yearly growth as a share of the load on the last day.
    pub growth: f32,
    /// Day from which the business stands still.
    pub idle_since: Option<i32>,
    /// Days that they are away before and after the Spring Festival.
    pub festival_days: (i32, i32),
    /// How a business of its kind is unlike others.
    pub character: Character,
    /// Points by which the day is shifted, plus the largest shift.
    pub shift: usize,
    /// Power of cooling at full need.
    pub cooling_w: f32,
    pub heating: Heating,
    /// The habits of who lives in a dwelling.
    pub home: Option<Home>,
    pub heat_pump: Option<Device>,
    pub charger: Option<Device>,
    pub payer: Payer,
}

/// The numbered draws of a tenant.
#[derive(Clone, Copy)]
enum Draw {
    Size = 1,
    Growth,
    IsIdle,
    Idle,
    Leave,
    Return,
    Saturday,
    Sunday,
    Standby,
    Noise,
    Shift,
    HasCooling,
    Cooling,
    Home,
    HasHeatPump,
    HasCharger,
    Payer,
}

impl Tenant {
    /// A tenant of this kind who came, or whose account was opened, on a day.
    pub fn draw(world: &World, key: Key, number: u64, archetype: Archetype, came: i32) -> Self {
        let unit = |draw: Draw| key.unit(draw as u64);
        let between = |draw: Draw, low, high| key.between(draw as u64, low, high);
        let has = |draw: Draw, probability| archetype.is_lived_in() && key.chance(draw as u64, probability);
        let traits = archetype.traits();
        let mean_w = if archetype.is_lived_in() {
            home::mean_w(unit(Draw::Size))
        } else {
            let deviations = key.normal(Draw::Size as u64).clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS);
            traits.median_kwh * libm::exp(traits.sigma * deviations) / 8.76
        };
        let cooling_w = if has(Draw::HasCooling, 0.85) { mean_w * between(Draw::Cooling, 0.4, 1.8) } else { 0.0 };
        let device = |draw: Draw, probability, registered| {
            has(draw, probability).then(|| installed(key.with(draw as u64), world.end, came, registered))
        };
        let charger = device(Draw::HasCharger, 0.03, 0.7).map(|device| Device {
            power_w: match key.with(Draw::HasCharger as u64).below(9, 10) {
                0..2 => 3_500.0,
                2..9 => 7_000.0,
                _ => 11_000.0,
            },
            ..device
        });
        let heat_pump = device(Draw::HasHeatPump, 0.02, 0.85).map(|device| Device {
            power_w: 2_500.0 + 500.0 * key.with(Draw::HasHeatPump as u64).below(9, 6) as f32,
            ..device
        });
        let is_idle = key.chance(Draw::IsIdle as u64, archetype.idle_share());
        Self {
            number,
            archetype,
            mean_w: mean_w as f32,
            growth: (0.02 + 0.07 * key.normal(Draw::Growth as u64)).clamp(-0.2, 0.25) as f32,
            idle_since: is_idle
                .then(|| world.end - 20 - key.below(Draw::Idle as u64, 500) as i32)
                .filter(|day| *day > came + 60),
            festival_days: (archetype.away_days(key, Draw::Leave), archetype.away_days(key, Draw::Return)),
            character: Character {
                // Some close, some do not, few are in between.
                open: [Draw::Saturday, Draw::Sunday].map(|draw| {
                    let unit = unit(draw);
                    if archetype.is_household() { 0.0 } else { (3.0 * unit * unit - 0.9).clamp(0.0, 1.0) }
                }),
                standby: 0.3 * unit(Draw::Standby) * unit(Draw::Standby),
                noise: between(Draw::Noise, 0.4, 1.0),
            },
            shift: key.below(Draw::Shift as u64, 2 * MAX_SHIFT as u64 + 1) as usize,
            cooling_w: cooling_w as f32,
            heating: if archetype == Archetype::WorkingFamily { Heating::Away } else { Heating::AtHome },
            home: Home::draw(world, key.with(Draw::Home as u64), archetype, mean_w),
            heat_pump,
            charger,
            payer: Payer::of(archetype, unit(Draw::Payer)),
        }
    }
}

/// A device that came some time in the last five years, but not before its
/// owner.
pub fn installed(key: Key, end: i32, came: i32, registered: f64) -> Device {
    Device {
        power_w: 0.0,
        since: (end - 1 - key.below(0, 1_825) as i32).max(came),
        is_registered: key.chance(1, registered),
    }
}

impl Archetype {
    /// Days that a tenant of a kind is away before or after the Spring Festival.
    fn away_days(self, key: Key, draw: Draw) -> i32 {
        let most = match self {
            Self::FactoryOneShift | Self::FactoryTwoShifts => 9,
            Self::Shop | Self::Restaurant | Self::Office => 6,
            Self::Farm | Self::FactoryThreeShifts => 3,
            _ if self.is_lived_in() => 3,
            _ => 1,
        };
        key.below(draw as u64, most) as i32
    }

    /// Share of the businesses of a kind that closed some time ago.
    fn idle_share(self) -> f64 {
        match self {
            Self::FactoryOneShift | Self::FactoryTwoShifts => 0.025,
            Self::FactoryThreeShifts => 0.01,
            Self::Shop | Self::Restaurant => 0.03,
            Self::Office => 0.015,
            _ => 0.0,
        }
    }
}
