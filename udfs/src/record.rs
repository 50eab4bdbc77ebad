//! Functions of many columns at once.

mod changed_fields;
mod cross_counts;
mod field_counts;
mod named_fields;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringBuilder, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion_common::{Result, internal_datafusion_err};
use datafusion_expr::{AggregateUDF, ColumnarValue, ScalarUDF};

use crate::args::refuse;
use crate::figure::check_bytes;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![changed_fields::ChangedFields.into(), named_fields::NamedFields.into()]
}

pub(crate) fn aggregates() -> Vec<AggregateUDF> {
    vec![cross_counts::CrossCounts.into(), field_counts::FieldCounts.into()]
}

/// Texts under names, one row each.
fn texts(names: &[&str]) -> Fields {
    names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect()
}

/// Refuses what is no struct whose fields can be written as texts; NULL without a
/// type is one, of which nothing is known.
fn plain_struct(function: &str, argument: &str, found: &DataType, other: &DataType) -> Result<DataType> {
    let is_plain = |field: &Arc<Field>| !field.data_type().is_nested();
    match (found, other) {
        (DataType::Struct(fields), _) if fields.iter().all(is_plain) => Ok(found.clone()),
        (DataType::Null, DataType::Struct(_)) => Ok(other.clone()),
        (DataType::Null, _) => Ok(DataType::Struct(texts(&["value"]))),
        _ => refuse(function, argument, "a struct of plain values", found),
    }
}

/// An argument that planning has made a struct.
fn structs(function: &str, argument: &ColumnarValue, rows: usize) -> Result<StructArray> {
    let array = argument.to_array(rows)?;
    let found = array.as_struct_opt().cloned();
    found.ok_or_else(|| internal_datafusion_err!("{function}: expected a struct, found {}", array.data_type()))
}

/// Entries of lists, in whatever order they are found.
struct Entries<const WIDTH: usize> {
    rows: Vec<u32>,
    columns: [Vec<Option<Box<str>>>; WIDTH],
}

impl<const WIDTH: usize> Entries<WIDTH> {
    fn new() -> Self {
        Self { rows: Vec::new(), columns: std::array::from_fn(|_| Vec::new()) }
    }

    fn push(&mut self, row: u32, values: [Option<&str>; WIDTH]) {
        self.rows.push(row);
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value.map(Box::from));
        }
    }

    /// A list for each row, entries of a row in the order in which they came.
    fn lists(self, names: &[&str; WIDTH], rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by_key(|entry| self.rows[*entry]);
        let mut lengths = vec![0; rows];
        self.rows.iter().for_each(|row| lengths[*row as usize] += 1);
        let columns = self.columns.into_iter().map(|column| {
            check_bytes(column.iter().flatten().map(|text| text.len()).sum())?;
            let mut texts = StringBuilder::new();
            order.iter().for_each(|entry| texts.append_option(column[*entry].as_deref()));
            Ok(Arc::new(texts.finish()) as ArrayRef)
        });
        let fields = texts(names);
        let entries = StructArray::try_new(fields.clone(), columns.collect::<Result<_>>()?, None)?;
        let field = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
        Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), Arc::new(entries), nulls)?))
    }
}

/// Values as texts.
fn as_texts(values: &dyn Array) -> Result<ArrayRef> {
    Ok(cast(values, &DataType::Utf8)?)
}
