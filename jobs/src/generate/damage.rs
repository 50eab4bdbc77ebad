//! What happens to data on their way: gaps, rows that come twice, rows that are
//! broken.

use super::curve::POINTS;
use super::random::{Key, Stream};

const MISSING_DAYS: f64 = 0.005;
const HOLED_DAYS: f64 = 0.02;
const MOST_HOLES: u64 = 12;
const REPEATED_ROWS: f64 = 0.001;
const REPEATED_RECORDS: f64 = 0.002;
const BROKEN_ROWS: f64 = 1.0 / 5_000.0;

/// What happened to an account's readings of a day on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    pub is_missing: bool,
    pub is_repeated: bool,
    /// Whether the row lost its last point.
    pub is_broken: bool,
    /// Points that were lost.
    pub holes: u64,
    /// Whether the lost points lie together.
    pub is_one_gap: bool,
    key_bits: u64,
}

impl Damage {
    /// What happened to the readings of account `index` on `day`.
    pub fn draw(seed: u64, index: u64, day: i32) -> Self {
        let key = Key::new(seed, Stream::Damage).with(index).on(day);
        let holes = if key.chance(0, HOLED_DAYS) { 1 + key.below(1, MOST_HOLES) } else { 0 };
        Self {
            is_missing: key.chance(2, MISSING_DAYS),
            is_repeated: key.chance(3, REPEATED_ROWS),
            is_broken: key.chance(4, BROKEN_ROWS),
            holes,
            is_one_gap: key.chance(5, 0.6),
            key_bits: key.bits(6),
        }
    }

    /// Which points were read.
    pub fn known(&self) -> [bool; POINTS] {
        let mut known = [true; POINTS];
        let places = Key::new(self.key_bits, Stream::Damage);
        let last_start = POINTS as u64 - MOST_HOLES;
        for hole in 0..self.holes {
            let place =
                if self.is_one_gap { places.below(0, last_start) + hole } else { places.below(hole, POINTS as u64) };
            known[place as usize] = false;
        }
        known
    }
}

/// How often a bill or a payment comes.
pub fn times(key: Key) -> usize {
    if key.chance(0, REPEATED_RECORDS) { 2 } else { 1 }
}

/// Whether a bill is broken.
pub fn is_broken(key: Key) -> bool {
    key.chance(1, BROKEN_ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_has_its_shares() {
        let damages: Vec<Damage> = (0..100_000).map(|index| Damage::draw(1, index, 20_000)).collect();
        let count = |is: fn(&Damage) -> bool| damages.iter().filter(|damage| is(damage)).count();
        assert!((400..600).contains(&count(|damage| damage.is_missing)));
        assert!((1_800..2_200).contains(&count(|damage| damage.holes > 0)));
        assert!((60..140).contains(&count(|damage| damage.is_repeated)));
        assert!((5..40).contains(&count(|damage| damage.is_broken)));
        for damage in damages {
            let lost = damage.known().iter().filter(|known| !**known).count();
            assert!(lost as u64 <= damage.holes && (lost > 0) == (damage.holes > 0));
        }
    }
}
