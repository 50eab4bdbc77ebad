//! Calls functions in tests the way the engine does: coercion, planning, run.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::{AggregateUDF, ColumnarValue, EmitTo, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

/// Calls a scalar function over `rows` rows.
pub(crate) fn call(function: impl Into<ScalarUDF>, args: Vec<ColumnarValue>, rows: usize) -> Result<ArrayRef> {
    let function: ScalarUDF = function.into();
    let types: Vec<DataType> = args.iter().map(ColumnarValue::data_type).collect();
    let types = function.coerce_types(&types)?;
    let args =
        args.iter().zip(&types).map(|(value, data_type)| value.cast_to(data_type, None)).collect::<Result<Vec<_>>>()?;
    let arg_fields: Vec<FieldRef> = types.into_iter().map(|t| Arc::new(Field::new("argument", t, true))).collect();
    let scalars: Vec<Option<&ScalarValue>> = args
        .iter()
        .map(|value| match value {
            ColumnarValue::Scalar(scalar) => Some(scalar),
            ColumnarValue::Array(_) => None,
        })
        .collect();
    let return_field =
        function.return_field_from_args(ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &scalars })?;
    function
        .invoke_with_args(ScalarFunctionArgs {
            args: args.clone(),
            arg_fields,
            number_rows: rows,
            return_field,
            config_options: Arc::new(ConfigOptions::default()),
        })?
        .into_array_of_size(rows)
}

/// Calls a scalar function over arrays of one length.
pub(crate) fn call_arrays(function: impl Into<ScalarUDF>, args: &[ArrayRef]) -> Result<ArrayRef> {
    let rows = args[0].len();
    call(function, args.iter().cloned().map(ColumnarValue::Array).collect(), rows)
}

fn with_args<R>(function: &AggregateUDF, args: &[ArrayRef], f: impl FnOnce(AccumulatorArgs) -> R) -> R {
    let schema = Schema::empty();
    let fields: Vec<FieldRef> =
        args.iter().map(|array| Arc::new(Field::new("argument", array.data_type().clone(), true))).collect();
    let return_field = function.return_field(&fields).unwrap();
    f(AccumulatorArgs {
        return_field,
        schema: &schema,
        ignore_nulls: false,
        order_bys: &[],
        is_reversed: false,
        name: function.name(),
        is_distinct: false,
        exprs: &[],
        expr_fields: &fields,
    })
}

/// Aggregates all rows, in one accumulator.
pub(crate) fn aggregate(function: impl Into<AggregateUDF>, args: &[ArrayRef]) -> Result<ScalarValue> {
    let function: AggregateUDF = function.into();
    let mut accumulator = with_args(&function, args, |args| function.accumulator(args))?;
    accumulator.update_batch(args)?;
    accumulator.evaluate()
}

/// Aggregates by group and in two steps: the rows at even positions in one
/// partial accumulator, those at odd positions converted to state row by row,
/// both merged into a final accumulator that gives its groups back one by one.
pub(crate) fn aggregate_groups(
    function: impl Into<AggregateUDF>,
    args: &[ArrayRef],
    groups: &[usize],
    count: usize,
) -> Result<Vec<ScalarValue>> {
    let function: AggregateUDF = function.into();
    let create = || with_args(&function, args, |args| function.create_groups_accumulator(args));
    let even: BooleanArray = (0..groups.len()).map(|row| Some(row % 2 == 0)).collect();
    let odd: BooleanArray = (0..groups.len()).map(|row| Some(row % 2 == 1)).collect();

    let mut partial = create()?;
    partial.update_batch(args, groups, Some(&even), count)?;
    let mut last = create()?;
    last.merge_batch(&partial.convert_to_state(args, Some(&odd))?, groups, count)?;
    let all: Vec<usize> = (0..count).collect();
    last.merge_batch(&partial.state(EmitTo::All)?, &all, count)?;

    let mut values = Vec::new();
    for _ in 0..count {
        let first = last.evaluate(EmitTo::First(1))?;
        assert_eq!(first.len(), 1);
        values.push(ScalarValue::try_from_array(&first, 0)?);
    }
    assert_eq!(last.evaluate(EmitTo::All)?.len(), 0);
    Ok(values)
}

/// Aggregates all rows, takes the first `gone` out again and evaluates what is
/// left, as a window does that slides; `None` for an aggregate that cannot.
pub(crate) fn slide(function: &AggregateUDF, args: &[ArrayRef], gone: usize) -> Option<ScalarValue> {
    let mut accumulator = with_args(function, args, |args| function.accumulator(args)).unwrap();
    if !accumulator.supports_retract_batch() {
        return None;
    }
    accumulator.update_batch(args).unwrap();
    accumulator.evaluate().unwrap();
    let first: Vec<ArrayRef> = args.iter().map(|column| column.slice(0, gone)).collect();
    accumulator.retract_batch(&first).unwrap();
    Some(accumulator.evaluate().unwrap())
}
