//! Arguments to call each function with.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};
use datafusion_expr::Documentation;

use crate::{aggregate_functions, scalar_functions};

/// Rows of a sample of a scalar function.
pub(super) const ROWS: usize = 6;

/// Six rows of arguments for each function: row 2 is NULL throughout.
pub(super) fn sample(function: &str) -> Vec<ArrayRef> {
    let integers = |values: [i64; 5]| -> ArrayRef {
        let [a, b, c, d, e] = values.map(Some);
        Arc::new(Int64Array::from(vec![a, b, None, c, d, e]))
    };
    let curves = || -> ArrayRef {
        let curve = |n: i32, step: i32| Some((0..n).map(|i| Some(i * step % 97 - 9)).collect::<Vec<_>>());
        let mut gapped = curve(48, 11);
        gapped.iter_mut().flatten().step_by(3).for_each(|w| *w = None);
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
            curve(24, 7),
            curve(48, 5),
            None,
            gapped,
            curve(96, 13),
            Some(vec![None; 24]),
        ]))
    };
    let periods = || -> ArrayRef {
        let map = |n: i64| Some((0..n).map(|i| Some(i % 4 + 1)).collect::<Vec<_>>());
        let maps = [map(24), map(24), None, map(48), map(48), map(24)];
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(maps))
    };
    let texts = |value: &str| -> ArrayRef {
        let text = Some(value);
        Arc::new(StringArray::from(vec![text, text, None, text, text, text]))
    };
    let days = || -> ArrayRef {
        let days = vec![Some(0), Some(31), None, Some(-1), Some(20_000), Some(58)];
        Arc::new(arrow::array::Date32Array::from(days))
    };
    match function {
        "account_bucket" => vec![
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some(""), Some("é"), Some("a")])),
            integers([16; 5]),
        ],
        "energy_by_period" => vec![curves(), periods()],
        "fold_curve" => {
            vec![integers([0, 14, 15, 60, 1439]), integers([5, 9, 1, -3, 7]), integers([15; 5])]
        }
        "local_time" => {
            let micros = [Some(0), Some(1), None, Some(-1), Some(1_000_000), Some(86_400_000_000)];
            let zones = |zone: &str| -> ArrayRef {
                Arc::new(StringArray::from(vec![Some(zone), Some("UTC"), None, Some(zone), Some(zone), Some("UTC")]))
            };
            let instants = arrow::array::TimestampMicrosecondArray::from(micros.to_vec());
            vec![Arc::new(instants), zones("UTC"), zones("Asia/Shanghai")]
        }
        "parse_timestamp" => {
            let text = |values: [Option<&str>; ROWS]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
            let format = Some("%Y-%m-%d %H:%M");
            vec![
                text([
                    Some("2026-01-31 00:15"),
                    Some("x"),
                    None,
                    Some(""),
                    Some("2026-02-30 00:00"),
                    Some("1969-12-31 23:59"),
                ]),
                text([format, format, None, format, format, format]),
            ]
        }
        "ratio" => vec![integers([1, -2, 3, 0, 7]), integers([3, 3, 0, 5, -1])],
        // The others take what their arguments are called after.
        _ => arguments(function)
            .iter()
            .map(|argument| match argument.as_str() {
                "curve" if !is_scalar(function) => {
                    let curve = |n: i32| Some((0..24).map(|i| (i % n != 1).then_some(i * n % 7)).collect::<Vec<_>>());
                    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
                        curve(30),
                        curve(2),
                        None,
                        curve(3),
                        curve(5),
                        Some(vec![None; 24]),
                    ]))
                }
                "curve" | "power_w" | "wh_list" | "left" | "right" | "profile" => curves(),
                "date" if is_scalar(function) => days(),
                // Three years of months, one of them unknown.
                "time" | "date" | "month" => {
                    let days = (0..36).map(|month| (month != 2).then_some(19_370 + month * 365 / 12));
                    Arc::new(days.collect::<arrow::array::Date32Array>())
                }
                "value" => {
                    let values = (0..36i64).map(|i| (i != 2).then_some(i * 37 % 11 + i / 7));
                    Arc::new(values.collect::<Int64Array>())
                }
                "top" => {
                    let tops = (0..36).map(|i| (i != 2).then_some(0.25));
                    Arc::new(tops.collect::<arrow::array::Float64Array>())
                }
                "zone" => texts("Europe/London"),
                "method" => texts("sum"),
                "from_minute" => integers([0, 360, 720, 61, 1440]),
                "to_minute" => integers([1440, 540, 360, 62, 0]),
                "level_w" | "step_w" | "min_level_w" => integers([30, 1, 50, 20, 10]),
                "max_points" => integers([0, 1, 2, 3, 4]),
                "minutes" | "interval_minutes" | "min_minutes" | "separation_minutes" => integers([60, 30, 60, 60, 30]),
                other => panic!("{function} has an argument {other}: say here what to call it with"),
            })
            .collect(),
    }
}

fn is_scalar(function: &str) -> bool {
    scalar_functions().iter().any(|f| f.name() == function)
}

/// The arguments that a function's documentation names.
pub(super) fn arguments(function: &str) -> Vec<String> {
    let documentation = |found: Option<&Documentation>| -> Vec<String> {
        let arguments = found.and_then(|documentation| documentation.arguments.clone());
        arguments.into_iter().flatten().map(|(name, _)| name).collect()
    };
    let scalars = scalar_functions();
    let aggregates = aggregate_functions();
    let scalar = scalars.iter().find(|f| f.name() == function).map(|f| documentation(f.documentation()));
    let aggregate = aggregates.iter().find(|f| f.name() == function).map(|f| documentation(f.documentation()));
    scalar.or(aggregate).unwrap_or_else(|| panic!("{function} is not registered"))
}
