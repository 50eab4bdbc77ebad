//! Several meters of one account, added and netted.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion_common::{Result, exec_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use super::arena::Arena;
use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{coerce_integer, exactly, primitive, refuse};
use crate::list::{ListWriter, Lists, coerce_to_curve, list_of};

const NAME: &str = "net_curves";

/// The load behind several meters.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The load of an account behind several meters (LIST of INT, watts): the sum of their curves, each times its `factor`. A point that one of them does not know is null; but of a meter that was there for a part of the day only, because it was put in or taken out, it counts as nothing, if another meter knows the point. Curves of several intervals become one of the shortest interval: a point of an hour stands for the four quarters of that hour. The order of the rows does not matter.

Rows with a NULL or empty list or a NULL factor are left out; of no row the result is NULL. Curves whose numbers of points do not divide each other, and sums that do not fit into INT, are errors.",
    syntax_example = "net_curves(curve, factor, is_partial)",
    sql_example = r"```sql
> select net_curves(c, d, p) from (values ([5, 6, null], 1, false), ([1, 1, 1], -1, false), ([7, null, null], 1, true)) t(c, d, p);
[11, 5, NULL]
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(
        name = "factor",
        description = "BIGINT: 1 for load, -1 for what is taken off it, or the ratio of transformers."
    ),
    argument(name = "is_partial", description = "BOOLEAN: the meter was there for a part of the day; NULL is false.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NetCurves;

impl Aggregate for NetCurves {
    const NAME: &'static str = NAME;
    type Groups = Netted;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve, factor, is_partial] = exactly(NAME, ["curve", "factor", "is_partial"], types)?;
        if !matches!(is_partial, DataType::Boolean | DataType::Null) {
            return refuse(NAME, "is_partial", "a BOOLEAN", is_partial);
        }
        Ok(vec![
            coerce_to_curve(NAME, "curve", curve)?,
            coerce_integer(NAME, "factor", factor, DataType::Int64)?,
            DataType::Boolean,
        ])
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn state() -> Vec<(&'static str, DataType)> {
        let numbers = || list_of(DataType::Int64);
        vec![("sums", numbers()), ("known", numbers()), ("missing", numbers())]
    }

    fn groups() -> Netted {
        Netted::default()
    }
}

aggregate!(NetCurves);

/// Of each point of a group: the sum, how many know it, and how many should and do
/// not.
#[derive(Debug, Default)]
pub(crate) struct Netted {
    sums: Arena,
    known: Arena,
    missing: Arena,
}

impl Netted {
    /// Adds points of a curve of `given` ones: each with its sum, and how many
    /// know it and miss it.
    fn add(&mut self, group: usize, given: usize, points: impl Iterator<Item = [i64; 3]>) -> Result<()> {
        let there = self.sums.open(group, given, 0).len();
        let finest = there.max(given);
        if !finest.is_multiple_of(there.min(given)) {
            return exec_err!("{NAME}: curves of {there} and of {given} points in one group");
        }
        let cells = [&mut self.sums, &mut self.known, &mut self.missing];
        for cells in cells {
            cells.open(group, there, 0);
            if given > there {
                cells.widen(group, given / there);
            }
        }
        let width = finest / given;
        for (at, [sum, known, missing]) in points.enumerate() {
            for place in at * width..(at + 1) * width {
                let cell = &mut self.sums.open(group, 0, 0)[place];
                *cell = match cell.checked_add(sum) {
                    Some(sum) => sum,
                    None => return exec_err!("{NAME}: the sum of a point is too large"),
                };
                self.known.open(group, 0, 0)[place] += known;
                self.missing.open(group, 0, 0)[place] += missing;
            }
        }
        Ok(())
    }
}

impl Groups for Netted {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        for cells in [&mut self.sums, &mut self.known, &mut self.missing] {
            cells.resize(groups);
        }
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [curves, factors, partial] = args else {
            return exec_err!("{NAME} was called with {} arguments", args.len());
        };
        let curves = filter.watts(NAME, curves)?;
        let curves = Lists::<Int32Type>::try_new(NAME, curves.array())?;
        let factors = primitive::<Int64Type>(NAME, factors)?;
        let partial = partial.as_boolean();
        for (row, &group) in groups.iter().enumerate() {
            let curve = curves.row(row).filter(|curve| curve.len() > 0 && filter.keeps(row));
            let Some(curve) = curve.filter(|_| factors.is_valid(row)) else { continue };
            let factor = factors.value(row);
            let is_due = i64::from(!(partial.is_valid(row) && partial.value(row)));
            let points = curve.iter().map(|point| match point {
                // A product beyond 64 bits is beyond them as a sum, too.
                Some(w) => [i64::from(w).saturating_mul(factor), 1, 0],
                None => [0, 0, is_due],
            });
            self.add(group, curve.len(), points)?;
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [sums, known, missing] = states else { return exec_err!("{NAME} was given {} states", states.len()) };
        let list = |states| Lists::<Int64Type>::try_new(NAME, states);
        let (sums, known, missing) = (list(sums)?, list(known)?, list(missing)?);
        for (row, &group) in groups.iter().enumerate() {
            let (Some(sums), Some(known), Some(missing)) = (sums.row(row), known.row(row), missing.row(row)) else {
                continue;
            };
            let cells = sums.iter().zip(known.iter()).zip(missing.iter());
            let points = cells.map(|((sum, known), missing)| [sum, known, missing].map(Option::unwrap_or_default));
            self.add(group, sums.len(), points)?;
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self { sums: self.sums.take(emit_to), known: self.known.take(emit_to), missing: self.missing.take(emit_to) }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        [&self.sums, &self.known, &self.missing].into_iter().map(|cells| cells.lists(NAME)).collect()
    }

    fn result(&self) -> Result<ArrayRef> {
        let mut curves = ListWriter::<Int32Type>::with_capacity(self.sums.groups(), 0);
        let mut points = Vec::new();
        for group in 0..self.sums.groups() {
            let cells = (self.sums.get(group), self.known.get(group), self.missing.get(group));
            let (Some(sums), Some(known), Some(missing)) = cells else {
                curves.push_null();
                continue;
            };
            points.clear();
            for ((&sum, &known), &missing) in sums.iter().zip(known).zip(missing) {
                points.push(match i32::try_from(sum) {
                    _ if known == 0 || missing > 0 => None,
                    Ok(sum) => Some(sum),
                    Err(_) => return exec_err!("{NAME}: {sum} watts do not fit into a curve of INT watts"),
                });
            }
            curves.push(points.iter().copied());
        }
        Ok(std::sync::Arc::new(curves.finish(NAME)?))
    }

    fn heap_size(&self) -> usize {
        self.sums.heap_size() + self.known.heap_size() + self.missing.heap_size()
    }
}
