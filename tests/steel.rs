use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{kwhy, query, real_data, repository, succeed};

/// The publisher's files beside a list of one account.
fn lake(data: &Path) -> TempDir {
    let lake = TempDir::new().expect("folder");
    std::fs::write(lake.path().join("accounts.csv"), "CONS_NO,CAP_KVA\nsteel,250\n").expect("accounts");
    let profiles = data.parent().expect("data").join("bdew/slp_vdew1999_11profiles.csv");
    for file in [data.join("Steel_industry_data.csv.gz"), profiles] {
        std::fs::copy(&file, lake.path().join(file.file_name().expect("name"))).expect("copy");
    }
    lake
}

fn run(lake: &Path, out: &Path) -> String {
    let mut command = kwhy();
    command.args(["run", "works", "--as-of", "2019-01-01", "--lake"]).arg(lake).arg("--out").arg(out);
    succeed(command.arg("--project").arg(repository().join("tests/steel")))
}

/// Rows of a golden of `tests/peers/steel_oracle.py`, with the columns named.
fn golden(text: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let header = rows.headers().expect("header").clone();
    let place = |name: &&str| header.iter().position(|column| column == *name).expect("column");
    let places: Vec<usize> = columns.iter().map(place).collect();
    rows.records()
        .map(|row| row.expect("row"))
        .map(|row| places.iter().map(|at| row[*at].to_owned()).collect())
        .collect()
}

#[test]
fn a_works_with_misplaced_midnights_is_what_an_independent_program_says() {
    let Some(data) = real_data("steel") else { return };
    let (lake, out) = (lake(&data), TempDir::new().expect("folder"));
    let shown = run(lake.path(), out.path());
    let audit: Vec<&str> =
        shown.lines().filter(|line| line.contains("load_reading")).flat_map(str::split_whitespace).collect();
    assert_eq!(audit, ["load_reading", "35,040", "35,040", "0", "0"], "{shown}");

    let columns = ["energy_wh", "max_demand_w", "min_demand_w", "load_factor", "base_load_w"];
    let days = query(
        out.path(),
        &format!("select cast(date as varchar), {} from account_load_day order by 1", columns.join(", ")),
    );
    let file = std::fs::File::open(repository().join("tests/golden/steel_day.csv.gz")).expect("golden");
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(file)).expect("golden");
    assert_eq!(days, golden(&text, &[&["date"], columns.as_slice()].concat()));
    // A stamp at the wrong end of the interval moves the peak by a quarter of an hour.
    let peaks = query(out.path(), "select cast(date as varchar), peak_minute from account_load_day order by 1");
    assert_eq!(peaks, golden(&text, &["date", "time_of_peak"]));

    let months = query(
        out.path(),
        "select month, round(energy / sqrt(power(energy, 2) + power(reactive, 2)), 6) from (
           select date_part('month', date) as month, cast(sum(energy_wh) as double) as energy,
             cast(sum(reactive_varh) as double) as reactive from account_load_day group by 1) order by 1",
    );
    let text = std::fs::read_to_string(repository().join("tests/golden/steel_month.csv")).expect("golden");
    assert_eq!(months, golden(&text, &["month", "power_factor"]), "power factor by month");
}

/// The readings of a day sum up to 1,000 kWh a year, as the publisher defines.
#[test]
fn standard_profiles_are_a_table_of_reference() {
    let Some(data) = real_data("steel") else { return };
    let (lake, out) = (lake(&data), TempDir::new().expect("folder"));
    run(lake.path(), out.path());
    let profiles = query(
        out.path(),
        "select count(distinct profile), count(*), count(distinct start_time) from stg_standard_profiles",
    );
    assert_eq!(profiles, [["11", "9504", "96"]]);
    // Households peak at noon on Sundays and in the evening in winter.
    let households = query(
        out.path(),
        "select season, day_type, first_value(start_time order by power_w desc) from stg_standard_profiles
         where profile = 'H0' and (season, day_type) in (('winter', 'workday'), ('summer', 'sunday')) group by 1, 2 order by 1",
    );
    assert_eq!(households, [["summer", "sunday", "12:00"], ["winter", "workday", "19:30"]]);
}

/// Of the shapes that the days of the works have, the nearest standard profile is the
/// one that a search by hand finds.
#[test]
fn shapes_of_days_know_the_nearest_standard_profile() {
    let Some(data) = real_data("steel") else { return };
    let (lake, out) = (lake(&data), TempDir::new().expect("folder"));
    run(lake.path(), out.path());
    let number = |text: &str| -> f64 { text.parse().expect("a number") };
    let powers = query(
        out.path(),
        "select concat_ws(' ', profile, season, day_type), cast(left(start_time, 2) as int) * 2 + cast(substr(start_time, 4, 2) as int) / 30,
           sum(cast(power_w as double)) from stg_standard_profiles group by 1, 2 order by 1, 2",
    );
    let mut profiles: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in &powers {
        profiles.entry(&row[0]).or_default().push(number(&row[2]));
    }
    assert_eq!(profiles.len(), 99);
    let shapes = query(out.path(), "select shape, profile, profile_distance, label from load_shape order by shape");
    let shares = query(out.path(), "select shape, unnest(shares) from load_shape");
    assert!(shapes.len() >= 20, "{shapes:?}");
    for shape in &shapes {
        let own: Vec<f64> = shares.iter().filter(|row| row[0] == shape[0]).map(|row| number(&row[1])).collect();
        assert_eq!(own.len(), 48);
        let distance = |profile: &Vec<f64>| {
            let sum: f64 = profile.iter().sum();
            own.iter().zip(profile).map(|(share, power)| (share - power / sum).abs()).sum::<f64>() / 2.0
        };
        let least = profiles.values().map(distance).fold(f64::INFINITY, f64::min);
        assert!((number(&shape[2]) - least).abs() < 2e-6, "{shape:?}: {least}");
        assert!((distance(&profiles[shape[1].as_str()]) - least).abs() < 1e-9, "{shape:?}: {least}");
    }
    // Nearly every day has a shape, and the works has some by day and some at rest.
    let used = query(out.path(), "select shape_days, shapes, main_kind from account_load_shape_use");
    assert!(number(&used[0][0]) >= 350.0 && number(&used[0][1]) >= 10.0, "{used:?}");
    assert_eq!(used[0][2], "daytime");
}
