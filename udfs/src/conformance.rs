//! What every function promises, checked for each of them by name.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion_common::ScalarValue;
use datafusion_expr::{ColumnarValue, Documentation, ScalarUDF, Volatility};

use crate::testing::{aggregate, aggregate_groups, call, call_arrays};
use crate::{aggregate_functions, scalar_functions};

const ROWS: usize = 6;

/// Six rows of arguments for each function: row 2 is NULL throughout.
fn sample(function: &str) -> Vec<ArrayRef> {
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
    match function {
        "account_bucket" => vec![
            Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some(""), Some("é"), Some("a")])),
            integers([16; 5]),
        ],
        "energy_by_period" => vec![curves(), periods()],
        "curve_from_kw" | "curve_from_kwh" | "curve_points" | "energy_curve_mean" | "energy_curve_sum" | "load_day"
        | "time_of_peak" => vec![curves()],
        "fold_curve" => {
            vec![integers([0, 14, 15, 60, 1439]), integers([5, 9, 1, -3, 7]), integers([15; 5])]
        }
        "month_start" => {
            let days = vec![Some(0), Some(31), None, Some(-1), Some(20_000), Some(58)];
            vec![Arc::new(arrow::array::Date32Array::from(days))]
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
        other => panic!("no sample for {other}: add one here"),
    }
}

fn scalars() -> impl Iterator<Item = (String, ScalarUDF)> {
    scalar_functions().into_iter().map(|f| (f.name().to_string(), f.as_ref().clone()))
}

/// Whether a row says nothing: NULL, or a struct of NULLs.
fn is_nothing(array: &ArrayRef, row: usize) -> bool {
    use arrow::array::AsArray;
    match array.as_struct_opt() {
        Some(fields) => fields.columns().iter().all(|field| field.is_null(row)),
        None => array.is_null(row),
    }
}

#[test]
fn names_are_unique_and_final() {
    let scalars = scalar_functions();
    let aggregates = aggregate_functions();
    let names: Vec<&str> = scalars.iter().map(|f| f.name()).chain(aggregates.iter().map(|f| f.name())).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len());
    let expected = [
        "account_bucket",
        "curve_from_kw",
        "curve_from_kwh",
        "curve_points",
        "energy_by_period",
        "energy_curve_mean",
        "energy_curve_sum",
        "fold_curve",
        "load_day",
        "local_time",
        "month_start",
        "parse_timestamp",
        "ratio",
        "time_of_peak",
    ];
    assert_eq!(unique.into_iter().collect::<Vec<_>>(), expected);
}

fn check_documentation(name: &str, documentation: Option<&Documentation>, arguments: usize) {
    let documentation = documentation.unwrap_or_else(|| panic!("{name} is not documented"));
    assert!(documentation.syntax_example.starts_with(&format!("{name}(")), "{name}");
    assert!(documentation.description.contains("NULL"), "{name} does not say what NULL gives");
    assert!(documentation.sql_example.as_ref().is_some_and(|sql| sql.contains(name)), "{name}");
    let documented = documentation.arguments.as_ref().map_or(0, Vec::len);
    assert_eq!(documented, arguments, "arguments of {name}");
}

#[test]
fn every_function_is_documented_and_immutable() {
    for function in scalar_functions() {
        let name = function.name();
        check_documentation(name, function.documentation(), sample(name).len());
        assert_eq!(function.signature().volatility, Volatility::Immutable);
    }
    for function in aggregate_functions() {
        let name = function.name();
        check_documentation(name, function.documentation(), sample(name).len());
        assert_eq!(function.signature().volatility, Volatility::Immutable);
    }
}

#[test]
fn wrong_arguments_are_refused_by_name() {
    let wrong = |name: &str| {
        let mut types: Vec<DataType> = sample(name).iter().map(|a| a.data_type().clone()).collect();
        types[0] = DataType::Boolean;
        types
    };
    let check = |name: &str, error: String| assert!(error.contains(name), "{name}: {error}");
    for (name, function) in scalars() {
        check(&name, function.coerce_types(&[]).unwrap_err().to_string());
        check(&name, function.coerce_types(&wrong(&name)).unwrap_err().to_string());
    }
    for function in aggregate_functions() {
        let name = function.name();
        check(name, function.coerce_types(&[]).unwrap_err().to_string());
        check(name, function.coerce_types(&wrong(name)).unwrap_err().to_string());
    }
}

#[test]
fn null_rows_say_nothing() {
    for (name, function) in scalars() {
        let args = sample(&name);
        let result = call_arrays(function.clone(), &args).unwrap();
        assert!(is_nothing(&result, 2), "{name}");
        assert!(!is_nothing(&result, 0), "{name}");
        for (position, column) in args.iter().enumerate() {
            let mut args = args.clone();
            args[position] = new_null_array(column.data_type(), ROWS);
            let result = call_arrays(function.clone(), &args).unwrap();
            assert!((0..ROWS).all(|row| is_nothing(&result, row)), "{name}, argument {position}");
            args[position] = new_null_array(&DataType::Null, ROWS);
            let result = call_arrays(function.clone(), &args).unwrap();
            assert!((0..ROWS).all(|row| is_nothing(&result, row)), "{name}, untyped {position}");
        }
    }
}

#[test]
fn an_empty_batch_gives_an_empty_batch() {
    for (name, function) in scalars() {
        let args: Vec<ArrayRef> = sample(&name).iter().map(|column| column.slice(0, 0)).collect();
        let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
        let result = call_arrays(function.clone(), &args).unwrap();
        assert_eq!(result.len(), 0, "{name}");
        assert_eq!(result.data_type(), &function.return_type(&types).unwrap(), "{name}");
    }
}

#[test]
fn a_slice_gives_the_slice() {
    for (name, function) in scalars() {
        let args = sample(&name);
        let whole = call_arrays(function.clone(), &args).unwrap();
        for (offset, length) in [(1, 4), (2, 1), (3, 3)] {
            let slices: Vec<ArrayRef> = args.iter().map(|a| a.slice(offset, length)).collect();
            let result = call_arrays(function.clone(), &slices).unwrap();
            assert_eq!(&result, &whole.slice(offset, length), "{name} from {offset}");
        }
    }
}

#[test]
fn scalars_give_what_columns_give() {
    for (name, function) in scalars() {
        let args = sample(&name);
        for row in 0..ROWS {
            let indices = UInt32Array::from(vec![row as u32; 3]);
            let columns: Vec<ArrayRef> = args.iter().map(|a| take(a.as_ref(), &indices, None).unwrap()).collect();
            let expected = call_arrays(function.clone(), &columns).unwrap();
            for position in 0..=args.len() {
                // The first `position` arguments as scalars, the others as columns.
                let mixed = args.iter().zip(&columns).enumerate().map(|(i, (arg, column))| {
                    if i < position {
                        ColumnarValue::Scalar(ScalarValue::try_from_array(arg, row).unwrap())
                    } else {
                        ColumnarValue::Array(Arc::clone(column))
                    }
                });
                let result = call(function.clone(), mixed.collect(), 3).unwrap();
                assert_eq!(&result, &expected, "{name}, row {row}, {position} scalars");
            }
        }
    }
}

#[test]
fn aggregates_agree_however_they_run() {
    for function in aggregate_functions() {
        let name = function.name();
        let args = cast(&function, sample(name));
        let whole = aggregate(function.as_ref().clone(), &args).unwrap();
        assert!(!whole.is_null(), "{name}");
        let merged = aggregate_groups(function.as_ref().clone(), &args, &[0; ROWS], 1).unwrap();
        assert_eq!(merged, [whole], "{name}");

        let nothing: Vec<ArrayRef> = args.iter().map(|a| a.slice(2, 1)).collect();
        assert!(aggregate(function.as_ref().clone(), &nothing).unwrap().is_null(), "{name}");
        let empty: Vec<ArrayRef> = args.iter().map(|a| a.slice(0, 0)).collect();
        assert!(aggregate(function.as_ref().clone(), &empty).unwrap().is_null(), "{name}");

        let slices: Vec<ArrayRef> = args.iter().map(|a| a.slice(3, 2)).collect();
        let indices = UInt32Array::from(vec![3, 4]);
        let copies: Vec<ArrayRef> = args.iter().map(|a| take(a.as_ref(), &indices, None).unwrap()).collect();
        assert_eq!(
            aggregate(function.as_ref().clone(), &slices).unwrap(),
            aggregate(function.as_ref().clone(), &copies).unwrap(),
            "{name}"
        );
    }
}

fn cast(function: &datafusion_expr::AggregateUDF, args: Vec<ArrayRef>) -> Vec<ArrayRef> {
    let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
    let types = function.coerce_types(&types).unwrap();
    args.iter().zip(&types).map(|(a, t)| arrow::compute::cast(a, t).unwrap()).collect()
}
