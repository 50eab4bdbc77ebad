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
