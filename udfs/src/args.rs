//! What functions do with their arguments before the work begins.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use datafusion_common::{Result, internal_datafusion_err, internal_err, plan_datafusion_err, plan_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, Signature, Volatility};

/// The signature of every function here: immutable, and its own
/// `coerce_types` decides, so that a refusal names the function, the argument
/// and what it takes.
pub(crate) fn signature() -> &'static Signature {
    static SIGNATURE: LazyLock<Signature> = LazyLock::new(|| Signature::user_defined(Volatility::Immutable));
    &SIGNATURE
}

/// The types of exactly the arguments in `names`, or an error at planning.
pub(crate) fn exactly<'a, const N: usize>(
    function: &str,
    names: [&str; N],
    types: &'a [DataType],
) -> Result<&'a [DataType; N]> {
    types.try_into().map_err(|_| {
        plan_datafusion_err!("{function} takes {N} argument(s), ({}), not {}", names.join(", "), types.len())
    })
}

/// The refusal of one argument at planning.
pub(crate) fn refuse<T>(function: &str, argument: &str, takes: &str, found: &DataType) -> Result<T> {
    plan_err!("{function}: argument {argument} takes {takes}, not {found}")
}

/// An argument in one of the integer types, as `wanted`.
pub(crate) fn coerce_integer(function: &str, argument: &str, found: &DataType, wanted: DataType) -> Result<DataType> {
    if found.is_integer() || found.is_null() { Ok(wanted) } else { refuse(function, argument, "an integer", found) }
}

/// One argument of a call, without blowing a scalar up to a whole column.
#[derive(Debug)]
pub(crate) struct Column {
    array: ArrayRef,
    is_scalar: bool,
}

impl Column {
    pub(crate) fn new(value: &ColumnarValue, rows: usize) -> Result<Self> {
        match value {
            ColumnarValue::Scalar(scalar) => Ok(Self { array: scalar.to_array()?, is_scalar: true }),
            ColumnarValue::Array(array) if array.len() == rows => {
                Ok(Self { array: Arc::clone(array), is_scalar: false })
            }
            ColumnarValue::Array(array) => {
                internal_err!("argument of {} rows in a batch of {rows}", array.len())
            }
        }
    }

    /// A whole column.
    pub(crate) fn of(array: &ArrayRef) -> Self {
        Self { array: Arc::clone(array), is_scalar: false }
    }

    pub(crate) fn array(&self) -> &dyn Array {
        self.array.as_ref()
    }

    /// The same rows with other values.
    pub(crate) fn with(self, array: ArrayRef) -> Self {
        Self { array, ..self }
    }

    pub(crate) fn is_scalar(&self) -> bool {
        self.is_scalar
    }

    /// Where the value of `row` lies in [`Self::array`].
    pub(crate) fn at(&self, row: usize) -> usize {
        if self.is_scalar { 0 } else { row }
    }
}

/// The arguments of a call as columns.
pub(crate) fn columns<const N: usize>(function: &str, args: &ScalarFunctionArgs) -> Result<[Column; N]> {
    let columns = args.args.iter().map(|value| Column::new(value, args.number_rows)).collect::<Result<Vec<_>>>()?;
    columns.try_into().map_err(|columns: Vec<Column>| {
        internal_datafusion_err!("{function} was called with {} arguments", columns.len())
    })
}

/// An array of a type that coercion promised.
pub(crate) fn primitive<'a, T: ArrowPrimitiveType>(
    function: &str,
    array: &'a dyn Array,
) -> Result<&'a PrimitiveArray<T>> {
    array
        .as_primitive_opt::<T>()
        .ok_or_else(|| internal_datafusion_err!("{function}: expected {}, got {}", T::DATA_TYPE, array.data_type()))
}

/// An array of texts, as coercion promised.
pub(crate) fn texts<'a>(function: &str, array: &'a dyn Array) -> Result<&'a StringArray> {
    array
        .as_string_opt::<i32>()
        .ok_or_else(|| internal_datafusion_err!("{function}: expected text, got {}", array.data_type()))
}
