//! Distances to many centres at once.

use crate::simd::{Work, widest};

/// Centres whose distances are summed side by side.
const LANES: usize = 16;

/// Centres of clusters, laid out for looking for the nearest one.
#[derive(Clone, Debug, Default)]
pub struct Centroids {
    features: usize,
    count: usize,
    /// Of each [`LANES`] centres together, feature by feature.
    blocks: Vec<[f64; LANES]>,
}

/// The nearest centre, and the one after it: places from 0 on, and the squares of
/// the distances. Of equals the first is the nearer one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    pub first: (usize, f64),
    pub second: Option<(usize, f64)>,
}

impl Centroids {
    /// Centres of so many features each, one after the other.
    pub fn new<'a>(features: usize, centres: impl IntoIterator<Item = &'a [f64]>) -> Self {
        let mut centroids = Self { features, count: 0, blocks: Vec::new() };
        for centre in centres {
            let lane = centroids.count % LANES;
            if lane == 0 {
                centroids.blocks.resize(centroids.blocks.len() + features, [0.0; LANES]);
            }
            let start = centroids.blocks.len() - features;
            for (block, value) in centroids.blocks[start..].iter_mut().zip(centre) {
                block[lane] = *value;
            }
            centroids.count += 1;
        }
        centroids
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn features(&self) -> usize {
        self.features
    }

    /// `None` where there is no centre. The square of each distance is summed in the
    /// order of the features, whatever the processor.
    pub fn nearest(&self, features: &[f64]) -> Option<Nearest> {
        widest(Search { centroids: self, features })
    }

    /// The squares of the distances to all centres, in their order.
    pub fn squares(&self, features: &[f64], squares: &mut Vec<f64>) {
        squares.clear();
        widest(Measure { centroids: self, features, squares });
        squares.truncate(self.count);
    }

    #[inline(always)]
    fn block(&self, index: usize, features: &[f64]) -> [f64; LANES] {
        let start = index * self.features;
        let mut sums = [0.0; LANES];
        for (centres, value) in self.blocks[start..start + self.features].iter().zip(features) {
            for (sum, centre) in sums.iter_mut().zip(centres) {
                let difference = value - centre;
                *sum += difference * difference;
            }
        }
        sums
    }
}

struct Search<'a> {
    centroids: &'a Centroids,
    features: &'a [f64],
}

impl Work for Search<'_> {
    type Output = Option<Nearest>;

    #[inline(always)]
    fn call(self) -> Option<Nearest> {
        let mut nearest: Option<Nearest> = None;
        for index in 0..self.centroids.count.div_ceil(LANES) {
            let squares = self.centroids.block(index, self.features);
            let known = (self.centroids.count - index * LANES).min(LANES);
            for (lane, &square) in squares[..known].iter().enumerate() {
                let found = (index * LANES + lane, square);
                match &mut nearest {
                    None => nearest = Some(Nearest { first: found, second: None }),
                    Some(nearest) if square < nearest.first.1 => {
                        nearest.second = Some(nearest.first);
                        nearest.first = found;
                    }
                    Some(nearest) if nearest.second.is_none_or(|second| square < second.1) => {
                        nearest.second = Some(found);
                    }
                    Some(_) => {}
                }
            }
        }
        nearest
    }
}

struct Measure<'a> {
    centroids: &'a Centroids,
    features: &'a [f64],
    squares: &'a mut Vec<f64>,
}

impl Work for Measure<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for index in 0..self.centroids.count.div_ceil(LANES) {
            self.squares.extend(self.centroids.block(index, self.features));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cluster::squared_distance;

    proptest! {
        /// As one after the other finds them, bit for bit.
        #[test]
        fn the_nearest_is_the_nearest(
            centres in proptest::collection::vec(proptest::collection::vec(-3i8..3, 5), 0..70),
            features in proptest::collection::vec(-3i8..3, 5),
            scale in 0.001f64..1e6,
        ) {
            let floats = |list: &[i8]| list.iter().map(|value| f64::from(*value) * scale).collect::<Vec<_>>();
            let (centres, features) = (centres.iter().map(|list| floats(list)).collect::<Vec<_>>(), floats(&features));
            let mut known: Vec<(f64, usize)> = Vec::new();
            for (at, centre) in centres.iter().enumerate() {
                known.push((squared_distance("test", &features, centre).expect("as many"), at));
            }
            let centroids = Centroids::new(5, centres.iter().map(Vec::as_slice));
            let mut squares = Vec::new();
            centroids.squares(&features, &mut squares);
            prop_assert_eq!(&squares, &known.iter().map(|(square, _)| *square).collect::<Vec<_>>());
            known.sort_by(|left, right| left.0.total_cmp(&right.0));
            let swapped = |(square, at): &(f64, usize)| (*at, *square);
            let expected = known.first().map(|first| Nearest { first: swapped(first), second: known.get(1).map(swapped) });
            prop_assert_eq!(centroids.nearest(&features), expected);
        }
    }
}
