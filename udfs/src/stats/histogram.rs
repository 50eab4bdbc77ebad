//! How often each value is met, numbers to three digits.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int8Builder, Int64Builder, ListArray, ListBuilder, StringArray, StringBuilder,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Decimal128Type, Field, Fields, Int8Type, Int64Type};
use datafusion_common::{Result, exec_err, internal_datafusion_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;
use twox_hash::XxHash64;

use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{exactly, refuse, texts};
use crate::figure::check_bytes;
use crate::list::{Lists, list_of};
use crate::row::is_text;

/// Values and how often each was met.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The values met and how often, in ascending order: LIST of STRUCT(value TEXT, count BIGINT). A number is rounded up to three digits that count, so that the list stays short however many rows there are and a share of the rows below a value is exact: 1234 stands under 1240, 0.05061 under 0.0507, and whole numbers below 1000 stand for themselves. Texts, dates and booleans are counted as they are.

Rows in which it is NULL are left out; NULL where none is left.",
    syntax_example = "histogram(value)",
    sql_example = r"```sql
> select histogram(x) from (values (3), (1234), (1236), (1250), (null)) as t (x);
[{value: 3, count: 1}, {value: 1240, count: 2}, {value: 1250, count: 1}]
```",
    argument(name = "value", description = "An integer, DECIMAL, TEXT, DATE or BOOLEAN.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Histogram;

impl Aggregate for Histogram {
    const NAME: &'static str = "histogram";
    type Groups = Histograms;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let found = exactly(Self::NAME, ["value"], types)?;
        let takes = "an integer, a decimal, a text, a date or a boolean";
        Ok(vec![countable(&found[0]).map_or_else(|| refuse(Self::NAME, "value", takes, &found[0]), Ok)?])
    }

    fn data_type() -> DataType {
        list_of(DataType::Struct(fields()))
    }

    fn state() -> Vec<(&'static str, DataType)> {
        vec![
            ("values", list_of(DataType::Utf8)),
            ("counts", list_of(DataType::Int64)),
            // Digits after the point; NULL of values that are no numbers.
            ("scale", DataType::Int8),
        ]
    }

    fn groups() -> Histograms {
        Histograms::default()
    }
}

aggregate!(Histogram);

fn fields() -> Fields {
    Fields::from(vec![Field::new("value", DataType::Utf8, true), Field::new("count", DataType::Int64, true)])
}

/// The type in which a value is counted; `None` where it is not.
pub(crate) fn countable(found: &DataType) -> Option<DataType> {
    Some(match found {
        integer if integer.is_integer() => DataType::Int64,
        DataType::Decimal128(precision, scale) if *scale >= 0 => DataType::Decimal128(*precision, *scale),
        DataType::Boolean => DataType::Boolean,
        DataType::Date32 => DataType::Utf8,
        text if is_text(text) => DataType::Utf8,
        _ => return None,
    })
}

#[derive(Debug, Default)]
struct Cells {
    /// False, true.
    flags: [i64; 2],
    numbers: HashMap<i128, i64, BuildHasherDefault<XxHash64>>,
    texts: BTreeMap<Box<str>, i64>,
}

/// The histogram of each group.
#[derive(Debug, Default)]
pub(crate) struct Histograms {
    groups: Vec<Cells>,
    scale: Option<i8>,
    entries: usize,
    /// Of the texts.
    bytes: usize,
}

/// The least number of three digits that count from `value` up.
fn three_digits(value: i128) -> i128 {
    let mut step = 1;
    while value.unsigned_abs() / step >= 1000 {
        step *= 10;
    }
    let step = step as i128;
    let floor = value.div_euclid(step);
    if floor * step == value { value } else { (floor + 1).saturating_mul(step) }
}

/// A number of `scale` digits after the point, without those that say nothing.
fn shown(value: i128, scale: i8) -> String {
    let unit = 10i128.pow(scale.max(0) as u32);
    let (whole, part) = (value.unsigned_abs() / unit.unsigned_abs(), value.unsigned_abs() % unit.unsigned_abs());
    let sign = if value < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let part = format!("{part:0width$}", width = scale as usize);
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

fn read(text: &str, scale: i8) -> Option<i128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{part:0<width$}", width = scale as usize);
    digits.parse().ok()
}

impl Histograms {
    fn add_number(&mut self, group: usize, value: i128, count: i64) {
        let cell = self.groups[group].numbers.entry(value);
        if matches!(cell, std::collections::hash_map::Entry::Vacant(_)) {
            self.entries += 1;
        }
        *cell.or_default() += count;
    }

    fn add_text(&mut self, group: usize, text: &str, count: i64) {
        let texts = &mut self.groups[group].texts;
        match texts.get_mut(text) {
            Some(found) => *found += count,
            None => {
                texts.insert(text.into(), count);
                self.entries += 1;
                self.bytes += text.len();
            }
        }
    }

    pub(crate) fn scale(&self) -> Option<i8> {
        self.scale
    }

    /// The cells of a group in ascending order.
    pub(crate) fn cells_of(&self, group: usize) -> Vec<(String, i64)> {
        self.groups.get(group).map(|group| self.cells(group)).unwrap_or_default()
    }

    /// Adds a cell as it was shown.
    pub(crate) fn add_shown(&mut self, group: usize, value: &str, scale: Option<i8>, count: i64) -> Result<()> {
        self.scale = self.scale.or(scale);
        match scale {
            Some(scale) => {
                let number = read(value, scale);
                let number = number.ok_or_else(|| internal_datafusion_err!("{value} is no number of a histogram"))?;
                self.add_number(group, number, count);
            }
            None => self.add_text(group, value, count),
        }
        Ok(())
    }

    /// Adds rows of a column that is [`countable`], those for which `keeps` says so.
    pub(crate) fn add_rows(
        &mut self,
        values: &dyn Array,
        groups: &[usize],
        keeps: &dyn Fn(usize) -> bool,
    ) -> Result<()> {
        let rows = groups.iter().enumerate().filter(|(row, _)| values.is_valid(*row) && keeps(*row));
        match values.data_type() {
            DataType::Int64 => {
                self.scale = Some(0);
                let values = values.as_primitive::<Int64Type>().values();
                rows.for_each(|(row, &group)| self.add_number(group, three_digits(i128::from(values[row])), 1));
            }
            DataType::Decimal128(_, scale) => {
                self.scale = Some(*scale);
                let values = values.as_primitive::<Decimal128Type>().values();
                rows.for_each(|(row, &group)| self.add_number(group, three_digits(values[row]), 1));
            }
            DataType::Boolean => {
                let values = values.as_boolean();
                rows.for_each(|(row, &group)| self.groups[group].flags[usize::from(values.value(row))] += 1);
            }
            DataType::Utf8 => {
                let values = values.as_string::<i32>();
                rows.for_each(|(row, &group)| self.add_text(group, values.value(row), 1));
            }
            other => return exec_err!("{other} cannot be counted"),
        }
        Ok(())
    }

    /// The cells of a group in ascending order.
    fn cells(&self, group: &Cells) -> Vec<(String, i64)> {
        let mut numbers: Vec<_> = group.numbers.iter().map(|(value, count)| (*value, *count)).collect();
        numbers.sort_unstable();
        let scale = self.scale.unwrap_or(0);
        let numbers = numbers.into_iter().map(|(value, count)| (shown(value, scale), count));
        let flags = ["false", "true"].into_iter().zip(group.flags).filter(|(_, count)| *count > 0);
        let flags = flags.map(|(flag, count)| (flag.to_owned(), count));
        let texts = group.texts.iter().map(|(text, count)| (text.to_string(), *count));
        numbers.chain(flags).chain(texts).collect()
    }
}

impl Groups for Histograms {
    fn empty(&self) -> Self {
        Histogram::groups()
    }

    fn resize(&mut self, groups: usize) {
        if groups > self.groups.len() {
            self.groups.resize_with(groups, Cells::default);
        }
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let Some(values) = args.first() else { return exec_err!("{} was given no argument", Histogram::NAME) };
        self.add_rows(values, groups, &|row| filter.keeps(row))
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let wrong = || internal_datafusion_err!("{} was given a state that is none", Histogram::NAME);
        let [values, counts, scales] = states else { return Err(wrong()) };
        let values = values.as_list_opt::<i32>().ok_or_else(wrong)?;
        let counts = Lists::<Int64Type>::try_new(Histogram::NAME, counts)?;
        let scales = scales.as_primitive_opt::<Int8Type>().ok_or_else(wrong)?;
        for (row, &group) in groups.iter().enumerate() {
            let Some(counts) = counts.row(row) else { continue };
            let values = values.value(row);
            let values: &StringArray = texts(Histogram::NAME, &values)?;
            let scale = scales.is_valid(row).then(|| scales.value(row));
            for (at, count) in counts.known() {
                self.add_shown(group, values.value(at), scale, count)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        let groups = emit_to.take_needed(&mut self.groups);
        let entries = groups.iter().map(|group| group.numbers.len() + group.texts.len()).sum();
        let bytes = groups.iter().flat_map(|group| group.texts.keys()).map(|text| text.len()).sum();
        self.entries -= entries;
        self.bytes -= bytes;
        Self { groups, scale: self.scale, entries, bytes }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let mut values = ListBuilder::new(StringBuilder::new());
        let mut counts = ListBuilder::new(Int64Builder::new());
        let mut scales = Int8Builder::new();
        for group in &self.groups {
            let cells = self.cells(group);
            for (value, count) in &cells {
                values.values().append_value(value);
                counts.values().append_value(*count);
            }
            values.append(!cells.is_empty());
            counts.append(!cells.is_empty());
            scales.append_option(self.scale.filter(|_| !group.numbers.is_empty()));
        }
        Ok(vec![Arc::new(values.finish()), Arc::new(counts.finish()), Arc::new(scales.finish())])
    }

    fn result(&self) -> Result<ArrayRef> {
        let all: Vec<Vec<(String, i64)>> = self.groups.iter().map(|group| self.cells(group)).collect();
        check_bytes(all.iter().flatten().map(|(value, _)| value.len()).sum())?;
        let values = StringArray::from(all.iter().flatten().map(|(value, _)| value.as_str()).collect::<Vec<_>>());
        let counts: arrow::array::Int64Array = all.iter().flatten().map(|(_, count)| *count).collect();
        let cells = StructArray::try_new(fields(), vec![Arc::new(values), Arc::new(counts)], None)?;
        let known: NullBuffer = all.iter().map(|cells| !cells.is_empty()).collect::<Vec<bool>>().into();
        let DataType::List(field) = Histogram::data_type() else { return exec_err!("no list") };
        let offsets = OffsetBuffer::from_lengths(all.iter().map(Vec::len));
        Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(cells), Some(known))?))
    }

    fn heap_size(&self) -> usize {
        self.groups.capacity() * size_of::<Cells>() + self.bytes + self.entries * 2 * size_of::<(i128, i64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_up_to_three_digits() {
        let cases =
            [(0, 0), (7, 7), (999, 999), (1000, 1000), (1001, 1010), (99_999, 100_000), (-1234, -1230), (-999, -999)];
        for (value, rounded) in cases {
            assert_eq!(three_digits(value), rounded, "{value}");
        }
        assert!(three_digits(i128::MAX) > 0);
    }

    #[test]
    fn numbers_are_shown_and_read_back() {
        for (value, scale, text) in
            [(0, 2, "0"), (-5, 2, "-0.05"), (1200, 2, "12"), (1250, 3, "1.25"), (-1250, 3, "-1.25")]
        {
            assert_eq!(shown(value, scale), text);
            assert_eq!(read(text, scale), Some(value), "{text}");
        }
    }
}
