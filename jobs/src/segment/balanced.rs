//! Balanced k-means: many small clusters of a sample, merged to few groups of similar
//! size, in as many as the panel of indices likes best.

use serde::{Deserialize, Serialize};

use super::bounded::{self, Limits, Until};
use super::candidate::{Candidate, Few, Small, best, kept_within};
use super::earlier::Earlier;
use super::quality::{Indices, within};
use super::scale::{Feature, Scale, Values, lists};
use super::{FitError, Points, kmeans, matching, side_by_side};

/// Small clusters that groups are made of.
const CLUSTERS: usize = 200;
/// Rows of the sample for each of them at the least.
const ROWS_PER_CLUSTER: usize = 8;
const STEPS: usize = 100;
/// A group is an earlier one where they share so much of the smaller of both.
const LEAST_SHARED: f64 = 0.5;
/// Groups made anew take the place of earlier ones where their silhouette is better
/// by more than this.
const LEAST_BETTER: f64 = 0.05;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Balanced {
    pub features: Vec<Feature>,
    pub least_groups: usize,
    pub most_groups: usize,
    pub limits: Limits,
    pub seed: u64,
}

/// Accounts by which a model is fitted, in an order that depends on nothing but
/// themselves.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// How many accounts each stands for.
    pub weights: Vec<f64>,
    /// Of every feature.
    pub features: Vec<Values>,
    /// The group of the last release, where there is one.
    pub before: Vec<Option<String>>,
}

/// A number of groups that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub groups: usize,
    /// `None` where the limits cannot be kept.
    pub indices: Option<Indices>,
    pub least_share: f64,
    pub most_share: f64,
    /// It goes on from the earlier model; others are made anew.
    pub is_earlier: bool,
    pub is_chosen: bool,
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub scales: Vec<Scale>,
    /// Optional features that say nothing here.
    pub left_out: Vec<String>,
    /// The small clusters, and the group of each.
    pub clusters: Points,
    pub group_of: Vec<usize>,
    /// The codes of the groups, and the share of accounts in each.
    pub codes: Vec<String>,
    pub shares: Vec<f64>,
    pub choices: Vec<Choice>,
    /// The share of the variance between groups, and what it would be without limits.
    pub explained: f64,
    pub explained_free: f64,
    /// The group of each row of the sample.
    pub labels: Vec<usize>,
}

/// What there is to tell of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub choices: Vec<Choice>,
    pub explained: f64,
    pub explained_free: f64,
    pub left_out: Vec<String>,
    /// Rows of the sample, and the small clusters that were made of them.
    pub rows: usize,
    pub clusters: usize,
}

impl Told {
    /// The indices of the groups that were chosen.
    pub fn indices(&self) -> Option<Indices> {
        self.choices.iter().find(|choice| choice.is_chosen)?.indices
    }
}

/// Fits a model to a sample. It goes on from an earlier model of the same features
/// unless groups that are made anew are clearly better.
pub fn fit(asked: &Balanced, sample: &Sample, earlier: Option<&Earlier>) -> Result<Model, FitError> {
    let accounts = sample.weights.len();
    if accounts < asked.least_groups {
        return Err(FitError::TooFew { accounts, groups: asked.least_groups });
    }
    let (mut scales, mut values_used, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for (feature, values) in asked.features.iter().zip(&sample.features) {
        match Scale::fit(feature, values, &sample.weights) {
            Ok(scale) => {
                scales.push(scale);
                values_used.push(values);
            }
            Err(_) if feature.is_optional => left_out.push(feature.name.clone()),
            Err(error) => return Err(error),
        }
    }
    if scales.is_empty() {
        return Err(FitError::NoFeatures);
    }
    let points = points(&scales, &values_used, &sample.weights);
    let start = kmeans::start(&points, clusters_wanted(asked, accounts), asked.seed);
    if start.len() < asked.least_groups {
        return Err(FitError::TooAlike { kinds: start.len(), groups: asked.least_groups });
    }
    let fresh = Small::of(&points, &start);
    let few = Few::of(&points);
    let counts: Vec<usize> = (asked.least_groups..=asked.most_groups).collect();
    let mut merged = bounded::merge(&fresh.clusters, &counts);
    merged.sort_by_key(|(groups, _)| *groups);
    let tried =
        side_by_side(&merged, |(groups, start)| fresh.candidate(asked, &points, &few, start, *groups, Until::Best));
    let (candidates, mut choices): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
    let fresh = best(candidates.into_iter().flatten().collect()).map(|candidate| (fresh, candidate));
    let is_asked_for = |earlier: &&Earlier| counts.contains(&earlier.codes.len());
    let kept = earlier.filter(is_asked_for).and_then(|earlier| Some((earlier, earlier.centres_on(&scales)?)));
    let kept = kept.and_then(|(earlier, start)| {
        let small = Small::of(&points, &start);
        let group_of: Vec<usize> = small.started.iter().map(|at| earlier.group_of[*at]).collect();
        // No more than the limits ask: groups that are better by little are other groups.
        let (candidate, choice) = small.candidate(asked, &points, &few, &group_of, earlier.codes.len(), Until::Kept);
        choices.push(Choice { is_earlier: true, ..choice });
        Some((small, candidate?))
    });
    let is_clearly_better =
        |fresh: &Candidate, kept: &Candidate| fresh.indices.silhouette > kept.indices.silhouette + LEAST_BETTER;
    let (is_earlier, (Small { clusters, nearest, .. }, chosen)) = match (fresh, kept) {
        (Some(fresh), Some(kept)) if is_clearly_better(&fresh.1, &kept.1) => (false, fresh),
        (_, Some(kept)) => (true, kept),
        (Some(fresh), None) => (false, fresh),
        (None, None) => {
            return Err(FitError::Limits { least: asked.least_groups, most: asked.most_groups, choices });
        }
    };
    let labels: Vec<usize> = nearest.iter().map(|cluster| chosen.group_of[*cluster]).collect();
    let (explained, explained_free) = explained(&points, &labels, chosen.groups);
    let sizes = points.means(&labels, chosen.groups).weights;
    let codes = codes(&labels, &sizes, sample, &points);
    // In the order of their codes.
    let mut order: Vec<usize> = (0..chosen.groups).collect();
    order.sort_by_key(|group| code_number(&codes[*group]));
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(at, group)| place[*group] = at);
    let all = points.weight();
    let is_chosen = |choice: &Choice| choice.groups == chosen.groups && choice.is_earlier == is_earlier;
    let choices = choices.into_iter().map(|choice| Choice { is_chosen: is_chosen(&choice), ..choice });
    Ok(Model {
        scales,
        left_out,
        group_of: chosen.group_of.iter().map(|group| place[*group]).collect(),
        codes: order.iter().map(|group| codes[*group].clone()).collect(),
        shares: order.iter().map(|group| sizes[*group] / all).collect(),
        choices: choices.collect(),
        explained,
        explained_free,
        labels: labels.iter().map(|group| place[*group]).collect(),
        clusters,
    })
}

/// The sample on scales that can be compared.
fn points(scales: &[Scale], values: &[&Values], weights: &[f64]) -> Points {
    let mut points = Points::new(scales.iter().map(Scale::width).sum());
    let mut row_values = Vec::new();
    for (row, weight) in weights.iter().enumerate() {
        row_values.clear();
        for (scale, values) in scales.iter().zip(values) {
            scale.append(values, row, &mut row_values);
        }
        points.push(&row_values, *weight);
    }
    points
}

/// The share of the variance between groups, and that of as many groups of any size.
fn explained(points: &Points, labels: &[usize], groups: usize) -> (f64, f64) {
    let means = points.means(labels, groups);
    let one = points.means(&vec![0; points.len()], 1);
    let total = within(points, &vec![0; points.len()], &one);
    let free = kmeans::lloyd(points, &means, STEPS).inertia;
    let share = |inside: f64| if total > 0.0 { 1.0 - inside / total } else { 1.0 };
    (share(within(points, labels, &means)), share(free))
}

/// What groups are called: as the earlier group with whose accounts they have most in
/// common, a new one by a number that none had. At first by the mean of the first
/// feature, from the largest down.
fn codes(labels: &[usize], sizes: &[f64], sample: &Sample, points: &Points) -> Vec<String> {
    let groups = sizes.len();
    // Of a segmentation that was made by rules before, groups have other names.
    let is_code = |code: &&str| code.strip_prefix('g').is_some_and(|number| number.parse::<u32>().is_ok());
    let mut earlier: Vec<&str> = sample.before.iter().flatten().map(String::as_str).filter(is_code).collect();
    earlier.sort_unstable_by_key(|code| (code_number(code), *code));
    earlier.dedup();
    let mut shared = vec![vec![0.0; earlier.len()]; groups];
    let mut earlier_sizes = vec![0.0; earlier.len()];
    for ((label, before), weight) in labels.iter().zip(&sample.before).zip(&sample.weights) {
        let place = before.as_ref().and_then(|code| earlier.iter().position(|other| *other == code.as_str()));
        if let Some(place) = place {
            shared[*label][place] += weight;
            earlier_sizes[place] += weight;
        }
    }
    let mut codes: Vec<Option<String>> = matching::assign(&shared)
        .into_iter()
        .enumerate()
        .map(|(group, place)| {
            let place = place?;
            let is_same = shared[group][place] >= LEAST_SHARED * sizes[group].min(earlier_sizes[place]);
            is_same.then(|| earlier[place].to_owned())
        })
        .collect();
    let mut next = earlier.iter().map(|code| code_number(code)).max().map_or(1, |most| most + 1);
    let means = points.means(labels, groups);
    let mut order: Vec<usize> = (0..groups).collect();
    order.sort_by(|left, right| means.row(*right)[0].total_cmp(&means.row(*left)[0]));
    for group in order {
        if codes[group].is_none() {
            codes[group] = Some(format!("g{next}"));
            next += 1;
        }
    }
    codes.into_iter().flatten().collect()
}

fn code_number(code: &str) -> u64 {
    code.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

/// Groups made anew of other points on the same scales; `None` where there are too few.
pub fn regrouped(asked: &Balanced, points: &Points, groups: usize, seed: u64) -> Option<Vec<usize>> {
    let start = kmeans::start(points, clusters_wanted(asked, points.len()), seed);
    if start.len() < groups {
        return None;
    }
    let small = Small::of(points, &start);
    let (_, merged) = bounded::merge(&small.clusters, &[groups]).into_iter().next()?;
    let group_of = bounded::within(&small.clusters, &merged, groups, &asked.limits, Until::Best).unwrap_or(merged);
    Some(small.nearest.iter().map(|cluster| group_of[*cluster]).collect())
}

/// Small clusters of so many rows.
fn clusters_wanted(asked: &Balanced, rows: usize) -> usize {
    CLUSTERS.min(rows / ROWS_PER_CLUSTER).max(asked.most_groups * 2).min(rows)
}

impl Model {
    /// A sample on its scales.
    pub fn points(&self, asked: &Balanced, sample: &Sample) -> Points {
        let known = asked.features.iter().zip(&sample.features);
        let used: Vec<&Values> =
            known.filter(|(feature, _)| !self.left_out.contains(&feature.name)).map(|(_, values)| values).collect();
        points(&self.scales, &used, &sample.weights)
    }

    pub fn told(&self) -> Told {
        Told {
            choices: self.choices.clone(),
            explained: self.explained,
            explained_free: self.explained_free,
            left_out: self.left_out.clone(),
            rows: self.labels.len(),
            clusters: self.clusters.len(),
        }
    }

    /// Groups of the leaves of a tree that keep the limits: each leaf's own, and others
    /// where the limits ask for them. `leaves` has the leaf of each row of the sample.
    pub fn groups_of_leaves(
        &self,
        asked: &Balanced,
        sample: &Sample,
        leaves: &[usize],
        own: &[usize],
    ) -> Result<Vec<usize>, FitError> {
        let points = self.points(asked, sample);
        let clusters = points.means(leaves, own.len());
        let groups = self.codes.len();
        let found = kept_within(&clusters, &points, own, groups, &asked.limits, Until::Kept);
        // Leaves are few: they may not do with less than the limits.
        let found = found.or_else(|| bounded::within(&clusters, own, groups, &asked.limits, Until::Kept));
        found.ok_or_else(|| {
            let sizes = clusters.means(own, groups).weights;
            let all: f64 = sizes.iter().sum();
            FitError::Rules { shares: sizes.iter().map(|size| size / all).collect() }
        })
    }

    /// The same groups as rules make them.
    pub fn by_labels(mut self, labels: Vec<usize>, asked: &Balanced, sample: &Sample) -> Self {
        let points = self.points(asked, sample);
        let groups = self.codes.len();
        let sizes = points.means(&labels, groups).weights;
        let all: f64 = sizes.iter().sum();
        let shares = sizes.iter().map(|size| size / all).collect();
        (self.explained, self.explained_free) = explained(&points, &labels, groups);
        let indices = Few::of(&points).indices(&points, &labels, groups);
        for choice in self.choices.iter_mut().filter(|choice| choice.is_chosen) {
            choice.indices = Some(indices);
        }
        Self { labels, shares, ..self }
    }

    /// What a later fit goes on from.
    pub fn earlier(&self) -> Earlier {
        Earlier {
            scales: self.scales.clone(),
            centres: self.clusters.rows().map(<[f64]>::to_vec).collect(),
            group_of: self.group_of.clone(),
            codes: self.codes.clone(),
        }
    }

    /// The group of an account, as SQL over its tags.
    pub fn sql(&self) -> String {
        let mut columns = Vec::new();
        self.scales.iter().for_each(|scale| scale.sql(&mut columns));
        let codes: Vec<String> = self.group_of.iter().map(|group| format!("'{}'", self.codes[*group])).collect();
        let rows = (0..self.clusters.len()).map(|row| self.clusters.row(row).to_vec());
        format!(
            "array_element([{}], nearest_centroid([{}], {})['cluster'])",
            codes.join(", "),
            columns.join(", "),
            lists(rows)
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::segment::bootstrap;
    use crate::segment::scale::Transform;

    fn asked() -> Balanced {
        let feature = |name: &str| Feature {
            name: name.into(),
            sql: name.into(),
            transform: Transform::Linear { winsorise_percent: 1.0 },
            weight: 1.0,
            is_optional: false,
        };
        Balanced {
            features: vec![feature("x"), feature("y")],
            least_groups: 3,
            most_groups: 7,
            limits: Limits { least_percent: 5.0, most_percent: 35.0, most_ratio: 3.0 },
            seed: 1,
        }
    }

    fn sample(rows: &[(f64, f64)]) -> Sample {
        Sample {
            weights: vec![1.0; rows.len()],
            features: vec![
                Values::Numbers(rows.iter().map(|row| Some(row.0)).collect()),
                Values::Numbers(rows.iter().map(|row| Some(row.1)).collect()),
            ],
            before: vec![None; rows.len()],
        }
    }

    /// Five clouds of which one is small.
    fn clouds() -> Vec<(f64, f64)> {
        let centres = [(0.0, 0.0, 60), (10.0, 0.0, 80), (0.0, 10.0, 70), (10.0, 10.0, 90), (5.0, 20.0, 40)];
        let mut rows = Vec::new();
        for (x, y, count) in centres {
            for at in 0..count {
                let angle = f64::from(at) * 2.4;
                let radius = f64::from(at % 7) / 7.0;
                rows.push((x + radius * libm::cos(angle), y + radius * libm::sin(angle)));
            }
        }
        rows
    }

    #[test]
    fn clouds_are_found_and_keep_their_names() {
        let rows = clouds();
        let mut sample = sample(&rows);
        let model = fit(&asked(), &sample, None).expect("a model");
        assert_eq!(model.codes, ["g1", "g2", "g3", "g4", "g5"]);
        assert!((model.explained - model.explained_free).abs() < 1e-9);
        // Whoever is in the sample, the clouds are the same.
        let (mean, least) = bootstrap::agreement(&asked(), &sample, &model).expect("groups");
        assert!(mean > 0.99 && least > 0.95, "{mean} {least}");
        // A single cloud is cut here or there.
        let one: Vec<(f64, f64)> = (0..400).map(|at| (f64::from(at * 7 % 400), f64::from(at * 31 % 400))).collect();
        let one = self::sample(&one);
        let cut = fit(&asked(), &one, None).expect("a model");
        let (_, least) = bootstrap::agreement(&asked(), &one, &cut).expect("groups");
        assert!(least < 0.9, "{least}");
        let of = |row: usize| model.codes[model.labels[row]].clone();
        sample.before = (0..rows.len()).map(|row| Some(of(row))).collect();
        let again = fit(&asked(), &sample, None).expect("a model");
        assert_eq!((&again.labels, &again.codes), (&model.labels, &model.codes));
        // Where a cloud is gone, so are the small clusters that it had.
        let fewer: Vec<(f64, f64)> = rows.iter().copied().filter(|row| row.1 < 15.0).collect();
        let went_on = fit(&asked(), &self::sample(&fewer), Some(&model.earlier())).expect("a model");
        assert!(went_on.clusters.weights.iter().all(|weight| *weight > 0.0), "{:?}", went_on.clusters.weights);
        assert_eq!(went_on.group_of.len(), went_on.clusters.len());
        // Of a cloud that is new none had the name.
        sample.before.iter_mut().filter(|code| code.as_deref() == Some("g3")).for_each(|code| *code = None);
        let again = fit(&asked(), &sample, None).expect("a model");
        assert_eq!(again.codes, ["g1", "g2", "g4", "g5", "g6"]);
        assert_eq!(again.codes[again.labels[0]], if of(0) == "g3" { "g6".to_owned() } else { of(0) });
    }

    #[test]
    fn impossible_limits_are_told_with_what_was_tried() {
        let mut rows = vec![(0.0, 0.0); 300];
        rows.extend((0..100).map(|at| (f64::from(at) + 50.0, 1.0)));
        match fit(&asked(), &sample(&rows), None) {
            Err(FitError::Limits { choices, .. }) => {
                assert_eq!(choices.len(), 5);
                assert!(
                    choices.iter().all(|choice| choice.indices.is_none() && choice.most_share >= 0.74),
                    "{choices:?}"
                );
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(fit(&asked(), &sample(&rows[..2]), None), Err(FitError::TooFew { accounts: 2, groups: 3 })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn limits_hold_or_are_said_not_to(
            rows in proptest::collection::vec((0u16..1000, 0u16..1000), 60..300),
        ) {
            let rows: Vec<(f64, f64)> = rows.iter().map(|row| (f64::from(row.0), f64::from(row.1))).collect();
            match fit(&asked(), &sample(&rows), None) {
                Ok(model) => {
                    let shares: Vec<f64> = model.shares.clone();
                    prop_assert_eq!(asked().limits.excess(&shares), 0.0, "{:?}", shares);
                    prop_assert!(model.explained <= model.explained_free + 1e-9);
                    prop_assert_eq!(model.labels.len(), rows.len());
                }
                Err(error) => prop_assert!(matches!(error, FitError::Limits { .. }), "{error:?}"),
            }
        }
    }
}
