//! Parts of a day's curve, put together.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::{Result, exec_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use super::arena::Arena;
use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::exactly;
use crate::list::{Lists, Row, coerce_to_curve, list_of};

const NAME: &str = "overlay_curves";
/// A point that no curve knows: below every watt, which has 32 bits.
const UNKNOWN: i64 = i64::MIN;

/// One curve of several that each know a part of the day.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Puts curves of one day over each other (LIST of INT, watts): parts of a day that were delivered one by one. Where several know a point, the larger stands, so the order does not matter. Curves of several intervals become one of the shortest interval: a point of an hour stands for the four quarters of that hour. Null points are passed over; a point is null where it is known in no curve.

NULL and empty lists are left out; of no list the result is NULL. Curves whose numbers of points do not divide each other are an error.",
    syntax_example = "overlay_curves(curve)",
    sql_example = r"```sql
> select overlay_curves(c) from (values ([5, null]), ([null, null, 7, 9])) t(c);
[5, 5, 7, 9]
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OverlayCurves;

impl Aggregate for OverlayCurves {
    const NAME: &'static str = NAME;
    type Groups = Overlaid;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve] = exactly(NAME, ["curve"], types)?;
        Ok(vec![coerce_to_curve(NAME, "curve", curve)?])
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn state() -> Vec<(&'static str, DataType)> {
        vec![("curve", Self::data_type())]
    }

    fn groups() -> Overlaid {
        Overlaid::default()
    }
}

aggregate!(OverlayCurves);

/// The curve of each group so far, which is its state too.
#[derive(Debug, Default)]
pub(crate) struct Overlaid {
    points: Arena,
}

impl Overlaid {
    fn add(&mut self, curves: &ArrayRef, groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let curves = filter.watts(NAME, curves)?;
        let curves = Lists::<Int32Type>::try_new(NAME, curves.array())?;
        for (row, &group) in groups.iter().enumerate() {
            if let Some(curve) = curves.row(row).filter(|curve| curve.len() > 0 && filter.keeps(row)) {
                self.lay(group, curve)?;
            }
        }
        Ok(())
    }

    fn lay(&mut self, group: usize, curve: Row<'_, i32>) -> Result<()> {
        let (known, given) = (self.points.open(group, curve.len(), UNKNOWN).len(), curve.len());
        if known.max(given) % known.min(given) != 0 {
            return exec_err!("{NAME}: curves of {known} and of {given} points in one group");
        }
        if given > known {
            self.points.widen(group, given / known);
        }
        let points = self.points.open(group, given, UNKNOWN);
        let width = points.len() / given;
        match curve.dense().filter(|_| width == 1) {
            Some(values) => points.iter_mut().zip(values).for_each(|(point, &w)| *point = (*point).max(i64::from(w))),
            None => {
                for (at, w) in curve.known() {
                    let covered = &mut points[at * width..(at + 1) * width];
                    covered.iter_mut().for_each(|point| *point = (*point).max(i64::from(w)));
                }
            }
        }
        Ok(())
    }
}

impl Groups for Overlaid {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        self.points.resize(groups);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [curves] = args else { return exec_err!("{NAME} was called with {} arguments", args.len()) };
        self.add(curves, groups, filter)
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [curves] = states else { return exec_err!("{NAME} was given {} states", states.len()) };
        self.add(curves, groups, Filter::all())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self { points: self.points.take(emit_to) }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.result()?])
    }

    fn result(&self) -> Result<ArrayRef> {
        self.points.watts(NAME)
    }

    fn heap_size(&self) -> usize {
        self.points.heap_size()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, ListArray};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::aggregate;

    fn overlay(curves: &[Vec<Option<i32>>]) -> Vec<Option<i32>> {
        let column: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves.iter().cloned().map(Some)));
        let value = aggregate(OverlayCurves, &[column]).unwrap().to_array().unwrap();
        value.as_list::<i32>().value(0).as_primitive::<Int32Type>().iter().collect()
    }

    proptest! {
        /// Whatever the intervals and the order: each point of the shortest interval
        /// has the largest value of all points that cover it.
        #[test]
        fn each_point_is_the_largest_that_covers_it(
            mut curves in prop::collection::vec(
                (0usize..4).prop_flat_map(|kind| {
                    prop::collection::vec(prop::option::weighted(0.7, -50i32..50), [24, 48, 96, 288][kind])
                }),
                1..5,
            ),
        ) {
            let finest = curves.iter().map(Vec::len).max().unwrap_or_default();
            let expected: Vec<Option<i32>> = (0..finest)
                .map(|at| curves.iter().filter_map(|curve| curve[at * curve.len() / finest]).max())
                .collect();
            prop_assert_eq!(&overlay(&curves), &expected);
            curves.reverse();
            prop_assert_eq!(&overlay(&curves), &expected);
        }
    }
}
