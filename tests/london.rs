use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{kwhy, query, real_data, repository, succeed};

/// A golden CSV as rows below its header.
fn golden(name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(repository().join("tests/golden").join(name)).expect("golden");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn run_london(data: &Path, out: &Path) -> String {
    let mut command = kwhy();
    command.args(["run", "daily", "--as-of", "2014-01-01", "--lake"]).arg(data).arg("--out").arg(out);
    succeed(command.arg("--project").arg(repository().join("tests/london")))
}

/// The goldens come from `tests/peers/london_oracle.py`, which shares no code
/// with kwhy: it reads the publisher's files in plain Python.
#[test]
fn london_homes_are_what_an_independent_program_says() {
    let Some(data) = real_data("lcl") else { return };
    let out = TempDir::new().expect("folder");
    let shown = run_london(&data, out.path());
    assert!(shown.contains("1,674,718"), "{shown}");

    let months = query(
        out.path(),
        "select account_id, left(cast(date as varchar), 7), sum(energy_wh) from account_load_day
         group by 1, 2 order by 1, 2",
    );
    assert_eq!(months, golden("london_month.csv"), "energy per home and month");

    let homes = query(
        out.path(),
        "select account_id, cast(known_minutes / 30 as bigint), cast(estimated_minutes / 30 as bigint), energy_wh, max_demand_w, load_factor,
           ratio(evening_wh, energy_wh), peak_minute
         from account_load_window where window_days = 365 order by 1",
    );
    assert_eq!(homes, golden("london_home.csv"), "demand, load factor, evening share, time of peak");
}

/// Midnights of British summer time are written as 23:00 of the day before: read as
/// dates they would be a day early, and three days twice.
#[test]
fn days_of_weather_are_those_of_the_clock_on_the_wall() {
    let Some(data) = real_data("lcl") else { return };
    let out = TempDir::new().expect("folder");
    let mut command = kwhy();
    command.args(["run", "weather", "--as-of", "2014-04-01", "--lake"]).arg(data).arg("--out").arg(out.path());
    let shown = succeed(command.arg("--project").arg(repository().join("tests/london")));
    let audit: Vec<&str> =
        shown.lines().filter(|line| line.starts_with(" weather")).flat_map(str::split_whitespace).collect();
    assert_eq!(audit, ["weather", "882", "882", "0", "0"], "{shown}");
    let summer = query(
        out.path(),
        "select count(*), min(temperature_max_c), max(temperature_max_c) from stg_weather
         where date >= date '2013-07-01' and date < date '2013-08-01'",
    );
    assert_eq!(summer, [["31", "17.50", "32.16"]]);
}

#[test]
fn what_london_does_not_have_is_unknown_for_that_reason() {
    let Some(data) = real_data("lcl") else { return };
    let out = TempDir::new().expect("folder");
    run_london(&data, out.path());
    let reasons = query(
        out.path(),
        "select evidence_devices_known, evidence_work_orders_known, evidence_bills_12m, count(*), count(has_pv),
           count(complaints_12m), count(energy_12m_kwh) from customer_tags group by 1, 2, 3",
    );
    assert_eq!(reasons, [["source_absent", "source_absent", "source_absent", "100", "0", "0", "0"]]);
    let loads: BTreeMap<String, String> = query(
        out.path(),
        "select coalesce(evidence_load_90d, 'known'), count(load_factor) from customer_tags group by 1",
    )
    .into_iter()
    .map(|row| (row[0].clone(), row[1].clone()))
    .collect();
    // Nine homes end before December; those that end by mid-November are too thin.
    assert_eq!(loads.get("known").map(String::as_str), Some("91"), "{loads:?}");
    let segments = query(out.path(), "select use_class, voltage, count(*) from customer_segments group by 1, 2");
    assert_eq!(segments, [["residential", "unknown", "100"]]);
}

/// What the README says of homes in groups: how much more often than all of them those of
/// a group live in a kind of neighbourhood or have a tariff, and how far that goes
/// together (Cramer's V).
#[test]
fn groups_of_homes_against_neighbourhood_and_tariff() {
    let Some(data) = real_data("lcl") else { return };
    let out = TempDir::new().expect("folder");
    let mut command = kwhy();
    command.args(["run", "refit", "--as-of", "2014-01-01", "--accept", "global.least_fidelity", "--lake"]);
    command.arg(&data).arg("--out").arg(out.path()).arg("--project").arg(repository().join("tests/london"));
    succeed(&mut command);
    let homes = std::fs::read_to_string(data.join("lcl_customers_100.csv")).expect("homes");
    let homes: BTreeMap<&str, [&str; 2]> = homes
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
        .map(|row: Vec<_>| (row[0], [row[3], row[1]]))
        .collect();
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("README");
    let kinds = [
        ("evening", "evening peak on most days"),
        ("daytime", "most energy by daytime"),
        ("two_peaks", "two peaks"),
        ("flat", "flat"),
        ("night", "night"),
        ("morning", "morning peak"),
    ];
    let groups = [("g1", "g1: "), ("g2", "g2: "), ("g3", "g3: "), ("g4", "g4: ")];
    let mut together = Vec::new();
    for (column, told) in [("load_shape", kinds.as_slice()), ("residential", &groups)] {
        let known = told.iter().map(|(group, _)| format!("'{group}'")).collect::<Vec<_>>().join(", ");
        let sql = format!("select account_id, {column} from customer_segments where {column} in ({known})");
        let rows = query(out.path(), &sql);
        let count = |group: Option<&str>, is: &dyn Fn(&[&str; 2]) -> bool| {
            let is_meant = |row: &&Vec<String>| group.is_none_or(|group| row[1] == group);
            rows.iter().filter(is_meant).filter(|row| is(&homes[row[0].as_str()])).count() as f64
        };
        let sides: [(usize, &[&str]); 2] = [(0, &["Affluent", "Comfortable", "Adversity"]), (1, &["Std", "ToU"])];
        for (group, label) in told {
            let size = count(Some(group), &|_| true);
            let mut cells = format!("| {size} ");
            for (side, value) in sides.iter().flat_map(|(side, values)| values.iter().map(move |value| (*side, *value)))
            {
                let is = |home: &[&str; 2]| home[side] == value;
                // Against all homes, as in `segment_profile`, those without a kind of days among them.
                let of_all = homes.values().filter(|home| is(home)).count() as f64;
                let index = count(Some(group), &is) * homes.len() as f64 / size / of_all;
                let text =
                    if index == 0.0 { "0".to_owned() } else { format!("{:.2}", (index * 100.0).round() / 100.0) };
                cells.push_str(&format!("| {text} "));
            }
            let is_row = |line: &str| line.starts_with(&format!("| {label}")) && line.ends_with(&format!("{cells}|"));
            assert!(readme.lines().any(is_row), "{label}: {cells}| is not in the README");
        }
        for (side, values) in sides {
            let among = |group: Option<&str>, value: Option<&str>| {
                count(group, &|home| values.contains(&home[side]) && value.is_none_or(|value| home[side] == value))
            };
            let mut distance = 0.0;
            for (group, value) in told.iter().flat_map(|(group, _)| values.iter().map(move |value| (*group, *value))) {
                let expected = among(Some(group), None) * among(None, Some(value)) / among(None, None);
                distance += (among(Some(group), Some(value)) - expected).powi(2) / expected;
            }
            let freedom = values.len().min(told.len()) - 1;
            together.push(format!("{:.2}", (distance / among(None, None) / freedom as f64).sqrt()));
        }
    }
    let [shape_place, shape_tariff, group_place, group_tariff] = together.as_slice() else { panic!("{together:?}") };
    for said in
        [format!("(Cramer's V {shape_place} and {group_place},"), format!("({shape_tariff} and {group_tariff},")]
    {
        assert!(readme.contains(&said), "`{said}` is not in the README");
    }
}
