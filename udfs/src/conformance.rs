//! What every function promises, checked for each of them by name.

mod sample;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::ScalarValue;
use datafusion_expr::{ColumnarValue, Documentation, ScalarUDF, Volatility};

use self::sample::{ROWS, arguments, sample};
use crate::testing::{aggregate, aggregate_groups, call, call_arrays, slide};
use crate::{aggregate_functions, scalar_functions};

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
fn names_are_unique() {
    let scalars = scalar_functions();
    let aggregates = aggregate_functions();
    let names: Vec<&str> = scalars.iter().map(|f| f.name()).chain(aggregates.iter().map(|f| f.name())).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len());
}

/// The page under version control says what the code says: no function changes
/// its name or its promises unseen.
#[test]
fn the_reference_is_current() {
    // Where cargo runs the test, not where it was built: clones may share a target.
    let crate_folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned());
    let path = std::path::Path::new(&crate_folder).join("FUNCTIONS.md");
    let page = crate::reference::page();
    if std::env::var_os("KWHY_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "udfs/FUNCTIONS.md is not current: KWHY_BLESS=1 cargo test makes it anew");
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

/// Functions that take whatever can be counted.
const TAKES_FLAGS: [&str; 1] = ["histogram"];

#[test]
fn wrong_arguments_are_refused_by_name() {
    let wrong = |name: &str| {
        let mut types: Vec<DataType> = sample(name).iter().map(|a| a.data_type().clone()).collect();
        types[0] = if TAKES_FLAGS.contains(&name) { DataType::Binary } else { DataType::Boolean };
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

/// Engines coerce more than once.
#[test]
fn coerced_types_stay_as_they_are() {
    let types = |args: Vec<ArrayRef>| args.iter().map(|a| a.data_type().clone()).collect::<Vec<_>>();
    for (name, function) in scalars() {
        let once = function.coerce_types(&types(sample(&name))).unwrap();
        assert_eq!(function.coerce_types(&once).unwrap(), once, "{name}");
    }
    for function in aggregate_functions() {
        let once = function.coerce_types(&types(sample(function.name()))).unwrap();
        assert_eq!(function.coerce_types(&once).unwrap(), once, "{}", function.name());
    }
}

/// Arguments of which NULL says that there is no such thing, not that nobody knows:
/// a zone whose clock is changed, a second reading.
const MAY_BE_NULL: [(&str, &[usize]); 3] =
    [("cut_curve", &[1, 2]), ("elapsed_curve", &[1, 2, 3]), ("load_day", &[1, 2])];

#[test]
fn null_rows_say_nothing() {
    for (name, function) in scalars() {
        let args = sample(&name);
        let result = call_arrays(function.clone(), &args).unwrap();
        assert!(is_nothing(&result, 2), "{name}");
        assert!(!is_nothing(&result, 0), "{name}");
        let may_be_null =
            |position| MAY_BE_NULL.iter().any(|(other, positions)| *other == name && positions.contains(&position));
        for (position, column) in args.iter().enumerate() {
            let mut args = args.clone();
            args[position] = new_null_array(column.data_type(), ROWS);
            let result = call_arrays(function.clone(), &args).unwrap();
            let is_all_null = (0..ROWS).all(|row| is_nothing(&result, row));
            assert_eq!(is_all_null, !may_be_null(position), "{name}, argument {position}");
            if may_be_null(position) {
                continue;
            }
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

proptest::proptest! {
    /// Rows repeated, cut into batches and put together again at random.
    #[test]
    fn batches_do_not_matter(
        rows in proptest::collection::vec(0..ROWS as u32, 1..40),
        cuts in proptest::collection::vec(0..40usize, 0..4),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < rows.len()).collect();
        cuts.extend([0, rows.len()]);
        cuts.sort_unstable();
        let rows = UInt32Array::from(rows);
        for (name, function) in scalars() {
            let args: Vec<ArrayRef> = sample(&name).iter().map(|a| take(a.as_ref(), &rows, None).unwrap()).collect();
            let whole = call_arrays(function.clone(), &args).unwrap();
            let parts = cuts.windows(2).map(|cut| {
                let slices: Vec<ArrayRef> = args.iter().map(|a| a.slice(cut[0], cut[1] - cut[0])).collect();
                call_arrays(function.clone(), &slices).unwrap()
            });
            let parts: Vec<ArrayRef> = parts.collect();
            let parts: Vec<&dyn arrow::array::Array> = parts.iter().map(AsRef::as_ref).collect();
            proptest::prop_assert_eq!(&arrow::compute::concat(&parts).unwrap(), &whole, "{}", name);
        }
    }
}

/// Whether a value says nothing.
fn is_empty(value: &ScalarValue) -> bool {
    is_nothing(&value.to_array().unwrap(), 0)
}

#[test]
fn aggregates_agree_however_they_run() {
    for function in aggregate_functions() {
        let name = function.name();
        let args = cast(&function, sample(name));
        let whole = aggregate(function.as_ref().clone(), &args).unwrap();
        assert!(!is_empty(&whole), "{name}");
        let rows = args[0].len();
        let merged = aggregate_groups(function.as_ref().clone(), &args, &vec![0; rows], 1).unwrap();
        assert_eq!(merged, [whole], "{name}");

        let nothing: Vec<ArrayRef> = args.iter().map(|a| a.slice(2, 1)).collect();
        assert!(is_empty(&aggregate(function.as_ref().clone(), &nothing).unwrap()), "{name}");
        let empty: Vec<ArrayRef> = args.iter().map(|a| a.slice(0, 0)).collect();
        assert!(is_empty(&aggregate(function.as_ref().clone(), &empty).unwrap()), "{name}");

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

proptest::proptest! {
    /// Rows in any order, in any number of groups and merges, give the same
    /// bits.
    #[test]
    fn the_order_of_rows_does_not_matter(
        order in proptest::collection::vec(proptest::prelude::any::<u32>(), 36),
        parts in proptest::collection::vec(0..3usize, 36),
    ) {
        for function in aggregate_functions() {
            let args = cast(&function, sample(function.name()));
            let mut rows: Vec<u32> = (0..args[0].len() as u32).collect();
            rows.sort_by_key(|row| order[*row as usize]);
            let picked = |rows: &[u32]| -> Vec<ArrayRef> {
                let rows = UInt32Array::from(rows.to_vec());
                args.iter().map(|a| take(a.as_ref(), &rows, None).unwrap()).collect()
            };
            let groups = &parts[..rows.len()];
            let merged = aggregate_groups(function.as_ref().clone(), &picked(&rows), groups, 3).unwrap();
            for (group, merged) in merged.iter().enumerate() {
                let members = rows.iter().zip(groups).filter(|(_, of)| **of == group);
                let mut members: Vec<u32> = members.map(|(row, _)| *row).collect();
                members.sort_unstable();
                let members = picked(&members);
                let whole = aggregate(function.as_ref().clone(), &members).unwrap();
                proptest::prop_assert_eq!(merged, &whole, "{}", function.name());
            }
        }
    }
}

/// Rows that leave a window leave nothing behind.
#[test]
fn windows_slide() {
    let mut slid = 0;
    for function in aggregate_functions() {
        let args = cast(&function, sample(function.name()));
        for gone in [0, 1, 4, args[0].len()] {
            let left: Vec<ArrayRef> = args.iter().map(|a| a.slice(gone, a.len() - gone)).collect();
            if let Some(found) = slide(&function, &args, gone) {
                assert_eq!(found, aggregate(function.as_ref().clone(), &left).unwrap(), "{}", function.name());
                slid += 1;
            }
        }
    }
    assert!(slid > 40, "only {slid} windows slid");
}

fn cast(function: &datafusion_expr::AggregateUDF, args: Vec<ArrayRef>) -> Vec<ArrayRef> {
    let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
    let types = function.coerce_types(&types).unwrap();
    args.iter().zip(&types).map(|(a, t)| arrow::compute::cast(a, t).unwrap()).collect()
}

/// Whether the first argument is a curve.
fn takes_curve(name: &str) -> bool {
    matches!(arguments(name).first().map(String::as_str), Some("curve" | "power_w" | "left"))
}

fn call_with(name: &str, function: &ScalarUDF, curves: &ArrayRef) -> datafusion_common::Result<ArrayRef> {
    let rows = curves.len();
    let indices = UInt32Array::from(vec![0; rows]);
    let args = sample(name).into_iter().zip(arguments(name)).map(|(column, argument)| match argument.as_str() {
        "curve" | "power_w" | "left" | "right" | "profile" => Arc::clone(curves),
        _ => take(column.as_ref(), &indices, None).unwrap(),
    });
    call_arrays(function.clone(), &args.collect::<Vec<_>>())
}

/// Lists of 48 numbers, in every kind that SQL has.
fn kinds_of_lists() -> Vec<DataType> {
    let field = |element: &DataType| Arc::new(arrow::datatypes::Field::new_list_field(element.clone(), true));
    let elements = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float16,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(20, 3),
    ];
    let mut kinds: Vec<DataType> = elements.iter().map(|element| DataType::List(field(element))).collect();
    for element in [DataType::Int32, DataType::Float32] {
        kinds.push(DataType::LargeList(field(&element)));
        kinds.push(DataType::FixedSizeList(field(&element), 48));
    }
    kinds
}

/// Three curves of 48 points and a NULL.
fn plain_curves() -> ArrayRef {
    let curve = |step: i32| Some((0..48).map(|i| Some(i * step % 97 + 1)).collect::<Vec<_>>());
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([curve(7), None, curve(5), curve(11)]))
}

/// As below, of many curves together.
#[test]
fn kinds_of_lists_do_not_matter_to_aggregates() {
    let plain = plain_curves();
    let mut taken = 0;
    for function in aggregate_functions() {
        let name = function.name();
        let names = arguments(name);
        if !matches!(names.first().map(String::as_str), Some("curve" | "wh_list")) {
            continue;
        }
        let ask = |curves: &ArrayRef| {
            let rest = sample(name).into_iter().skip(1);
            let rest = rest.map(|column| take(&column, &UInt32Array::from(vec![0; 4]), None).unwrap());
            let args: Vec<ArrayRef> = [Arc::clone(curves)].into_iter().chain(rest).collect();
            let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
            function.coerce_types(&types)?;
            aggregate(function.as_ref().clone(), &cast(&function, args))
        };
        let expected = ask(&plain).unwrap();
        for kind in kinds_of_lists() {
            match ask(&arrow::compute::cast(&plain, &kind).unwrap()) {
                Ok(found) => {
                    assert_eq!(found, expected, "{name}, {kind}");
                    taken += 1;
                }
                // Energies are whole: what is exact stays exact.
                Err(error) => assert!(names[0] == "wh_list" && !kind_is_integer(&kind), "{name}, {kind}: {error}"),
            }
        }
    }
    assert!(taken > 100, "only {taken} kinds were taken");
}

/// Curves in every kind of list and every width of number say the same.
#[test]
fn kinds_of_lists_do_not_matter() {
    let (plain, kinds) = (plain_curves(), kinds_of_lists());
    for (name, function) in scalars().filter(|(name, _)| takes_curve(name)) {
        // These two take floats, in kilowatts.
        if name.starts_with("curve_from") {
            continue;
        }
        let expected = call_with(&name, &function, &plain).unwrap();
        for kind in &kinds {
            if matches!(name.as_str(), "time_of_peak") && !kind_is_integer(kind) {
                continue;
            }
            let curves = arrow::compute::cast(&plain, kind).unwrap();
            let result = call_with(&name, &function, &curves).unwrap_or_else(|error| panic!("{name}, {kind}: {error}"));
            assert_eq!(&result, &expected, "{name}, {kind}");
        }
    }
}

fn kind_is_integer(kind: &DataType) -> bool {
    crate::list::element_of(kind).is_some_and(DataType::is_integer)
}

/// Lengths and values that no utility delivers on purpose: an answer or an
/// error, never a panic, and the same answer in one batch and row by row.
#[test]
fn odd_curves_do_not_panic() {
    let lengths = [0usize, 1, 2, 7, 23, 92, 95, 96, 97, 100, 288, 1440, 1441];
    let values = [0, 1, -1, i32::MAX, i32::MIN, 96];
    let mut rows = Vec::new();
    for length in lengths {
        for value in values {
            rows.push(Some(vec![Some(value); length]));
        }
        rows.push(Some(
            (0..length).map(|i| (i % 2 == 0).then_some(if i % 4 == 0 { i32::MAX } else { i32::MIN })).collect(),
        ));
        rows.push(Some(vec![None; length]));
    }
    let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows));
    for (name, function) in scalars().filter(|(name, _)| takes_curve(name)) {
        let single: Vec<_> = (0..curves.len()).map(|row| call_with(&name, &function, &curves.slice(row, 1))).collect();
        match call_with(&name, &function, &curves) {
            Ok(whole) => {
                for (row, one) in single.into_iter().enumerate() {
                    assert_eq!(&whole.slice(row, 1), &one.unwrap(), "{name}, row {row}");
                }
            }
            Err(error) => {
                assert!(error.to_string().contains(&name), "{name}: {error}");
                assert!(single.iter().any(Result::is_err), "{name}: only the batch fails: {error}");
            }
        }
    }
}

/// NaN and infinity in a list of floats are points that nobody knows.
#[test]
fn floats_that_are_no_numbers_are_unknown() {
    use arrow::datatypes::Float64Type;
    let curve =
        |hole: Option<f64>| (0..24).map(|i| if i % 5 == 2 { hole } else { Some(f64::from(i)) }).collect::<Vec<_>>();
    let lists = |hole| -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([Some(curve(hole)), None, Some(vec![hole; 24])]))
    };
    for (name, function) in scalars().filter(|(name, _)| takes_curve(name) && name != "time_of_peak") {
        let expected = call_with(&name, &function, &lists(None)).unwrap();
        for hole in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let result = call_with(&name, &function, &lists(Some(hole)));
            assert_eq!(&result.unwrap_or_else(|error| panic!("{name}, {hole}: {error}")), &expected, "{name}, {hole}");
        }
    }
}
