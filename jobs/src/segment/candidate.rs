//! Numbers of groups that are tried: what each comes to, and which is best.

use super::balanced::{Balanced, Choice};
use super::bounded::{self, Limits, Until};
use super::quality::{Indices, silhouette};
use super::scale::short;
use super::{Points, kmeans};

/// Steps of k-means for the small clusters, whose borders matter little.
const CLUSTER_STEPS: usize = 15;
/// Rows that are compared with each other for the silhouette.
const SILHOUETTE_ROWS: usize = 2_000;

/// Small clusters of the points: their centres, and the nearest of each point.
pub struct Small {
    pub clusters: Points,
    pub nearest: Vec<usize>,
    /// The place of each among those that it started from: no point may be near one.
    pub started: Vec<usize>,
}

/// A number of groups whose limits can be kept.
pub struct Candidate {
    pub groups: usize,
    pub group_of: Vec<usize>,
    pub indices: Indices,
}

fn rounded(mut points: Points) -> Points {
    points.values.iter_mut().for_each(|value| *value = short((*value * 1e6).round() / 1e6));
    points
}

/// The rows that the silhouette is made of, and their places: spread over all, since rows
/// that come first stand for others than those at the end.
pub struct Few(Vec<usize>, Points);

impl Few {
    pub fn of(points: &Points) -> Self {
        let (rows, few) = points.spread(SILHOUETTE_ROWS);
        Self(rows, few)
    }

    /// What so many groups come to, of all points and of the few.
    pub fn indices(&self, points: &Points, labels: &[usize], groups: usize) -> Indices {
        let Self(rows, few) = self;
        let own: Vec<usize> = rows.iter().map(|row| labels[*row]).collect();
        Indices { silhouette: silhouette(few, &own, groups), ..Indices::of_means(points, labels, groups) }
    }
}

impl Small {
    pub fn of(points: &Points, start: &Points) -> Self {
        let centres = rounded(kmeans::lloyd(points, start, CLUSTER_STEPS).centres);
        // As accounts will be assigned: to the nearest of what is written down.
        let (nearest, _) = kmeans::assign(points, &centres);
        let weights = points.means(&nearest, centres.len()).weights;
        let started: Vec<usize> = (0..centres.len()).filter(|at| weights[*at] > 0.0).collect();
        let mut clusters = Points::new(points.features);
        let mut place = vec![0; centres.len()];
        for (at, from) in started.iter().enumerate() {
            clusters.push(centres.row(*from), weights[*from]);
            place[*from] = at;
        }
        let nearest = nearest.into_iter().map(|from| place[from]).collect();
        Self { clusters, nearest, started }
    }

    /// What so many groups come to that start from these.
    pub fn candidate(
        &self,
        asked: &Balanced,
        points: &Points,
        few: &Few,
        start: &[usize],
        groups: usize,
        until: Until,
    ) -> (Option<Candidate>, Choice) {
        let found = kept_within(&self.clusters, points, start, groups, &asked.limits, until);
        let sizes = self.clusters.means(found.as_deref().unwrap_or(start), groups).weights;
        let all: f64 = sizes.iter().sum();
        let (least, most) =
            sizes.iter().fold((f64::INFINITY, 0.0f64), |(least, most), size| (least.min(*size), most.max(*size)));
        let indices = found.as_ref().map(|group_of| {
            let labels: Vec<usize> = self.nearest.iter().map(|cluster| group_of[*cluster]).collect();
            few.indices(points, &labels, groups)
        });
        let choice = Choice {
            groups,
            indices,
            least_share: least / all,
            most_share: most / all,
            is_earlier: false,
            is_chosen: false,
        };
        (found.zip(indices).map(|(group_of, indices)| Candidate { groups, group_of, indices }), choice)
    }
}

/// Groups of clusters of a sample that keep limits: with room, where they can.
pub fn kept_within(
    clusters: &Points,
    sample: &Points,
    start: &[usize],
    groups: usize,
    limits: &Limits,
    until: Until,
) -> Option<Vec<usize>> {
    // Where everybody is in the sample, its shares are those of all.
    let is_whole = sample.weights.iter().all(|weight| *weight == 1.0);
    let narrow = if is_whole { *limits } else { limits.of_sample(sample.len()) };
    let limits = if narrow.allow(groups) { narrow } else { *limits };
    bounded::within(clusters, start, groups, &limits.with_room(), until)
        .or_else(|| bounded::within(clusters, start, groups, &limits, until))
}

/// The candidate that stands best in the panel: by the sum of its places in the four
/// orders; of equals the one of fewer groups.
pub fn best(candidates: Vec<Candidate>) -> Option<Candidate> {
    let orders: [fn(&Indices) -> f64; 4] = [
        |indices| -indices.silhouette,
        |indices| indices.davies_bouldin,
        |indices| -indices.calinski_harabasz,
        |indices| -indices.explained,
    ];
    let place =
        |of: fn(&Indices) -> f64, own: &Indices| candidates.iter().filter(|other| of(&other.indices) < of(own)).count();
    let score = |own: &Candidate| orders.iter().map(|of| place(*of, &own.indices)).sum::<usize>();
    let scores: Vec<(usize, usize)> = candidates.iter().map(|own| (score(own), own.groups)).collect();
    candidates.into_iter().zip(scores).min_by_key(|(_, score)| *score).map(|(candidate, _)| candidate)
}
