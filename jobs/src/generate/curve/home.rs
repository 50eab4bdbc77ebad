//! How a household lives: what is always on, what recurs every day, and which
//! appliances it uses when. The figures come of London homes.

use super::blend::{Blend, Cycle, Power};
use super::shape::{EVENING_MEAN, EVENING_SHARE};
use super::template::MAX_SHIFT;
use super::{DAY, Detail, Scene, WEEK};
use crate::generate::calendar::DayType;
use crate::generate::calibrated as real;
use crate::generate::random::{Key, Stream};
use crate::generate::who::archetype::Archetype;
use crate::generate::world::World;

/// Most uses of appliances in a day.
const MOST_USES: usize = 16;

/// Standard deviations of a sum of two uniform draws, less one, in one.
const SPREAD: f64 = 2.45;

/// Shares of floor and uses that remain while everybody is away.
const FLOOR_AWAY: f64 = 0.7;
const USES_AWAY: f64 = 0.1;

/// Mean power of a refrigerator, in watts, and the share of time that it runs.
const FRIDGE_W: f64 = 32.0;
const FRIDGE_PART: u16 = 3;

/// A kind of appliance.
struct Appliance {
    /// How many of a hundred uses are of this kind.
    percent: u64,
    power_w: f64,
    least_minutes: f64,
    most_minutes: f64,
}

const fn appliance(percent: u64, power_w: f64, least_minutes: f64, most_minutes: f64) -> Appliance {
    Appliance { percent, power_w, least_minutes, most_minutes }
}

const APPLIANCES: [Appliance; 6] = [
    // Kettle, microwave.
    appliance(22, 2_200.0, 4.0, 12.0),
    // Instantaneous water heater.
    appliance(10, 5_000.0, 6.0, 18.0),
    // Cooking.
    appliance(22, 1_600.0, 15.0, 60.0),
    // Washing, drying, dishes.
    appliance(12, 1_000.0, 40.0, 100.0),
    // Screens, computers, light.
    appliance(24, 250.0, 60.0, 240.0),
    // Ironing, vacuuming, hair.
    appliance(10, 700.0, 15.0, 60.0),
];

/// Something that a household does on most days at about the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Usual {
    start_minute: u16,
    minutes: u16,
    power_w: u16,
    /// Days on which it is done, in 65,536.
    days: u16,
}

/// The habits of a household.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Home {
    household: usize,
    /// Share of the mean power that is always there, the refrigerator's with it.
    floor: f32,
    /// Share of the rest that recurs every day.
    routine: f32,
    /// What it adds to its evenings, over the profile's mean.
    late: f32,
    /// Share of the mean power that a kelvin below 15 degC adds.
    pub cold: f32,
    /// How often something is done at its usual time.
    regular: f32,
    fridge: Option<Cycle>,
    uses: [Usual; MOST_USES],
    count: u8,
}

/// The mean power of a household, in watts, from a draw in [0, 1).
pub fn mean_w(unit: f64) -> f64 {
    libm::exp(quantile(&real::MEAN_W.map(libm::log), unit))
}

fn quantile(values: &[f64; real::QUANTILES.len()], unit: f64) -> f64 {
    let above = real::QUANTILES.iter().position(|share| *share > unit);
    match above {
        Some(0) => values[0],
        None => values[values.len() - 1],
        Some(above) => {
            let (low, high) = (real::QUANTILES[above - 1], real::QUANTILES[above]);
            let share = (unit - low) / (high - low);
            values[above - 1] + share * (values[above] - values[above - 1])
        }
    }
}

/// About zero, within `SPREAD`, with a standard deviation of one.
fn spread(key: Key, draw: u64) -> f64 {
    SPREAD * (key.unit(draw) + key.unit(draw + 1) - 1.0)
}

/// How lively a household is on a day, and whether it is away.
fn presence(levels: Key, day: i32) -> (f64, bool) {
    let week = levels.with(WEEK).on(day.div_euclid(7));
    let today = levels.with(DAY).on(day);
    let is_away = week.chance(2, real::AWAY);
    let lively = libm::exp(real::WEEK_SD * spread(week, 0) + real::DAY_SD * spread(today, 0));
    (lively * if is_away { USES_AWAY } else { 1.0 }, is_away)
}

impl Home {
    /// The habits of a household of this kind and mean power.
    pub fn draw(world: &World, key: Key, archetype: Archetype, mean_w: f64) -> Option<Self> {
        let household = archetype.household()?;
        let floor = quantile(&real::FLOOR_SHARE, key.unit(0));
        let routine = (real::ROUTINE + real::ROUTINE_SD * key.normal(1)).clamp(0.05, 0.95);
        let regular = 1.0 / (1.0 + libm::exp(-(real::REGULAR + real::REGULAR_SD * key.normal(2))));
        let count = libm::round(libm::exp(real::USES + real::USES_SD * key.normal(3))).clamp(3.0, MOST_USES as f64);
        let late = (real::EVENING + real::EVENING_SD * key.normal(4)).clamp(-0.6, 2.5);
        let fridge_w = (FRIDGE_W * key.between(5, 0.6, 1.5)).min(0.7 * floor * mean_w);
        let period_minutes = 42 + 3 * key.below(6, 12) as u16;
        let mut home = Self {
            household,
            floor: floor as f32,
            routine: routine as f32,
            late: late as f32,
            cold: quantile(&real::COLD_RESPONSE, key.unit(7)) as f32,
            regular: regular as f32,
            fridge: (fridge_w > 6.0).then(|| Cycle {
                power_w: (fridge_w * f64::from(FRIDGE_PART)) as f32,
                period_minutes,
                on_minutes: period_minutes / FRIDGE_PART,
            }),
            uses: [Usual::default(); MOST_USES],
            count: count as u8,
        };
        home.settle(world, key, mean_w, regular);
        Some(home)
    }

    /// Chooses the appliances, such that they use what floor and routine leave.
    fn settle(&mut self, world: &World, key: Key, mean_w: f64, regular: f64) {
        let uses = &mut self.uses[..usize::from(self.count)];
        let mut drawn = [(0.0, 0.0, 0.0); MOST_USES];
        for (number, one) in drawn.iter_mut().enumerate().take(uses.len()) {
            let key = key.with(number as u64);
            let mut ticket = key.below(0, 100);
            let kind = APPLIANCES.iter().find(|kind| {
                let is_drawn = ticket < kind.percent;
                ticket = ticket.saturating_sub(kind.percent);
                is_drawn
            });
            let kind = kind.unwrap_or(&APPLIANCES[0]);
            let days = (regular + (1.0 - regular) * 0.8 * key.unit(1)).clamp(0.05, 0.97);
            let power_w = kind.power_w * libm::exp(0.35 * spread(key, 2));
            *one = (power_w, key.between(4, kind.least_minutes, kind.most_minutes), days);
        }
        let target_w = mean_w * f64::from((1.0 - self.floor) * (1.0 - self.routine));
        let mean = |drawn: &[(f64, f64, f64)]| {
            drawn.iter().map(|(power_w, minutes, days)| power_w * minutes * days).sum::<f64>() / 1_440.0
        };
        let often = libm::sqrt(target_w / mean(&drawn));
        drawn.iter_mut().for_each(|one| one.2 = (one.2 * often).clamp(0.03, 0.98));
        let strong = target_w / mean(&drawn[..uses.len()]);
        let most_w = (real::CAP_W * libm::sqrt(mean_w / 400.0)).min(f64::from(u16::MAX));
        for (number, (usual, (power_w, minutes, days))) in uses.iter_mut().zip(drawn).enumerate() {
            let key = key.with(number as u64);
            let start = start(world, self.household, self.late, true, key.bits(6));
            *usual = Usual {
                start_minute: (start * 15 + key.below(7, 15) as i64) as u16,
                minutes: minutes as u16,
                power_w: (power_w * strong).min(most_w) as u16,
                days: (days * 65_536.0) as u16,
            };
        }
    }

    /// Adds the household's day; `size_w` is its mean power of such a day.
    pub fn add<'a>(&self, scene: Scene<'a, '_>, size_w: f64, blend: &mut Blend<'a>) {
        let Scene { world, account, who, day, .. } = scene;
        let index = account.index;
        let shapes = &world.shapes;
        let levels = Key::new(world.seed, Stream::Level).with(index);
        let (present, is_away) = presence(levels, day.number);
        let (next_present, _) = presence(levels, day.number + 1);
        let today = levels.with(DAY).on(day.number);

        let floor_w = size_w * f64::from(self.floor) * if is_away { FLOOR_AWAY } else { 1.0 };
        let fridge_w = match &self.fridge {
            Some(fridge) => {
                blend.add_cycle(fridge, day.number, index);
                f64::from(fridge.power_w) / f64::from(FRIDGE_PART)
            }
            None => 0.0,
        };
        blend.add_steady((floor_w - fridge_w).max(0.0));

        let routine_w = size_w * f64::from((1.0 - self.floor) * self.routine) * present;
        let day_type = day.decree.day_type_for(who.festival_days.0, who.festival_days.1);
        let kind = who.archetype;
        let base = shapes.base(kind, day_type, day.month, who.shift);
        let noise = shapes.noise(kind, day_type, today.bits(3), who.shift);
        // The day leads over to the next one.
        let rising = shapes.rising(kind, day_type, day.month, who.shift);
        let change = (next_present / present - 1.0).max(-0.9);
        // Noise never takes more than what is left at the end of the day.
        let noisy = (1.0 + 1.1 * change.min(0.0)).max(0.0);
        let routine = shapes.routine_mean(self.household);
        let late = f64::from(self.late);
        // Who is late adds an evening; who is early leaves part of theirs out.
        let (base_w, extra_w, extra) = if late >= 0.0 {
            let unit_w = routine_w / (routine + late * EVENING_MEAN);
            (unit_w * routine, unit_w * late, shapes.evening(who.shift))
        } else {
            let unit_w = routine_w / (1.0 + late * EVENING_SHARE);
            let early = shapes.early(self.household, day_type, day.month, who.shift);
            (unit_w * (1.0 + late), unit_w * -late, early)
        };
        blend.add(base_w, base);
        blend.add(base_w * change, rising);
        blend.add(base_w * noisy, noise);
        blend.add(extra_w, extra);
        // Appliances were chosen for the size of the last day.
        let size = size_w / f64::from(who.mean_w);
        self.add_uses(scene, present, size, blend);
    }

    /// `present` says how much the household does, `size` how strong what it
    /// does it with.
    fn add_uses(&self, scene: Scene<'_, '_>, present: f64, size: f64, blend: &mut Blend<'_>) {
        let Scene { world, account, who, day, detail } = scene;
        let key = Key::new(world.seed, Stream::Appliance).with(account.index).on(day.number);
        let regular = f64::from(self.regular);
        let is_usual_below = (regular * 1_024.0) as u64;
        let about_minutes = (SPREAD * (8.0 + 60.0 * (1.0 - regular)) * 8.0) as i64;
        let present = (present * 65_536.0) as u64;
        let watt = Power::of(size);
        let is_workday = day.decree.day_type == DayType::Workday;
        let late_minutes = 15 * (who.shift as i64 - MAX_SHIFT as i64);
        for (number, usual) in self.uses.iter().enumerate().take(usize::from(self.count)) {
            let bits = key.bits(number as u64);
            if (bits & 0xFFFF) << 16 >= u64::from(usual.days) * present {
                continue;
            }
            // Lasts from six tenths of its time to fourteen.
            let lasts = (u64::from(usual.minutes) * (154 + ((bits >> 40) & 0xFF) * 205 / 256)) >> 8;
            let (lasts, power) = ((lasts as i64).max(1), watt.times(usual.power_w));
            if detail == Detail::Whole {
                blend.add_use(0, lasts, power);
                continue;
            }
            let start = if (bits >> 16) & 0x3FF < is_usual_below {
                // A sum of two draws, about zero, in 1,024.
                let about = ((bits >> 26) & 0x7F) as i64 + ((bits >> 33) & 0x7F) as i64 - 127;
                i64::from(usual.start_minute) + ((about_minutes * about) >> 10)
            } else {
                let other = key.bits(number as u64 + 100);
                15 * start(world, self.household, self.late, is_workday, other) + (other & 0xF) as i64
            };
            blend.add_use(start + late_minutes, lasts, power);
        }
    }
}

/// The quarter hour of a use, from sixty-four bits of which the lowest are left
/// to others.
fn start(world: &World, household: usize, late: f32, is_workday: bool, bits: u64) -> i64 {
    let shapes = &world.shapes;
    let evening = f64::from(late) * EVENING_MEAN;
    let routine = shapes.routine_mean(household);
    let draw = ((bits >> 24) & 0xFFFF) as f64 / 65_536.0;
    let point = shapes.start(household, is_workday, bits >> 40);
    if late >= 0.0 {
        let share = evening / (routine + evening);
        return if draw < share { shapes.evening_start(bits >> 48) } else { point };
    }
    // Who avoids the evening thinks again.
    if (68..88).contains(&point) && draw < -f64::from(late) * 0.6 {
        shapes.start(household, is_workday, bits >> 48)
    } else {
        point
    }
}
