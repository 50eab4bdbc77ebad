//! Throughput of the functions of curves, on one core:
//!
//!     cargo bench --bench functions
//!
//! 100,000 curves of 96 points, no gaps and then 2 % of all points unknown.
//! Bytes are those of the curves, four a point. Aggregates have them in groups
//! of 30, as days of an account, beside `plain_sum`, which adds up the points
//! of each group and nothing else.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int32Array, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int32Type, Schema};
use datafusion_common::ScalarValue;
use datafusion_common::config::ConfigOptions;
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{AggregateUDF, ColumnarValue, EmitTo, ScalarFunctionArgs, ScalarUDF};
use divan::Bencher;
use divan::counter::BytesCount;
use kwhy_udfs::reference;

const CURVES: usize = 100_000;
const POINTS: usize = 96;
/// Rows of a batch, as DataFusion cuts them.
const ROWS: usize = 8192;

fn main() {
    divan::main();
}

/// Functions whose first argument is a curve of watts, as a list or a column for each point.
fn names() -> Vec<String> {
    let entries = reference::entries().into_iter();
    let of_curves = entries.filter(|entry| {
        let syntax = entry.syntax();
        let starts = ["(curve", "(power_w)", "(left", "(points)"];
        !entry.is_aggregate && starts.iter().any(|start| syntax.contains(start))
    });
    of_curves.map(|entry| entry.name).filter(|name| !name.starts_with("curve_from")).collect()
}

#[divan::bench(args = names())]
fn dense(bencher: Bencher, name: &str) {
    run(bencher, name, 0);
}

#[divan::bench(args = names())]
fn gapped(bencher: Bencher, name: &str) {
    run(bencher, name, 50);
}

/// One point in `gaps` is unknown, none where it is 0.
fn run(bencher: Bencher, name: &str, gaps: usize) {
    let functions = kwhy_udfs::scalar_functions();
    let function = functions.iter().find(|function| function.name() == name).expect("a function");
    let batches: Vec<ArrayRef> = (0..CURVES.div_ceil(ROWS)).map(|batch| curves(batch, gaps)).collect();
    let calls: Vec<ScalarFunctionArgs> = batches.iter().map(|curves| arguments(function, curves)).collect();
    bencher.counter(BytesCount::new(CURVES * POINTS * size_of::<i32>())).bench_local(|| {
        for call in &calls {
            divan::black_box(function.invoke_with_args(call.clone()).expect("a result"));
        }
    });
}

/// Aggregates of curves alone.
fn aggregate_names() -> Vec<String> {
    let entries = reference::entries().into_iter().filter(|entry| entry.is_aggregate);
    let of_curves = entries.filter(|entry| matches!(entry.arguments().next(), Some("curve" | "wh_list")));
    of_curves.map(|entry| entry.name).collect()
}

/// Days of an account.
const DAYS: usize = 30;

#[divan::bench(args = aggregate_names())]
fn grouped(bencher: Bencher, name: &str) {
    let functions = kwhy_udfs::aggregate_functions();
    let function = functions.iter().find(|function| function.name() == name).expect("a function");
    let batches: Vec<Vec<ArrayRef>> = (0..CURVES.div_ceil(ROWS)).map(|batch| columns(function, batch)).collect();
    let fields: Vec<FieldRef> =
        batches[0].iter().map(|column| Arc::new(Field::new("argument", column.data_type().clone(), true))).collect();
    let schema = Schema::empty();
    bencher.counter(BytesCount::new(CURVES * POINTS * size_of::<i32>())).bench_local(|| {
        let accumulator = function.create_groups_accumulator(AccumulatorArgs {
            return_field: function.return_field(&fields).expect("a field"),
            schema: &schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name,
            is_distinct: false,
            exprs: &[],
            expr_fields: &fields,
        });
        let mut accumulator = accumulator.expect("an accumulator");
        let mut row = 0;
        for batch in &batches {
            let rows = batch[0].len();
            let groups: Vec<usize> = (row..row + rows).map(|row| row / DAYS).collect();
            row += rows;
            accumulator.update_batch(batch, &groups, None, row.div_ceil(DAYS)).expect("added");
        }
        divan::black_box(accumulator.evaluate(EmitTo::All).expect("figures"));
    });
}

/// The arguments of an aggregate, as arrays.
fn columns(function: &AggregateUDF, batch: usize) -> Vec<ArrayRef> {
    let documentation = function.documentation().expect("documentation");
    let curves = curves(batch, 0);
    let arguments = documentation.arguments.iter().flatten().map(|(name, _)| match name.as_str() {
        "curve" | "wh_list" => Arc::clone(&curves),
        "steps" => Arc::new(Float64Array::from(vec![100.0; curves.len()])) as ArrayRef,
        _ => Arc::new(Float64Array::from(vec![0.25; curves.len()])) as ArrayRef,
    });
    arguments.collect()
}

#[divan::bench]
fn plain_sum(bencher: Bencher) {
    let batches: Vec<ArrayRef> = (0..CURVES.div_ceil(ROWS)).map(|batch| curves(batch, 0)).collect();
    bencher.counter(BytesCount::new(CURVES * POINTS * size_of::<i32>())).bench_local(|| {
        let (mut sums, mut row) = (vec![0i64; CURVES.div_ceil(DAYS)], 0);
        for batch in &batches {
            let curves = batch.as_list::<i32>();
            let points = curves.values().as_primitive::<Int32Type>().values();
            for ends in curves.value_offsets().windows(2) {
                let points = &points[ends[0] as usize..ends[1] as usize];
                sums[row / DAYS] += points.iter().map(|&watts| i64::from(watts)).sum::<i64>();
                row += 1;
            }
        }
        divan::black_box(sums);
    });
}

/// Households of a kind: a base, an evening, some noise.
fn curves(batch: usize, gaps: usize) -> ArrayRef {
    let rows = ROWS.min(CURVES - batch * ROWS);
    let curve = |row: usize| {
        let number = batch * ROWS + row;
        let point = |i: usize| {
            let noise = (number * 7919 + i * 104_729) % 263;
            let evening = if (70..84).contains(&i) { 900 + number % 500 } else { 0 };
            let is_gap = gaps > 0 && (number * 31 + i * 17).is_multiple_of(gaps);
            (!is_gap).then_some((120 + noise + evening) as i32)
        };
        Some((0..POINTS).map(point).collect::<Vec<_>>())
    };
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>((0..rows).map(curve)))
}

/// A column for each point.
fn columns_of(curves: &ArrayRef) -> ArrayRef {
    let points = curves.as_list::<i32>().values().as_primitive::<Int32Type>();
    let column = |at: usize| points.iter().skip(at).step_by(POINTS).collect::<Int32Array>();
    let fields = (0..POINTS).map(|at| (Arc::new(Field::new(format!("p{at}"), DataType::Int32, true)), at));
    Arc::new(StructArray::from(fields.map(|(field, at)| (field, Arc::new(column(at)) as ArrayRef)).collect::<Vec<_>>()))
}

fn arguments(function: &ScalarUDF, curves: &ArrayRef) -> ScalarFunctionArgs {
    let documentation = function.documentation().expect("documentation");
    let names = documentation.arguments.iter().flatten().map(|(name, _)| name.as_str());
    let number = |value: i64| ColumnarValue::Scalar(ScalarValue::Int64(Some(value)));
    let text = |value: &str| ColumnarValue::Scalar(ScalarValue::Utf8(Some(value.to_owned())));
    let args: Vec<ColumnarValue> = names
        .map(|name| match name {
            "curve" | "power_w" | "left" | "right" | "profile" | "second" => ColumnarValue::Array(Arc::clone(curves)),
            "points" => ColumnarValue::Array(columns_of(curves)),
            "date" => ColumnarValue::Scalar(ScalarValue::Date32(Some(20_000))),
            "zone" => text("Europe/London"),
            "method" => text("sum"),
            "from_minute" => number(1020),
            "to_minute" => number(1260),
            "interval_minutes" => number(15),
            "max_points" => number(4),
            "least_points" => number(48),
            "times" => number(20),
            "min_level_w" => number(500),
            _ => number(60),
        })
        .collect();
    let types: Vec<DataType> = args.iter().map(ColumnarValue::data_type).collect();
    let return_type = function.return_type(&types).expect("a type");
    ScalarFunctionArgs {
        arg_fields: types.into_iter().map(|found| Arc::new(Field::new("argument", found, true))).collect(),
        args,
        number_rows: curves.len(),
        return_field: Arc::new(Field::new(function.name(), return_type, true)),
        config_options: Arc::new(ConfigOptions::default()),
    }
}
