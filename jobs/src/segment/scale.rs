//! From what is known of an account to numbers that can be compared: fitted on a
//! sample, then SQL for every account.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::FitError;

/// What a feature is made of and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    pub name: String,
    /// Over `customer_tags`.
    pub sql: String,
    pub transform: Transform,
    pub weight: f64,
    /// Left out where a lake does not know it, or knows the same of all accounts.
    pub is_optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transform {
    /// A number; so many percent at either end are drawn in to where the others end.
    Linear { winsorise_percent: f64 },
    /// The same, and the logarithm of one more: for what grows by multiples.
    Log { winsorise_percent: f64 },
    /// A text: a number for each of its values.
    OneHot,
}

/// What the sample knows of one feature, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<String>>),
}

/// A fitted feature: one or more columns of points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scale {
    Number { sql: String, is_log: bool, low: f64, high: f64, centre: f64, factor: f64, fill: f64 },
    Texts { sql: String, levels: Vec<String>, factor: f64 },
}

/// A level of less than this share of accounts is like none.
const LEAST_LEVEL_SHARE: f64 = 0.01;

impl Scale {
    pub fn fit(feature: &Feature, values: &Values, weights: &[f64]) -> Result<Self, FitError> {
        match (feature.transform, values) {
            (Transform::Linear { winsorise_percent }, Values::Numbers(values)) => {
                Self::number(feature, values, weights, winsorise_percent, false)
            }
            (Transform::Log { winsorise_percent }, Values::Numbers(values)) => {
                Self::number(feature, values, weights, winsorise_percent, true)
            }
            (_, Values::Texts(values)) => Self::texts(feature, values, weights),
            (Transform::OneHot, Values::Numbers(_)) => Err(FitError::Unknown { feature: feature.name.clone() }),
        }
    }

    fn number(
        feature: &Feature,
        values: &[Option<f64>],
        weights: &[f64],
        winsorise_percent: f64,
        is_log: bool,
    ) -> Result<Self, FitError> {
        let mut known: Vec<(f64, f64)> =
            values.iter().zip(weights).filter_map(|(value, weight)| Some(((*value)?, *weight))).collect();
        known.sort_unstable_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
        let (Some(first), Some(last)) = (known.first().copied(), known.last().copied()) else {
            return Err(FitError::Unknown { feature: feature.name.clone() });
        };
        let share = winsorise_percent / 100.0;
        let (mut low, mut high) = (quantile(&known, share), quantile(&known, 1.0 - share));
        // What few accounts have would be drawn in to what all others have.
        if low == high {
            (low, high) = (first.0, last.0);
        }
        if is_log {
            (low, high) = (low.max(0.0), high.max(0.0));
        }
        let fill = quantile(&known, 0.5);
        let mut scale = Self::Number {
            sql: feature.sql.clone(),
            is_log,
            low: short(low),
            high: short(high),
            centre: 0.0,
            factor: 1.0,
            fill: short(fill),
        };
        let scaled: Vec<f64> = values.iter().map(|value| scale.number_of(*value)).collect();
        let all: f64 = weights.iter().sum();
        let mean = scaled.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f64>() / all;
        let squares = scaled.iter().zip(weights).map(|(value, weight)| (value - mean) * (value - mean) * weight);
        let deviation = (squares.sum::<f64>() / all).sqrt();
        if deviation <= 1e-12 * mean.abs().max(1e-3) {
            return Err(FitError::Constant { feature: feature.name.clone() });
        }
        if let Self::Number { centre, factor, .. } = &mut scale {
            (*centre, *factor) = (short(mean), short(feature.weight / deviation));
        }
        Ok(scale)
    }

    fn texts(feature: &Feature, values: &[Option<String>], weights: &[f64]) -> Result<Self, FitError> {
        let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
        let all: f64 = weights.iter().sum();
        for (value, weight) in values.iter().zip(weights) {
            if let Some(value) = value {
                *shares.entry(value).or_default() += weight / all;
            }
        }
        if shares.is_empty() {
            return Err(FitError::Unknown { feature: feature.name.clone() });
        }
        let levels: Vec<(&str, f64)> = shares.into_iter().filter(|(_, share)| *share >= LEAST_LEVEL_SHARE).collect();
        // Together they vary as much as one number of this weight.
        let variance: f64 = levels.iter().map(|(_, share)| share * (1.0 - share)).sum();
        if variance <= 1e-9 {
            return Err(FitError::Constant { feature: feature.name.clone() });
        }
        Ok(Self::Texts {
            sql: feature.sql.clone(),
            levels: levels.into_iter().map(|(level, _)| level.to_owned()).collect(),
            factor: short(feature.weight / variance.sqrt()),
        })
    }

    /// Columns of points that it makes.
    pub fn width(&self) -> usize {
        match self {
            Self::Number { .. } => 1,
            Self::Texts { levels, .. } => levels.len(),
        }
    }

    /// What columns of an earlier scale of the same feature are on this one; `None` of
    /// another feature.
    pub fn moved(&self, earlier: &Self, columns: &[f64]) -> Option<Vec<f64>> {
        match (self, earlier) {
            (
                Self::Number { sql, is_log, centre, factor, .. },
                Self::Number { sql: same, is_log: was_log, centre: old_centre, factor: old_factor, .. },
            ) if (sql, is_log) == (same, was_log) => {
                Some(columns.iter().map(|value| (value / old_factor + old_centre - centre) * factor).collect())
            }
            (Self::Texts { sql, levels, factor }, Self::Texts { sql: same, levels: old, factor: old_factor })
                if sql == same =>
            {
                let place = |level: &String| old.iter().position(|other| other == level);
                Some(
                    levels
                        .iter()
                        .map(|level| place(level).map_or(0.0, |at| columns[at] / old_factor * factor))
                        .collect(),
                )
            }
            _ => None,
        }
    }

    fn number_of(&self, value: Option<f64>) -> f64 {
        let Self::Number { is_log, low, high, centre, factor, fill, .. } = self else { return 0.0 };
        let value = value.unwrap_or(*fill).max(*low).min(*high);
        let value = if *is_log { libm::log1p(value) } else { value };
        (value - centre) * factor
    }

    /// The columns of one row of the sample.
    pub fn append(&self, values: &Values, row: usize, columns: &mut Vec<f64>) {
        match (self, values) {
            (Self::Number { .. }, Values::Numbers(values)) => columns.push(self.number_of(values[row])),
            (Self::Texts { levels, factor, .. }, Values::Texts(values)) => {
                let value = values[row].as_deref();
                columns.extend(levels.iter().map(|level| if value == Some(level) { *factor } else { 0.0 }));
            }
            _ => columns.extend(std::iter::repeat_n(0.0, self.width())),
        }
    }

    /// The same of every account, as SQL: one expression per column.
    pub fn sql(&self, columns: &mut Vec<String>) {
        match self {
            Self::Number { sql, is_log, low, high, centre, factor, fill } => {
                let (low, high, fill) = (literal(*low), literal(*high), literal(*fill));
                let mut value = format!("least(greatest(coalesce(cast({sql} as double), {fill}), {low}), {high})");
                if *is_log {
                    value = format!("log1p({value})");
                }
                columns.push(format!("({value} - {}) * {}", literal(*centre), literal(*factor)));
            }
            Self::Texts { sql, levels, factor } => {
                let factor = literal(*factor);
                columns.extend(levels.iter().map(|level| {
                    format!("case when {sql} = '{}' then {factor} else 0.0 end", level.replace('\'', "''"))
                }));
            }
        }
    }
}

/// The least of the values, with their weights and in order, below or at which so
/// large a share lies.
pub fn quantile(known: &[(f64, f64)], share: f64) -> f64 {
    let all: f64 = known.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    for (value, weight) in known {
        sum += weight;
        if sum >= all * share * (1.0 - 1e-12) {
            return *value;
        }
    }
    known.last().map_or(0.0, |(value, _)| *value)
}

/// With nine digits that count: a model is read by people too.
pub fn short(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// A number that SQL reads back to the same bits.
pub fn literal(value: f64) -> String {
    // A negative zero and an integer are floats too.
    let mut text = format!("{:?}", value + 0.0);
    if !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

/// Lists of numbers as SQL.
pub fn lists(rows: impl Iterator<Item = Vec<f64>>) -> String {
    let mut sql = String::from("[");
    for (at, row) in rows.enumerate() {
        let row: Vec<String> = row.into_iter().map(literal).collect();
        let _ = write!(sql, "{}[{}]", if at == 0 { "" } else { ", " }, row.join(", "));
    }
    sql.push(']');
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(transform: Transform) -> Feature {
        Feature { name: "x".into(), sql: "x".into(), transform, weight: 2.0, is_optional: false }
    }

    #[test]
    fn numbers_are_drawn_in_filled_and_have_the_weight_as_their_deviation() {
        let mut values: Vec<Option<f64>> = (0..99).map(|at| Some(f64::from(at))).collect();
        values.push(Some(1e9));
        values.push(None);
        let scale = Scale::fit(
            &feature(Transform::Linear { winsorise_percent: 2.0 }),
            &Values::Numbers(values.clone()),
            &[1.0; 101],
        );
        let scale = scale.expect("numbers");
        let Scale::Number { high, fill, .. } = &scale else { panic!("{scale:?}") };
        assert_eq!((*high, *fill), (97.0, 49.0));
        let scaled: Vec<f64> = values.iter().map(|value| scale.number_of(*value)).collect();
        let mean = scaled.iter().sum::<f64>() / 101.0;
        let deviation = (scaled.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / 101.0).sqrt();
        assert!(mean.abs() < 1e-6 && (deviation - 2.0).abs() < 1e-6, "{mean} {deviation}");
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let linear = feature(Transform::Linear { winsorise_percent: 1.0 });
        let fit = |values: Vec<Option<f64>>| {
            let weights = vec![1.0; values.len()];
            Scale::fit(&linear, &Values::Numbers(values), &weights)
        };
        assert!(matches!(fit(vec![None; 9]), Err(FitError::Unknown { .. })));
        assert!(matches!(fit(vec![Some(4.0); 9]), Err(FitError::Constant { .. })));
        let mut rare = vec![Some(0.0); 999];
        rare.push(Some(5.0));
        assert!(matches!(fit(rare), Ok(Scale::Number { high: 5.0, .. })));
        let texts = vec![Some("a".to_owned()); 9];
        assert!(matches!(
            Scale::fit(&feature(Transform::OneHot), &Values::Texts(texts), &[1.0; 9]),
            Err(FitError::Constant { .. })
        ));
    }

    #[test]
    fn literals_are_floats() {
        assert_eq!([0.0, -0.0, 3.0, -1.5e-9, 1e300].map(literal), ["0.0", "0.0", "3.0", "-1.5e-9", "1e300"]);
    }
}
