//! How far features and groups have moved between two samples of accounts.

use std::collections::BTreeMap;

use super::Points;
use super::scale::{Feature, Scale, Values, quantile};

/// Bins of a number: as many of them in the earlier sample each.
const BINS: u32 = 10;

/// A sample: its features, what each row stands for, and its group.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub features: &'a [Values],
    pub weights: &'a [f64],
    pub groups: &'a [Option<String>],
}

/// What has become of a feature, of all accounts or of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    pub feature: String,
    /// `None`: all accounts.
    pub group: Option<String>,
    /// How far the mean has moved, in standard deviations of the earlier sample.
    pub shift: Option<f64>,
    /// The population stability index.
    pub stability: Option<f64>,
}

/// Of every feature, over all accounts and by group of both sides.
pub fn drift(features: &[Feature], before: &Side<'_>, now: &Side<'_>) -> Vec<Drift> {
    let mut groups: Vec<&String> = before.groups.iter().chain(now.groups).flatten().collect();
    groups.sort_unstable();
    groups.dedup();
    let mut found = Vec::new();
    for (at, feature) in features.iter().enumerate() {
        let scale = Scale::fit(&Feature { weight: 1.0, ..feature.clone() }, &before.features[at], before.weights).ok();
        let bins = Bins::of(&before.features[at], before.weights);
        let all = std::iter::once(None).chain(groups.iter().map(|group| Some(*group)));
        found.extend(all.map(|group| {
            let mean = |side: &Side<'_>| mean(scale.as_ref()?, at, side, group);
            let shift = mean(before).zip(mean(now)).map(|(before, now)| {
                before.iter().zip(&now).map(|(before, now)| (now - before) * (now - before)).sum::<f64>().sqrt()
            });
            let stability = kwhy_udfs::population_stability_of(&bins.counts([before, now], at, group));
            Drift { feature: feature.name.clone(), group: group.cloned(), shift, stability }
        }));
    }
    found
}

/// Rows of a side that are in a group.
fn members<'a>(side: &'a Side<'_>, group: Option<&'a String>) -> impl Iterator<Item = usize> + 'a {
    (0..side.weights.len()).filter(move |row| group.is_none() || side.groups[*row].as_ref() == group)
}

/// The mean of the columns that a feature becomes.
fn mean(scale: &Scale, at: usize, side: &Side<'_>, group: Option<&String>) -> Option<Vec<f64>> {
    let mut points = Points::new(scale.width());
    let mut columns = Vec::new();
    for row in members(side, group) {
        columns.clear();
        scale.append(&side.features[at], row, &mut columns);
        points.push(&columns, side.weights[row]);
    }
    let means = points.means(&vec![0; points.len()], 1);
    (!points.is_empty()).then_some(means.values)
}

/// What is counted of a feature.
enum Bins {
    /// Numbers up to each of these, those above, and those that are not known.
    Numbers(Vec<f64>),
    Texts,
}

impl Bins {
    fn of(values: &Values, weights: &[f64]) -> Self {
        let Values::Numbers(values) = values else { return Self::Texts };
        let known = values.iter().zip(weights).filter_map(|(value, weight)| Some(((*value)?, *weight)));
        let mut known: Vec<(f64, f64)> = known.collect();
        known.sort_unstable_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
        let mut cuts: Vec<f64> = (1..BINS).map(|bin| quantile(&known, f64::from(bin) / f64::from(BINS))).collect();
        cuts.dedup();
        Self::Numbers(cuts)
    }

    /// Accounts of each bin, before and now.
    fn counts(&self, sides: [&Side<'_>; 2], at: usize, group: Option<&String>) -> Vec<[f64; 2]> {
        let mut counts: BTreeMap<(usize, &str), [f64; 2]> = BTreeMap::new();
        for (which, side) in sides.into_iter().enumerate() {
            for row in members(side, group) {
                let bin = match (self, &side.features[at]) {
                    (Self::Numbers(cuts), Values::Numbers(values)) => {
                        (values[row].map_or(cuts.len() + 1, |value| cuts.partition_point(|cut| *cut < value)), "")
                    }
                    (_, Values::Texts(values)) => values[row].as_deref().map_or((1, ""), |value| (0, value)),
                    _ => continue,
                };
                counts.entry(bin).or_default()[which] += side.weights[row];
            }
        }
        counts.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::scale::Transform;

    #[test]
    fn a_moved_feature_is_told_from_one_that_stays() {
        let feature = |name: &str, transform| Feature {
            name: name.into(),
            sql: name.into(),
            transform,
            weight: 3.0,
            is_optional: true,
        };
        let features = [feature("x", Transform::Linear { winsorise_percent: 0.0 }), feature("t", Transform::OneHot)];
        let numbers = |shift: f64| Values::Numbers((0..400).map(|at| Some(f64::from(at % 20) + shift)).collect());
        let texts = |every: usize| {
            Values::Texts((0..400).map(|at| Some(if at % every == 0 { "a" } else { "b" }.to_owned())).collect())
        };
        let weights = vec![1.0; 400];
        let groups: Vec<Option<String>> = (0..400).map(|at| Some(format!("g{}", at / 200))).collect();
        let (before, same, moved) = ([numbers(0.0), texts(2)], [numbers(0.0), texts(2)], [numbers(3.0), texts(10)]);
        let side = |features| Side { features, weights: &weights, groups: &groups };
        let still = drift(&features, &side(&before), &side(&same));
        assert_eq!(still.len(), 6);
        assert!(still.iter().all(|drift| drift.shift == Some(0.0) && drift.stability == Some(0.0)), "{still:?}");
        let found = drift(&features, &side(&before), &side(&moved));
        // Of twenty numbers in a row the deviation is the root of 33.25; what lies
        // beyond the earlier ends is drawn in.
        let all = &found[0];
        let shift = 2.7 / 33.25f64.sqrt();
        assert!((all.shift.expect("means") - shift).abs() < 1e-6, "{all:?}");
        assert!(all.stability.expect("bins") > 0.1 && all.group.is_none());
        let text = found.iter().find(|drift| drift.feature == "t").expect("texts");
        // Shares of 0.5 and 0.5 have become 0.1 and 0.9.
        let stability = 0.4 * libm::log(0.5 / 0.1) + 0.4 * libm::log(0.9 / 0.5);
        assert!((text.stability.expect("bins") - stability).abs() < 1e-9, "{text:?}");
    }
}
