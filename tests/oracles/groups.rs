//! Functions of series, of groups and of clusters, by numpy, pandas, scipy and
//! scikit-learn.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, Date32Array, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Float64Type};

use super::*;
use crate::functions::{ask, session};

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
    let days: ArrayRef = Arc::new(Date32Array::from_iter_values(rows().map(|(_, row)| row.0)));
    let session = session().await;
    let columns = [
        ("number", integers(rows().map(|(number, _)| number as i64))),
        ("day", days),
        ("value", integers(rows().map(|(_, row)| row.1))),
    ];
    register(&session, "series", columns);

    let columns = names.iter().map(|name| match name.as_str() {
        "lorenz_share" => "lorenz_share(value, 0.3)".to_owned(),
        "exact_quantile" => "exact_quantile(value, 0.75)".to_owned(),
        "histogram" => "histogram(value)".to_owned(),
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
        "field_counts" => "field_counts({category: category, other: other, flag: flag})".to_owned(),
        "cross_counts" => "cross_counts({category: category, flag: flag}, {other: other, flag: flag})".to_owned(),
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
    let curves: Vec<_> =
        groups.clone().flat_map(|g| group_curves(g).into_iter().map(move |curve| (g, curve))).collect();
    let numbers = integers(curves.iter().map(|(group, _)| *group as i64));
    let lists = curves_column(curves.into_iter().map(|(_, curve)| Some(curve)));
    register(&session, "curves", [("number", numbers), ("curve", lists)]);

    let rows: Vec<_> = groups.clone().flat_map(|g| group_rows(g).into_iter().map(move |row| (g, row))).collect();
    let known = |of: fn(&(u64, u64, bool, i64)) -> i64| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, row)| row.0.as_ref().map(of)).collect::<Int64Array>())
    };
    let categories = rows.iter().map(|(_, row)| row.0.map(|(category, ..)| format!("c{category}")));
    let flags = rows.iter().map(|(_, row)| row.0.map(|(_, _, flag, _)| flag));
    let columns = [
        ("number", integers(rows.iter().map(|(group, _)| *group as i64))),
        ("category", Arc::new(categories.collect::<StringArray>()) as ArrayRef),
        ("other", known(|row| row.1 as i64)),
        ("flag", Arc::new(flags.collect::<BooleanArray>()) as ArrayRef),
        ("expected", known(|row| row.3)),
        ("day", Arc::new(Date32Array::from_iter_values(rows.iter().map(|(_, row)| row.1))) as ArrayRef),
        ("actual", integers(rows.iter().map(|(_, row)| row.2))),
    ];
    register(&session, "rows", columns);

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
        Some(cuts.into_iter().map(Some).collect())
    });
    let cuts = curves_column(cuts.collect::<Vec<_>>());
    let mut columns = vec![("number", integers(groups.map(|group| group as i64))), ("cuts", cuts)];
    let names_of_counts = ["trials", "hits", "others", "other_hits", "value"];
    columns.extend(names_of_counts.into_iter().zip(counts).map(|(name, count)| (name, integers(count))));
    register(&session, "counts", columns);

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
    let session = session().await;
    let columns = [
        ("number", integers(numbers)),
        ("label", integers(labels)),
        ("is_first", Arc::new(is_first) as ArrayRef),
        ("features", Arc::new(features)),
    ];
    register(&session, "points", columns);
    let lengths: Vec<usize> = centres.iter().map(Vec::len).collect();
    let centres = ListArray::from_iter_primitive::<Float64Type, _, _>(centres.iter().flatten().map(list));
    let field = Arc::new(Field::new_list_field(centres.data_type().clone(), true));
    let centres = ListArray::new(field, OffsetBuffer::from_lengths(lengths), Arc::new(centres), None);
    let columns = [("number", integers(0..expected.len() as i64)), ("centroids", Arc::new(centres))];
    register(&session, "centres", columns);

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
