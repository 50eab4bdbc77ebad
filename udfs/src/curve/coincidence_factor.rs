//! How much of their maxima many customers need at one time.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion_common::{Result, exec_datafusion_err, exec_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use super::arena::Arena;
use super::points::greatest;
use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{exactly, primitive};
use crate::list::{Lists, coerce_to_curve, list_of};
use crate::round::{RATIO, ratio};

const NAME: &str = "coincidence_factor";

/// The maximum of the sum over the sum of the maxima.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The coincidence factor of a group of curves (DECIMAL(9,6)): the maximum demand of the group as a whole, over the sum of the maximum demands of its curves. 1 where all peak at one time; 1 over it is the diversity factor. Null points are left out of the sum.

NULL and empty lists, and those of which no point is known, are left out; NULL where none is left or the sum of the maxima is not above 0. Curves of different lengths in one group, and a sum beyond BIGINT, are errors.",
    syntax_example = "coincidence_factor(curve)",
    sql_example = r"```sql
> select coincidence_factor(c) from (values ([100, 500]), ([400, 200])) t(c);
0.777778
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CoincidenceFactor;

impl Aggregate for CoincidenceFactor {
    const NAME: &'static str = NAME;
    type Groups = Demands;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve] = exactly(NAME, ["curve"], types)?;
        Ok(vec![coerce_to_curve(NAME, "curve", curve)?])
    }

    fn data_type() -> DataType {
        RATIO
    }

    fn state() -> Vec<(&'static str, DataType)> {
        vec![("sum", list_of(DataType::Int64)), ("maxima", DataType::Int64)]
    }

    fn groups() -> Demands {
        Demands::default()
    }
}

aggregate!(CoincidenceFactor);

/// The sum of the curves of each group, and that of their maxima.
#[derive(Debug, Default)]
pub(super) struct Demands {
    sums: Arena,
    maxima: Vec<i64>,
}

impl Demands {
    fn add(
        &mut self,
        group: usize,
        points: usize,
        known: impl Iterator<Item = (usize, i64)>,
        maxima: i64,
    ) -> Result<()> {
        let overflow = || exec_datafusion_err!("{NAME}: the demand of a group does not fit into BIGINT");
        let sums = self.sums.open_alike(NAME, group, points, 0)?;
        for (position, watts) in known {
            sums[position] = sums[position].checked_add(watts).ok_or_else(overflow)?;
        }
        self.maxima[group] = self.maxima[group].checked_add(maxima).ok_or_else(overflow)?;
        Ok(())
    }
}

impl Groups for Demands {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups);
        self.maxima.resize(groups.max(self.maxima.len()), 0);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [curves] = args else { return exec_err!("{NAME} was called with {} arguments", args.len()) };
        let curves = filter.watts(NAME, curves)?;
        let curves = Lists::<Int32Type>::try_new(NAME, curves.array())?;
        for (row, &group) in groups.iter().enumerate() {
            if filter.keeps(row)
                && let Some(curve) = curves.row(row)
                && let Some(most) = greatest(curve)
            {
                let known = curve.known().map(|(position, w)| (position, i64::from(w)));
                self.add(group, curve.len(), known, i64::from(most))?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [sums, maxima] = states else { return exec_err!("{NAME} was given {} states", states.len()) };
        let (sums, maxima) = (Lists::<Int64Type>::try_new(NAME, sums)?, primitive::<Int64Type>(NAME, maxima)?);
        for (row, &group) in groups.iter().enumerate() {
            if let Some(curve) = sums.row(row)
                && maxima.is_valid(row)
            {
                self.add(group, curve.len(), curve.known(), maxima.value(row))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self { sums: self.sums.take(emit_to), maxima: emit_to.take_needed(&mut self.maxima) }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let groups = self.sums.groups();
        let maxima = (0..groups).map(|group| self.sums.get(group).map(|_| self.maxima[group]));
        Ok(vec![self.sums.lists(NAME)?, Arc::new(maxima.collect::<Int64Array>())])
    }

    fn result(&self) -> Result<ArrayRef> {
        let factor = |group: usize| {
            let most = *self.sums.get(group)?.iter().max()?;
            let maxima = self.maxima[group];
            (maxima > 0).then(|| ratio(i128::from(most), i128::from(maxima)))
        };
        let factors: Decimal128Array = (0..self.sums.groups()).map(factor).collect();
        Ok(Arc::new(factors.with_data_type(RATIO)))
    }

    fn heap_size(&self) -> usize {
        self.sums.heap_size() + self.maxima.capacity() * size_of::<i64>()
    }
}
