use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Date32Array, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Float64Type, Int32Type};

use crate::functions::{ask, session};
use crate::support::{real_data, repository};

/// splitmix64, as Vigna published it; `tests/peers/curve_functions.py` has it
/// too.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// The curve of that number of the oracle.
fn random_curve(number: u64) -> Vec<Option<i32>> {
    let mut random = Random(number);
    let points = [24, 48, 96, 288][random.below(4) as usize];
    let kind = random.below(8);
    let size = 1 + random.below(5000);
    let mut level = random.below(size);
    let mut point = || {
        if random.below(6) == 0 {
            level = random.below(size);
        }
        let mut value = (level + random.below(1 + size / 10)) as i32;
        if kind == 3 {
            value = size as i32;
        }
        if kind == 4 && random.below(2) == 0 {
            value = 0;
        }
        if (kind == 1 || kind == 2) && random.below(3) == 0 {
            value = -value;
        }
        let is_gap = (kind == 0 || kind == 2) && random.below(5) == 0;
        (!is_gap).then_some(value)
    };
    (0..points).map(|_| point()).collect()
}

/// How each column of the golden file is asked for.
fn question(name: &str) -> String {
    match name {
        "switch_ons" => "switch_ons(curve, 500)".to_owned(),
        "longest_below_minutes" | "longest_above_minutes" => format!("{name}(curve, 300)"),
        "energy_share" => "energy_share(curve, 435, 1000)".to_owned(),
        "time_of_second_peak" => "time_of_second_peak(curve, 180)".to_owned(),
        "curve_distance" | "curve_correlation" | "profile_distance" => format!("{name}(curve, other)"),
        _ => format!("{name}(curve)"),
    }
}

/// 10,000 random curves, measured by numpy and scipy.
#[tokio::test(flavor = "multi_thread")]
async fn curves_are_what_an_independent_program_says() {
    let (names, expected) = golden("curve_functions");
    assert_eq!(expected.len(), 10_000);

    let curves: Vec<_> = (0..expected.len() as u64).map(random_curve).collect();
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let others = curves.iter().enumerate().map(|(number, curve)| {
        let other = before.insert(curve.len(), number).unwrap_or(number);
        Some(curves[other].clone())
    });
    let others: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(others));
    let curves: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves.iter().map(|curve| Some(curve.clone()))));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..expected.len() as i64));
    let table = RecordBatch::try_from_iter([("number", numbers), ("curve", curves), ("other", others)]);
    let session = session().await;
    session.register_batch("curves", table.expect("table")).expect("registered");

    let columns: Vec<String> = names.iter().map(|name| question(name)).collect();
    let found =
        ask(&session, &format!("select {} from curves order by number", columns.join(", "))).await.expect("rows");
    compare(&names, &found, &expected);
}

/// The same curves, reshaped, and their blocks of load.
#[tokio::test(flavor = "multi_thread")]
async fn shapes_are_what_an_independent_program_says() {
    let (names, expected) = golden("shape_functions");
    assert_eq!(expected.len(), 10_000);
    let curves = (0..expected.len() as u64).map(|number| Some(random_curve(number)));
    let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..expected.len() as i64));
    let session = session().await;
    let table = RecordBatch::try_from_iter([("number", numbers), ("curve", curves)]);
    session.register_batch("curves", table.expect("table")).expect("registered");
    let columns = names.iter().map(|name| match name.as_str() {
        "fill_gaps" => "fill_gaps(curve, 3)".to_owned(),
        "resample_60" => "resample_curve(curve, 60)".to_owned(),
        "resample_5" => "resample_curve(curve, 5)".to_owned(),
        "sum" | "max" | "z" => format!("normalise_curve(curve, '{name}')"),
        field => format!("load_block(curve, 500, 60)['{field}']"),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let found = ask(&session, &format!("select {columns} from curves order by number")).await.expect("rows");
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        for ((name, found), expected) in names.iter().zip(found).zip(expected) {
            let list = found.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
            let is_same = match list {
                Some(list) => is_digest(list, expected),
                None => as_golden(found) == expected,
            };
            assert!(is_same, "{name} of {number} is {found}, not {expected}");
        }
    }
}

/// Whether a list has this many values, this many nulls, and this sum of each
/// value times its position.
fn is_digest(list: &str, digest: &str) -> bool {
    let values: Vec<Option<f64>> = list.split(", ").map(|value| value.parse().ok()).collect();
    let terms = || (1..).zip(&values).filter_map(|(at, value)| value.map(|value| f64::from(at) * value));
    let (sum, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
    let digest: Vec<f64> = digest.split(' ').map(|number| number.parse().expect("a number")).collect();
    let nulls = values.iter().filter(|value| value.is_none()).count();
    digest[..2] == [values.len() as f64, nulls as f64] && (sum - digest[2]).abs() <= 1e-9 * size
}

/// What `tests/peers/<name>.py` found: columns and rows.
pub fn golden(name: &str) -> (Vec<String>, Vec<csv::StringRecord>) {
    let file = repository().join(format!("tests/golden/{name}.csv.gz"));
    let file = flate2::read::GzDecoder::new(std::fs::File::open(file).expect("golden"));
    let mut file = csv::Reader::from_reader(file);
    let names = file.headers().expect("header").iter().map(str::to_owned).collect();
    (names, file.records().collect::<Result<_, _>>().expect("rows"))
}

fn compare(names: &[String], found: &[Vec<String>], expected: &[csv::StringRecord]) {
    assert_eq!(found.len(), expected.len());
    for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
        for ((name, found), expected) in names.iter().zip(found).zip(expected) {
            let is_same = match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(found), Ok(expected)) if FLOATS.contains(&name.as_str()) => {
                    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-6)
                }
                _ => as_golden(found) == expected,
            };
            assert!(is_same, "{name} of {number} is {found}, not {expected}");
        }
    }
}

/// NULL as nothing, and a list as its values with blanks between them.
fn as_golden(found: &str) -> String {
    let list = found.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    match list {
        Some(list) => list.replace(", ", " ").replace("NULL", "null"),
        None => if found == "NULL" { "" } else { found }.to_owned(),
    }
}

/// The series of that number of the oracle: days and values.
fn random_series(number: u64) -> Vec<(i32, i64)> {
    let mut random = Random(number);
    let length = 1 + random.below(60) as i64;
    let (slope, season, step) = (random.below(21) as i64, random.below(200) as i64, random.below(300) as i64);
    let at = random.below(60) as i64;
    let mut rows = Vec::new();
    for i in 0..length {
        let day = 19_000 + i * 30 + random.below(5) as i64;
        let seasonal = if i % 12 < 3 { season } else { 0 };
        let stepped = if i >= at { step } else { 0 };
        let value = 100 + i * (slope - 10) + seasonal + stepped + random.below(50) as i64;
        if random.below(10) != 0 {
            rows.push((day as i32, value));
        }
    }
    rows
}

/// 1,000 random series, measured by numpy and scipy.
#[tokio::test(flavor = "multi_thread")]
async fn series_are_what_an_independent_program_says() {
    let (names, expected) = golden("series_functions");
    assert_eq!(expected.len(), 1_000);
    let series: Vec<_> = (0..expected.len() as u64).map(random_series).collect();
    let rows = || series.iter().enumerate().flat_map(|(number, rows)| rows.iter().map(move |row| (number, row)));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows().map(|(number, _)| number as i64)));
    let days: ArrayRef = Arc::new(Date32Array::from_iter_values(rows().map(|(_, row)| row.0)));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(rows().map(|(_, row)| row.1)));
    let table = RecordBatch::try_from_iter([("number", numbers), ("day", days), ("value", values)]);
    let session = session().await;
    session.register_batch("series", table.expect("table")).expect("registered");

    let columns = names.iter().map(|name| match name.as_str() {
        "lorenz_share" => "lorenz_share(value, 0.3)".to_owned(),
        "exact_median" | "median_deviation" | "gini" | "herfindahl" => format!("{name}(value)"),
        "at" | "before" | "after" | "explained_share" => format!("level_shift(day, value)['{name}']"),
        _ => format!("{name}(day, value)"),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    // A series of which nothing is known has no row, so all of them are asked for.
    let sql = format!(
        "select {columns} from unnest(range({})) as n (number) left join series using (number)
         group by number order by number",
        expected.len()
    );
    compare(&names, &ask(&session, &sql).await.expect("rows"), &expected);
}

/// The curves of that group of the oracle.
fn group_curves(group: u64) -> Vec<Vec<Option<i32>>> {
    let mut random = Random(50_000 + group);
    let count = 1 + random.below(160);
    let curves: Vec<_> = (0..count).map(|i| random_curve(group * 200 + i)).collect();
    let length = curves[0].len();
    curves.into_iter().filter(|curve| curve.len() == length).collect()
}

/// A row of a group of the oracle: what may be unknown, the day, and a count.
type GroupRow = (Option<(u64, u64, bool, i64)>, i32, i64);

fn group_rows(group: u64) -> Vec<GroupRow> {
    let mut random = Random(90_000 + group);
    let (length, kinds) = (1 + random.below(80), 1 + random.below(6));
    let row = |_| {
        let (category, other, day) = (random.below(kinds), random.below(3), 19_000 + random.below(400) as i32);
        let (flag, expected, actual) = (random.below(3) != 0, random.below(100) as i64, random.below(100) as i64);
        let is_unknown = random.below(12) == 0;
        ((!is_unknown).then_some((category, other, flag, expected)), day, actual)
    };
    (0..length).map(row).collect()
}

/// How each column of `group_functions` is asked for.
fn group_question(name: &str) -> String {
    let (function, field) = name.split_once('.').unwrap_or((name, ""));
    let call = match function {
        "curve_min"
        | "curve_max"
        | "energy_curve_sum"
        | "energy_curve_mean"
        | "coincidence_factor"
        | "curve_quantile"
        | "typical_day"
        | "load_duration_curve"
        | "day_regularity" => format!("max({name})"),
        "most_frequent" | "category_entropy" => format!("{function}(category)"),
        "run_lengths" => "run_lengths(day, flag)".to_owned(),
        "recency_weighted_count" => "recency_weighted_count(day, date '2023-02-12', 90)".to_owned(),
        "population_stability" => "population_stability(expected, actual)".to_owned(),
        "adjusted_rand" => "adjusted_rand(category, other)".to_owned(),
        "wilson_interval" => "wilson_interval(min(hits), min(trials), 0.95)".to_owned(),
        "over_index" => "over_index(min(hits), min(trials), min(other_hits), min(others))".to_owned(),
        "uplift" => "uplift(min(hits), min(trials), min(other_hits), min(others), 0.95)".to_owned(),
        "quantile_tier" => "quantile_tier(min(value), max(cuts))".to_owned(),
        other => panic!("{other} is not asked for"),
    };
    if field.is_empty() { call } else { format!("{call}['{field}']") }
}

/// 500 groups of curves, of rows and of counts, measured by numpy, scipy and
/// scikit-learn.
#[tokio::test(flavor = "multi_thread")]
async fn groups_are_what_an_independent_program_says() {
    let (names, expected) = golden("group_functions");
    assert_eq!(expected.len(), 500);
    let groups = 0..expected.len() as u64;
    let session = session().await;
    let integers =
        |values: &mut dyn Iterator<Item = i64>| -> ArrayRef { Arc::new(Int64Array::from_iter_values(values)) };

    let curves: Vec<_> =
        groups.clone().flat_map(|g| group_curves(g).into_iter().map(move |curve| (g, curve))).collect();
    let numbers = integers(&mut curves.iter().map(|(group, _)| *group as i64));
    let lists: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves.into_iter().map(|(_, curve)| Some(curve))));
    let table = RecordBatch::try_from_iter([("number", numbers), ("curve", lists)]).expect("curves");
    session.register_batch("curves", table).expect("curves");

    let rows: Vec<_> = groups.clone().flat_map(|g| group_rows(g).into_iter().map(move |row| (g, row))).collect();
    let known = |of: fn(&(u64, u64, bool, i64)) -> i64| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, row)| row.0.as_ref().map(of)).collect::<Int64Array>())
    };
    let categories = rows.iter().map(|(_, row)| row.0.map(|(category, ..)| format!("c{category}")));
    let flags = rows.iter().map(|(_, row)| row.0.map(|(_, _, flag, _)| flag));
    let table = RecordBatch::try_from_iter([
        ("number", integers(&mut rows.iter().map(|(group, _)| *group as i64))),
        ("category", Arc::new(categories.collect::<StringArray>()) as ArrayRef),
        ("other", known(|row| row.1 as i64)),
        ("flag", Arc::new(flags.collect::<BooleanArray>()) as ArrayRef),
        ("expected", known(|row| row.3)),
        ("day", Arc::new(Date32Array::from_iter_values(rows.iter().map(|(_, row)| row.1))) as ArrayRef),
        ("actual", integers(&mut rows.iter().map(|(_, row)| row.2))),
    ]);
    session.register_batch("rows", table.expect("rows")).expect("rows");

    let mut counts = [const { Vec::new() }; 5];
    let cuts = groups.clone().map(|group| {
        let mut random = Random(70_000 + group);
        let trials = 1 + random.below(2000);
        let hits = random.below(trials + 1);
        let others = 1 + random.below(5000);
        let row = [trials, hits, others, random.below(others + 1), random.below(1000)];
        counts.iter_mut().zip(row).for_each(|(column, count)| column.push(count as i64));
        let count = 1 + random.below(6);
        let cuts: BTreeSet<i32> = (0..count).map(|_| random.below(1000) as i32).collect();
        Some(cuts.into_iter().map(Some))
    });
    let cuts: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(cuts.collect::<Vec<_>>()));
    let mut columns = vec![("number", integers(&mut groups.map(|group| group as i64))), ("cuts", cuts)];
    let names_of_counts = ["trials", "hits", "others", "other_hits", "value"];
    columns
        .extend(names_of_counts.into_iter().zip(counts).map(|(name, count)| (name, integers(&mut count.into_iter()))));
    session.register_batch("counts", RecordBatch::try_from_iter(columns).expect("counts")).expect("counts");

    let columns: Vec<String> = names.iter().map(|name| group_question(name)).collect();
    let sql = format!(
        "select {} from rows join counts on rows.number = counts.number join
           (select number, curve_min(curve) as curve_min, curve_max(curve) as curve_max,
              energy_curve_sum(curve) as energy_curve_sum, energy_curve_mean(curve) as energy_curve_mean,
              coincidence_factor(curve) as coincidence_factor, curve_quantile(curve, 0.25) as curve_quantile,
              typical_day(curve, 0.1) as typical_day, load_duration_curve(curve, 20) as load_duration_curve,
              day_regularity(curve) as day_regularity from curves group by number)
         as figures on figures.number = rows.number group by rows.number order by rows.number",
        columns.join(", ")
    );
    compare(&names, &ask(&session, &sql).await.expect("rows"), &expected);
}

/// 300 clusterings, measured by scipy and scikit-learn.
#[tokio::test(flavor = "multi_thread")]
async fn clusters_are_what_an_independent_program_says() {
    let (names, expected) = golden("cluster_functions");
    assert_eq!(expected.len(), 300);
    let (mut numbers, mut labels, mut points) = (Vec::new(), Vec::new(), Vec::new());
    let mut centres: Vec<Vec<Vec<f64>>> = Vec::new();
    for number in 0..expected.len() as u64 {
        let mut random = Random(30_000 + number);
        let (clusters, features) = (2 + random.below(4), 1 + random.below(6));
        let point = |random: &mut Random| -> Vec<f64> {
            (0..features).map(|_| (random.below(2001) as f64 - 1000.0) / 8.0).collect()
        };
        centres.push((0..clusters).map(|_| point(&mut random)).collect());
        for at in 0..clusters + random.below(40) {
            numbers.push(number as i64);
            labels.push((at % clusters) as i64 + 1);
            points.push((at == 0, point(&mut random)));
        }
    }
    let list = |point: &Vec<f64>| Some(point.iter().copied().map(Some).collect::<Vec<_>>());
    let features = ListArray::from_iter_primitive::<Float64Type, _, _>(points.iter().map(|(_, point)| list(point)));
    let is_first: BooleanArray = points.iter().map(|(is_first, _)| Some(*is_first)).collect();
    let table = RecordBatch::try_from_iter([
        ("number", Arc::new(Int64Array::from(numbers)) as ArrayRef),
        ("label", Arc::new(Int64Array::from(labels)) as ArrayRef),
        ("is_first", Arc::new(is_first) as ArrayRef),
        ("features", Arc::new(features) as ArrayRef),
    ]);
    let session = session().await;
    session.register_batch("points", table.expect("table")).expect("points");
    let lengths: Vec<usize> = centres.iter().map(Vec::len).collect();
    let centres = ListArray::from_iter_primitive::<Float64Type, _, _>(centres.iter().flatten().map(list));
    let field = Arc::new(Field::new_list_field(centres.data_type().clone(), true));
    let centres = ListArray::new(field, OffsetBuffer::from_lengths(lengths), Arc::new(centres), None);
    let table = RecordBatch::try_from_iter([
        ("number", Arc::new(Int64Array::from_iter_values(0..expected.len() as i64)) as ArrayRef),
        ("centroids", Arc::new(centres) as ArrayRef),
    ]);
    session.register_batch("centres", table.expect("table")).expect("centres");

    let columns = names.iter().map(|name| match name.split_once('.') {
        Some(("nearest_centroid", field)) => format!("nearest_centroid(features, centroids)['{field}']"),
        Some(("kmeans_statistics", field)) => format!("k['{field}']"),
        _ if name == "silhouette" => "silhouette(features, centroids, points.label)".to_owned(),
        _ => name.clone(),
    });
    let sql = format!(
        "with cluster as (select number, label, kmeans_statistics(features) as k from points group by number, label),
         away as (select number, label, nearest_centroid(features, [k['centroid']])['distance'] as distance, k
           from points join cluster using (number, label)),
         spread as (select number, label, first_value(k['centroid']) as centroid, avg(distance) as spread
           from away group by number, label),
         indexed as (select number, davies_bouldin(centroid, spread) as davies_bouldin from spread group by number)
         select {} from points join centres on points.number = centres.number
           join cluster on points.number = cluster.number and points.label = cluster.label
           join indexed on points.number = indexed.number where is_first order by points.number",
        columns.collect::<Vec<_>>().join(", ")
    );
    compare(&names, &ask(&session, &sql).await.expect("rows"), &expected);
}

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

/// Figures that are not rounded.
const FLOATS: [&str; 32] = [
    "load_entropy",
    "curve_distance",
    "curve_correlation",
    "profile_distance",
    "exact_median",
    "median_deviation",
    "gini",
    "herfindahl",
    "lorenz_share",
    "ols_slope",
    "theil_sen_slope",
    "before",
    "after",
    "explained_share",
    "seasonality_strength",
    "year_on_year",
    "category_entropy",
    "recency_weighted_count",
    "population_stability",
    "adjusted_rand",
    "wilson_interval.lower",
    "wilson_interval.upper",
    "over_index.z",
    "over_index.p_value",
    "uplift.difference",
    "uplift.lower",
    "uplift.upper",
    "uplift.p_value",
    "nearest_centroid.distance",
    "nearest_centroid.second_distance",
    "silhouette",
    "davies_bouldin",
];

/// `load_day` describes a day in one pass; each function says the same of it.
#[tokio::test(flavor = "multi_thread")]
async fn one_pass_over_a_day_says_what_each_function_says() {
    let curves = (0..10_000).map(|number| Some(random_curve(number)));
    let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves));
    let session = session().await;
    session.register_batch("curves", RecordBatch::try_from_iter([("curve", curves)]).expect("table")).expect("curves");
    let laws = [
        ("energy_wh", "energy_wh(curve)"),
        ("max_demand_w", "max_demand_w(curve)"),
        ("min_demand_w", "min_demand_w(curve)"),
        ("base_load_w", "base_load_w(curve)"),
        ("peak_minute", "time_of_peak(curve)"),
        ("load_factor", "load_factor(curve)"),
        ("max_ramp_w", "greatest(ramp_up_w(curve), ramp_down_w(curve))"),
        ("backfeed_wh", "backfeed_wh(curve)"),
        ("points", "curve_points(curve)"),
    ];
    for (field, function) in laws {
        let sql = format!(
            "select count(*), count(d['{field}']) from (select load_day(curve) as d, curve from curves)
             where d['{field}'] is not distinct from {function}"
        );
        let found = ask(&session, &sql).await.expect("counts");
        assert_eq!(found[0][0], "10000", "{field} and {function}");
        assert!(found[0][1].parse::<u32>().expect("count") > 9_000, "{field} is hardly ever known");
    }
}
