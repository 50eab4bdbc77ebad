//! How often each value of each field is met.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int8Builder, Int64Array, Int64Builder, ListArray, ListBuilder, StringArray,
    StringBuilder, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int8Type, Int64Type};
use datafusion_common::{Result, exec_err, internal_datafusion_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{exactly, refuse};
use crate::figure::check_bytes;
use crate::list::list_of;
use crate::stats::histogram::{Histograms, countable};

/// Values of all fields of a struct and how often each was met.
#[user_doc(
    doc_section(label = "Records"),
    description = r"The values of each field of a struct and how often each was met: LIST of STRUCT(field TEXT, value TEXT, count BIGINT), fields in their order, values ascending; numbers are rounded up to three digits that count, as `histogram` does. A field that is NULL is counted too, under the value NULL, after the others. To describe a thousand columns in one pass.

Rows in which the struct is NULL are left out; NULL where none is left.",
    syntax_example = "field_counts(record)",
    sql_example = r"```sql
> select field_counts({tier: tier, is_new: is_new}) from (values (2, true), (2, null)) as t (tier, is_new);
[{field: tier, value: 2, count: 2}, {field: is_new, value: true, count: 1}, {field: is_new, value: NULL, count: 1}]
```",
    argument(name = "record", description = "STRUCT of integers, DECIMAL, TEXT, DATE and BOOLEAN.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct FieldCounts;

impl Aggregate for FieldCounts {
    const NAME: &'static str = "field_counts";
    type Groups = Records;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [found] = exactly(Self::NAME, ["record"], types)?;
        let wrong = || refuse(Self::NAME, "record", "a struct of values that can be counted", found);
        let DataType::Struct(fields) = found else { return wrong() };
        let mut coerced = Vec::with_capacity(fields.len());
        for field in fields {
            let Some(kind) = countable(field.data_type()) else { return wrong() };
            coerced.push(Field::new(field.name(), kind, true));
        }
        Ok(vec![DataType::Struct(coerced.into())])
    }

    fn data_type() -> DataType {
        list_of(DataType::Struct(entry()))
    }

    fn state() -> Vec<(&'static str, DataType)> {
        vec![
            ("fields", list_of(DataType::Utf8)),
            ("values", list_of(DataType::Utf8)),
            ("counts", list_of(DataType::Int64)),
            // Digits after the point; NULL of values that are no numbers.
            ("scales", list_of(DataType::Int8)),
        ]
    }

    fn groups() -> Records {
        Records::default()
    }
}

aggregate!(FieldCounts);

fn entry() -> Fields {
    Fields::from(vec![
        Field::new("field", DataType::Utf8, true),
        Field::new("value", DataType::Utf8, true),
        Field::new("count", DataType::Int64, true),
    ])
}

/// The histograms of each field, and how often it was NULL.
#[derive(Debug, Default)]
pub(super) struct Records {
    fields: Vec<(String, Histograms, Vec<i64>)>,
    /// Rows of each group.
    rows: Vec<i64>,
}

/// A cell of a group: field, value, count, digits after the point.
type Cell<'a> = (&'a str, Option<String>, i64, Option<i8>);

impl Records {
    /// The place of a field, which is new at first.
    fn place(&mut self, name: &str, expected: usize) -> usize {
        // Fields come in the same order, again and again.
        if self.fields.get(expected).is_some_and(|(known, ..)| known == name) {
            return expected;
        }
        match self.fields.iter().position(|(known, ..)| known == name) {
            Some(place) => place,
            None => {
                let mut histograms = Histograms::default();
                histograms.resize(self.rows.len());
                self.fields.push((name.to_owned(), histograms, vec![0; self.rows.len()]));
                self.fields.len() - 1
            }
        }
    }

    fn cells(&self, group: usize) -> Vec<Cell<'_>> {
        let mut cells = Vec::new();
        for (name, histograms, nulls) in &self.fields {
            let known = histograms.cells_of(group).into_iter();
            cells.extend(known.map(|(value, count)| (name.as_str(), Some(value), count, histograms.scale())));
            cells.extend((nulls[group] > 0).then_some((name.as_str(), None, nulls[group], None)));
        }
        cells
    }
}

impl Groups for Records {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        if groups > self.rows.len() {
            self.rows.resize(groups, 0);
            for (_, histograms, nulls) in &mut self.fields {
                histograms.resize(groups);
                nulls.resize(groups, 0);
            }
        }
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let record = args.first().and_then(|record| record.as_struct_opt());
        let Some(record) = record else { return exec_err!("{} was given no struct", FieldCounts::NAME) };
        let keeps = |row: usize| filter.keeps(row) && record.is_valid(row);
        for (row, &group) in groups.iter().enumerate() {
            self.rows[group] += i64::from(keeps(row));
        }
        for (position, (field, values)) in record.fields().iter().zip(record.columns()).enumerate() {
            let place = self.place(field.name(), position);
            let (_, histograms, nulls) = &mut self.fields[place];
            histograms.add_rows(values, groups, &keeps)?;
            if values.null_count() > 0 {
                for (row, &group) in groups.iter().enumerate() {
                    nulls[group] += i64::from(values.is_null(row) && keeps(row));
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let wrong = || internal_datafusion_err!("{} was given a state that is none", FieldCounts::NAME);
        let [fields, values, counts, scales] = states else { return Err(wrong()) };
        let list = |column: &ArrayRef| column.as_list_opt::<i32>().cloned().ok_or_else(wrong);
        let (fields, values, counts, scales) = (list(fields)?, list(values)?, list(counts)?, list(scales)?);
        for (row, &group) in groups.iter().enumerate().filter(|(row, _)| fields.is_valid(*row)) {
            let (fields, values, counts, scales) =
                (fields.value(row), values.value(row), counts.value(row), scales.value(row));
            let (fields, values) = (fields.as_string::<i32>(), values.as_string::<i32>());
            let (counts, scales) = (counts.as_primitive::<Int64Type>(), scales.as_primitive::<Int8Type>());
            self.rows[group] += 1;
            let mut expected = 0;
            for at in 0..fields.len() {
                expected = self.place(fields.value(at), expected);
                let (_, histograms, nulls) = &mut self.fields[expected];
                let count = counts.value(at);
                match values.is_valid(at) {
                    true => {
                        let scale = scales.is_valid(at).then(|| scales.value(at));
                        histograms.add_shown(group, values.value(at), scale, count)?;
                    }
                    false => nulls[group] += count,
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        let fields = self
            .fields
            .iter_mut()
            .map(|(name, histograms, nulls)| (name.clone(), histograms.take(emit_to), emit_to.take_needed(nulls)));
        let fields = fields.collect();
        Self { fields, rows: emit_to.take_needed(&mut self.rows) }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let mut fields = ListBuilder::new(StringBuilder::new());
        let mut values = ListBuilder::new(StringBuilder::new());
        let mut counts = ListBuilder::new(Int64Builder::new());
        let mut scales = ListBuilder::new(Int8Builder::new());
        for (group, rows) in self.rows.iter().enumerate() {
            for (field, value, count, scale) in self.cells(group) {
                fields.values().append_value(field);
                values.values().append_option(value);
                counts.values().append_value(count);
                scales.values().append_option(scale);
            }
            let is_known = *rows > 0;
            fields.append(is_known);
            values.append(is_known);
            counts.append(is_known);
            scales.append(is_known);
        }
        Ok(vec![
            Arc::new(fields.finish()),
            Arc::new(values.finish()),
            Arc::new(counts.finish()),
            Arc::new(scales.finish()),
        ])
    }

    fn result(&self) -> Result<ArrayRef> {
        let all: Vec<Vec<Cell<'_>>> = (0..self.rows.len()).map(|group| self.cells(group)).collect();
        let texts = all.iter().flatten().map(|(field, value, ..)| field.len() + value.as_ref().map_or(0, String::len));
        check_bytes(texts.sum())?;
        let cells = all.iter().flatten();
        let fields: StringArray = cells.clone().map(|(field, ..)| Some(*field)).collect();
        let values: StringArray = cells.clone().map(|(_, value, ..)| value.as_deref()).collect();
        let counts: Int64Array = cells.map(|(_, _, count, _)| *count).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(fields), Arc::new(values), Arc::new(counts)];
        let cells = StructArray::try_new(entry(), columns, None)?;
        let known: NullBuffer = self.rows.iter().map(|rows| *rows > 0).collect::<Vec<bool>>().into();
        let lengths = OffsetBuffer::from_lengths(all.iter().map(Vec::len));
        let field = Arc::new(Field::new_list_field(DataType::Struct(entry()), true));
        Ok(Arc::new(ListArray::try_new(field, lengths, Arc::new(cells), Some(known))?))
    }

    fn heap_size(&self) -> usize {
        let fields = self.fields.iter().map(|(name, histograms, nulls)| {
            name.capacity() + histograms.heap_size() + nulls.capacity() * size_of::<i64>()
        });
        fields.sum::<usize>() + self.rows.capacity() * size_of::<i64>()
    }
}
