//! How many values lie in which bucket. Buckets are whole watts up to 255 and,
//! beyond, 128 to a doubling, on both sides of 0: the middle of one is at most
//! 1 part in 256 away from each of its values.

/// Buckets to a doubling, as a power of 2.
const FINE: u32 = 7;
/// The last bucket: that of 2^31 watts.
const LAST: i32 = ((31 - FINE as i32) << FINE) + (1 << FINE);
/// Buckets of one place, all of them at 0 and above.
const BUCKETS: i64 = 2 * LAST as i64 + 1;

/// A count for each bucket from `first` on.
#[derive(Debug, Clone, Default)]
pub(in crate::curve) struct Histogram {
    first: i32,
    counts: Vec<i64>,
}

impl Histogram {
    pub(super) fn add(&mut self, watts: i32, count: i64) {
        self.add_bucket(bucket_of(watts), count);
    }

    pub(super) fn add_bucket(&mut self, bucket: i32, count: i64) {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        // Both differences are less than the number of buckets.
        if bucket < self.first {
            let more = (self.first - bucket) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = bucket;
        }
        let at = (bucket - self.first) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += count;
    }

    fn buckets(&self) -> impl Iterator<Item = (i32, i64)> {
        (self.first..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// The buckets of this place with their counts; see [`Self::split`].
    pub(super) fn cells(&self, place: usize) -> impl Iterator<Item = (i64, i64)> {
        self.buckets().map(move |(bucket, count)| (place as i64 * BUCKETS + i64::from(bucket + LAST), count))
    }

    /// Place and bucket of a cell.
    pub(super) fn split(cell: i64) -> (usize, i32) {
        // Cells are made by [`Self::cells`] alone.
        ((cell / BUCKETS) as usize, (cell % BUCKETS) as i32 - LAST)
    }

    /// Each value with how many are up to it, ascending.
    pub(super) fn ranks(&self) -> Vec<(i64, i32)> {
        let mut upto = 0;
        let ranks = self.buckets().map(|(bucket, count)| {
            upto += count;
            (upto, middle_of(bucket))
        });
        ranks.collect()
    }

    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.counts.capacity() * size_of::<i64>()
    }
}

fn bucket_of(watts: i32) -> i32 {
    let magnitude = watts.unsigned_abs();
    let doublings = (magnitude >> FINE).checked_ilog2().unwrap_or(0);
    // At most 2^31, of which 8 bits are left after the doublings.
    let bucket = ((doublings << FINE) + (magnitude >> doublings)) as i32;
    if watts < 0 { -bucket } else { bucket }
}

fn middle_of(bucket: i32) -> i32 {
    let index = i64::from(bucket.unsigned_abs());
    let doublings = ((index >> FINE) - 1).max(0);
    let least = (index - (doublings << FINE)) << doublings;
    let middle = least + ((1 << doublings) - 1) / 2;
    // The bucket of 2^31 has no other watts than `i32::MIN`.
    (middle * i64::from(bucket.signum())).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_is_near_its_values(watts in any::<i32>(), other in any::<i32>()) {
            for watts in [watts, watts >> 16, watts >> 24] {
                let error = (i64::from(middle_of(bucket_of(watts))) - i64::from(watts)).abs();
                prop_assert!(error * 256 <= i64::from(watts).abs(), "{watts}: {error}");
                prop_assert!(bucket_of(watts).abs() <= LAST);
                prop_assert_eq!(bucket_of(watts) <= bucket_of(other), bucket_of(watts) == bucket_of(other) || watts < other);
            }
        }
    }

    #[test]
    fn ranks_count_from_the_least() {
        let mut histogram = Histogram::default();
        for (watts, count) in [(100, 2), (-5, 1), (i32::MIN, 1), (i32::MAX, 1)] {
            histogram.add(watts, count);
        }
        let ranks = histogram.ranks();
        assert_eq!(ranks[1..3], [(2, -5), (4, 100)]);
        assert!(ranks[0].1 < -2_100_000_000 && ranks[3].0 == 5 && ranks[3].1 > 2_100_000_000);
        let cells: Vec<_> = histogram.cells(3).map(|(cell, count)| (Histogram::split(cell), count)).collect();
        assert_eq!(cells[1..3], [((3, -5), 1), ((3, 100), 2)]);
    }
}
