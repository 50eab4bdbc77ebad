//! Functions of one curve and of two, by numpy and scipy.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::Float64Type;

use super::*;
use crate::functions::{ask, session};

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
    let others = curves_column(others);
    let session = session().await;
    let numbers = integers(0..expected.len() as i64);
    let columns = [("number", numbers), ("curve", curves_column(curves.into_iter().map(Some))), ("other", others)];
    register(&session, "curves", columns);

    let columns: Vec<String> = names.iter().map(|name| question(name)).collect();
    let found =
        ask(&session, &format!("select {} from curves order by number", columns.join(", "))).await.expect("rows");
    compare(&names, &found, &expected);
}

/// The curve of that number in thousandths of a watt, no half ones, in another
/// unit of so many thousandths.
fn in_units(number: u64, unit: f64) -> Vec<Option<f64>> {
    let mut random = Random(200_000 + number);
    let point = |watts: Option<i32>| {
        let part = random.below(1000) as i64;
        let part = part + i64::from(part == 500);
        watts.map(|watts| (1000 * i64::from(watts) + part) as f64 / unit)
    };
    random_curve(number).into_iter().map(point).collect()
}

/// The same curves, reshaped, in other units, and their blocks of load.
#[tokio::test(flavor = "multi_thread")]
async fn shapes_are_what_an_independent_program_says() {
    let (names, expected) = golden("shape_functions");
    assert_eq!(expected.len(), 10_000);
    let numbers = || 0..expected.len() as u64;
    let floats = |unit: fn(usize) -> f64| -> ArrayRef {
        let lists = numbers().map(|number| Some(in_units(number, unit(random_curve(number).len()))));
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists))
    };
    let session = session().await;
    let columns = [
        ("number", integers(numbers().map(|number| number as i64))),
        ("curve", curves_column(numbers().map(|number| Some(random_curve(number))))),
        ("w", floats(|_| 1e3)),
        ("kw", floats(|_| 1e6)),
        ("kwh", floats(|points| 1e6 * (points / 24) as f64)),
    ];
    register(&session, "curves", columns);
    let columns = names.iter().map(|name| match name.as_str() {
        "fill_gaps" => "fill_gaps(curve, 3)".to_owned(),
        "resample_60" => "resample_curve(curve, 60)".to_owned(),
        "resample_5" => "resample_curve(curve, 5)".to_owned(),
        "sum" | "max" | "z" => format!("normalise_curve(curve, '{name}')"),
        "reject_stuck" | "reject_spikes" => format!("{name}(curve, 2)"),
        from if from.starts_with("curve_from_") => format!("{from}({})", &from["curve_from_".len()..]),
        field => format!("load_block(curve, 500, 60)['{field}']"),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let found = ask(&session, &format!("select {columns} from curves order by number")).await.expect("rows");
    compare_digests(&names, &found, &expected);
}

/// `load_day` describes a day in one pass; each function says the same of it.
#[tokio::test(flavor = "multi_thread")]
async fn one_pass_over_a_day_says_what_each_function_says() {
    let session = session().await;
    register(&session, "curves", [("curve", curves_column((0..10_000).map(|number| Some(random_curve(number)))))]);
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
