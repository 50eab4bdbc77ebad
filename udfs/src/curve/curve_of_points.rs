//! A column for each point as a curve.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBufferBuilder, ListArray, PrimitiveArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int32Type, Int64Type};
use datafusion_common::{Result, exec_err, internal_datafusion_err};
use datafusion_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use crate::args::{exactly, primitive, refuse, signature};
use crate::list::list_of;

const NAME: &str = "curve_of_points";
/// Rows whose points fit the first cache while they are turned round.
const ROWS_PER_BLOCK: usize = 64;

/// The fields of a struct, in their order, as a list.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The fields of a struct, in their order, as a list: for tables that have a column for each point, `p1` to `p96`. It is a LIST of INT where all fields are INT or shorter, of BIGINT where all are integers, else of DOUBLE; units are not touched (`curve_from_kw` makes watts of it).

NULL for a NULL struct; an element is NULL where its field is.",
    syntax_example = "curve_of_points(points)",
    sql_example = r"```sql
> select curve_of_points({p1: 120, p2: null, p3: 90});
[120, NULL, 90]
```",
    argument(name = "points", description = "STRUCT of numbers, any unit: struct(p1, p2, …).")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CurveOfPoints;

/// The type of all elements, where the type is a struct of numbers.
fn element(points: &DataType) -> Option<DataType> {
    let DataType::Struct(fields) = points else { return None };
    let kinds: Vec<&DataType> = fields.iter().map(|field| field.data_type()).collect();
    let is_short = |kind: &DataType| {
        use DataType::{Int8, Int16, Int32, Null, UInt8, UInt16};
        matches!(kind, Null | Int8 | Int16 | Int32 | UInt8 | UInt16)
    };
    let is_whole = |kind: &DataType| (kind.is_integer() && *kind != DataType::UInt64) || kind.is_null();
    if kinds.is_empty() {
        None
    } else if kinds.iter().all(|kind| is_short(kind)) {
        Some(DataType::Int32)
    } else if kinds.iter().all(|kind| is_whole(kind)) {
        Some(DataType::Int64)
    } else {
        kinds.iter().all(|kind| kind.is_numeric() || kind.is_null()).then_some(DataType::Float64)
    }
}

impl ScalarUDFImpl for CurveOfPoints {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [points] = exactly(NAME, ["points"], types)?;
        match (points, element(points)) {
            (DataType::Struct(fields), Some(element)) => {
                let coerced = fields.iter().map(|field| Field::new(field.name(), element.clone(), true));
                Ok(vec![DataType::Struct(coerced.collect::<Fields>())])
            }
            (DataType::Null, _) => {
                Ok(vec![DataType::Struct(Fields::from(vec![Field::new("p1", DataType::Int32, true)]))])
            }
            _ => refuse(NAME, "points", "a struct of numbers", points),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [points] = exactly(NAME, ["points"], types)?;
        Ok(list_of(element(points).unwrap_or(DataType::Int32)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let points = args.args.first().map(|points| points.to_array(args.number_rows)).transpose()?;
        let points = points.as_ref().and_then(|points| points.as_struct_opt());
        let points = points.ok_or_else(|| internal_datafusion_err!("{NAME}: expected a struct"))?;
        let lists = match element(points.data_type()) {
            Some(DataType::Float64) => turn::<Float64Type>(points),
            Some(DataType::Int64) => turn::<Int64Type>(points),
            _ => turn::<Int32Type>(points),
        };
        Ok(ColumnarValue::Array(Arc::new(lists?) as ArrayRef))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

/// Columns of points turned into rows of points.
fn turn<T: ArrowPrimitiveType>(points: &StructArray) -> Result<ListArray> {
    let (rows, width) = (points.len(), points.num_columns());
    let Ok(last) = i32::try_from(rows * width) else {
        return exec_err!("{NAME}: {rows} rows of {width} points do not fit into one batch");
    };
    let columns =
        points.columns().iter().map(|column| primitive::<T>(NAME, column.as_ref())).collect::<Result<Vec<_>>>()?;
    let mut values = vec![T::default_value(); rows * width];
    let blocks = values.chunks_mut(ROWS_PER_BLOCK * width).zip((0..rows).step_by(ROWS_PER_BLOCK));
    for (block, first) in blocks {
        let height = block.len() / width;
        for (at, column) in columns.iter().enumerate() {
            let from = &column.values()[first..first + height];
            for (row, value) in block.chunks_exact_mut(width).zip(from) {
                row[at] = *value;
            }
        }
    }
    let values = PrimitiveArray::<T>::new(ScalarBuffer::from(values), known(&columns, rows));
    let offsets = (0..=last).step_by(width).collect::<Vec<i32>>();
    let field = Arc::new(Field::new_list_field(T::DATA_TYPE, true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(ListArray::try_new(field, offsets, Arc::new(values), points.nulls().cloned())?)
}

/// Which points are known, row by row; `None` where all are.
fn known<T: ArrowPrimitiveType>(columns: &[&PrimitiveArray<T>], rows: usize) -> Option<NullBuffer> {
    if columns.iter().all(|column| column.null_count() == 0) {
        return None;
    }
    let mut bits = BooleanBufferBuilder::new(rows * columns.len());
    bits.append_n(rows * columns.len(), true);
    for (at, column) in columns.iter().enumerate() {
        let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) else { continue };
        for row in (!nulls.inner()).set_indices() {
            bits.set_bit(row * columns.len() + at, false);
        }
    }
    Some(NullBuffer::new(bits.finish()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float32Array, Int64Array};

    use super::*;
    use crate::testing::call_arrays;

    #[test]
    fn columns_become_rows_whatever_their_number() {
        let columns: Vec<(String, ArrayRef)> = (0..96)
            .map(|at| {
                let column =
                    (0..1000).map(|row| ((row + at) % 7 != 3).then_some(row * 100 + at)).collect::<Int64Array>();
                (format!("p{at}"), Arc::new(column) as ArrayRef)
            })
            .collect();
        let fields = columns.iter().map(|(name, column)| Field::new(name, column.data_type().clone(), true));
        let points: ArrayRef = Arc::new(StructArray::new(
            fields.collect(),
            columns.iter().map(|(_, column)| Arc::clone(column)).collect(),
            Some(NullBuffer::from((0..1000).map(|row| row != 5).collect::<Vec<_>>())),
        ));
        let expected: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>((0..1000).map(|row| {
            (row != 5).then(|| (0..96).map(|at| ((row + at) % 7 != 3).then_some(row * 100 + at)).collect::<Vec<_>>())
        })));
        let found = call_arrays(CurveOfPoints, &[Arc::clone(&points)]).unwrap();
        assert_eq!(found.len(), 1000);
        // Row by row: what lies behind the NULL row is nobody's matter.
        for row in 0..1000 {
            assert_eq!(found.is_null(row), expected.is_null(row));
            if found.is_valid(row) {
                assert_eq!(
                    &found.slice(row, 1).as_list::<i32>().value(0),
                    &expected.as_list::<i32>().value(row),
                    "{row}"
                );
            }
        }
        assert_eq!(&call_arrays(CurveOfPoints, &[points.slice(3, 900)]).unwrap(), &found.slice(3, 900));
    }

    #[test]
    fn one_float_makes_all_of_them_floats() {
        let whole: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let half: ArrayRef = Arc::new(Float32Array::from(vec![0.5]));
        let fields = vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Float32, true)];
        let points: ArrayRef = Arc::new(StructArray::new(fields.into(), vec![whole, half], None));
        let expected: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(1.0), Some(0.5)])]));
        assert_eq!(&call_arrays(CurveOfPoints, &[points]).unwrap(), &expected);
    }
}
