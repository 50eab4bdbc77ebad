//! Several meters of one account, added and netted.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion_common::{Result, exec_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use super::arena::Arena;
use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{coerce_integer, exactly, primitive};
use crate::list::{ListWriter, Lists, coerce_to_curve, list_of};

const NAME: &str = "net_curves";

/// The load behind several meters.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The load of an account behind several meters (LIST of INT, watts): the sum of their curves, each times its `factor`. A point that one of them does not know is null. Curves of several intervals become one of the shortest interval: a point of an hour stands for the four quarters of that hour. The order of the rows does not matter.

With a curve that is NULL or empty nothing is known of the sum, and the result is NULL. Rows with a NULL factor are left out; of no row the result is NULL, too. Curves whose numbers of points do not divide each other, and sums that do not fit into INT, are errors.",
    syntax_example = "net_curves(curve, factor)",
    sql_example = r"```sql
> select net_curves(c, f) from (values ([5, 6, null], 1), ([1, 1, 1], -1)) t(c, f);
[4, 5, NULL]
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(
        name = "factor",
        description = "BIGINT: 1 for load, -1 for what is taken off it, or the ratio of transformers."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NetCurves;

impl Aggregate for NetCurves {
    const NAME: &'static str = NAME;
    type Groups = Netted;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve, factor] = exactly(NAME, ["curve", "factor"], types)?;
        Ok(vec![coerce_to_curve(NAME, "curve", curve)?, coerce_integer(NAME, "factor", factor, DataType::Int64)?])
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn state() -> Vec<(&'static str, DataType)> {
        let numbers = || list_of(DataType::Int64);
        vec![("sums", numbers()), ("missing", numbers()), ("unknown", DataType::Int64)]
    }

    fn groups() -> Netted {
        Netted::default()
    }
}

aggregate!(NetCurves);

/// Of each point of a group: the sum, and how many do not know it.
#[derive(Debug, Default)]
pub(crate) struct Netted {
    sums: Arena,
    missing: Arena,
    /// Curves of each group of which nothing is known.
    unknown: Vec<i64>,
}

impl Netted {
    /// Adds points of a curve of `given` ones: each with its sum, and how many do
    /// not know it.
    fn add(&mut self, group: usize, given: usize, points: impl Iterator<Item = (i64, i64)>) -> Result<()> {
        let there = self.sums.open(group, given, 0).len();
        let finest = there.max(given);
        if !finest.is_multiple_of(there.min(given)) {
            return exec_err!("{NAME}: curves of {there} and of {given} points in one group");
        }
        for cells in [&mut self.sums, &mut self.missing] {
            cells.open(group, there, 0);
            if given > there {
                cells.widen(group, given / there);
            }
        }
        let width = finest / given;
        let (sums, missing) = (self.sums.open(group, finest, 0), self.missing.open(group, finest, 0));
        let cells = sums.chunks_mut(width).zip(missing.chunks_mut(width));
        for ((sums, missing), (w, unknown)) in cells.zip(points) {
            for sum in sums {
                *sum = match sum.checked_add(w) {
                    Some(sum) => sum,
                    None => return exec_err!("{NAME}: the sum of a point is too large"),
                };
            }
            missing.iter_mut().for_each(|missing| *missing += unknown);
        }
        Ok(())
    }
}

impl Groups for Netted {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        for cells in [&mut self.sums, &mut self.missing] {
            cells.resize(groups);
        }
        self.unknown.resize(groups.max(self.unknown.len()), 0);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [curves, factors] = args else {
            return exec_err!("{NAME} was called with {} arguments", args.len());
        };
        let curves = filter.watts(NAME, curves)?;
        let curves = Lists::<Int32Type>::try_new(NAME, curves.array())?;
        let factors = primitive::<Int64Type>(NAME, factors)?;
        for (row, &group) in groups.iter().enumerate() {
            if factors.is_null(row) || !filter.keeps(row) {
                continue;
            }
            let factor = factors.value(row);
            let Some(curve) = curves.row(row).filter(|curve| curve.len() > 0) else {
                self.unknown[group] += 1;
                continue;
            };
            let points = curve.iter().map(|point| match point {
                // A product beyond 64 bits is beyond them as a sum, too.
                Some(w) => (i64::from(w).saturating_mul(factor), 0),
                None => (0, 1),
            });
            self.add(group, curve.len(), points)?;
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [sums, missing, unknown] = states else {
            return exec_err!("{NAME} was given {} states", states.len());
        };
        let unknown = primitive::<Int64Type>(NAME, unknown)?;
        let list = |states| Lists::<Int64Type>::try_new(NAME, states);
        let (sums, missing) = (list(sums)?, list(missing)?);
        for (row, &group) in groups.iter().enumerate() {
            if unknown.is_valid(row) {
                self.unknown[group] += unknown.value(row);
            }
            let (Some(sums), Some(missing)) = (sums.row(row), missing.row(row)) else { continue };
            let cells = sums.iter().zip(missing.iter());
            let points = cells.map(|(sum, missing)| (sum.unwrap_or_default(), missing.unwrap_or_default()));
            self.add(group, sums.len(), points)?;
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self {
            sums: self.sums.take(emit_to),
            missing: self.missing.take(emit_to),
            unknown: emit_to.take_needed(&mut self.unknown),
        }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::new();
        for cells in [&self.sums, &self.missing] {
            columns.push(cells.lists(NAME)?);
        }
        columns.push(Arc::new(Int64Array::from(self.unknown.clone())));
        Ok(columns)
    }

    fn result(&self) -> Result<ArrayRef> {
        let mut curves = ListWriter::<Int32Type>::with_capacity(self.sums.groups(), 0);
        let mut points = Vec::new();
        for group in 0..self.sums.groups() {
            let cells = (self.sums.get(group), self.missing.get(group), self.unknown[group]);
            let (Some(sums), Some(missing), 0) = cells else {
                curves.push_null();
                continue;
            };
            points.clear();
            for (&sum, &missing) in sums.iter().zip(missing) {
                points.push(match i32::try_from(sum) {
                    _ if missing > 0 => None,
                    Ok(sum) => Some(sum),
                    Err(_) => return exec_err!("{NAME}: {sum} watts do not fit into a curve of INT watts"),
                });
            }
            curves.push(points.iter().copied());
        }
        Ok(Arc::new(curves.finish(NAME)?))
    }

    fn heap_size(&self) -> usize {
        let unknown = self.unknown.capacity() * size_of::<i64>();
        self.sums.heap_size() + self.missing.heap_size() + unknown
    }
}
