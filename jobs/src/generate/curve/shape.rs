//! The templates that all accounts share, made once.

use std::f64::consts::PI;

use super::POINTS;
use super::habit::BETWEEN;
use super::template::{Shifted, Template};
use crate::generate::calendar::DayType;
use crate::generate::calibrated::{HOLLOW, SEASONS};
use crate::generate::random::{Key, Stream};
use crate::generate::who::archetype::Archetype;

/// Different noises of one kind of day.
const NOISES: usize = 64;
/// Places in a table of the times at which appliances are switched on.
const STARTS: usize = 256;
const HOUSEHOLDS: usize = 3;
/// Noise never takes all there is.
const MOST_NOISE: f64 = 0.98;

type Hours = [u16; 24];

const COOLING_AWAY: Hours =
    [58, 50, 44, 40, 34, 26, 18, 10, 6, 6, 8, 12, 14, 12, 12, 14, 24, 48, 76, 94, 100, 98, 88, 74];
const COOLING_HOME: Hours =
    [56, 48, 42, 38, 32, 24, 20, 18, 20, 28, 42, 60, 74, 76, 72, 68, 68, 72, 82, 94, 100, 94, 82, 68];
const HEATING_AWAY: Hours =
    [34, 28, 24, 22, 24, 40, 80, 76, 40, 16, 12, 14, 16, 14, 14, 18, 30, 62, 90, 100, 96, 84, 66, 46];
const HEATING_HOME: Hours =
    [36, 30, 26, 24, 28, 48, 84, 92, 84, 70, 60, 56, 54, 52, 54, 58, 66, 82, 94, 100, 94, 80, 60, 44];
const HEATING_PUMP: Hours =
    [80, 80, 82, 84, 90, 98, 100, 94, 84, 74, 66, 60, 56, 54, 56, 60, 68, 78, 86, 88, 86, 84, 82, 80];

/// Hours from sunrise to sunset, in tenths, by month.
const DAYLIGHT_TENTHS: [u16; 12] = [104, 111, 119, 129, 137, 141, 139, 132, 123, 114, 106, 102];
/// Power at noon under a clear sky, in percent of a plant's capacity, by month.
const NOON_PERCENT: [u16; 12] = [58, 64, 70, 76, 79, 78, 80, 79, 74, 68, 61, 56];
/// Solar noon, in hours of clock time.
const SOLAR_NOON: f64 = 11.9;

/// Middle and width of what homes add to their evenings, in hours.
const EVENING: (f64, f64) = (19.5, 2.2);
/// Mean of that over the day, where it is 1 at its height.
pub const EVENING_MEAN: f64 = 0.1625;
/// About the share of what recurs every day that falls into the evening so.
pub const EVENING_SHARE: f64 = 0.26;

/// Which of the heating templates an account follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heating {
    Away,
    AtHome,
    HeatPump,
}

/// The templates of load and sun.
pub struct Shapes {
    /// By kind, kind of day and season.
    base: Vec<Template>,
    /// Base times the share of the day that has passed.
    rising: Vec<Template>,
    /// Of households without their evenings: as base.
    early: Vec<Template>,
    /// By kind, kind of day and number.
    noise: Vec<Template>,
    evening: Template,
    cooling: [Template; 2],
    heating: [Template; 3],
    /// Quarter hours of uses: by kind of household, on workdays and other days.
    starts: Vec<[u8; STARTS]>,
    evening_starts: [u8; STARTS],
    /// Of each kind of household, the mean that its base had before it was made one.
    routine_means: [f64; HOUSEHOLDS],
}

impl Shapes {
    /// Makes all templates.
    pub fn new(seed: u64) -> Self {
        let mut shapes = Self {
            base: Vec::new(),
            rising: Vec::new(),
            early: Vec::new(),
            noise: Vec::new(),
            evening: Template::new(evening),
            cooling: [COOLING_AWAY, COOLING_HOME].map(|hours| Template::new(|point| quarter(&hours, point) / 100.0)),
            heating: [HEATING_AWAY, HEATING_HOME, HEATING_PUMP]
                .map(|hours| Template::new(|point| quarter(&hours, point) / 100.0)),
            starts: Vec::new(),
            evening_starts: starts(evening),
            routine_means: [1.0; HOUSEHOLDS],
        };
        for archetype in Archetype::ALL {
            shapes.add(seed, archetype);
        }
        shapes
    }

    fn add(&mut self, seed: u64, archetype: Archetype) {
        // What the profile of a household never falls below is steady, no routine.
        let hours = |season: usize, day_type: DayType| match archetype.household() {
            Some(_) => hollow(archetype.hours(season, day_type)),
            None => archetype.hours(season, day_type),
        };
        let unit = weekly_mean(&hours);
        if let Some(household) = archetype.household() {
            self.routine_means[household] = unit / weekly_mean(&|season, day_type| archetype.hours(season, day_type));
            for day_type in [DayType::Workday, DayType::Sunday] {
                let hours = hours(BETWEEN, day_type);
                self.starts.push(starts(|point| quarter(&hours, point)));
            }
        }
        let traits = archetype.traits();
        for day_type in DayType::ALL {
            for season in 0..3 {
                let hours = hours(season, day_type);
                let base = Template::new(|point| quarter(&hours, point) / unit);
                self.rising.push(base.rising());
                self.base.push(base);
                if archetype.household().is_some() {
                    self.early.push(Template::new(|point| quarter(&hours, point) / unit * (1.0 - evening(point))));
                }
            }
            // One noise serves all seasons, so it fits the weakest.
            let seasons = [0, 1, 2].map(|season| hours(season, day_type));
            let load: [f64; POINTS] = std::array::from_fn(|point| {
                seasons.iter().map(|hours| quarter(hours, point) / unit).fold(f64::INFINITY, f64::min)
            });
            for number in 0..NOISES {
                let key = Key::new(seed, Stream::Noise).with(archetype as u64).with(number as u64);
                let noise = noise(key, traits.noise, traits.persistence, &load);
                self.noise.push(Template::new(|point| noise[point] * load[point]));
            }
        }
    }

    /// Load of a kind over its mean; `month` runs from 0. Of households: what
    /// recurs every day, over its mean.
    pub fn base(&self, archetype: Archetype, day_type: DayType, month: usize, shift: usize) -> Shifted<'_> {
        let place = archetype as usize * DayType::ALL.len() + day_type as usize;
        self.base[place * 3 + SEASONS[month]].at(shift)
    }

    /// Load of a kind times the share of the day that has passed.
    pub fn rising(&self, archetype: Archetype, day_type: DayType, month: usize, shift: usize) -> Shifted<'_> {
        let place = archetype as usize * DayType::ALL.len() + day_type as usize;
        self.rising[place * 3 + SEASONS[month]].at(shift)
    }

    /// What recurs every day in a kind of household, without its evening.
    pub fn early(&self, household: usize, day_type: DayType, month: usize, shift: usize) -> Shifted<'_> {
        let place = household * DayType::ALL.len() + day_type as usize;
        self.early[place * 3 + SEASONS[month]].at(shift)
    }

    /// Noise of a kind, over its mean load, which is 0 on average.
    pub fn noise(&self, archetype: Archetype, day_type: DayType, draw: u64, shift: usize) -> Shifted<'_> {
        let place = archetype as usize * DayType::ALL.len() + day_type as usize;
        self.noise[place * NOISES + (draw % NOISES as u64) as usize].at(shift)
    }

    /// What homes add to their evenings: 1 at its height.
    pub fn evening(&self, shift: usize) -> Shifted<'_> {
        self.evening.at(shift)
    }

    /// Mean of what recurs every day in a kind of household, before its base
    /// was made one.
    pub fn routine_mean(&self, household: usize) -> f64 {
        self.routine_means[household]
    }

    /// Load of a household's cooling over its full power.
    pub fn cooling(&self, is_home_by_day: bool, shift: usize) -> Shifted<'_> {
        self.cooling[usize::from(is_home_by_day)].at(shift)
    }

    /// Load of a household's heating over its full power.
    pub fn heating(&self, heating: Heating, shift: usize) -> Shifted<'_> {
        self.heating[heating as usize].at(shift)
    }

    /// A quarter hour in which a household switches something on.
    pub fn start(&self, household: usize, is_workday: bool, draw: u64) -> i64 {
        let table = &self.starts[2 * household + usize::from(!is_workday)];
        i64::from(table[(draw % STARTS as u64) as usize])
    }

    /// A quarter hour of the evening.
    pub fn evening_start(&self, draw: u64) -> i64 {
        i64::from(self.evening_starts[(draw % STARTS as u64) as usize])
    }
}

/// The hours of a household less the steady part of its lowest.
fn hollow(hours: [f64; 24]) -> [f64; 24] {
    let lowest = hours.iter().copied().fold(f64::INFINITY, f64::min);
    hours.map(|value| value - HOLLOW * lowest)
}

/// The mean of an ordinary week.
fn weekly_mean(hours: &impl Fn(usize, DayType) -> [f64; 24]) -> f64 {
    let mean = |day_type| hours(BETWEEN, day_type).iter().sum::<f64>() / 24.0;
    (5.0 * mean(DayType::Workday) + mean(DayType::Saturday) + mean(DayType::Sunday)) / 7.0
}

/// Value of a quarter hour, on straight lines between the middles of the hours.
fn quarter<T: Copy + Into<f64>>(hours: &[T; 24], point: usize) -> f64 {
    let (hour, quarter) = (point / 4, point % 4);
    // The middles of the quarters lie 3 and 1 eighths of an hour before the
    // middle of their hour and 1 and 3 eighths after it.
    let (neighbour, eighths) = match quarter {
        0 => ((hour + 23) % 24, 3.0),
        1 => ((hour + 23) % 24, 1.0),
        2 => ((hour + 1) % 24, 1.0),
        _ => ((hour + 1) % 24, 3.0),
    };
    let (own, other): (f64, f64) = (hours[hour].into(), hours[neighbour].into());
    own + (other - own) * eighths / 8.0
}

fn evening(point: usize) -> f64 {
    let hours = ((point as f64 + 0.5) / 4.0 - EVENING.0) / EVENING.1;
    libm::exp(-hours * hours)
}

/// Noise of draws between -`half_width` and `half_width` that forgets the share
/// 1 - `persistence` of itself from point to point, and leaves the energy of a
/// load as it is, but for what must not fall below zero.
fn noise(key: Key, half_width: f64, persistence: f64, load: &[f64; POINTS]) -> [f64; POINTS] {
    let draw = |point: usize| 2.0 * key.unit(point as u64) - 1.0;
    let fresh = libm::sqrt(1.0 - persistence * persistence);
    let mut value = draw(POINTS);
    let noise: [f64; POINTS] = std::array::from_fn(|point| {
        value = persistence * value + fresh * draw(point);
        half_width * value
    });
    let total: f64 = load.iter().sum();
    let mean = noise.iter().zip(load).map(|(noise, load)| noise * load).sum::<f64>() / total.max(f64::MIN_POSITIVE);
    noise.map(|value| (value - mean).clamp(-MOST_NOISE, MOST_NOISE))
}

/// Quarter hours as often as a density says.
fn starts(density: impl Fn(usize) -> f64) -> [u8; STARTS] {
    let total: f64 = (0..POINTS).map(&density).sum();
    let mut point = 0;
    let mut upto = density(0);
    std::array::from_fn(|place| {
        let share = (place as f64 + 0.5) / STARTS as f64 * total;
        while upto < share && point + 1 < POINTS {
            point += 1;
            upto += density(point);
        }
        point as u8
    })
}

/// Output of a plant under a clear sky over its capacity.
pub fn clear_sky(month: usize, point: usize) -> f64 {
    let daylight = f64::from(DAYLIGHT_TENTHS[month]) / 10.0;
    let noon = f64::from(NOON_PERCENT[month]) / 100.0;
    let hour = (point as f64 + 0.5) / 4.0;
    let passed = (hour - SOLAR_NOON) / daylight + 0.5;
    if !(0.0..=1.0).contains(&passed) {
        return 0.0;
    }
    let height = libm::sin(PI * passed);
    noon * height * libm::sqrt(height)
}

#[cfg(test)]
mod tests {
    use super::super::template::MAX_SHIFT;
    use std::cmp::Reverse;
    use std::collections::BTreeMap;

    use super::*;
    use crate::segment::{Points, kmeans, quality, shapes as dictionary};

    #[test]
    fn an_ordinary_week_has_mean_one() {
        let shapes = Shapes::new(1);
        for archetype in Archetype::ALL {
            let of = |day_type, month| shapes.base(archetype, day_type, month, MAX_SHIFT).mean();
            let year: f64 = (0..12)
                .map(|month| {
                    (5.0 * of(DayType::Workday, month) + of(DayType::Saturday, month) + of(DayType::Sunday, month))
                        / 7.0
                })
                .sum();
            assert!((year / 12.0 - 1.0).abs() < 0.1, "{archetype:?} {year}");
        }
    }

    #[test]
    fn noise_never_takes_more_than_there_is() {
        let shapes = Shapes::new(1);
        for archetype in Archetype::ALL {
            for day_type in DayType::ALL {
                for (draw, month) in (0..NOISES as u64).flat_map(|draw| [0, 3, 6].map(|month| (draw, month))) {
                    let base = shapes.base(archetype, day_type, month, MAX_SHIFT);
                    let noise = shapes.noise(archetype, day_type, draw, MAX_SHIFT);
                    assert!(noise.mean().abs() < 0.05, "{archetype:?} {}", noise.mean());
                    let both = base.points().iter().zip(noise.points());
                    assert!(both.into_iter().all(|(base, noise)| base + noise >= 0), "{archetype:?}");
                }
            }
        }
    }

    #[test]
    fn appliances_are_switched_on_when_people_are_awake() {
        let shapes = Shapes::new(1);
        let working = Archetype::WorkingFamily.household().expect("a household");
        let starts: Vec<i64> = (0..256).map(|draw| shapes.start(working, true, draw)).collect();
        let between = |from, to| starts.iter().filter(|start| (from..to).contains(*start)).count();
        assert!(between(72, 88) > 2 * between(4, 20));
        assert!((0..256).all(|draw| (60..96).contains(&shapes.evening_start(draw))));
        assert!((shapes.evening(MAX_SHIFT).mean() - EVENING_MEAN).abs() < 0.000_5);
    }

    #[test]
    fn the_sun_shines_by_day() {
        assert!(clear_sky(5, 0) == 0.0 && clear_sky(5, 95) == 0.0);
        assert!(clear_sky(5, 47) > 0.75 && clear_sky(5, 47) > clear_sky(11, 47));
    }

    /// Days of every kind of customer as its templates have them, without noise: how far
    /// the main shapes of accounts agree with their kinds.
    fn agreement(shift: impl Fn(usize) -> usize) -> f64 {
        const ACCOUNTS: usize = 34;
        let shapes = Shapes::new(1);
        let mut days = Points::new(48);
        let mut of_day = Vec::new();
        for (kind, archetype) in Archetype::ALL.into_iter().enumerate() {
            for account in 0..ACCOUNTS {
                for (day_type, count) in [(DayType::Workday, 5), (DayType::Saturday, 1), (DayType::Sunday, 1)] {
                    let points = shapes.base(archetype, day_type, 0, shift(account)).points();
                    let all: f64 = points.iter().map(|point| f64::from(*point)).sum();
                    let half = |half: &[i32]| half.iter().map(|point| f64::from(*point)).sum::<f64>() / all;
                    let halves: Vec<f64> = points.chunks(2).map(half).collect();
                    for _ in 0..count {
                        days.push(&halves, 1.0);
                        of_day.push((kind, account));
                    }
                }
            }
        }
        let mut centres = Points::new(48);
        dictionary::fit(&days, None).iter().for_each(|shape| centres.push(&shape.shares, 1.0));
        let (labels, _) = kmeans::assign(&days, &centres);
        let mut uses: BTreeMap<(usize, usize), BTreeMap<usize, usize>> = BTreeMap::new();
        for (account, label) in of_day.iter().zip(&labels) {
            *uses.entry(*account).or_default().entry(*label).or_default() += 1;
        }
        let mut counts: BTreeMap<(usize, usize), i64> = BTreeMap::new();
        for ((kind, _), used) in &uses {
            let main = used.iter().max_by_key(|(label, count)| (**count, Reverse(**label)));
            *counts.entry((*kind, *main.expect("a day").0)).or_default() += 1;
        }
        quality::agreement(&counts).expect("groups")
    }

    /// What it does not tell apart are kinds whose days are flat; and where everybody is
    /// early or late by up to two hours, there are no shapes that belong to a kind.
    #[test]
    fn kinds_without_noise_are_found_by_their_shapes() {
        let (together, shifted) = (agreement(|_| MAX_SHIFT), agreement(|account| account % (2 * MAX_SHIFT + 1)));
        assert!(together >= 0.8, "{together}");
        assert!((shifted - 0.2835).abs() < 0.001, "{shifted}");
    }
}
