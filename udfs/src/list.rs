//! List columns: the one place that walks list offsets.

use std::sync::Arc;

use arrow::array::{
    Array, AsArray, GenericListArray, LargeListArray, ListArray, NullBufferBuilder, OffsetSizeTrait, PrimitiveArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Float64Type, Int32Type, Int64Type};
use datafusion_common::{Result, exec_err, internal_datafusion_err};

use crate::args::{Column, refuse};

/// `List<element>` as functions here return it.
pub(crate) fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element, true)))
}

/// The element type of any kind of list.
pub(crate) fn element_of(list: &DataType) -> Option<&DataType> {
    match list {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::ListView(field)
        | DataType::LargeListView(field) => Some(field.data_type()),
        _ => None,
    }
}

/// A curve of watts: `List<Int32>` as it is, lists of shorter integers cast to
/// it, lists of longer ones, of floats and decimals as `List<Float64>`, which
/// [`in_watts`] then rounds, and of which it refuses by name what is too large.
pub(crate) fn coerce_to_curve(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
    match (found, element_of(found)) {
        (DataType::List(_), Some(DataType::Int32 | DataType::Float64)) => Ok(found.clone()),
        (_, Some(DataType::Int64 | DataType::UInt32 | DataType::UInt64)) => Ok(list_of(DataType::Float64)),
        (_, Some(element)) if element.is_integer() || element.is_null() => Ok(list_of(DataType::Int32)),
        (_, Some(element)) if element.is_floating() || element.is_decimal() => Ok(list_of(DataType::Float64)),
        (DataType::Null, _) => Ok(list_of(DataType::Int32)),
        _ => refuse(function, argument, "a list of numbers", found),
    }
}

/// What [`coerce_to_curve`] let through, as `List<Int32>`: floats are rounded
/// half away from zero to whole watts; NaN and infinity are unknown.
pub(crate) fn in_watts(function: &str, curve: Column) -> Result<Column> {
    if element_of(curve.array().data_type()) != Some(&DataType::Float64) {
        return Ok(curve);
    }
    let floats = Lists::<Float64Type>::try_new(function, curve.array())?;
    let rows = curve.array().len();
    let mut watts = ListWriter::<Int32Type>::with_capacity(rows, floats.values.len());
    let mut points = Vec::new();
    for row in 0..rows {
        let Some(list) = floats.row(row) else {
            watts.push_null();
            continue;
        };
        points.clear();
        for value in list.iter() {
            points.push(match value {
                Some(value) if value.is_finite() => Some(whole_watts(function, value)?),
                _ => None,
            });
        }
        watts.push(points.iter().copied());
    }
    let watts = watts.finish(function)?;
    Ok(curve.with(Arc::new(watts)))
}

/// A finite number of watts, rounded half away from zero.
pub(crate) fn whole_watts(function: &str, value: f64) -> Result<i32> {
    let rounded = value.round();
    if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&rounded) {
        Ok(rounded as i32)
    } else {
        exec_err!("{function}: {value} does not fit into a curve of INT watts")
    }
}

/// A list of integers, as `List<Int32>` or `List<Int64>`. Floats are refused:
/// what is exact stays exact.
pub(crate) fn coerce_to_integer_list(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
    match (found, element_of(found)) {
        (DataType::List(_), Some(DataType::Int32 | DataType::Int64)) => Ok(found.clone()),
        (_, Some(DataType::Int64 | DataType::UInt64 | DataType::UInt32)) => Ok(list_of(DataType::Int64)),
        (_, Some(element)) if element.is_integer() || element.is_null() => Ok(list_of(DataType::Int32)),
        (DataType::Null, _) => Ok(list_of(DataType::Int32)),
        _ => refuse(function, argument, "a list of integers", found),
    }
}

/// `LargeList<element>`: of states, which may have more than 2^31 values in a
/// batch.
pub(crate) fn large_list_of(element: DataType) -> DataType {
    DataType::LargeList(Arc::new(Field::new_list_field(element, true)))
}

/// A list column, row by row. Slices and nulls are seen to.
#[derive(Debug)]
pub(crate) struct Lists<'a, T: ArrowPrimitiveType, O = i32> {
    offsets: &'a [O],
    rows: Option<&'a NullBuffer>,
    values: &'a [T::Native],
    /// Which values are known, and which lists have one that is not.
    known: Option<(&'a NullBuffer, Vec<bool>)>,
}

impl<'a, T: ArrowPrimitiveType> Lists<'a, T> {
    pub(crate) fn try_new(function: &str, array: &'a dyn Array) -> Result<Self> {
        Self::of(function, array)
    }
}

impl<'a, T: ArrowPrimitiveType> Lists<'a, T, i64> {
    /// A column of [`large_list_of`].
    pub(crate) fn try_new_large(function: &str, array: &'a dyn Array) -> Result<Self> {
        Self::of(function, array)
    }
}

impl<'a, T: ArrowPrimitiveType, O: OffsetSizeTrait> Lists<'a, T, O> {
    fn of(function: &str, array: &'a dyn Array) -> Result<Self> {
        let unexpected =
            || internal_datafusion_err!("{function}: expected a list of {}, got {}", T::DATA_TYPE, array.data_type());
        let list = array.as_list_opt::<O>().ok_or_else(unexpected)?;
        let values = list.values().as_primitive_opt::<T>().ok_or_else(unexpected)?;
        let offsets = list.value_offsets();
        let known = values.nulls().filter(|known| known.null_count() > 0);
        let known = known.map(|known| (known, gapped(known, offsets)));
        Ok(Self { offsets, rows: list.nulls(), values: values.values(), known })
    }

    /// The list of row `i`; `None` where the row is NULL.
    #[inline]
    pub(crate) fn row(&self, i: usize) -> Option<Row<'a, T::Native>> {
        if self.rows.is_some_and(|rows| rows.is_null(i)) {
            return None;
        }
        // Offsets of a list array ascend from 0, so they fit.
        let (start, end) = (self.offsets[i].as_usize(), self.offsets[i + 1].as_usize());
        let gaps = self.known.as_ref().filter(|(_, gapped)| gapped[i]);
        Some(Row { values: &self.values[start..end], gaps: gaps.map(|(known, _)| (*known, start)) })
    }
}

/// Which of the lists between `offsets` have a value that is not known: seen for
/// all of them in one pass over the bits, most of which are set.
fn gapped<O: OffsetSizeTrait>(known: &NullBuffer, offsets: &[O]) -> Vec<bool> {
    let mut gapped = vec![false; offsets.len().saturating_sub(1)];
    let mut list = 0;
    for (word, bits) in known.inner().bit_chunks().iter_padded().enumerate() {
        let mut unknown = !bits;
        while unknown != 0 {
            let at = word * 64 + unknown.trailing_zeros() as usize;
            unknown &= unknown - 1;
            while list < gapped.len() && offsets[list + 1].as_usize() <= at {
                list += 1;
            }
            if list == gapped.len() {
                return gapped;
            }
            gapped[list] |= at >= offsets[list].as_usize();
        }
    }
    gapped
}

/// One list: values by position, some of which may be unknown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a, N> {
    values: &'a [N],
    /// Where a value is unknown: validity of all values, and where ours begin.
    gaps: Option<(&'a NullBuffer, usize)>,
}

impl<'a, N: Copy> Row<'a, N> {
    pub(crate) fn len(self) -> usize {
        self.values.len()
    }

    /// The values, if every one of them is known.
    #[inline]
    pub(crate) fn dense(self) -> Option<&'a [N]> {
        match self.gaps {
            None => Some(self.values),
            Some(_) => None,
        }
    }

    /// The values by position, `None` where unknown.
    pub(crate) fn iter(self) -> impl Iterator<Item = Option<N>> {
        self.values.iter().enumerate().map(move |(i, &value)| match self.gaps {
            Some((known, start)) if known.is_null(start + i) => None,
            _ => Some(value),
        })
    }

    /// The known values with their positions.
    pub(crate) fn known(self) -> impl Iterator<Item = (usize, N)> {
        self.iter().enumerate().filter_map(|(i, value)| value.map(|value| (i, value)))
    }
}

/// A column of integer lists of either width, as `Int64`.
#[derive(Debug)]
pub(crate) enum IntegerLists<'a> {
    Narrow(Lists<'a, Int32Type>),
    Wide(Lists<'a, Int64Type>),
}

impl<'a> IntegerLists<'a> {
    pub(crate) fn try_new(function: &str, array: &'a dyn Array) -> Result<Self> {
        match element_of(array.data_type()) {
            Some(DataType::Int64) => Ok(Self::Wide(Lists::try_new(function, array)?)),
            _ => Ok(Self::Narrow(Lists::try_new(function, array)?)),
        }
    }

    /// Copies row `i` into `values`; false where the row is NULL.
    pub(crate) fn read(&self, i: usize, values: &mut Vec<Option<i64>>) -> bool {
        values.clear();
        match self {
            Self::Narrow(lists) => lists.row(i).map(|row| {
                values.extend(row.iter().map(|value| value.map(i64::from)));
            }),
            Self::Wide(lists) => lists.row(i).map(|row| values.extend(row.iter())),
        }
        .is_some()
    }
}

/// Writes a list column, row by row.
#[derive(Debug)]
pub(crate) struct ListWriter<T: ArrowPrimitiveType> {
    offsets: Vec<i64>,
    rows: NullBufferBuilder,
    values: Vec<T::Native>,
    known: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> ListWriter<T> {
    pub(crate) fn with_capacity(rows: usize, values: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self {
            offsets,
            rows: NullBufferBuilder::new(rows),
            values: Vec::with_capacity(values),
            known: NullBufferBuilder::new(values),
        }
    }

    pub(crate) fn push_null(&mut self) {
        self.rows.append_null();
        self.close();
    }

    pub(crate) fn push_dense(&mut self, values: &[T::Native]) {
        self.values.extend_from_slice(values);
        self.known.append_n_non_nulls(values.len());
        self.rows.append_non_null();
        self.close();
    }

    pub(crate) fn push(&mut self, values: impl Iterator<Item = Option<T::Native>>) {
        for value in values {
            self.known.append(value.is_some());
            self.values.push(value.unwrap_or_default());
        }
        self.rows.append_non_null();
        self.close();
    }

    fn close(&mut self) {
        // No memory holds as many.
        self.offsets.push(self.values.len() as i64);
    }

    pub(crate) fn finish(self, function: &str) -> Result<ListArray> {
        if i32::try_from(self.values.len()).is_err() {
            return exec_err!("{function}: {} list values do not fit into one batch", self.values.len());
        }
        // The last of them fits, and they ascend.
        let offsets = self.offsets.iter().map(|offset| *offset as i32).collect();
        self.finish_with(offsets)
    }

    /// A column of [`large_list_of`].
    pub(crate) fn finish_large(mut self) -> Result<LargeListArray> {
        let offsets = std::mem::take(&mut self.offsets);
        self.finish_with(offsets)
    }

    fn finish_with<O: OffsetSizeTrait>(mut self, offsets: Vec<O>) -> Result<GenericListArray<O>> {
        let values = PrimitiveArray::<T>::try_new(ScalarBuffer::from(self.values), self.known.finish())?;
        Ok(GenericListArray::try_new(
            Arc::new(Field::new_list_field(T::DATA_TYPE, true)),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Arc::new(values),
            self.rows.finish(),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ListArray {
        ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(1), Some(2)]),
            None,
            Some(vec![]),
            Some(vec![Some(3), None, Some(5)]),
            Some(vec![Some(6)]),
        ])
    }

    #[test]
    fn rows_of_a_slice_are_the_slice_of_the_rows() {
        let sliced = sample().slice(2, 3);
        let lists = Lists::<Int32Type>::try_new("test", &sliced).unwrap();
        assert_eq!(lists.row(0).unwrap().dense(), Some(&[][..]));
        assert!(lists.row(1).unwrap().dense().is_none());
        assert_eq!(lists.row(1).unwrap().known().collect::<Vec<_>>(), [(0, 3), (2, 5)]);
        assert_eq!(lists.row(2).unwrap().dense(), Some(&[6][..]));
    }

    #[test]
    fn gaps_are_seen_wherever_the_lists_begin() {
        let lists: Vec<Option<Vec<Option<i32>>>> = (0..200)
            .map(|n| (n % 7 != 3).then(|| (0..n % 90).map(|i| (i * n % 31 != 5).then_some(i)).collect()))
            .collect();
        let array = ListArray::from_iter_primitive::<Int32Type, _, _>(lists.clone());
        for (from, count) in [(0, 200), (1, 77), (90, 110), (199, 1), (50, 0)] {
            let sliced = array.slice(from, count);
            let read = Lists::<Int32Type>::try_new("test", &sliced).unwrap();
            for (row, list) in lists[from..from + count].iter().enumerate() {
                let dense = list.as_ref().and_then(|list| list.iter().copied().collect::<Option<Vec<i32>>>());
                assert_eq!(read.row(row).and_then(Row::dense).map(<[i32]>::to_vec), dense, "{from} {row}");
            }
        }
    }

    #[test]
    fn what_is_read_can_be_written() {
        let read = sample();
        let lists = Lists::<Int32Type>::try_new("test", &read).unwrap();
        let mut writer = ListWriter::<Int32Type>::with_capacity(read.len(), 6);
        for i in 0..read.len() {
            match lists.row(i) {
                None => writer.push_null(),
                Some(row) => writer.push(row.iter()),
            }
        }
        assert_eq!(writer.finish("test").unwrap(), read);
    }

    #[test]
    fn lists_are_coerced_by_their_elements() {
        let fixed = DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Float32, true)), 96);
        assert_eq!(coerce_to_curve("f", "x", &fixed).unwrap(), list_of(DataType::Float64));
        assert_eq!(coerce_to_curve("f", "x", &DataType::Null).unwrap(), list_of(DataType::Int32));
        let error = coerce_to_integer_list("f", "x", &fixed).unwrap_err().to_string();
        assert!(error.contains("f: argument x takes a list of integers"), "{error}");
        assert!(coerce_to_curve("f", "x", &DataType::Utf8).is_err());
    }

    #[test]
    fn floats_are_rounded_to_watts_where_they_count() {
        use arrow::array::ArrayRef;
        use datafusion_common::ScalarValue;
        use datafusion_expr::ColumnarValue;
        let watts = |points: Vec<Option<f64>>| {
            let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([Some(points)]));
            let value = ColumnarValue::Scalar(ScalarValue::try_from_array(&list, 0).unwrap());
            in_watts("f", Column::new(&value, 1).unwrap()).map(|column| {
                let lists = Lists::<Int32Type>::try_new("f", column.array()).unwrap();
                lists.row(0).unwrap().iter().collect::<Vec<_>>()
            })
        };
        let found = watts(vec![Some(0.5), Some(-0.5), Some(1.4999), Some(f64::NAN), None]).unwrap();
        assert_eq!(found, [Some(1), Some(-1), Some(1), None, None]);
        assert!(watts(vec![Some(2_147_483_648.0)]).is_err());
    }
}
