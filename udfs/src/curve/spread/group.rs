//! The curves of one group: kept as they are, or counted.

use super::histogram::Histogram;

/// The curves of a group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) argument: f64,
    pub(super) places: usize,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Rows one after another, and the positions of the points that are null.
    Rows { values: Vec<i32>, gaps: Vec<usize> },
    /// A histogram for each place.
    Counts(Vec<Histogram>),
}

impl Group {
    pub(super) fn new(argument: f64, places: usize) -> Self {
        Self { argument, places, content: Content::Rows { values: Vec::new(), gaps: Vec::new() } }
    }

    pub(super) fn rows(&self) -> usize {
        match &self.content {
            Content::Rows { values, .. } => values.len() / self.places,
            Content::Counts(_) => usize::MAX,
        }
    }

    pub(super) fn push(&mut self, row: impl Iterator<Item = Option<i32>>) {
        match &mut self.content {
            Content::Rows { values, gaps } => {
                for point in row {
                    if point.is_none() {
                        gaps.push(values.len());
                    }
                    values.push(point.unwrap_or_default());
                }
            }
            Content::Counts(histograms) => {
                for (at, point) in row.enumerate() {
                    if let Some(watts) = point {
                        histograms[at % self.places].add(watts, 1);
                    }
                }
            }
        }
    }

    /// Whatever order the rows came in, the counts are the same.
    pub(super) fn count(&mut self) {
        if let Content::Rows { .. } = self.content {
            let histograms = vec![Histogram::default(); self.places];
            let rows = std::mem::replace(&mut self.content, Content::Counts(histograms));
            if let Content::Rows { values, gaps } = rows {
                self.push(points(&values, &gaps));
            }
        }
    }

    pub(super) fn values(&self) -> Vec<Values> {
        match &self.content {
            Content::Counts(histograms) => {
                histograms.iter().map(|histogram| Values::Counted(histogram.ranks())).collect()
            }
            Content::Rows { values, gaps } => {
                let mut places = vec![Vec::with_capacity(values.len() / self.places); self.places];
                for (at, point) in points(values, gaps).enumerate() {
                    places[at % self.places].extend(point);
                }
                places.iter_mut().for_each(|values| values.sort_unstable());
                places.into_iter().map(Values::Exact).collect()
            }
        }
    }

    pub(super) fn heap_size(&self) -> usize {
        match &self.content {
            Content::Rows { values, gaps } => {
                values.capacity() * size_of::<i32>() + gaps.capacity() * size_of::<usize>()
            }
            Content::Counts(histograms) => histograms.iter().map(Histogram::size).sum(),
        }
    }
}

/// Rows one after another, null where they have a gap. Gaps ascend.
pub(super) fn points(values: &[i32], gaps: &[usize]) -> impl Iterator<Item = Option<i32>> {
    let mut gaps = gaps.iter().copied().peekable();
    values.iter().enumerate().map(move |(at, &value)| gaps.next_if_eq(&at).is_none().then_some(value))
}

/// The values of one place.
pub(in crate::curve) enum Values {
    /// In ascending order.
    Exact(Vec<i32>),
    /// Each value with how many are up to it, ascending.
    Counted(Vec<(i64, i32)>),
}

impl Values {
    pub(in crate::curve) fn count(&self) -> i64 {
        match self {
            Self::Exact(values) => values.len() as i64,
            Self::Counted(ranks) => ranks.last().map_or(0, |(upto, _)| *upto),
        }
    }

    /// The value of a rank, from 0 on.
    fn at(&self, rank: i64) -> i32 {
        match self {
            Self::Exact(values) => values[rank as usize],
            Self::Counted(ranks) => ranks[ranks.partition_point(|(upto, _)| *upto <= rank)].1,
        }
    }

    /// The values of two ranks beside each other: that of `rank` and the next,
    /// if there is one.
    pub(in crate::curve) fn pair(&self, rank: i64) -> (i32, i32) {
        (self.at(rank), self.at((rank + 1).min(self.count() - 1)))
    }

    /// The sum of the values of some ranks.
    pub(in crate::curve) fn sum(&self, ranks: std::ops::Range<i64>) -> i64 {
        match self {
            Self::Exact(values) => {
                values[ranks.start as usize..ranks.end as usize].iter().map(|&value| i64::from(value)).sum()
            }
            Self::Counted(values) => {
                let mut from = 0;
                let taken = values.iter().map(|&(upto, value)| {
                    let count = ranks.end.min(upto) - ranks.start.max(from);
                    from = upto;
                    i64::from(value) * count.max(0)
                });
                taken.sum()
            }
        }
    }
}
