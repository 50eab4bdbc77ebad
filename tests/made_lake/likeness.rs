//! The day figures of made homes and of 100 homes of London, by the
//! Kolmogorov-Smirnov distance of their distributions: over all days, and over
//! the means of the homes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tempfile::TempDir;

use super::texts;
use crate::support::{kwhy, query, real_data, repository, run_daily, succeed};

const FIGURES: [&str; 5] = ["energy", "load_factor", "evening_share", "entropy", "day_correlation"];

/// The largest distance that is still alike.
const ALIKE: f64 = 0.15;

/// The five figures of each whole day of each home.
fn figures(out: &Path) -> BTreeMap<String, Vec<[f64; 5]>> {
    let rows = query(
        out,
        "select day.account_id, day.energy_wh, load_factor(day.half_hour_wh), evening_share(day.half_hour_wh),
           load_entropy(day.half_hour_wh), curve_correlation(day.half_hour_wh, before.half_hour_wh)
         from account_load_day as day left join account_load_day as before
           on before.account_id = day.account_id and before.date = day.date - interval '1' day
         where day.valid_share = 1 and day.estimated_points = 0 and day.stuck_points = 0 and day.spike_points = 0",
    );
    let mut homes: BTreeMap<String, Vec<[f64; 5]>> = BTreeMap::new();
    for row in rows {
        let value = |place: usize| row[place + 1].parse().unwrap_or(f64::NAN);
        homes.entry(row[0].clone()).or_default().push(std::array::from_fn(value));
    }
    homes
}

/// One figure of all days, and its mean of each home with twenty days or more.
fn spread(homes: &BTreeMap<String, Vec<[f64; 5]>>, figure: usize) -> [Vec<f64>; 2] {
    let known: Vec<Vec<f64>> = homes
        .values()
        .map(|days| days.iter().map(|day| day[figure]).filter(|value| value.is_finite()).collect())
        .collect();
    let means = known.iter().filter(|days| days.len() >= 20);
    let means = means.map(|days| days.iter().sum::<f64>() / days.len() as f64).collect();
    [known.concat(), means]
}

/// The largest difference of two distributions.
fn distance(mut one: Vec<f64>, mut other: Vec<f64>) -> f64 {
    one.sort_by(f64::total_cmp);
    other.sort_by(f64::total_cmp);
    let upto =
        |values: &[f64], limit: f64| values.partition_point(|value| *value <= limit) as f64 / values.len() as f64;
    let limits = one.iter().chain(&other);
    limits.map(|limit| (upto(&one, *limit) - upto(&other, *limit)).abs()).fold(0.0, f64::max)
}

#[test]
fn distances_are_those_of_distributions() {
    let close = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
    assert!(close(distance(vec![1.0, 2.0, 3.0], vec![3.0, 1.0, 2.0]), 0.0));
    assert!(close(distance(vec![1.0, 2.0], vec![5.0, 6.0]), 1.0));
    assert!(close(distance(vec![1.0, 2.0, 3.0, 4.0], vec![3.5, 4.5]), 0.75));
}

#[test]
fn made_homes_are_like_those_of_london() {
    let Some(data) = real_data("lcl") else { return };
    let real = TempDir::new().expect("folder");
    let mut london = kwhy();
    london.args(["run", "daily", "--as-of", "2014-01-01", "--lake"]).arg(data).arg("--out").arg(real.path());
    succeed(london.arg("--project").arg(repository().join("tests/london")));

    let (lake, made) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    let size = ["--accounts", "1000", "--days", "365", "--seed", "3"];
    succeed(kwhy().args(["generate", "--out"]).arg(lake.path()).args(size));
    succeed(&mut run_daily(lake.path(), made.path()));
    // Dwellings in which somebody lives, without what London does not have.
    let truth = texts(
        &lake.path().join("_truth/accounts"),
        &["account_id", "archetype", "pv_since", "ev_charger_since", "heat_pump_since"],
    );
    let plain: BTreeSet<&str> = truth
        .iter()
        .filter(|row| ["working_family", "at_home", "night_owl"].contains(&row[1].as_str()))
        .filter(|row| row[2..].iter().all(|since| since == "null"))
        .map(|row| row[0].as_str())
        .collect();
    let mut homes = figures(made.path());
    homes.retain(|account, _| plain.contains(account.as_str()));
    let london = figures(real.path());
    assert!(london.len() == 100 && homes.len() > 600, "{} and {}", london.len(), homes.len());
    let mut unlike = Vec::new();
    for (place, name) in FIGURES.into_iter().enumerate() {
        let [[days, means], [made_days, made_means]] = [&london, &homes].map(|homes| spread(homes, place));
        let (of_days, of_homes) = (distance(days, made_days), distance(means, made_means));
        println!("{name}: {of_days:.3} over days, {of_homes:.3} over homes");
        if of_days >= ALIKE || of_homes >= ALIKE {
            unlike.push(format!("{name}: {of_days:.3} over days, {of_homes:.3} over homes"));
        }
    }
    assert!(unlike.is_empty(), "{unlike:?}");
}
