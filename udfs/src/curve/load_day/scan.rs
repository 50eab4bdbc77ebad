//! One pass over a day's points, with all points known or with gaps.

use super::lowest::sum_of_lowest;
use crate::curve::DAY_MINUTES;
use crate::curve::sorted::sum_of_smallest;

/// Half hours of a day; hourly curves use the first 24 slots.
pub(super) const SLOTS: usize = 48;
/// The longest curve that is accepted, of five minutes on a day of 28 hours: on no
/// day a clock is put back by more.
pub(super) const MOST_POINTS: usize = 336;

/// How a curve of a certain length divides the day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) points: usize,
    pub(super) per_hour: i64,
    pub(super) minutes: i32,
    /// Half hours, or hours where the curve has no half hours.
    pub(super) slots: usize,
}

impl Shape {
    /// The shape of a curve of 24, 48, 96 or 288 points.
    pub(super) const fn of(points: usize) -> Self {
        Self {
            points,
            per_hour: (points / 24) as i64,
            minutes: (DAY_MINUTES / points) as i32,
            slots: if points == 24 { 24 } else { SLOTS },
        }
    }

    pub(super) fn of_accepted(points: usize) -> Option<Self> {
        matches!(points, 24 | 48 | 96 | 288).then(|| Self::of(points))
    }

    /// Bits of all slots.
    pub(super) const fn all_slots(self) -> u64 {
        u64::MAX >> (64 - self.slots)
    }
}

/// What a pass gathers. Sums are exact: 288 points of 32 bits are far from
/// the end of 64.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// Sum of the watts taken before slot `i` begins: negative ones count as 0.
    pub(super) running: [i64; SLOTS + 1],
    /// Bit `i`: slot `i` has a known point.
    pub(super) known_slots: u64,
    pub(super) valid: usize,
    pub(super) max: i32,
    pub(super) min: i32,
    /// Position of the maximum by the clock, the earliest on ties.
    pub(super) peak: usize,
    /// Sum and number of the points of the lowest three hours, negative ones as 0.
    pub(super) lowest: (i64, i64),
    /// Largest absolute change between known neighbours.
    pub(super) ramp: Option<i32>,
    /// Points of the longest run of zeros.
    pub(super) zeros: i32,
    /// Sum of the negative points.
    pub(super) negative: i64,
}

/// A day without gaps.
#[inline(always)]
pub(super) fn dense<const N: usize>(values: &[i32; N]) -> Scan {
    let shape = const { Shape::of(N) };
    let max = values.iter().fold(i32::MIN, |max, &w| max.max(w));
    let min = values.iter().fold(i32::MAX, |min, &w| min.min(w));
    // What is fed back is not taken: few curves need the copy.
    let without_backfeed: [i32; N];
    let taken = if min < 0 {
        without_backfeed = values.map(|w| w.max(0));
        &without_backfeed
    } else {
        values
    };
    let mut running = [0; SLOTS + 1];
    let mut sum = 0;
    let slots = taken.chunks_exact(N / shape.slots);
    for (end, points) in running[1..].iter_mut().zip(slots) {
        sum += points.iter().map(|&w| i64::from(w)).sum::<i64>();
        *end = sum;
    }
    Scan {
        running,
        known_slots: shape.all_slots(),
        valid: N,
        max,
        min,
        peak: values.iter().position(|&w| w == max).unwrap_or(0),
        lowest: (sum_of_lowest(taken, min.max(0)), (N / 8) as i64),
        ramp: Some(largest_ramp(values, max.checked_sub(min).is_some())),
        zeros: if min <= 0 && max >= 0 { longest_run_of_zeros(values) } else { 0 },
        negative: if min < 0 { values.iter().map(|&w| i64::from(w.min(0))).sum() } else { 0 },
    }
}

/// `is_narrow`: no difference of two values overflows.
#[inline(always)]
fn largest_ramp(values: &[i32], is_narrow: bool) -> i32 {
    let pairs = values.iter().zip(&values[1..]);
    if is_narrow {
        pairs.fold(0i32, |largest, (&a, &b)| largest.max(b.wrapping_sub(a).wrapping_abs()))
    } else {
        let largest = pairs.fold(0u32, |largest, (&a, &b)| largest.max(b.abs_diff(a)));
        i32::try_from(largest).unwrap_or(i32::MAX)
    }
}

#[inline(always)]
fn longest_run_of_zeros(values: &[i32]) -> i32 {
    let (mut run, mut longest) = (0i32, 0i32);
    for &w in values {
        run = if w == 0 { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A day of which only `points` are known, given in ascending order as position,
/// position by the clock, and watts. `None` where there is none.
pub(super) fn sparse(points: impl Iterator<Item = (usize, usize, i32)>, shape: Shape) -> Option<Scan> {
    let per_slot = DAY_MINUTES / shape.minutes as usize / shape.slots;
    let mut sums = [0i64; SLOTS];
    let mut known = [0; MOST_POINTS];
    let mut scan = Scan {
        running: [0; SLOTS + 1],
        known_slots: 0,
        valid: 0,
        max: i32::MIN,
        min: i32::MAX,
        peak: 0,
        lowest: (0, 0),
        ramp: None,
        zeros: 0,
        negative: 0,
    };
    let mut run = 0;
    let mut previous: Option<(usize, i32)> = None;
    for (i, clock, w) in points {
        sums[clock / per_slot] += i64::from(w.max(0));
        scan.known_slots |= 1 << (clock / per_slot);
        if scan.valid == 0 || w > scan.max {
            (scan.max, scan.peak) = (w, clock);
        }
        scan.min = scan.min.min(w);
        scan.negative += i64::from(w.min(0));
        let neighbour = previous.filter(|&(j, _)| j + 1 == i);
        if let Some((_, before)) = neighbour {
            let change = i32::try_from(w.abs_diff(before)).unwrap_or(i32::MAX);
            scan.ramp = scan.ramp.max(Some(change));
        } else {
            run = 0;
        }
        run = if w == 0 { run + 1 } else { 0 };
        scan.zeros = scan.zeros.max(run);
        known[scan.valid] = w.max(0);
        scan.valid += 1;
        previous = Some((i, w));
    }
    for (slot, sum) in sums.iter().enumerate().take(shape.slots) {
        scan.running[slot + 1] = scan.running[slot] + sum;
    }
    scan.lowest = sum_of_smallest(&mut known[..scan.valid], 180 / shape.minutes as usize)?;
    Some(scan)
}
