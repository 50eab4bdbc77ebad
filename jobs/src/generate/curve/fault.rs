//! What goes wrong between a meter and the lake: days that are lost or come
//! twice, gaps, and values of meters that hang, jump, are wired the wrong way
//! round or stand for another ratio.

use std::ops::Range;

use super::{Curve, POINTS};
use crate::generate::calendar::MINUTES_PER_DAY;
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::Account;
use crate::generate::who::network::transformer_of;

const MOST_HOLES: u64 = 12;
/// Share of the weeks in which a transformer's readings are not collected.
const UNREAD_WEEKS: f64 = 0.008;
/// Points over which a hanging meter repeats itself.
const STUCK_POINTS: usize = 52;
/// By how much a spike exceeds the day's other values.
const SPIKE_TIMES: i64 = 45;
/// By how much a wrong ratio exceeds what the connection can carry.
const RATIO_TIMES: i64 = 5;
/// Least sum of a day's points in which reversed wiring shows.
const REVERSED_SUM: i64 = 2_000;

/// Something that goes wrong with a day of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Missing,
    Repeated,
    /// The row lost its last point.
    Broken,
    /// Points in a row are unknown.
    Gap {
        start: usize,
        points: usize,
    },
    /// Points here and there are unknown.
    Holes {
        count: u64,
        bits: u64,
    },
    Stuck {
        start: usize,
    },
    Spike {
        point: usize,
    },
    WrongRatio,
    Reversed,
    Dead,
}

impl Fault {
    /// What goes wrong with an account's readings of a day, if anything does.
    pub fn draw(seed: u64, account: &Account, day: i32) -> Option<Self> {
        let key = Key::new(seed, Stream::Damage).with(account.index).on(day);
        if !account.has_own_transformer() && is_unread(seed, transformer_of(account.index), day) && key.chance(4, 0.93)
        {
            return Some(Self::Missing);
        }
        let count = 1 + key.below(1, MOST_HOLES);
        let last_start = POINTS as u64 - MOST_HOLES;
        // Tickets of a hundred thousand.
        Some(match key.below(0, 100_000) {
            0..250 => Self::Missing,
            250..1_700 => Self::Gap { start: key.below(2, last_start) as usize, points: count as usize },
            1_700..2_500 => Self::Holes { count, bits: key.bits(3) },
            2_500..2_600 => Self::Repeated,
            2_600..2_620 => Self::Broken,
            2_620..2_645 => Self::Stuck { start: key.below(2, (POINTS - STUCK_POINTS) as u64) as usize },
            2_645..2_680 => Self::Spike { point: key.below(2, POINTS as u64) as usize },
            2_680..2_692 => Self::WrongRatio,
            2_692..2_704 => Self::Reversed,
            2_704..2_716 => Self::Dead,
            _ => return None,
        })
    }

    /// The name of the rule that it breaks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing_day",
            Self::Repeated => "repeated",
            Self::Broken => "power_w.points",
            Self::Gap { .. } | Self::Holes { .. } => "gap",
            Self::Stuck { .. } => "stuck",
            Self::Spike { .. } => "spike",
            Self::WrongRatio => "over_limit",
            Self::Reversed => "backfeed_unregistered",
            Self::Dead => "zero_without_outage",
        }
    }

    /// Lets a day suffer it; says whether it shows.
    pub fn befall(self, account: &Account, day: i32, curve: &mut Curve) -> bool {
        let has_plant = account.solar.is_some();
        match self {
            Self::Stuck { start } => {
                // Zeros are no sign of a meter that hangs.
                let value = curve[start].max(1);
                curve[start..start + STUCK_POINTS].fill(value);
                true
            }
            Self::Spike { point } => {
                // The second largest is the third when the spike is there.
                let second_w = i64::from(largest(curve, 1));
                match i32::try_from(second_w * SPIKE_TIMES) {
                    Ok(spike_w) if second_w > 0 => curve[point] = spike_w,
                    _ => return false,
                }
                true
            }
            Self::WrongRatio => {
                let highest_w = i64::from(largest(curve, 0));
                let limit_w = i64::from(account.capacity_kva) * 1_000;
                // A single use in an empty dwelling would be taken for a spike.
                if highest_w < 20 || i64::from(largest(curve, 2)) * 8 < highest_w || has_plant {
                    return false;
                }
                let times = (RATIO_TIMES * limit_w + highest_w - 1) / highest_w;
                curve.iter_mut().for_each(|power_w| *power_w = (i64::from(*power_w) * times) as i32);
                true
            }
            Self::Reversed => {
                let sum: i64 = curve.iter().map(|power_w| i64::from(*power_w)).sum();
                if sum < REVERSED_SUM || has_plant {
                    return false;
                }
                curve.iter_mut().for_each(|power_w| *power_w = -*power_w);
                true
            }
            Self::Dead => {
                let midnight = i64::from(day) * MINUTES_PER_DAY;
                let is_dark = |gap: &Range<i64>| gap.start < midnight + MINUTES_PER_DAY && gap.end > midnight;
                if account.interruptions.iter().any(is_dark) {
                    return false;
                }
                curve.fill(0);
                true
            }
            Self::Missing | Self::Repeated | Self::Broken | Self::Gap { .. } | Self::Holes { .. } => true,
        }
    }

    /// Which points are known, where some are not.
    pub fn known(self) -> Option<[bool; POINTS]> {
        let mut known = [true; POINTS];
        match self {
            Self::Gap { start, points } => known[start..start + points].fill(false),
            Self::Holes { count, bits } => {
                let places = Key::new(bits, Stream::Damage);
                (0..count).for_each(|hole| known[places.below(hole, POINTS as u64) as usize] = false);
            }
            _ => return None,
        }
        Some(known)
    }
}

/// Whether the device that collects the readings of a transformer is out of
/// order: now and then, for some days.
fn is_unread(seed: u64, transformer: u64, day: i32) -> bool {
    let week = day.div_euclid(7);
    let key = Key::new(seed, Stream::Damage).with(u64::MAX).with(transformer).on(week);
    let first = 7 * week + key.below(1, 6) as i32;
    key.chance(0, UNREAD_WEEKS) && (first..(first + 1 + key.below(2, 3) as i32).min(7 * week + 7)).contains(&day)
}

/// The largest value but for `place` larger ones.
fn largest(curve: &Curve, place: usize) -> i32 {
    let mut sorted = *curve;
    *sorted.select_nth_unstable_by(place, |one, other| other.cmp(one)).1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn faults_have_their_shares() {
        let account = Account::draw(&world(1), 17);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for day in 0..200_000 {
            if let Some(fault) = Fault::draw(1, &account, day) {
                *counts.entry(fault.name()).or_default() += 1;
                if let Some(known) = fault.known() {
                    let lost = known.iter().filter(|known| !**known).count();
                    assert!((1..=12).contains(&lost));
                }
            }
        }
        assert_eq!(counts.len(), 9);
        assert!((850..1_450).contains(&counts["missing_day"]), "{counts:?}");
        assert!((4_000..5_000).contains(&counts["gap"]), "{counts:?}");
        assert!((25..60).contains(&counts["power_w.points"]), "{counts:?}");
    }

    #[test]
    fn what_befalls_a_day_shows() {
        let account = Account { solar: None, interruptions: Box::new([]), ..Account::draw(&world(1), 17) };
        let day: Curve = std::array::from_fn(|point| 100 + point as i32);
        let after = |fault: Fault| {
            let mut curve = day;
            (fault.befall(&account, 20_000, &mut curve), curve)
        };
        let (shows, stuck) = after(Fault::Stuck { start: 20 });
        assert!(shows && stuck[20..72].iter().all(|power_w| *power_w == 120) && stuck[72] == 172);
        let (shows, spike) = after(Fault::Spike { point: 5 });
        assert!(shows && spike[5] == 45 * 194);
        let (shows, ratio) = after(Fault::WrongRatio);
        assert!(shows && i64::from(ratio[95]) >= 5_000 * i64::from(account.capacity_kva));
        assert_eq!(after(Fault::Reversed).1[0], -100);
        assert_eq!(after(Fault::Dead).1, [0; POINTS]);
    }
}
