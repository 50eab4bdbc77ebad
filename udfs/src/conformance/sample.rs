//! Arguments to call each function with.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Date32Array, Int64Array, ListArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Float64Type, Int32Type, Int64Type};
use datafusion_common::ScalarValue;
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
        Arc::new(Date32Array::from(days))
    };
    // One value in all rows but row 2: of a scalar function or of its like.
    let repeated = |value: ScalarValue| -> ArrayRef {
        let values = (0..ROWS).map(|row| if row == 2 { ScalarValue::Float64(None) } else { value.clone() });
        ScalarValue::iter_to_array(values).unwrap()
    };
    let numbers = |lists: [&[f64]; 5]| -> ArrayRef {
        let [a, b, c, d, e] = lists.map(|list| Some(list.iter().copied().map(Some).collect::<Vec<_>>()));
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([a, b, None, c, d, e]))
    };
    let counts = |step: i64| -> ArrayRef {
        Arc::new((0..36).map(|i| (i != 2).then_some((i * step * 7) % 31 + 1)).collect::<Int64Array>())
    };
    match function {
        "account_bucket" => vec![
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some(""), Some("é"), Some("a")])),
            integers([16; 5]),
        ],
        "energy_by_period" => vec![curves(), periods()],
        "fold_curve" => {
            let minutes = [Some(0), Some(14), None, Some(15), Some(60), Some(1439)];
            let times = minutes.map(|minute: Option<i64>| minute.map(|minute| minute * 60_000_000));
            let times = arrow::array::TimestampMicrosecondArray::from(times.to_vec());
            vec![Arc::new(times), integers([5, 9, 1, -3, 7]), integers([15; 5])]
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
                "version" => counts(3),
                "factor" => Arc::new((0..36i64).map(|i| (i != 2).then_some(1 - i % 2 * 2)).collect::<Int64Array>()),
                "second" => curves(),
                "curve" | "power_w" | "wh_list" | "left" | "right" | "profile" => curves(),
                "quantile" if !is_scalar(function) && function != "curve_quantile" => {
                    Arc::new((0..36).map(|i| (i != 2).then_some(0.25)).collect::<arrow::array::Float64Array>())
                }
                "quantile" | "trim" => repeated(ScalarValue::Float64(Some(0.25))),
                "steps" => integers([4; 5]),
                "hits" | "control_hits" => integers([5, 0, 9, 10, 1]),
                "total" | "trials" | "treated" | "control" => integers([10, 10, 9, 40, 1]),
                "population_hits" => integers([50, 1, 100, 7, 90]),
                "population_total" => integers([100; 5]),
                "confidence" => repeated(ScalarValue::Float64(Some(0.9))),
                "value" if is_scalar(function) => integers([5, -1, 20, 100, 0]),
                "cuts" => numbers([&[0.0, 10.0], &[], &[20.0], &[1.0, 2.0, 3.0], &[-1.0]]),
                "condition" => Arc::new((0..36).map(|i| (i != 2).then_some(i % 5 > 1)).collect::<BooleanArray>()),
                "as_of" => Arc::new((0..36).map(|_| Some(20_500)).collect::<Date32Array>()),
                "half_life_days" => Arc::new((0..36).map(|_| Some(90)).collect::<Int64Array>()),
                "expected" | "actual" | "energy_wh" => counts(argument.len() as i64),
                "temperature_c" | "normal_temperature_c" => counts(3),
                "category" | "other" => {
                    let texts = (0..36usize).map(|i| (i != 2).then(|| format!("c{}", i * argument.len() % 7 % 4)));
                    Arc::new(texts.collect::<StringArray>())
                }
                "features" | "centroid" => numbers([&[1.0, 2.0], &[0.5, -3.0], &[9.0, 9.0], &[0.0, 0.0], &[4.0, 1.0]]),
                "spread" => integers([1, 2, 3, 0, 5]),
                "centroids" => centroids(),
                "cluster" => integers([1, 2, 1, 2, 2]),
                "tariff" => structs("seasons", seasons(), "tiers", tiers()),
                "usage" => structs("peak_wh", integers([1000, 0, 50, -7, 1]), "month", integers([1, 2, 12, 7, 6])),
                "from_period" => texts("peak"),
                "to_period" => texts("valley"),
                "shifted_wh" => integers([10, 0, 1000, 5, 2]),
                "text" if function == "normalise_phone" => texts("138 0013 8000"),
                "text" | "other_text" => {
                    let words =
                        [Some("Mr. Chen 停电 12"), Some("138 0013 8000"), None, Some(""), Some("电费"), Some("é 3号")];
                    Arc::new(StringArray::from(words.to_vec()))
                }
                "country_code" => texts("86"),
                "before" => structs("p", integers([1, 2, 3, 4, 5]), "q", texts("x")),
                "after" => structs("p", integers([1, 0, 3, 9, 5]), "q", texts("y")),
                "groups" => structs("g", texts("y"), "h", integers([1, 1, 2, 2, 1])),
                "record" => structs("p", integers([1, 2, 3, 4, 5]), "q", texts("x")),
                "points" => structs("p1", integers([1, 2, 3, 4, 5]), "p2", integers([-1, 0, 7, 9, 2])),
                "salt" => texts("pepper"),
                "dictionary" => dictionary(),
                "date" if is_scalar(function) => days(),
                // Three years of months, one of them unknown.
                "time" | "date" | "month" => {
                    let days = (0..36).map(|month| (month != 2).then_some(19_370 + month * 365 / 12));
                    Arc::new(days.collect::<Date32Array>())
                }
                "value" => {
                    let values = (0..36i64).map(|i| (i != 2).then_some(i * 37 % 11 + i / 7));
                    Arc::new(values.collect::<Int64Array>())
                }
                "top" => {
                    let tops = (0..36).map(|i| (i != 2).then_some(0.25));
                    Arc::new(tops.collect::<arrow::array::Float64Array>())
                }
                "zone" | "to" => texts("Europe/London"),
                "from" => texts("UTC"),
                "timestamp" => Arc::new(
                    (0..6)
                        .map(|i| (i != 2).then_some(1_792_890_000_000_000 + i * 1_800_000_000))
                        .collect::<arrow::array::TimestampMicrosecondArray>(),
                ),
                "method" => texts("sum"),
                "from_minute" => integers([0, 360, 720, 61, 1440]),
                "to_minute" => integers([1440, 540, 360, 62, 0]),
                "level_w" | "step_w" | "min_level_w" => integers([30, 1, 50, 20, 10]),
                "max_points" => integers([0, 1, 2, 3, 4]),
                "least_points" | "times" => integers([2, 3, 4, 6, 9]),
                "minutes" | "interval_minutes" | "min_minutes" | "separation_minutes" => integers([60, 30, 60, 60, 30]),
                other => panic!("{function} has an argument {other}: say here what to call it with"),
            })
            .collect(),
    }
}

/// A list of a list in each row, none in row 2.
fn listed(values: ArrayRef, each: usize) -> ArrayRef {
    let lengths = (0..ROWS).map(|row| if row == 2 { 0 } else { each });
    let nulls = (0..ROWS).map(|row| row != 2).collect::<Vec<bool>>().into();
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, Some(nulls)))
}

/// Two centres in each row.
fn centroids() -> ArrayRef {
    let centre = |i: i32| Some([Some(f64::from(i % 3)), Some(f64::from(i % 4) - 1.5)]);
    listed(Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>((0..10).map(centre))), 2)
}

fn rows_of(fields: Vec<(&str, ArrayRef)>) -> StructArray {
    let fields =
        fields.into_iter().map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
    StructArray::from(fields.collect::<Vec<_>>())
}

/// A year and a summer with prices of their own in each row.
fn seasons() -> ArrayRef {
    let price = |step: i64| -> ArrayRef { Arc::new((0..10).map(|i| Some((i * step) % 7)).collect::<Int64Array>()) };
    let month = |first: i64| -> ArrayRef {
        Arc::new((0..10).map(|i| Some(if i % 2 == 0 { first } else { 13 - first })).collect::<Int64Array>())
    };
    listed(
        Arc::new(rows_of(vec![
            ("from_month", month(6)),
            ("to_month", month(9)),
            ("peak", price(3)),
            ("valley", price(2)),
        ])),
        2,
    )
}

/// Two tiers in each row.
fn tiers() -> ArrayRef {
    let whole = |of: fn(i64) -> i64| -> ArrayRef { Arc::new((0..10).map(|i| Some(of(i))).collect::<Int64Array>()) };
    listed(Arc::new(rows_of(vec![("above_kwh", whole(|i| i % 2 * 3)), ("surcharge", whole(|i| i))])), 2)
}

fn dictionary() -> ArrayRef {
    let terms =
        |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..10).map(|i| values[i % 2]))) };
    let weights: ArrayRef = Arc::new(Int64Array::from_iter_values(1..11));
    listed(
        Arc::new(rows_of(vec![
            ("term", terms(["停电", "chen"])),
            ("class", terms(["outage", "person"])),
            ("weight", weights),
        ])),
        2,
    )
}

/// Structs of two fields, NULL in row 2.
fn structs(name: &str, column: ArrayRef, other_name: &str, other: ArrayRef) -> ArrayRef {
    let (fields, columns, _) = rows_of(vec![(name, column), (other_name, other)]).into_parts();
    let known = (0..ROWS).map(|row| row != 2).collect::<Vec<bool>>();
    Arc::new(StructArray::new(fields, columns, Some(known.into())))
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
