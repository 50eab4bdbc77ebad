//! A battery beside a plant: it keeps what would be fed in, and gives it when
//! something is taken.

use super::Curve;
use crate::generate::who::account::Storage;

const QUARTERS_PER_HOUR: i64 = 4;

impl Storage {
    /// Smooths a day that begins with some watt quarter-hours in the battery;
    /// returns what is left at its end.
    pub fn smooth(&self, curve: &mut Curve, stored: i64) -> i64 {
        let room = self.capacity_wh * QUARTERS_PER_HOUR;
        let most_w = self.device.power_w as i64;
        let mut stored = stored.min(room);
        for point in curve {
            let power_w = i64::from(*point);
            let moved_w =
                if power_w < 0 { -(-power_w).min(most_w).min(room - stored) } else { power_w.min(most_w).min(stored) };
            stored -= moved_w;
            // Between the old power and zero.
            *point = (power_w - moved_w) as i32;
        }
        stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::curve::POINTS;
    use crate::generate::who::tenant::Device;

    #[test]
    fn what_goes_in_comes_out() {
        let device = Device { power_w: 2_500.0, since: 0, is_registered: true };
        let storage = Storage { device, capacity_wh: 5_000 };
        let mut curve: Curve = std::array::from_fn(|point| if (40..60).contains(&point) { -3_000 } else { 400 });
        let before: i64 = curve.iter().map(|power_w| i64::from(*power_w)).sum();
        let left = storage.smooth(&mut curve, 1_000);
        let after: i64 = curve.iter().map(|power_w| i64::from(*power_w)).sum();
        assert_eq!(after, before + left - 1_000);
        // Eight quarter hours at full power fill it.
        assert_eq!((curve[0], curve[3], curve[40], curve[47], curve[48]), (0, 400, -500, -500, -3_000));
        assert_eq!(curve[60..].iter().filter(|power_w| **power_w == 0).count(), POINTS - 60);
        assert_eq!(left, 20_000 - 36 * 400);
    }
}
