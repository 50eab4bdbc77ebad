//! Shapes of a day in fixed point, with their sums: any part of a day costs two
//! look-ups, and is to the bit what its points add up to.

use super::POINTS;

/// Points by which an account may be early or late.
pub const MAX_SHIFT: usize = 8;

const PADDED: usize = POINTS + 2 * MAX_SHIFT;

/// Bits behind the point of a template's values.
pub const TEMPLATE_BITS: u32 = 12;

/// A shape of a day, with a margin on either side so that a shifted one is a
/// slice.
pub struct Template {
    points: [i32; PADDED],
    /// Sum of the points before each.
    upto: [i64; PADDED + 1],
}

impl Template {
    /// The shape whose value at each of the day's points `of` gives.
    pub fn new(of: impl Fn(usize) -> f64) -> Self {
        let one = f64::from(1 << TEMPLATE_BITS);
        let day: [i32; POINTS] = std::array::from_fn(|point| (of(point) * one).round() as i32);
        Self::of(std::array::from_fn(|place| day[(place + POINTS - MAX_SHIFT) % POINTS]))
    }

    /// The shape times the share of the day that has passed: what must be added
    /// to lead over from the level of one day to that of the next.
    pub fn rising(&self) -> Self {
        let share = |place: usize| (place as f64 - MAX_SHIFT as f64) / POINTS as f64;
        let points: [i32; PADDED] =
            std::array::from_fn(|place| (f64::from(self.points[place]) * share(place)).round() as i32);
        Self::of(points)
    }

    fn of(points: [i32; PADDED]) -> Self {
        let mut upto = [0; PADDED + 1];
        for (place, point) in points.iter().enumerate() {
            upto[place + 1] = upto[place] + i64::from(*point);
        }
        Self { points, upto }
    }

    /// The shape as an account sees it: `shift` runs from 0 (early) to twice
    /// [`MAX_SHIFT`] (late).
    pub fn at(&self, shift: usize) -> Shifted<'_> {
        // Who is late sees now what others saw before.
        let start = 2 * MAX_SHIFT - shift.min(2 * MAX_SHIFT);
        Shifted { points: &self.points[start..start + POINTS], upto: &self.upto[start..=start + POINTS] }
    }
}

/// A template as one account sees it.
#[derive(Clone, Copy)]
pub struct Shifted<'a> {
    points: &'a [i32],
    upto: &'a [i64],
}

impl<'a> Shifted<'a> {
    /// The values, in `1 << TEMPLATE_BITS` to one.
    pub fn points(self) -> &'a [i32] {
        self.points
    }

    /// The sum of the values before a point.
    pub fn upto(self, point: usize) -> i64 {
        self.upto[point] - self.upto[0]
    }

    /// The mean value.
    #[cfg(test)]
    pub fn mean(self) -> f64 {
        self.upto(POINTS) as f64 / f64::from(1 << TEMPLATE_BITS) / POINTS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_moves_the_day() {
        let template = Template::new(|point| point as f64);
        let value = |shift, point: usize| template.at(shift).points()[point] >> TEMPLATE_BITS;
        assert_eq!(value(MAX_SHIFT, 40), 40);
        assert_eq!(value(MAX_SHIFT + 2, 42), 40);
        assert_eq!(value(MAX_SHIFT - 3, 37), 40);
        assert_eq!(value(0, 95), (95 + 8) % 96);
    }

    #[test]
    fn sums_are_those_of_the_points() {
        let template = Template::new(|point| 0.37 * point as f64);
        for shift in [0, 5, 16] {
            let row = template.at(shift);
            for point in 0..=POINTS {
                assert_eq!(row.upto(point), row.points()[..point].iter().map(|value| i64::from(*value)).sum::<i64>());
            }
        }
    }
}
