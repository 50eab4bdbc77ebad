//! A dictionary of the shapes that days of load have: k-means that goes on until days
//! are near enough to the shape they stand for, or there are as many as are wanted.
//! Source: J. Kwac, J. Flora and R. Rajagopal, Household energy consumption
//! segmentation using hourly data, IEEE Transactions on Smart Grid 5 (2014).

use super::{Points, kmeans, square};

/// Shapes of a dictionary at the most.
pub const MOST_SHAPES: usize = 200;
/// A day is near enough where the square of its distance is within this part of the
/// square of the shape itself.
pub const MOST_ERROR: f64 = 0.2;
const FIRST_SHAPES: usize = 16;
/// Steps of k-means after shapes were added, and at the end.
const STEPS: usize = 4;
const LAST_STEPS: usize = 20;
/// Rounds of adding; far more than are needed.
const MOST_ROUNDS: usize = 40;
const HOURS: usize = 24;

/// What kind of day a shape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Flat,
    Night,
    Daytime,
    TwoPeaks,
    Morning,
    Evening,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Night => "night",
            Self::Daytime => "daytime",
            Self::TwoPeaks => "two_peaks",
            Self::Morning => "morning",
            Self::Evening => "evening",
        }
    }
}

/// A shape: what share of the day's energy each half hour has.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub shares: Vec<f64>,
    /// Of all days.
    pub days_share: f64,
    /// Of its days those that are near enough; of one without days it cannot be said.
    pub near_share: Option<f64>,
    pub kind: Kind,
    /// The hour in which most energy falls; of two peaks the earlier one, and the later.
    pub peak_hour: usize,
    pub second_peak_hour: Option<usize>,
}

/// The shapes of days; none of no days. Each row is a day of as many points an hour. They
/// go on from earlier ones, each of which keeps its place, and others come after them; at
/// first the most frequent one comes first.
pub fn fit(days: &Points, earlier: Option<&Points>) -> Vec<Shape> {
    let earlier = earlier.filter(|earlier| earlier.features == days.features && !earlier.is_empty());
    if days.is_empty() && earlier.is_none() {
        return Vec::new();
    }
    let start = earlier.cloned().unwrap_or_else(|| kmeans::start(days, FIRST_SHAPES, 1));
    // Earlier shapes do not move towards days that are to have one of their own.
    let mut found = moved(days, start, if earlier.is_some() { 0 } else { STEPS });
    for _ in 0..MOST_ROUNDS {
        let room = MOST_SHAPES.saturating_sub(found.centres.len());
        let added = far_days(days, &found, room);
        if added.is_empty() {
            break;
        }
        added.rows().for_each(|centre| found.centres.push(centre, 0.0));
        found = moved(days, found.centres, STEPS);
    }
    let found = moved(days, found.centres, LAST_STEPS);
    let mut near = vec![0.0; found.centres.len()];
    for (row, (weight, label)) in days.rows().zip(days.weights.iter().zip(&found.labels)) {
        near[*label] += if is_near(row, found.centres.row(*label)) { *weight } else { 0.0 };
    }
    let all = days.weight();
    let shape = |at: usize| {
        let size = found.centres.weights[at];
        // As it is written down.
        let shares: Vec<f64> = found.centres.row(at).iter().map(|share| (share * 1e6).round() / 1e6).collect();
        let (kind, peak_hour, second_peak_hour) = kind_of(&hourly(&shares));
        let near_share = (size > 0.0).then(|| near[at] / size);
        let days_share = if size > 0.0 { size / all } else { 0.0 };
        Shape { shares, days_share, near_share, kind, peak_hour, second_peak_hour }
    };
    // An earlier one that no day has any more stays as it was.
    let stays = |at: &usize| found.centres.weights[*at] > 0.0 || earlier.is_some_and(|earlier| *at < earlier.len());
    let mut shapes: Vec<Shape> = (0..found.centres.len()).filter(stays).map(shape).collect();
    if earlier.is_none() {
        shapes.sort_by(|left, right| right.days_share.total_cmp(&left.days_share));
    }
    shapes
}

/// Shapes, and which of them each day has.
struct Found {
    centres: Points,
    labels: Vec<usize>,
}

/// Shapes moved to the means of their days so many times, or until none moves; one that
/// no day is nearest to stays where it is.
fn moved(days: &Points, mut centres: Points, steps: usize) -> Found {
    let mut labels: Vec<usize> = Vec::new();
    for step in 0..=steps {
        let (found, _) = kmeans::assign(days, &centres);
        let is_done = found == labels || step == steps;
        labels = found;
        let means = days.means(&labels, centres.len());
        centres.weights.clone_from(&means.weights);
        if is_done {
            break;
        }
        let features = centres.features;
        for at in (0..centres.len()).filter(|at| means.weights[*at] > 0.0) {
            centres.values[at * features..(at + 1) * features].copy_from_slice(means.row(at));
        }
    }
    Found { centres, labels }
}

fn is_near(day: &[f64], centre: &[f64]) -> bool {
    let size: f64 = centre.iter().map(|share| share * share).sum();
    square(day, centre) <= MOST_ERROR * size
}

/// Of the shapes that have most days too far from them, the means of these days.
fn far_days(days: &Points, found: &Found, room: usize) -> Points {
    let shapes = found.centres.len();
    // Days that are near enough belong to none.
    let label_of =
        |(row, label): (&[f64], &usize)| if is_near(row, found.centres.row(*label)) { shapes } else { *label };
    let labels: Vec<usize> = days.rows().zip(&found.labels).map(label_of).collect();
    let means = days.means(&labels, shapes + 1);
    let mut order: Vec<usize> = (0..shapes).filter(|at| means.weights[*at] > 0.0).collect();
    order.sort_by(|left, right| means.weights[*right].total_cmp(&means.weights[*left]).then(left.cmp(right)));
    let mut added = Points::new(days.features);
    order.into_iter().take(room).for_each(|at| added.push(means.row(at), 0.0));
    added
}

/// Shares of the hours of a day.
fn hourly(shares: &[f64]) -> [f64; HOURS] {
    let points = shares.len() / HOURS;
    std::array::from_fn(|hour| shares[hour * points..(hour + 1) * points].iter().sum())
}

/// A day whose highest hour has less than this many times the mean one is flat.
const FLAT_TIMES: f64 = 1.35;
/// Shares of the day's energy from 21 to 6 h and from 8 to 18 h that make it one of the
/// night or of the daytime: they have 0.375 and 0.417 of the hours.
const NIGHT_SHARE: f64 = 0.55;
const DAYTIME_SHARE: f64 = 0.6;
/// Two peaks are parted by a fall of so much of the day's whole swing.
const LEAST_FALL: f64 = 0.25;

fn kind_of(hours: &[f64; HOURS]) -> (Kind, usize, Option<usize>) {
    let top = |from: usize, to: usize| {
        (from..to).rev().max_by(|left, right| hours[*left].total_cmp(&hours[*right])).unwrap_or(from)
    };
    let sum = |from: usize, to: usize| hours[from..to].iter().sum::<f64>();
    let peak = top(0, HOURS);
    let low = hours.iter().copied().fold(f64::INFINITY, f64::min);
    let swing = hours[peak] - low;
    let (morning, evening) = (top(5, 11), top(16, 23));
    let saddle = hours[morning..evening].iter().copied().fold(f64::INFINITY, f64::min);
    let falls = hours[morning].min(hours[evening]) - saddle >= LEAST_FALL * swing;
    let is_two = falls && [morning, evening].contains(&peak);
    if hours[peak] * HOURS as f64 <= FLAT_TIMES * sum(0, HOURS) {
        (Kind::Flat, peak, None)
    } else if sum(21, 24) + sum(0, 6) >= NIGHT_SHARE {
        (Kind::Night, peak, None)
    } else if sum(8, 18) >= DAYTIME_SHARE {
        (Kind::Daytime, peak, None)
    } else if is_two {
        (Kind::TwoPeaks, morning, Some(evening))
    } else {
        let kind = match peak {
            5..=10 => Kind::Morning,
            11..=15 => Kind::Daytime,
            16..=21 => Kind::Evening,
            _ => Kind::Night,
        };
        (kind, peak, None)
    }
}

impl Shape {
    /// In words: `Evening, peak at 19 h`.
    pub fn label(&self) -> String {
        let kind = match self.kind {
            Kind::Flat => return "Flat".to_owned(),
            Kind::TwoPeaks => "Two peaks",
            Kind::Night => "Night",
            Kind::Daytime => "Daytime",
            Kind::Morning => "Morning",
            Kind::Evening => "Evening",
        };
        match self.second_peak_hour {
            Some(second) => format!("{kind}, at {} and {second} h", self.peak_hour),
            None => format!("{kind}, peak at {} h", self.peak_hour),
        }
    }

    pub fn label_zh(&self) -> String {
        let kind = match self.kind {
            Kind::Flat => return "平稳型".to_owned(),
            Kind::TwoPeaks => "双峰型",
            Kind::Night => "夜间型",
            Kind::Daytime => "日间型",
            Kind::Morning => "早峰型",
            Kind::Evening => "晚峰型",
        };
        match self.second_peak_hour {
            Some(second) => format!("{kind}，峰时{}时和{second}时", self.peak_hour),
            None => format!("{kind}，峰时{}时", self.peak_hour),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A day of half hours that rises to bumps at some hours.
    fn day(base: f64, bumps: &[(usize, f64)]) -> Vec<f64> {
        let mut day = vec![base; 48];
        for (hour, height) in bumps {
            for (at, point) in day.iter_mut().enumerate() {
                let far = at.abs_diff(hour * 2) as f64;
                *point += height * libm::exp(-far * far / 8.0);
            }
        }
        let sum: f64 = day.iter().sum();
        day.iter().map(|point| point / sum).collect()
    }

    #[test]
    fn kinds_of_days_are_told_apart() {
        let lamps: Vec<f64> = (0..48).map(|at| if (12..36).contains(&at) { 0.0 } else { 1.0 / 24.0 }).collect();
        let office: Vec<f64> = (0..48).map(|at| if (16..36).contains(&at) { 0.045 } else { 0.1 / 28.0 }).collect();
        let cases = [
            (day(1.0, &[(19, 0.1)]), Kind::Flat, "Flat"),
            (day(1.0, &[(19, 3.0)]), Kind::Evening, "Evening, peak at 19 h"),
            (day(1.0, &[(7, 3.0), (19, 3.0)]), Kind::TwoPeaks, "Two peaks, at 7 and 19 h"),
            (day(1.0, &[(7, 3.0)]), Kind::Morning, "Morning, peak at 7 h"),
            (day(0.1, &[(12, 3.0)]), Kind::Daytime, "Daytime, peak at 12 h"),
            (day(0.1, &[(2, 3.0)]), Kind::Night, "Night, peak at 2 h"),
            (lamps, Kind::Night, "Night, peak at 0 h"),
            (office, Kind::Daytime, "Daytime, peak at 8 h"),
        ];
        for (shares, kind, label) in cases {
            let days = Points { features: 48, values: shares.repeat(3), weights: vec![1.0; 3] };
            let shapes = fit(&days, None);
            assert_eq!(shapes.len(), 1, "{label}");
            assert_eq!((shapes[0].kind, shapes[0].label().as_str()), (kind, label));
            assert_eq!((shapes[0].days_share, shapes[0].near_share), (1.0, Some(1.0)));
        }
        assert!(fit(&Points::new(48), None).is_empty());
    }

    #[test]
    fn shapes_keep_their_places() {
        let of = |hours: &[usize]| {
            let mut days = Points::new(48);
            // Of each as many as its place says.
            for (at, hour) in hours.iter().enumerate() {
                (0..20 + 10 * at).for_each(|_| days.push(&day(0.2, &[(*hour, 3.0)]), 1.0));
            }
            days
        };
        let before = fit(&of(&[3, 8, 13, 19]), None);
        let mut earlier = Points::new(48);
        before.iter().for_each(|shape| earlier.push(&shape.shares, 1.0));
        let hours = |shapes: &[Shape]| shapes.iter().map(|shape| shape.peak_hour).collect::<Vec<_>>();
        assert_eq!(hours(&before), [19, 13, 8, 3]);
        // Others are the most frequent now, and one is new.
        let after = fit(&of(&[19, 13, 8, 3, 22]), Some(&earlier));
        assert_eq!(hours(&after), [19, 13, 8, 3, 22]);
        assert!(after.windows(2).all(|pair| pair[0].days_share < pair[1].days_share), "{after:?}");
        assert_eq!(fit(&of(&[3, 8, 13, 19]), Some(&earlier)), before);
        // Of a single shape: the others stay as they were.
        let fewer = fit(&of(&[13; 3]), Some(&earlier));
        assert_eq!(fewer.len(), 4);
        assert_eq!(hours(&fewer), [19, 13, 8, 3]);
        assert_eq!(fewer.iter().map(|shape| shape.days_share).collect::<Vec<_>>(), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(fewer[0].near_share, None);
        // Nor does a refit forget them that has no days, or fewer than there are shapes.
        let mut one = Points::new(48);
        one.push(&day(0.2, &[(19, 3.0)]), 1.0);
        for days in [Points::new(48), one] {
            assert_eq!(hours(&fit(&days, Some(&earlier))), [19, 13, 8, 3]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        /// Every planted shape is found, whatever the order of the days.
        #[test]
        fn planted_shapes_are_found(seed in 0u64..1000) {
            let planted: Vec<Vec<f64>> = [3usize, 8, 13, 19].iter().map(|hour| day(0.2, &[(*hour, 3.0)])).collect();
            let mut days = Points::new(48);
            for at in 0..200u64 {
                let which = twox_hash::XxHash64::oneshot(seed, &at.to_le_bytes());
                days.push(&planted[(which % 4) as usize], 1.0);
            }
            let shapes = fit(&days, None);
            prop_assert_eq!(shapes.len(), 4);
            for shape in &shapes {
                prop_assert!(planted.iter().any(|of| square(of, &shape.shares) < 1e-10));
                prop_assert_eq!(shape.near_share, Some(1.0));
            }
            prop_assert!((shapes.iter().map(|shape| shape.days_share).sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
