//! Aggregates over categories: how often each was met. Counts are whole
//! numbers, so the result has the same bits whatever the order of the rows.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Builder, ListBuilder, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Int64Type};
use datafusion_common::{Result, exec_err, internal_datafusion_err};
use datafusion_expr::{AggregateUDFImpl, EmitTo};

use crate::aggregate::{Filter, Groups};
use crate::args::{exactly, refuse, texts};
use crate::figure::{Figure, check_bytes};
use crate::list::{Lists, list_of};
use crate::row::is_text;

/// Categories, each by its text, and how often they were met.
pub(crate) type Counts<const WIDTH: usize> = BTreeMap<[Box<str>; WIDTH], i64>;

/// An aggregate over rows of `WIDTH` categories.
pub(crate) trait Tally<const WIDTH: usize>: AggregateUDFImpl {
    const NAME: &'static str;
    const ARGUMENTS: [&'static str; WIDTH];
    type Figure: Figure;

    /// The figure of a group: at least one category.
    fn figure(counts: &Counts<WIDTH>) -> Option<Self::Figure>;
}

pub(crate) fn coerce<T: Tally<WIDTH>, const WIDTH: usize>(types: &[DataType]) -> Result<Vec<DataType>> {
    let types = exactly(T::NAME, T::ARGUMENTS, types)?;
    let text = |(name, found): (&&'static str, &DataType)| {
        if is_text(found) || found.is_integer() || found == &DataType::Date32 {
            Ok(DataType::Utf8)
        } else {
            refuse(T::NAME, name, "a text, an integer or a date", found)
        }
    };
    T::ARGUMENTS.iter().zip(types).map(text).collect()
}

/// The columns of the state: a list of the categories of each argument, and one
/// of the counts.
pub(crate) fn state(width: usize) -> Vec<(&'static str, DataType)> {
    let parts = ["first", "second"].into_iter().take(width);
    let texts = parts.map(|part| (part, list_of(DataType::Utf8)));
    texts.chain([("counts", list_of(DataType::Int64))]).collect()
}

/// The categories of each group.
pub(crate) struct Tallies<T, const WIDTH: usize> {
    groups: Vec<Counts<WIDTH>>,
    /// Bytes of the categories, about.
    bytes: usize,
    tally: PhantomData<fn() -> T>,
}

impl<T, const WIDTH: usize> Tallies<T, WIDTH> {
    pub(crate) fn new() -> Self {
        Self { groups: Vec::new(), bytes: 0, tally: PhantomData }
    }

    fn add(&mut self, group: usize, category: [&str; WIDTH], count: i64) {
        let category = category.map(Box::<str>::from);
        let bytes = size_of_entry(&category);
        let counts = self.groups[group].entry(category).or_insert_with(|| {
            self.bytes += bytes;
            0
        });
        *counts += count;
    }
}

fn size_of_entry<const WIDTH: usize>(category: &[Box<str>; WIDTH]) -> usize {
    // A tree is filled to two thirds or so.
    let texts: usize = category.iter().map(|text| text.len()).sum();
    texts + 3 * size_of::<([Box<str>; WIDTH], i64)>() / 2
}

impl<T, const WIDTH: usize> fmt::Debug for Tallies<T, WIDTH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tallies").field("groups", &self.groups.len()).field("bytes", &self.bytes).finish()
    }
}

fn columns<T: Tally<WIDTH>, const WIDTH: usize>(args: &[ArrayRef]) -> Result<[&StringArray; WIDTH]> {
    let columns = args.iter().map(|column| texts(T::NAME, column)).collect::<Result<Vec<_>>>()?;
    columns
        .try_into()
        .map_err(|columns: Vec<_>| internal_datafusion_err!("{} was given {} arguments", T::NAME, columns.len()))
}

impl<T: Tally<WIDTH>, const WIDTH: usize> Groups for Tallies<T, WIDTH> {
    const SLIDES: bool = true;

    fn empty(&self) -> Self {
        Self::new()
    }

    fn resize(&mut self, groups: usize) {
        if groups > self.groups.len() {
            self.groups.resize_with(groups, BTreeMap::new);
        }
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let columns = columns::<T, WIDTH>(args)?;
        for (row, &group) in groups.iter().enumerate() {
            if filter.keeps(row) && columns.iter().all(|column| column.is_valid(row)) {
                self.add(group, columns.map(|column| column.value(row)), 1);
            }
        }
        Ok(())
    }

    fn retract(&mut self, args: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let columns = columns::<T, WIDTH>(args)?;
        for (row, &group) in groups.iter().enumerate() {
            if columns.iter().all(|column| column.is_valid(row)) {
                let category = columns.map(|column| Box::<str>::from(column.value(row)));
                if let Entry::Occupied(mut counts) = self.groups[group].entry(category) {
                    *counts.get_mut() -= 1;
                    if *counts.get() == 0 {
                        self.bytes -= size_of_entry(&counts.remove_entry().0);
                    }
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let Some((counts, categories)) = states.split_last().filter(|(_, categories)| categories.len() == WIDTH) else {
            return exec_err!("{} was given {} state columns", T::NAME, states.len());
        };
        let counts = Lists::<Int64Type>::try_new(T::NAME, counts)?;
        let wrong = || internal_datafusion_err!("{} was given a state that is none", T::NAME);
        for (row, &group) in groups.iter().enumerate() {
            let Some(counts) = counts.row(row) else { continue };
            let mut lists = Vec::with_capacity(WIDTH);
            for list in categories {
                lists.push(list.as_list_opt::<i32>().ok_or_else(wrong)?.value(row));
            }
            for (at, count) in counts.known() {
                let mut category = [""; WIDTH];
                for (text, list) in category.iter_mut().zip(&lists) {
                    *text = texts(T::NAME, list)?.value(at);
                }
                self.add(group, category, count);
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        let groups = emit_to.take_needed(&mut self.groups);
        let bytes = groups.iter().flat_map(BTreeMap::keys).map(size_of_entry).sum();
        self.bytes -= bytes;
        Self { groups, bytes, tally: PhantomData }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let texts = self.groups.iter().flat_map(BTreeMap::keys).flatten();
        check_bytes(texts.map(|text| text.len()).sum())?;
        let mut lists: [_; WIDTH] = std::array::from_fn(|_| ListBuilder::new(StringBuilder::new()));
        let mut counts = ListBuilder::new(Int64Builder::new());
        for group in &self.groups {
            for (category, count) in group {
                for (list, text) in lists.iter_mut().zip(category) {
                    list.values().append_value(text);
                }
                counts.values().append_value(*count);
            }
            lists.iter_mut().for_each(|list| list.append(!group.is_empty()));
            counts.append(!group.is_empty());
        }
        let lists = lists.into_iter().map(|mut list| Arc::new(list.finish()) as ArrayRef);
        Ok(lists.chain([Arc::new(counts.finish()) as ArrayRef]).collect())
    }

    fn result(&self) -> Result<ArrayRef> {
        let figure = |group: &Counts<WIDTH>| if group.is_empty() { None } else { T::figure(group) };
        T::Figure::column(self.groups.iter().map(figure).collect())
    }

    fn heap_size(&self) -> usize {
        self.groups.capacity() * size_of::<Counts<WIDTH>>() + self.bytes
    }
}

/// The traits that engines see, of a [`Tally`].
macro_rules! tally {
    ($function:ty, $width:literal) => {
        impl $crate::aggregate::Aggregate for $function {
            const NAME: &'static str = <Self as $crate::tally::Tally<$width>>::NAME;
            type Groups = $crate::tally::Tallies<Self, $width>;

            fn coerce(
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                $crate::tally::coerce::<Self, $width>(types)
            }

            fn data_type() -> arrow::datatypes::DataType {
                <<Self as $crate::tally::Tally<$width>>::Figure as $crate::figure::Figure>::data_type()
            }

            fn state() -> Vec<(&'static str, arrow::datatypes::DataType)> {
                $crate::tally::state($width)
            }

            fn groups() -> Self::Groups {
                $crate::tally::Tallies::new()
            }
        }

        $crate::aggregate::aggregate!($function);
    };
}
pub(crate) use tally;
