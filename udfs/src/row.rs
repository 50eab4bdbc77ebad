//! Functions of one row: some arguments, each of a kind, give one figure.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion_common::{Result, ScalarValue, internal_datafusion_err, plan_datafusion_err, plan_err};
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl};

use crate::args::{Column, coerce_integer, primitive, refuse, texts};
use crate::figure::Figure;
use crate::list::{Lists, Row, element_of, list_of};

/// A function of the arguments of a row; [`row_function!`] makes of it what
/// engines see.
pub(crate) trait RowFunction: ScalarUDFImpl {
    const NAME: &'static str;
    const ARGUMENTS: &'static [&'static str];
    type Arguments: Arguments;
    type Figure: Figure;

    /// The figure of arguments none of which is NULL.
    fn figure(arguments: <Self::Arguments as Arguments>::Values<'_>) -> Result<Option<Self::Figure>>;

    /// What is wrong with a literal, where it can be told at planning. Wrong
    /// values of a column are for [`Self::figure`] to refuse.
    fn check(argument: usize, literal: &ScalarValue) -> Result<(), String> {
        let _ = (argument, literal);
        Ok(())
    }
}

/// A kind of argument.
pub(crate) trait Kind {
    type Value<'a>;

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType>;
    /// Reads rows of a column of the type that coercion made; `None` where the
    /// value is unknown.
    fn reader<'a>(function: &str, array: &'a dyn Array) -> Result<impl Fn(usize) -> Option<Self::Value<'a>>>;
}

/// Any number, as a float; NaN and infinity are unknown.
pub(crate) struct Number;

impl Kind for Number {
    type Value<'a> = f64;

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
        if found.is_numeric() || found.is_null() {
            Ok(DataType::Float64)
        } else {
            refuse(function, argument, "a number", found)
        }
    }

    fn reader(function: &str, array: &dyn Array) -> Result<impl Fn(usize) -> Option<f64>> {
        let values = primitive::<Float64Type>(function, array)?;
        Ok(|at| values.is_valid(at).then(|| values.value(at)).filter(|value| value.is_finite()))
    }
}

/// A whole number.
pub(crate) struct Whole;

impl Kind for Whole {
    type Value<'a> = i64;

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
        coerce_integer(function, argument, found, DataType::Int64)
    }

    fn reader(function: &str, array: &dyn Array) -> Result<impl Fn(usize) -> Option<i64>> {
        let values = primitive::<Int64Type>(function, array)?;
        Ok(|at| values.is_valid(at).then(|| values.value(at)))
    }
}

/// A text.
pub(crate) struct Text;

impl Kind for Text {
    type Value<'a> = &'a str;

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
        if is_text(found) { Ok(DataType::Utf8) } else { refuse(function, argument, "a text", found) }
    }

    fn reader<'a>(function: &str, array: &'a dyn Array) -> Result<impl Fn(usize) -> Option<&'a str>> {
        let values = texts(function, array)?;
        Ok(|at| values.is_valid(at).then(|| values.value(at)))
    }
}

/// Text of any kind, from a dictionary too, or an untyped NULL.
pub(crate) fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Dictionary(_, value) => is_text(value),
        _ => found.is_string() || found.is_null(),
    }
}

/// A list of numbers, as floats; unknown where an element is NULL, NaN or
/// infinite.
pub(crate) struct Numbers;

impl Kind for Numbers {
    type Value<'a> = &'a [f64];

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
        match element_of(found) {
            Some(element) if element.is_numeric() || element.is_null() => Ok(list_of(DataType::Float64)),
            None if found.is_null() => Ok(list_of(DataType::Float64)),
            _ => refuse(function, argument, "a list of numbers", found),
        }
    }

    fn reader<'a>(function: &str, array: &'a dyn Array) -> Result<impl Fn(usize) -> Option<&'a [f64]>> {
        let lists = Lists::<Float64Type>::try_new(function, array)?;
        Ok(move |at| lists.row(at).and_then(Row::dense).filter(|list| list.iter().all(|value| value.is_finite())))
    }
}

/// A list of lists of numbers, each as in [`Numbers`]; unknown where one of
/// them is.
pub(crate) struct Table;

impl Kind for Table {
    type Value<'a> = Vec<&'a [f64]>;

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
        let is_table = match element_of(found) {
            Some(list) => Numbers::coerce(function, argument, list).is_ok(),
            None => found.is_null(),
        };
        if is_table {
            Ok(list_of(list_of(DataType::Float64)))
        } else {
            refuse(function, argument, "a list of lists of numbers", found)
        }
    }

    fn reader<'a>(function: &str, array: &'a dyn Array) -> Result<impl Fn(usize) -> Option<Vec<&'a [f64]>>> {
        let table = array.as_list_opt::<i32>();
        let table = table.ok_or_else(|| internal_datafusion_err!("{function}: expected lists of lists"))?;
        let list = Numbers::reader(function, table.values())?;
        Ok(move |at| {
            // Offsets of a list array ascend from 0, so they fit.
            let (start, end) = (table.value_offsets()[at] as usize, table.value_offsets()[at + 1] as usize);
            if table.is_valid(at) { (start..end).map(&list).collect() } else { None }
        })
    }
}

/// Some kinds in their order: a tuple of them.
pub(crate) trait Arguments {
    type Values<'a>;

    fn coerce(function: &str, names: &[&str], types: &[DataType]) -> Result<Vec<DataType>>;
    /// Calls `take` with the values of each row, `None` where one is unknown.
    fn each(
        function: &str,
        columns: &[Column],
        rows: usize,
        take: impl FnMut(Option<Self::Values<'_>>) -> Result<()>,
    ) -> Result<()>;
}

macro_rules! arguments {
    ($count:literal: $($kind:ident $value:ident $at:tt),+) => {
        impl<$($kind: Kind),+> Arguments for ($($kind,)+) {
            type Values<'a> = ($($kind::Value<'a>,)+);

            fn coerce(function: &str, names: &[&str], types: &[DataType]) -> Result<Vec<DataType>> {
                if types.len() != $count {
                    let names = names.join(", ");
                    return plan_err!("{function} takes {} argument(s), ({names}), not {}", $count, types.len());
                }
                Ok(vec![$($kind::coerce(function, names[$at], &types[$at])?),+])
            }

            fn each(
                function: &str,
                columns: &[Column],
                rows: usize,
                mut take: impl FnMut(Option<Self::Values<'_>>) -> Result<()>,
            ) -> Result<()> {
                $(let $value = $kind::reader(function, columns[$at].array())?;)+
                for row in 0..rows {
                    let values = || Some(($($value(columns[$at].at(row))?,)+));
                    take(values())?;
                }
                Ok(())
            }
        }
    };
}

arguments!(1: A a 0);
arguments!(2: A a 0, B b 1);
arguments!(3: A a 0, B b 1, C c 2);
arguments!(4: A a 0, B b 1, C c 2, D d 3);
arguments!(5: A a 0, B b 1, C c 2, D d 3, E e 4);

pub(crate) fn coerce<F: RowFunction>(types: &[DataType]) -> Result<Vec<DataType>> {
    F::Arguments::coerce(F::NAME, F::ARGUMENTS, types)
}

/// Wrong literals are refused at planning, in the type that they are cast to.
pub(crate) fn check<F: RowFunction>(args: &ReturnFieldArgs) -> Result<()> {
    let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
    for ((argument, literal), wanted) in args.scalar_arguments.iter().enumerate().zip(coerce::<F>(&types)?) {
        // A literal that cannot be cast is refused where it is.
        if let Some(Ok(literal)) = literal.map(|literal| literal.cast_to(&wanted)) {
            F::check(argument, &literal).map_err(|refusal| {
                plan_datafusion_err!("{}: argument {} {refusal}", F::NAME, F::ARGUMENTS[argument])
            })?;
        }
    }
    Ok(())
}

pub(crate) fn invoke<F: RowFunction>(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let rows = args.number_rows;
    let columns = args.args.iter().map(|value| Column::new(value, rows)).collect::<Result<Vec<_>>>()?;
    if columns.len() != F::ARGUMENTS.len() {
        return Err(internal_datafusion_err!("{} was called with {} arguments", F::NAME, columns.len()));
    }
    let mut figures = Vec::with_capacity(rows);
    F::Arguments::each(F::NAME, &columns, rows, |values| {
        figures.push(match values {
            Some(values) => F::figure(values)?,
            None => None,
        });
        Ok(())
    })?;
    Ok(ColumnarValue::Array(F::Figure::column(figures)?))
}

/// The traits that engines see, of a [`RowFunction`].
macro_rules! row_function {
    ($function:ty) => {
        impl $crate::scalar::Scalar for $function {
            const NAME: &'static str = <Self as $crate::row::RowFunction>::NAME;

            fn coerce(
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                $crate::row::coerce::<Self>(types)
            }

            fn data_type() -> arrow::datatypes::DataType {
                <<Self as $crate::row::RowFunction>::Figure as $crate::figure::Figure>::data_type()
            }

            fn check(args: &datafusion_expr::ReturnFieldArgs) -> datafusion_common::Result<()> {
                $crate::row::check::<Self>(args)
            }

            fn invoke(
                args: &datafusion_expr::ScalarFunctionArgs,
            ) -> datafusion_common::Result<datafusion_expr::ColumnarValue> {
                $crate::row::invoke::<Self>(args)
            }
        }

        $crate::scalar::scalar!($function);
    };
}
pub(crate) use row_function;
