//! What a day's load is made of, in fixed point: a steady part, shapes at their
//! levels, uses of appliances by the minute, a cycle that goes on and off. Its
//! curve and its energy in any part of the day agree to the last watt, so bills
//! need no curves and yet are their sums.

use std::ops::Range;

use super::template::{Shifted, TEMPLATE_BITS};
use super::{Curve, POINTS};
use crate::generate::calendar::MINUTES_PER_DAY;

/// Bits behind the point of a level.
const LEVEL_BITS: u32 = 8;
/// Bits behind the point of a power.
const BITS: u32 = TEMPLATE_BITS + LEVEL_BITS;
const ONE: f64 = (1u64 << BITS) as f64;

const MINUTES_PER_POINT: i64 = 15;

/// An appliance at work.
#[derive(Clone, Copy, Debug)]
struct Use {
    start_minute: i64,
    end_minute: i64,
    /// Power over the minutes of a point.
    per_minute: i64,
}

impl Use {
    fn minutes_before(&self, minute: i64) -> i64 {
        (minute.min(self.end_minute) - self.start_minute).max(0)
    }
}

/// The power of an appliance.
#[derive(Clone, Copy, Debug)]
pub struct Power {
    per_minute: i64,
}

impl Power {
    /// So many watts.
    pub fn of(power_w: f64) -> Self {
        Self { per_minute: whole(power_w * (ONE / MINUTES_PER_POINT as f64)) }
    }

    /// So many times as much.
    pub fn times(self, factor: u16) -> Self {
        Self { per_minute: self.per_minute * i64::from(factor) }
    }
}

/// A motor that is on for some minutes of each period, as a refrigerator's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    pub power_w: f32,
    pub period_minutes: u16,
    pub on_minutes: u16,
}

/// A cycle on one day.
#[derive(Clone, Copy, Debug)]
struct Running {
    period: i64,
    on: i64,
    /// Minutes of the period that passed before the day began.
    phase: i64,
    per_minute: i64,
}

impl Running {
    /// Minutes on, from a beginning before the day.
    fn minutes_on(&self, minute: i64) -> i64 {
        let passed = minute + self.phase;
        passed / self.period * self.on + (passed % self.period).min(self.on)
    }
}

/// What one day's load is made of.
#[derive(Default)]
pub struct Blend<'a> {
    steady: i64,
    parts: Vec<(i64, Shifted<'a>)>,
    uses: Vec<Use>,
    running: Option<Running>,
    /// Points without supply for some of their minutes, in order.
    gaps: Vec<(usize, i64)>,
}

impl<'a> Blend<'a> {
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.steady = 0;
        self.parts.clear();
        self.uses.clear();
        self.running = None;
        self.gaps.clear();
    }

    /// Takes the supply away between two minutes of the day that lie after all
    /// former ones.
    pub fn interrupt(&mut self, minutes: Range<i64>) {
        let mut from = minutes.start;
        while from < minutes.end {
            let point = from / MINUTES_PER_POINT;
            let to = minutes.end.min((point + 1) * MINUTES_PER_POINT);
            match self.gaps.last_mut() {
                Some((last, lost)) if *last == point as usize => *lost += to - from,
                _ => self.gaps.push((point as usize, to - from)),
            }
            from = to;
        }
    }

    /// Whether the supply is taken away for some points.
    pub fn is_interrupted(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Adds a steady power.
    pub fn add_steady(&mut self, power_w: f64) {
        self.steady += whole(power_w * ONE);
    }

    /// Adds a shape at a level.
    pub fn add(&mut self, level_w: f64, shape: Shifted<'a>) {
        let level = whole(level_w * f64::from(1 << LEVEL_BITS));
        if level != 0 {
            self.parts.push((level, shape));
        }
    }

    /// Adds an appliance that begins at a minute of the day and lasts some; what
    /// goes beyond midnight comes in the same day's first hours.
    pub fn add_use(&mut self, start_minute: i64, minutes: i64, power: Power) {
        let start_minute = start_minute.rem_euclid(MINUTES_PER_DAY);
        let end_minute = start_minute + minutes.min(MINUTES_PER_DAY);
        self.add_minutes(start_minute..end_minute.min(MINUTES_PER_DAY), power);
        if end_minute > MINUTES_PER_DAY {
            self.add_minutes(0..end_minute - MINUTES_PER_DAY, power);
        }
    }

    /// Adds a power between two minutes of the day.
    pub fn add_minutes(&mut self, minutes: Range<i64>, power: Power) {
        self.uses.push(Use { start_minute: minutes.start, end_minute: minutes.end, per_minute: power.per_minute });
    }

    /// Adds a cycle; `day` numbers the days, over which it goes on.
    pub fn add_cycle(&mut self, cycle: &Cycle, day: i32, offset_minutes: u64) {
        let period = i64::from(cycle.period_minutes);
        self.running = Some(Running {
            period,
            on: i64::from(cycle.on_minutes),
            phase: (i64::from(day) * MINUTES_PER_DAY + offset_minutes as i64).rem_euclid(period),
            per_minute: Power::of(f64::from(cycle.power_w)).per_minute,
        });
    }

    /// Writes the mean power of each quarter hour, in watts.
    pub fn fill(&self, curve: &mut Curve) {
        let mut power = [self.steady; POINTS];
        for (level, shape) in &self.parts {
            for (power, value) in power.iter_mut().zip(shape.points()) {
                *power += level * i64::from(*value);
            }
        }
        for one in &self.uses {
            let first = one.start_minute / MINUTES_PER_POINT;
            let last = (one.end_minute - 1) / MINUTES_PER_POINT;
            for point in first..=last {
                let from = one.start_minute.max(point * MINUTES_PER_POINT);
                let to = one.end_minute.min((point + 1) * MINUTES_PER_POINT);
                power[point as usize] += one.per_minute * (to - from);
            }
        }
        if let Some(running) = &self.running {
            add_running(running, &mut power);
        }
        // What is below a watt is carried on, so that sums lose nothing.
        let mut carried = 0i64;
        for (point, power) in curve.iter_mut().zip(power) {
            carried += power;
            *point = (carried >> BITS) as i32;
            carried &= (1 << BITS) - 1;
        }
        for (point, lost) in &self.gaps {
            curve[*point] = supplied_w(i64::from(curve[*point]), *lost) as i32;
        }
    }

    /// The sum of the curve's points before a point, in watt quarter-hours.
    pub fn upto(&self, point: usize) -> i64 {
        if self.gaps.is_empty() {
            return self.supplied(point);
        }
        let before = self.gaps.iter().take_while(|(gap, _)| *gap < point);
        let lost = before.map(|(gap, minutes)| {
            let whole_w = self.supplied(gap + 1) - self.supplied(*gap);
            whole_w - supplied_w(whole_w, *minutes)
        });
        self.supplied(point) - lost.sum::<i64>()
    }

    /// What the sum would be without interruptions.
    fn supplied(&self, point: usize) -> i64 {
        if point == 0 {
            return 0;
        }
        let minute = point as i64 * MINUTES_PER_POINT;
        let mut sum = self.steady * point as i64;
        for (level, shape) in &self.parts {
            sum += level * shape.upto(point);
        }
        for one in &self.uses {
            sum += one.per_minute * one.minutes_before(minute);
        }
        if let Some(running) = &self.running {
            sum += running.per_minute * (running.minutes_on(minute) - running.minutes_on(0));
        }
        sum >> BITS
    }
}

/// The mean power of a point that is without supply for some minutes.
fn supplied_w(power_w: i64, lost_minutes: i64) -> i64 {
    power_w * (MINUTES_PER_POINT - lost_minutes) / MINUTES_PER_POINT
}

/// The nearest whole number. Rounding by the library is a call.
fn whole(value: f64) -> i64 {
    (value + 0.5f64.copysign(value)) as i64
}

/// Walks from one switching to the next: no division for each point.
fn add_running(running: &Running, power: &mut [i64; POINTS]) {
    let mut start = -running.phase;
    while start < MINUTES_PER_DAY {
        let (mut from, to) = (start.max(0), (start + running.on).min(MINUTES_PER_DAY));
        while from < to {
            let point = from / MINUTES_PER_POINT;
            let end = to.min((point + 1) * MINUTES_PER_POINT);
            power[point as usize] += running.per_minute * (end - from);
            from = end;
        }
        start += running.period;
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::Template;
    use super::*;
    use crate::generate::random::{Key, Stream};

    #[test]
    fn energy_is_the_sum_of_the_points() {
        let shapes: Vec<Template> =
            (1..4).map(|cycle| Template::new(|point| 1.0 + libm::sin(point as f64 * 0.1 * f64::from(cycle)))).collect();
        let mut blend = Blend::default();
        for round in 0..500 {
            let key = Key::new(round, Stream::Noise);
            blend.clear();
            blend.add_steady(key.between(0, 0.0, 900.0));
            for (draw, shape) in shapes.iter().enumerate() {
                blend.add(key.between(draw as u64, -100.0, 5_000.0), shape.at(key.below(9, 17) as usize));
            }
            for draw in 0..key.below(10, 20) {
                let key = key.with(draw);
                let (start, minutes) = (key.below(0, 1_500) as i64 - 30, 1 + key.below(1, 400) as i64);
                blend.add_use(start, minutes, Power::of(key.between(2, 10.0, 8_000.0)));
            }
            let cycle = Cycle {
                power_w: key.between(11, 50.0, 900.0) as f32,
                period_minutes: 30 + key.below(12, 90) as u16,
                on_minutes: 5 + key.below(13, 25) as u16,
            };
            blend.add_cycle(&cycle, 20_000 + round as i32, key.below(14, 200));
            let gap = key.below(15, 900) as i64;
            if round % 3 == 0 {
                blend.interrupt(gap..gap + key.below(16, 300) as i64);
                blend.interrupt(gap + 301..gap + 340);
            }
            let mut curve = [0; POINTS];
            blend.fill(&mut curve);
            let mut sum = 0;
            for (point, power_w) in curve.iter().enumerate() {
                assert_eq!(blend.upto(point), sum, "point {point} of round {round}");
                sum += i64::from(*power_w);
            }
            assert_eq!(blend.upto(POINTS), sum);
        }
    }

    #[test]
    fn a_use_over_midnight_keeps_its_energy() {
        let mut blend = Blend::default();
        blend.add_use(23 * 60 + 50, 40, Power::of(1_500.0));
        let mut curve = [0; POINTS];
        blend.fill(&mut curve);
        assert_eq!(curve.iter().sum::<i32>(), 1_500 * 40 / 15);
        assert_eq!((curve[0], curve[1], curve[2], curve[95]), (1_500, 1_500, 0, 1_000));
    }
}
