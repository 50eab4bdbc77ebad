//! Real homes and a real works, by scipy and by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::StringArray;

use super::*;
use crate::functions::{ask, session};
use crate::support::real_data;

/// The London homes of 2013 with their weather: each model is that of scipy's
/// search, in its four variants.
#[tokio::test(flavor = "multi_thread")]
async fn homes_answer_to_the_weather_as_an_independent_program_says() {
    let Some(data) = real_data("lcl") else { return };
    let table = |name: &str| {
        let file = std::fs::File::open(data.join(name)).expect("file");
        csv::Reader::from_reader(flate2::read::GzDecoder::new(file))
    };
    // Hundredths of a degree, of whole hundredths: mean, half away from zero.
    let mut hours: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    let mut weather = table("weather_hourly_darksky.csv.gz");
    let headers = weather.headers().expect("header").clone();
    let column = |name: &str| headers.iter().position(|header| header == name).expect("column");
    let (time, temperature) = (column("time"), column("temperature"));
    for row in weather.records().map(|row| row.expect("row")) {
        let day = hours.entry(row[time][..10].to_owned()).or_default();
        let celsius: f64 = row[temperature].parse().expect("temperature");
        *day = (day.0 + (celsius * 100.0).round() as i64, day.1 + 1);
    }
    let mut days: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for row in table("lcl_100_2013_long.csv.gz").records().map(|row| row.expect("row")) {
        let day = days.entry((row[0].to_owned(), row[1][..10].to_owned())).or_default();
        let kwh: f64 = row[2].trim().parse().expect("energy");
        *day = (day.0 + (kwh * 1000.0).round() as i64, day.1 + 1);
    }
    let days: Vec<_> = days.into_iter().filter(|(_, (_, readings))| *readings == 48).collect();
    let mean = |date: &str| {
        let (sum, count) = hours[date];
        (2 * sum + sum.signum() * count) / (2 * count)
    };
    let homes: ArrayRef = Arc::new(StringArray::from_iter_values(days.iter().map(|((home, _), _)| home)));
    let celsius: ArrayRef = Arc::new(Int64Array::from_iter_values(days.iter().map(|((_, date), _)| mean(date))));
    let energy: ArrayRef = Arc::new(Int64Array::from_iter_values(days.iter().map(|(_, (energy, _))| *energy)));
    let session = session().await;
    let table = RecordBatch::try_from_iter([("home", homes), ("hundredths_c", celsius), ("energy_wh", energy)]);
    session.register_batch("days", table.expect("table")).expect("days");
    let found = ask(
        &session,
        "select home, n, r['base_wh'], r['heating_wh_per_c'], r['heating_balance_c'], r['cooling_wh_per_c'],
           r['cooling_balance_c'], r['r2'], normal
         from (select home, count(*) as n, temperature_response(hundredths_c / 100.0, energy_wh) as r,
             weather_normalised_wh(hundredths_c / 100.0, energy_wh, hundredths_c / 100.0 - 1) as normal
           from days group by home having count(*) >= 60) order by home",
    );
    let found = found.await.expect("rows");
    let file = repository().join("tests/golden/temperature_london.csv");
    let expected: Vec<_> =
        csv::Reader::from_path(file).expect("golden").into_records().collect::<Result<_, _>>().expect("rows");
    assert_eq!((found.len(), expected.len()), (99, 99));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!((found[0].as_str(), found[1].as_str()), (&expected[0], &expected[1]));
        let (home, row) = (&found[0], found);
        let number = |text: &str| text.parse::<f64>().ok();
        for (name, found, expected, relative, absolute) in [
            ("base", &found[2], &expected[3], 1e-6, 0.0),
            ("heating slope", &found[3], &expected[4], 1e-6, 0.0),
            ("heating balance", &found[4], &expected[5], 0.0, 1e-5),
            ("cooling slope", &found[5], &expected[6], 1e-6, 0.0),
            ("cooling balance", &found[6], &expected[7], 0.0, 1e-5),
            ("r2", &found[7], &expected[8], 1e-9, 1e-12),
            ("normal energy", &found[8], &expected[13], 1e-6, 0.5),
        ] {
            // A slope that is not there is 0 here and empty there.
            let (one, other) =
                (number(found).filter(|one| *one != 0.0), number(expected).filter(|other| *other != 0.0));
            let is_same = match (one, other) {
                (Some(one), Some(other)) => (one - other).abs() <= relative * other.abs() + absolute,
                (one, other) => one == other,
            };
            assert!(is_same, "{name} of {home}: {found}, not {expected}; {row:?}");
        }
    }
}

/// A steel works of 2018, by quarter hours: each figure of each day, and what
/// each month costs under two tariffs of two parts, with its power factor.
#[tokio::test(flavor = "multi_thread")]
async fn a_steel_works_is_what_an_independent_program_says() {
    let Some(data) = real_data("steel") else { return };
    let file = std::fs::File::open(data.join("Steel_industry_data.csv.gz")).expect("file");
    let mut rows = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    // Energy and reactive energy in hundredths of a kWh, by day. The reading
    // that is stamped 00:00 is the last of its date, and stands there.
    let mut days: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for row in rows.records().map(|row| row.expect("row")) {
        let hundredths = |at: usize| (row[at].parse::<f64>().expect("energy") * 100.0).round() as i64;
        let (day, month, year) = (&row[0][..2], &row[0][3..5], &row[0][6..10]);
        days.entry(format!("{year}-{month}-{day}")).or_default().push((hundredths(1), hundredths(2)));
    }
    let list = |of: &dyn Fn(i64) -> i64| -> ArrayRef {
        let lists =
            days.values().map(|day| Some(day.iter().map(|(energy, _)| Some(of(*energy) as i32)).collect::<Vec<_>>()));
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))
    };
    let sum = |of: fn(&(i64, i64)) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(days.values().map(|day| day.iter().map(of).sum::<i64>())))
    };
    let period = |quarter: i32| match quarter / 4 {
        10 | 11 => 1,
        8 | 9 | 17..=20 => 2,
        0..=6 | 23 => 4,
        _ => 3,
    };
    let periods: Vec<String> = (0..96).map(|quarter| period(quarter).to_string()).collect();
    let table = RecordBatch::try_from_iter([
        ("date", Arc::new(StringArray::from_iter_values(days.keys())) as ArrayRef),
        ("curve", list(&|hundredths| hundredths * 40)),
        ("quarter_wh", list(&|hundredths| hundredths * 10)),
        ("active", sum(|reading| reading.0)),
        ("reactive", sum(|reading| reading.1)),
    ]);
    let session = session().await;
    session.register_batch("works", table.expect("table")).expect("works");

    let (names, expected) = golden("steel_day");
    let columns: Vec<String> =
        names.iter().map(|name| if name == "date" { name.clone() } else { question(name) }).collect();
    let found = ask(&session, &format!("select {} from works order by date", columns.join(", "))).await.expect("days");
    compare(&names, &found, &expected);

    let tariff = "seasons: [{from_month: 6, to_month: 9, sharp: 1.25, peak: 1.05, flat: 0.68, valley: 0.32},
        {from_month: 1, to_month: 12, sharp: 1.05, peak: 0.95, flat: 0.64, valley: 0.30}], levy_price: 0.0272, tax_rate: 0.13,
        power_factors: [{from_factor: 0.0, adjustment: 0.05}, {from_factor: 0.8, adjustment: 0.02},
          {from_factor: 0.85, adjustment: 0.01}, {from_factor: 0.9, adjustment: 0.0},
          {from_factor: 0.95, adjustment: -0.0075}]";
    let sql = format!(
        "with day as (select cast(substr(date, 6, 2) as int) as month, curve, active, reactive,
           energy_by_period(quarter_wh, [{periods}]) as e from works),
         month as (select month, sum(e['sharp_wh']) as sharp_wh, sum(e['peak_wh']) as peak_wh,
           sum(e['flat_wh']) as flat_wh, sum(e['valley_wh']) as valley_wh, max(max_demand_w(curve)) as max_demand_w,
           sum(active) / sqrt(power(cast(sum(active) as double), 2) + power(cast(sum(reactive) as double), 2)) as factor
           from day group by month),
         used as (select *, {{month: month, sharp_wh: sharp_wh, peak_wh: peak_wh, flat_wh: flat_wh,
           valley_wh: valley_wh, max_demand_w: max_demand_w, contract_capacity_va: 250000, power_factor: factor}} as usage
           from month),
         bill as (select *, monthly_bill({{{tariff}, demand_price: 42.0}}, usage) as d,
           monthly_bill({{{tariff}, capacity_price: 30.0}}, usage) as c from used)
         select month, sharp_wh, peak_wh, flat_wh, valley_wh, max_demand_w, cast(factor as decimal(9, 6)),
           d['energy_charge'], d['demand_charge'], d['power_factor_charge'], d['levy'], d['tax'], d['total'],
           c['capacity_charge'], c['power_factor_charge'], c['tax'], c['total'] from bill order by month",
        periods = periods.join(", "),
    );
    let found = ask(&session, &sql).await.expect("months");
    let file = repository().join("tests/golden/steel_month.csv");
    let expected = csv::Reader::from_path(file).expect("golden").into_records();
    let expected: Vec<Vec<String>> =
        expected.map(|row| row.expect("row").iter().map(str::to_owned).collect()).collect();
    assert_eq!(found, expected);
}
