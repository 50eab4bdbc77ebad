//! How often each value of each field is met within each member of each grouping.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder, ListArray, ListBuilder, StringArray,
    StringBuilder, StructArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use datafusion_common::{Result, exec_err, internal_datafusion_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;
use twox_hash::XxHash64;

use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{exactly, refuse};
use crate::figure::check_bytes;
use crate::list::list_of;
use crate::row::is_text;
use crate::simd::{Work, widest};

/// Values of all fields of a record within the members of all fields of another one.
#[user_doc(
    doc_section(label = "Records"),
    description = r"For each field of `groups` (a grouping) and each of its values (a member), the values of each field of `record` and how often each was met: LIST of STRUCT(grouping TEXT, member TEXT, field TEXT, value TEXT, count BIGINT), groupings and fields in their order, members and values ascending, a field that is NULL under the value NULL after the others. A row whose grouping is NULL is left out of that grouping.

It is what `field_counts` says of each member, without a pass for each grouping: to describe many groups by many properties in one.

Rows in which one of the structs is NULL are left out; NULL where none is left.",
    syntax_example = "cross_counts(groups, record)",
    sql_example = r"```sql
> select cross_counts({tier: tier}, {is_new: is_new}) from (values (2, true), (2, null)) as t (tier, is_new);
[{grouping: tier, member: 2, field: is_new, value: true, count: 1}, {grouping: tier, member: 2, field: is_new, value: NULL, count: 1}]
```",
    argument(name = "groups", description = "STRUCT of integers, TEXT, DATE and BOOLEAN."),
    argument(name = "record", description = "As `groups`.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CrossCounts;

impl Aggregate for CrossCounts {
    const NAME: &'static str = "cross_counts";
    type Groups = Crossings;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let names = ["groups", "record"];
        let types = exactly(Self::NAME, names, types)?;
        let coerced = names.into_iter().zip(types).map(|(name, found)| {
            let wrong = || refuse(Self::NAME, name, "a struct of integers, texts, dates and booleans", found);
            let DataType::Struct(fields) = found else { return wrong() };
            let mut coerced = Vec::with_capacity(fields.len());
            for field in fields {
                let kind = match field.data_type() {
                    integer if integer.is_integer() => DataType::Int64,
                    DataType::Boolean => DataType::Boolean,
                    text if is_text(text) || *text == DataType::Date32 => DataType::Utf8,
                    _ => return wrong(),
                };
                coerced.push(Field::new(field.name(), kind, true));
            }
            Ok(DataType::Struct(coerced.into()))
        });
        coerced.collect()
    }

    fn data_type() -> DataType {
        list_of(DataType::Struct(entry()))
    }

    fn state() -> Vec<(&'static str, DataType)> {
        let texts = ["groupings", "members", "fields", "values"].map(|name| (name, list_of(DataType::Utf8)));
        texts.into_iter().chain([("counts", list_of(DataType::Int64))]).collect()
    }

    fn groups() -> Crossings {
        Crossings::default()
    }
}

aggregate!(CrossCounts);

fn entry() -> Fields {
    let texts = ["grouping", "member", "field", "value"].map(|name| Field::new(name, DataType::Utf8, true));
    texts.into_iter().chain([Field::new("count", DataType::Int64, true)]).collect()
}

/// Of a row that is not counted.
const NONE: u32 = u32::MAX;
/// Fields of no more values than this are counted 64 rows at a time.
const FEW_VALUES: usize = 16;

/// The values of a field that were met, by the order in which they were.
#[derive(Debug, Default)]
struct Values {
    shown: Vec<Option<Box<str>>>,
    texts: HashMap<Box<str>, u32, BuildHasherDefault<XxHash64>>,
    numbers: HashMap<i64, u32, BuildHasherDefault<XxHash64>>,
    null: Option<u32>,
    /// Of the texts.
    bytes: usize,
}

impl Values {
    fn text(&mut self, text: &str) -> u32 {
        if let Some(code) = self.texts.get(text) {
            return *code;
        }
        let code = self.shown.len() as u32;
        self.shown.push(Some(text.into()));
        self.texts.insert(text.into(), code);
        self.bytes += 2 * text.len();
        code
    }

    fn number(&mut self, number: i64) -> u32 {
        match self.numbers.get(&number) {
            Some(code) => *code,
            None => {
                let code = self.text(&number.to_string());
                self.numbers.insert(number, code);
                code
            }
        }
    }

    fn null(&mut self) -> u32 {
        let next = self.shown.len() as u32;
        let code = *self.null.get_or_insert(next);
        if code == next {
            self.shown.push(None);
        }
        code
    }

    /// The code of each row of a column.
    fn codes(&mut self, column: &dyn Array, is_counted: &dyn Fn(usize) -> bool) -> Result<Vec<u32>> {
        let mut codes = vec![NONE; column.len()];
        let rows = codes.iter_mut().enumerate().filter(|(row, _)| is_counted(*row));
        match column.data_type() {
            DataType::Boolean => {
                let flags = column.as_boolean();
                let known = [self.text("false"), self.text("true")];
                for (row, code) in rows {
                    *code = if flags.is_null(row) { self.null() } else { known[usize::from(flags.value(row))] };
                }
            }
            DataType::Int64 => {
                let numbers = column.as_primitive::<Int64Type>();
                let mut recent = Recent::default();
                for (row, code) in rows {
                    if numbers.is_null(row) {
                        *code = self.null();
                        continue;
                    }
                    let number = numbers.value(row);
                    *code = recent.code(number as usize, number, || self.number(number));
                }
            }
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                let mut recent = Recent::default();
                for (row, code) in rows {
                    if texts.is_null(row) {
                        *code = self.null();
                        continue;
                    }
                    let text = texts.value(row);
                    *code = recent.code(place_of(text), text, || self.text(text));
                }
            }
            other => return exec_err!("{other} cannot be counted"),
        }
        Ok(codes)
    }

    /// Rows that are false, true or unknown, of those that are kept: 64 to a word, by code.
    fn flags(&mut self, flags: &BooleanArray, kept: &[u64]) -> Vec<Vec<u64>> {
        let known = flags.nulls().map(|nulls| words(nulls.inner()));
        let known = |at: usize| known.as_ref().map_or(u64::MAX, |known| known[at]);
        let set = words(flags.values());
        let of = |rows: &dyn Fn(usize) -> u64| -> Vec<u64> {
            kept.iter().enumerate().map(|(at, kept)| kept & rows(at)).collect()
        };
        let (is_false, is_true) = (self.text("false") as usize, self.text("true") as usize);
        let unknown = of(&|at| !known(at));
        let null = unknown.iter().any(|rows| *rows != 0).then(|| self.null() as usize);
        let mut masks = vec![Vec::new(); self.shown.len()];
        masks[is_false] = of(&|at| known(at) & !set[at]);
        masks[is_true] = of(&|at| known(at) & set[at]);
        if let Some(null) = null {
            masks[null] = unknown;
        }
        masks
    }

    fn heap_size(&self) -> usize {
        self.bytes + self.shown.capacity() * 48 + self.numbers.capacity() * 16
    }

    /// Codes in ascending order of what they stand for, NULL at the end.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.shown.len()).collect();
        // Numbers by their size, before texts.
        let number = |text: &str| text.parse::<i64>().map_or((1, 0), |number| (0, number));
        order.sort_by_key(|code| self.shown[*code].as_deref().map_or((1, (0, 0), ""), |text| (0, number(text), text)));
        order
    }
}

/// Codes of values that were met of late, each at one of a few places: the same come again
/// and again, and to compare them is cheaper than to look them up.
struct Recent<T>([Option<(T, u32)>; 64]);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self([const { None }; 64])
    }
}

impl<T: Copy + PartialEq> Recent<T> {
    fn code(&mut self, place: usize, value: T, find: impl FnOnce() -> u32) -> u32 {
        let place = &mut self.0[place % 64];
        match place {
            Some((known, code)) if *known == value => *code,
            _ => {
                let code = find();
                *place = Some((value, code));
                code
            }
        }
    }
}

/// A number by which short texts differ: of their length and some of their letters.
fn place_of(text: &str) -> usize {
    let bytes = text.as_bytes();
    let of = |at: usize| bytes.get(at).map_or(0, |byte| usize::from(*byte));
    bytes.len() ^ of(0) ^ (of(bytes.len() / 2) * 5) ^ (of(bytes.len().wrapping_sub(1)) * 11)
}

/// Bits, 64 to a word.
fn words(bits: &BooleanBuffer) -> Vec<u64> {
    bits.bit_chunks().iter_padded().collect()
}

/// Fields of a struct, by their names.
#[derive(Debug, Default)]
struct Named(Vec<(String, Values)>);

impl Named {
    /// The place of a field, which is new at first.
    fn place(&mut self, name: &str, expected: usize) -> usize {
        // Fields come in the same order, again and again.
        if self.0.get(expected).is_some_and(|(known, _)| known == name) {
            return expected;
        }
        self.0.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), Values::default()));
            self.0.len() - 1
        })
    }
}

/// Counts by grouping, field, member and value.
#[derive(Debug, Default)]
struct Table(Vec<Vec<Vec<Vec<i64>>>>);

impl Table {
    fn cell(&mut self, grouping: usize, field: usize, member: u32, value: u32) -> &mut i64 {
        let fields = grown(&mut self.0, grouping);
        let members = grown(fields, field);
        let values = grown(members, member as usize);
        grown(values, value as usize)
    }
}

/// An element of a list, which has as many as that at the least afterwards.
fn grown<T: Default>(list: &mut Vec<T>, at: usize) -> &mut T {
    if list.len() <= at {
        list.resize_with(at + 1, T::default);
    }
    &mut list[at]
}

/// The tables of each group.
#[derive(Debug, Default)]
pub(super) struct Crossings {
    groupings: Named,
    fields: Named,
    tables: Vec<Table>,
    /// Rows of each group.
    rows: Vec<i64>,
}

/// Rows in which each code stands, 64 to a word.
fn masks(codes: &[u32], count: usize) -> Vec<Vec<u64>> {
    let mut masks = vec![vec![0u64; codes.len().div_ceil(64)]; count];
    for (row, code) in codes.iter().enumerate().filter(|(_, code)| **code != NONE) {
        masks[*code as usize][row / 64] |= 1 << (row % 64);
    }
    masks
}

/// What was met of a field, row by row.
enum Met {
    /// The rows of each code, 64 to a word.
    Masks(Vec<Vec<u64>>),
    /// The code of each row.
    Codes(Vec<u32>),
}

/// Rows that stand in both.
struct Common<'a>(&'a [u64], &'a [u64]);

impl Work for Common<'_> {
    type Output = i64;

    #[inline(always)]
    fn call(self) -> i64 {
        self.0.iter().zip(self.1).map(|(one, other)| i64::from((one & other).count_ones())).sum()
    }
}

/// A cell of a group: grouping, member, field, value, count.
type Cell<'a> = (&'a str, Option<&'a str>, &'a str, Option<&'a str>, i64);

impl Crossings {
    fn cells(&self, group: usize) -> Vec<Cell<'_>> {
        let orders: Vec<Vec<usize>> = self.fields.0.iter().map(|(_, values)| values.order()).collect();
        let mut cells = Vec::new();
        let table = &self.tables[group].0;
        for ((grouping, members), fields) in self.groupings.0.iter().zip(table) {
            for member in members.order() {
                for (((field, values), order), counts) in self.fields.0.iter().zip(&orders).zip(fields) {
                    let Some(counts) = counts.get(member) else { continue };
                    cells.extend(order.iter().filter_map(|value| {
                        let count = counts.get(*value).copied().filter(|count| *count > 0)?;
                        let (member, value) = (members.shown[member].as_deref(), values.shown[*value].as_deref());
                        Some((grouping.as_str(), member, field.as_str(), value, count))
                    }));
                }
            }
        }
        cells
    }
}

fn parts(struct_of: Option<&ArrayRef>) -> Result<&StructArray> {
    let found = struct_of.and_then(|found| found.as_struct_opt());
    found.ok_or_else(|| internal_datafusion_err!("{} was given no struct", CrossCounts::NAME))
}

impl Groups for Crossings {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        if groups > self.rows.len() {
            self.rows.resize(groups, 0);
            self.tables.resize_with(groups, Table::default);
        }
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let (grouping, record) = (parts(args.first())?, parts(args.get(1))?);
        let keeps = |row: usize| filter.keeps(row) && grouping.is_valid(row) && record.is_valid(row);
        for (row, &group) in groups.iter().enumerate() {
            self.rows[group] += i64::from(keeps(row));
        }
        let mut kept = vec![0u64; groups.len().div_ceil(64)];
        for row in (0..groups.len()).filter(|row| keeps(*row)) {
            kept[row / 64] |= 1 << (row % 64);
        }
        let mut members = Vec::new();
        for (position, (field, column)) in grouping.fields().iter().zip(grouping.columns()).enumerate() {
            let place = self.groupings.place(field.name(), position);
            let codes = self.groupings.0[place].1.codes(column, &|row| keeps(row) && column.is_valid(row))?;
            let masks = masks(&codes, self.groupings.0[place].1.shown.len());
            members.push((place, codes, masks));
        }
        // Of one group all rows can be counted together.
        let only = groups.first().copied().filter(|first| groups.iter().all(|group| group == first));
        for (position, (field, column)) in record.fields().iter().zip(record.columns()).enumerate() {
            let place = self.fields.place(field.name(), position);
            let values = &mut self.fields.0[place].1;
            let met = match (only, column.as_boolean_opt()) {
                (Some(_), Some(flags)) => Met::Masks(values.flags(flags, &kept)),
                _ => {
                    let codes = values.codes(column, &keeps)?;
                    match only.is_some() && values.shown.len() <= FEW_VALUES {
                        true => Met::Masks(masks(&codes, values.shown.len())),
                        false => Met::Codes(codes),
                    }
                }
            };
            match met {
                Met::Masks(value_masks) => {
                    let group = only.unwrap_or_default();
                    for (grouping, _, member_masks) in &members {
                        for (member, rows) in (0..).zip(member_masks) {
                            for (value, own) in (0..).zip(&value_masks) {
                                let count = widest(Common(rows, own));
                                if count > 0 {
                                    *self.tables[group].cell(*grouping, place, member, value) += count;
                                }
                            }
                        }
                    }
                }
                Met::Codes(codes) => {
                    for (grouping, of_rows, _) in &members {
                        for ((&member, &value), &group) in of_rows.iter().zip(&codes).zip(groups) {
                            if member != NONE {
                                *self.tables[group].cell(*grouping, place, member, value) += 1;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let wrong = || internal_datafusion_err!("{} was given a state that is none", CrossCounts::NAME);
        let lists = states.iter().map(|column| column.as_list_opt::<i32>().ok_or_else(wrong));
        let lists: Vec<&ListArray> = lists.collect::<Result<_>>()?;
        let [groupings, members, fields, values, counts] = lists.as_slice() else { return Err(wrong()) };
        for (row, &group) in groups.iter().enumerate().filter(|(row, _)| groupings.is_valid(*row)) {
            self.rows[group] += 1;
            let columns = [groupings, members, fields, values].map(|column| column.value(row));
            let [groupings, members, fields, values] = columns.each_ref().map(|column| column.as_string::<i32>());
            let counts = counts.value(row);
            let counts = counts.as_primitive::<Int64Type>();
            let (mut grouping, mut field) = (0, 0);
            for at in 0..counts.len() {
                grouping = self.groupings.place(groupings.value(at), grouping);
                field = self.fields.place(fields.value(at), field);
                let member = self.groupings.0[grouping].1.text(members.value(at));
                let known = &mut self.fields.0[field].1;
                let value = if values.is_valid(at) { known.text(values.value(at)) } else { known.null() };
                *self.tables[group].cell(grouping, field, member, value) += counts.value(at);
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        let copy = |named: &Named| {
            let copied = named.0.iter().map(|(name, values)| {
                let mut copy = Values::default();
                // Codes stay the same.
                for shown in &values.shown {
                    match shown {
                        Some(text) => copy.text(text),
                        None => copy.null(),
                    };
                }
                (name.clone(), copy)
            });
            Named(copied.collect())
        };
        Self {
            groupings: copy(&self.groupings),
            fields: copy(&self.fields),
            tables: emit_to.take_needed(&mut self.tables),
            rows: emit_to.take_needed(&mut self.rows),
        }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let mut texts: [ListBuilder<StringBuilder>; 4] =
            std::array::from_fn(|_| ListBuilder::new(StringBuilder::new()));
        let mut counts = ListBuilder::new(Int64Builder::new());
        for (group, rows) in self.rows.iter().enumerate() {
            for (grouping, member, field, value, count) in self.cells(group) {
                for (builder, text) in texts.iter_mut().zip([Some(grouping), member, Some(field), value]) {
                    builder.values().append_option(text);
                }
                counts.values().append_value(count);
            }
            texts.iter_mut().for_each(|builder| builder.append(*rows > 0));
            counts.append(*rows > 0);
        }
        let texts = texts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        Ok(texts.chain([Arc::new(counts.finish()) as ArrayRef]).collect())
    }

    fn result(&self) -> Result<ArrayRef> {
        let all: Vec<Vec<Cell<'_>>> = (0..self.rows.len()).map(|group| self.cells(group)).collect();
        let length = |text: Option<&str>| text.map_or(0, str::len);
        let bytes = all
            .iter()
            .flatten()
            .map(|(grouping, member, field, value, _)| grouping.len() + length(*member) + field.len() + length(*value));
        check_bytes(bytes.sum())?;
        let cells = all.iter().flatten();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(cells.clone().map(|(grouping, ..)| Some(*grouping)).collect::<StringArray>()),
            Arc::new(cells.clone().map(|(_, member, ..)| *member).collect::<StringArray>()),
            Arc::new(cells.clone().map(|(_, _, field, ..)| Some(*field)).collect::<StringArray>()),
            Arc::new(cells.clone().map(|(_, _, _, value, _)| *value).collect::<StringArray>()),
            Arc::new(cells.map(|(.., count)| *count).collect::<Int64Array>()),
        ];
        let cells = StructArray::try_new(entry(), columns, None)?;
        let known: NullBuffer = self.rows.iter().map(|rows| *rows > 0).collect::<Vec<bool>>().into();
        let lengths = OffsetBuffer::from_lengths(all.iter().map(Vec::len));
        let field = Arc::new(Field::new_list_field(DataType::Struct(entry()), true));
        Ok(Arc::new(ListArray::try_new(field, lengths, Arc::new(cells), Some(known))?))
    }

    fn heap_size(&self) -> usize {
        let named = |named: &Named| named.0.iter().map(|(name, values)| name.len() + values.heap_size()).sum::<usize>();
        let table = |table: &Table| {
            let cells = table.0.iter().flatten().flatten().map(|values| 24 + values.capacity() * size_of::<i64>());
            cells.sum::<usize>() + table.0.iter().flatten().count() * 24
        };
        named(&self.groupings) + named(&self.fields) + self.tables.iter().map(table).sum::<usize>()
    }
}
