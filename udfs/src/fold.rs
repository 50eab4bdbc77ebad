//! Aggregates that need all their rows at once: they keep them, put them in
//! order at the end and fold them. So the result has the same bits whatever the
//! order of the rows and the partitions that they came in.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, TimeUnit, TimestampMicrosecondType};
use datafusion_common::{Result, exec_err, internal_datafusion_err};
use datafusion_expr::{AggregateUDFImpl, EmitTo};

use crate::aggregate::{Filter, Groups};
use crate::args::{exactly, primitive, refuse};
use crate::figure::Figure;
use crate::list::{ListWriter, Lists};
use crate::row::{Kind, Number};

/// An aggregate over rows of `WIDTH` numbers.
pub(crate) trait Fold<const WIDTH: usize>: AggregateUDFImpl {
    const NAME: &'static str;
    const ARGUMENTS: [Argument; WIDTH];
    type Figure: Figure;

    /// The figure of the rows of a group: at least one, in ascending order,
    /// each number finite.
    fn fold(rows: &[[f64; WIDTH]]) -> Result<Option<Self::Figure>>;
}

/// Instants as [`Argument::Order`] takes them.
const MICROSECONDS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// An argument by its name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Argument {
    /// Any number; rows in which it is NULL, NaN or infinite are left out.
    Number(&'static str),
    /// A date, as days since 1970-01-01, or any number.
    Time(&'static str),
    /// A date, an instant or any number, of which only the order counts.
    Order(&'static str),
    /// True, as 1, or false, as 0.
    Flag(&'static str),
}

impl Argument {
    fn name(self) -> &'static str {
        match self {
            Self::Number(name) | Self::Time(name) | Self::Order(name) | Self::Flag(name) => name,
        }
    }

    fn coerce(self, function: &str, found: &DataType) -> Result<DataType> {
        let number = Number::coerce(function, self.name(), found);
        match self {
            Self::Flag(_) if matches!(found, DataType::Boolean | DataType::Null) => Ok(DataType::Boolean),
            Self::Flag(name) => refuse(function, name, "a BOOLEAN", found),
            _ if number.is_ok() => number,
            Self::Order(_) if matches!(found, DataType::Date32) => Ok(DataType::Date32),
            Self::Order(_) if matches!(found, DataType::Date64) => Ok(MICROSECONDS),
            Self::Order(_) if matches!(found, DataType::Timestamp(_, _)) => Ok(MICROSECONDS),
            Self::Time(_) if matches!(found, DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _)) => {
                Ok(DataType::Date32)
            }
            Self::Time(name) | Self::Order(name) => refuse(function, name, "a date or a number", found),
            Self::Number(_) => number,
        }
    }
}

pub(crate) fn coerce<F: Fold<WIDTH>, const WIDTH: usize>(types: &[DataType]) -> Result<Vec<DataType>> {
    let names = F::ARGUMENTS.map(Argument::name);
    let types = exactly(F::NAME, names, types)?;
    let coerced = F::ARGUMENTS.iter().zip(types).map(|(argument, found)| argument.coerce(F::NAME, found));
    let coerced = coerced.collect::<Result<Vec<_>>>()?;
    let mut times = F::ARGUMENTS
        .iter()
        .zip(types)
        .zip(&coerced)
        .filter(|((argument, found), _)| matches!(argument, Argument::Time(_)) && !found.is_null());
    if let Some(((first, _), wanted)) = times.next()
        && let Some(((other, found), _)) = times.find(|(_, coerced)| *coerced != wanted)
    {
        return refuse(F::NAME, other.name(), &format!("what {} takes, a date or a number", first.name()), found);
    }
    Ok(coerced)
}

/// The rows of each group.
pub(crate) struct Kept<F, const WIDTH: usize> {
    groups: Vec<Vec<[f64; WIDTH]>>,
    /// Bytes that the rows take, with room for more.
    bytes: usize,
    fold: PhantomData<fn() -> F>,
}

impl<F, const WIDTH: usize> Kept<F, WIDTH> {
    pub(crate) fn new() -> Self {
        Self { groups: Vec::new(), bytes: 0, fold: PhantomData }
    }

    fn push(&mut self, group: usize, row: [f64; WIDTH]) {
        let rows = &mut self.groups[group];
        let before = rows.capacity();
        rows.push(row);
        self.bytes += (rows.capacity() - before) * size_of::<[f64; WIDTH]>();
    }
}

impl<F, const WIDTH: usize> fmt::Debug for Kept<F, WIDTH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("groups", &self.groups.len()).field("bytes", &self.bytes).finish()
    }
}

/// A column of numbers, dates or flags, as coercion made it.
enum Numbers<'a> {
    Floats(&'a Float64Array),
    Days(&'a Date32Array),
    Instants(&'a TimestampMicrosecondArray),
    Flags(&'a BooleanArray),
}

impl<'a> Numbers<'a> {
    fn try_new(function: &str, column: &'a ArrayRef) -> Result<Self> {
        match column.data_type() {
            DataType::Date32 => Ok(Self::Days(primitive::<Date32Type>(function, column)?)),
            DataType::Timestamp(_, _) => Ok(Self::Instants(primitive::<TimestampMicrosecondType>(function, column)?)),
            DataType::Boolean => {
                let flags = column.as_boolean_opt();
                flags.map(Self::Flags).ok_or_else(|| internal_datafusion_err!("{function}: expected BOOLEAN"))
            }
            _ => Ok(Self::Floats(primitive::<Float64Type>(function, column)?)),
        }
    }

    fn get(&self, row: usize) -> Option<f64> {
        match self {
            Self::Floats(values) => values.is_valid(row).then(|| values.value(row)).filter(|value| value.is_finite()),
            Self::Days(values) => values.is_valid(row).then(|| f64::from(values.value(row))),
            // Exact for 140 years on either side of 1970.
            Self::Instants(values) => values.is_valid(row).then(|| values.value(row) as f64),
            Self::Flags(values) => values.is_valid(row).then(|| f64::from(values.value(row))),
        }
    }
}

/// The rows of a batch.
struct Rows<'a, const WIDTH: usize>([Numbers<'a>; WIDTH]);

impl<'a, const WIDTH: usize> Rows<'a, WIDTH> {
    fn try_new(function: &str, args: &'a [ArrayRef]) -> Result<Self> {
        let columns = args.iter().map(|column| Numbers::try_new(function, column)).collect::<Result<Vec<_>>>()?;
        let columns = columns.try_into().map_err(|columns: Vec<_>| {
            internal_datafusion_err!("{function} was called with {} arguments", columns.len())
        })?;
        Ok(Self(columns))
    }

    /// `None` where a number is unknown.
    fn get(&self, row: usize) -> Option<[f64; WIDTH]> {
        let mut numbers = [0.0; WIDTH];
        for (number, column) in numbers.iter_mut().zip(&self.0) {
            // A zero has one sign, so that equal rows have equal bits.
            *number = column.get(row)? + 0.0;
        }
        Some(numbers)
    }
}

impl<F: Fold<WIDTH>, const WIDTH: usize> Groups for Kept<F, WIDTH> {
    const SLIDES: bool = true;

    fn empty(&self) -> Self {
        Self::new()
    }

    fn resize(&mut self, groups: usize) {
        if groups > self.groups.len() {
            self.groups.resize_with(groups, Vec::new);
        }
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let rows = Rows::<WIDTH>::try_new(F::NAME, args)?;
        for (row, &group) in groups.iter().enumerate() {
            if let Some(numbers) = rows.get(row).filter(|_| filter.keeps(row)) {
                self.push(group, numbers);
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [rows] = states else {
            return exec_err!("{} was given {} state columns", F::NAME, states.len());
        };
        let lists = Lists::<Float64Type, _>::try_new_large(F::NAME, rows)?;
        for (row, &group) in groups.iter().enumerate() {
            let Some(values) = lists.row(row) else { continue };
            let Some(values) = values.dense() else {
                return exec_err!("{} was given a state with gaps", F::NAME);
            };
            let (rows, rest) = values.as_chunks::<WIDTH>();
            if !rest.is_empty() {
                return exec_err!("{} was given a state of {} numbers", F::NAME, values.len());
            }
            rows.iter().for_each(|row| self.push(group, *row));
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        let groups = emit_to.take_needed(&mut self.groups);
        let bytes = groups.iter().map(|rows| rows.capacity() * size_of::<[f64; WIDTH]>()).sum();
        self.bytes -= bytes;
        Self { groups, bytes, fold: PhantomData }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let values = self.groups.iter().map(|rows| rows.len() * WIDTH).sum();
        let mut lists = ListWriter::<Float64Type>::with_capacity(self.groups.len(), values);
        for rows in &self.groups {
            if rows.is_empty() { lists.push_null() } else { lists.push_dense(rows.as_flattened()) }
        }
        Ok(vec![Arc::new(lists.finish_large()?)])
    }

    fn result(&self) -> Result<ArrayRef> {
        let mut rows = Vec::new();
        let figures = self.groups.iter().map(|group| {
            rows.clear();
            rows.extend_from_slice(group);
            rows.sort_unstable_by(|left, right| {
                let pairs = left.iter().zip(right);
                pairs.fold(std::cmp::Ordering::Equal, |order, (left, right)| order.then(left.total_cmp(right)))
            });
            if rows.is_empty() { Ok(None) } else { F::fold(&rows) }
        });
        F::Figure::column(figures.collect::<Result<_>>()?)
    }

    fn retract(&mut self, args: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let rows = Rows::<WIDTH>::try_new(F::NAME, args)?;
        for (row, &group) in groups.iter().enumerate() {
            let kept = &mut self.groups[group];
            // The oldest rows leave, and they stand in front.
            if let Some(at) = rows.get(row).and_then(|numbers| kept.iter().position(|other| *other == numbers)) {
                kept.remove(at);
            }
        }
        Ok(())
    }

    fn heap_size(&self) -> usize {
        self.groups.capacity() * size_of::<Vec<[f64; WIDTH]>>() + self.bytes
    }
}

/// The traits that engines see, of a [`Fold`].
macro_rules! fold {
    ($function:ty, $width:literal) => {
        impl $crate::aggregate::Aggregate for $function {
            const NAME: &'static str = <Self as $crate::fold::Fold<$width>>::NAME;
            type Groups = $crate::fold::Kept<Self, $width>;

            fn coerce(
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                $crate::fold::coerce::<Self, $width>(types)
            }

            fn data_type() -> arrow::datatypes::DataType {
                <<Self as $crate::fold::Fold<$width>>::Figure as $crate::figure::Figure>::data_type()
            }

            fn state() -> Vec<(&'static str, arrow::datatypes::DataType)> {
                vec![("rows", $crate::list::large_list_of(arrow::datatypes::DataType::Float64))]
            }

            fn groups() -> Self::Groups {
                $crate::fold::Kept::new()
            }
        }

        $crate::aggregate::aggregate!($function);
    };
}
pub(crate) use fold;
