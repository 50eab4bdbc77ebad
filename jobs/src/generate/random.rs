//! Randomness without state: every number is a pure function of the seed, of
//! what it is drawn for and of who draws it, so that any thread may make any
//! piece of a lake and account 17 is the same in a lake of any size.

use std::f64::consts::TAU;

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
const DRAW: u64 = 0xD1B5_4A32_D192_ED03;

/// What a number is drawn for. Streams never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Who an account is.
    Account = 1,
    /// Names, telephone numbers and streets.
    Person,
    /// How they are written for an account.
    Spelling,
    /// How a customer is reached.
    Reach,
    /// What else a contract says.
    Contract,
    /// How much an account uses in a month, a week or a day.
    Level,
    /// The noise of days.
    Noise,
    /// What passes over the sky.
    Sky,
    /// When and how much dwellings are heated and cooled.
    Climate,
    /// Reactive power.
    Reactive,
    /// Uses of appliances.
    Appliance,
    /// When an electric car is charged.
    Charging,
    /// Gaps, duplicates and broken rows.
    Damage,
    /// Issue dates and power factors.
    Bill,
    /// When and how a bill is paid.
    Payment,
    /// What a customer asks for.
    WorkOrder,
    /// What a customer applies for.
    Application,
    /// How the utility turns to a customer.
    Contact,
    /// What a customer does in the app.
    AppEvent,
    /// When meters were changed.
    Meter,
    /// What meters report.
    MeterEvent,
    /// Transformers and their surroundings.
    Network,
    /// Interruptions of supply.
    Outage,
    /// Temperature and cloud.
    Weather,
}

/// The finaliser of splitmix64: a bijection in which every input bit reaches
/// every output bit.
pub const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A place in a stream from which numbered draws are made.
#[derive(Clone, Copy, Debug)]
pub struct Key(u64);

impl Key {
    /// The root of a stream.
    pub fn new(seed: u64, stream: Stream) -> Self {
        Self(mix(mix(seed.wrapping_add(GOLDEN)) ^ (stream as u64).wrapping_mul(GOLDEN)))
    }

    /// The key of a part: an account, a day, a month.
    pub fn with(self, part: u64) -> Self {
        Self(mix(self.0.wrapping_add(part.wrapping_add(1).wrapping_mul(GOLDEN))))
    }

    /// The key of a day, numbered from 1970-01-01.
    pub fn on(self, day: i32) -> Self {
        self.with(u64::from(day.cast_unsigned()))
    }

    /// Sixty-four bits of draw `draw`.
    pub fn bits(self, draw: u64) -> u64 {
        mix((self.0 ^ DRAW).wrapping_add(draw.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// A number in [0, 1).
    pub fn unit(self, draw: u64) -> f64 {
        (self.bits(draw) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number in [low, high).
    pub fn between(self, draw: u64, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit(draw)
    }

    /// A whole number in 0..bound; `bound` is far below 2^32.
    pub fn below(self, draw: u64, bound: u64) -> u64 {
        ((self.bits(draw) >> 32) * bound) >> 32
    }

    /// Whether something of this probability happens.
    pub fn chance(self, draw: u64, probability: f64) -> bool {
        self.unit(draw) < probability
    }

    /// A standard normal number (Box and Muller).
    pub fn normal(self, draw: u64) -> f64 {
        let radius = 1.0 - self.unit(draw);
        let angle = self.unit(draw ^ (1 << 63));
        libm::sqrt(-2.0 * libm::log(radius)) * libm::cos(TAU * angle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_pure_and_differ_by_stream() {
        let key = Key::new(7, Stream::Account).with(17);
        assert_eq!(key.bits(3), Key::new(7, Stream::Account).with(17).bits(3));
        assert_ne!(key.bits(3), Key::new(7, Stream::Level).with(17).bits(3));
        assert_ne!(key.bits(3), Key::new(8, Stream::Account).with(17).bits(3));
    }

    #[test]
    fn draws_have_their_moments() {
        let key = Key::new(1, Stream::Noise);
        let count = 20_000u64;
        let mean = (0..count).map(|n| key.unit(n)).sum::<f64>() / count as f64;
        let square = (0..count).map(|n| key.normal(n) * key.normal(n)).sum::<f64>();
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!((square / count as f64 - 1.0).abs() < 0.05, "{square}");
        assert!((0..count).all(|n| key.below(n, 7) < 7));
    }
}
