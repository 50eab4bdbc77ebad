//! What a fit goes on from, so that groups stay: the model of an earlier release.

use serde::{Deserialize, Serialize};

use super::Points;
use super::scale::Scale;

/// An earlier model: its scales, its small clusters, and the group of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    pub scales: Vec<Scale>,
    pub centres: Vec<Vec<f64>>,
    pub group_of: Vec<usize>,
    pub codes: Vec<String>,
}

impl Earlier {
    /// Its small clusters on scales of now; `None` where these are of other features.
    pub fn centres_on(&self, scales: &[Scale]) -> Option<Points> {
        if scales.len() != self.scales.len() {
            return None;
        }
        let mut centres = Points::new(scales.iter().map(Scale::width).sum());
        for centre in &self.centres {
            let mut moved = Vec::with_capacity(centres.features);
            let mut at = 0;
            for (scale, earlier) in scales.iter().zip(&self.scales) {
                let columns = centre.get(at..at + earlier.width())?;
                moved.extend(scale.moved(earlier, columns)?);
                at += earlier.width();
            }
            centres.push(&moved, 0.0);
        }
        Some(centres)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(centre: f64, factor: f64) -> Scale {
        Scale::Number { sql: "x".into(), is_log: false, low: 0.0, high: 9.0, centre, factor, fill: 1.0 }
    }

    fn texts(levels: &[&str], factor: f64) -> Scale {
        Scale::Texts { sql: "t".into(), levels: levels.iter().map(|level| (*level).to_owned()).collect(), factor }
    }

    #[test]
    fn centres_mean_the_same_on_other_scales() {
        let earlier = Earlier {
            scales: vec![number(2.0, 0.5), texts(&["a", "b"], 1.0)],
            centres: vec![vec![1.0, 0.25, 0.75]],
            group_of: vec![0],
            codes: vec!["g1".into()],
        };
        // x = 4; a quarter of a, three quarters of b.
        let moved = earlier.centres_on(&[number(3.0, 2.0), texts(&["b", "c"], 4.0)]).expect("the same features");
        assert_eq!(moved.values, [2.0, 3.0, 0.0]);
        assert_eq!(earlier.centres_on(&[texts(&["a"], 1.0), number(2.0, 0.5)]), None);
        assert_eq!(earlier.centres_on(&[number(2.0, 0.5)]), None);
    }
}
