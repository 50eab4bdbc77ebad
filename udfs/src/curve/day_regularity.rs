//! How alike the days of an account are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Int32Type, Int64Type};
use datafusion_common::{Result, exec_datafusion_err, exec_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use super::arena::Arena;
use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{exactly, primitive};
use crate::figure::{Figure, Millionths};
use crate::list::{Lists, coerce_to_curve, list_of};
use crate::round::{RATIO, RATIO_ONE};

const NAME: &str = "day_regularity";
/// Of squares of watts.
const SQUARES: DataType = DataType::Decimal128(38, 0);

/// The part of the variance that the time of day explains.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"How regular the days of a group are (DECIMAL(9,6), 0 to 1): the part of the variance of all points that the time of day explains. 1 where every day is the same curve; near 0 where the hour says nothing about the load. Null points are passed over. Sums are exact, so the result does not depend on the order of the rows.

Lists that are NULL or empty, or of which no point is known, are left out; NULL where fewer than two are left, or nothing varies. Curves of different lengths in one group, and sums beyond 38 digits, are errors.",
    syntax_example = "day_regularity(curve)",
    sql_example = r"```sql
> select day_regularity(c) from (values ([100, 500, 100]), ([120, 480, 100])) as t (c);
0.997981
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DayRegularity;

impl Aggregate for DayRegularity {
    const NAME: &'static str = NAME;
    type Groups = Moments;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve] = exactly(NAME, ["curve"], types)?;
        Ok(vec![coerce_to_curve(NAME, "curve", curve)?])
    }

    fn data_type() -> DataType {
        RATIO
    }

    fn state() -> Vec<(&'static str, DataType)> {
        vec![
            ("curves", DataType::Int64),
            ("squares", SQUARES),
            ("sums", list_of(DataType::Int64)),
            ("counts", list_of(DataType::Int64)),
        ]
    }

    fn groups() -> Moments {
        Moments::default()
    }
}

aggregate!(DayRegularity);

/// Of each group: how many curves, the sum of all squares, and for each place
/// the sum of its points and how many they are.
#[derive(Debug, Default)]
pub(super) struct Moments {
    curves: Vec<i64>,
    squares: Vec<i128>,
    sums: Arena,
    counts: Arena,
}

impl Moments {
    /// Adds points, or those of many curves together: place, sum and count.
    fn add(
        &mut self,
        group: usize,
        places: usize,
        points: impl Iterator<Item = (usize, i64, i64)>,
        squares: i128,
        curves: i64,
    ) -> Result<()> {
        let overflow = || exec_datafusion_err!("{NAME}: the sums of a group are too large");
        let sums = self.sums.open_alike(NAME, group, places, 0)?;
        let counts = self.counts.open(group, places, 0);
        for (place, sum, count) in points {
            sums[place] = sums[place].checked_add(sum).ok_or_else(overflow)?;
            counts[place] += count;
        }
        self.squares[group] = self.squares[group].checked_add(squares).ok_or_else(overflow)?;
        self.curves[group] += curves;
        Ok(())
    }

    fn regularity(&self, group: usize) -> Result<Option<Millionths>> {
        let (Some(sums), Some(counts), true) = (self.sums.get(group), self.counts.get(group), self.curves[group] > 1)
        else {
            return Ok(None);
        };
        let (all, count) = (sums.iter().map(|&s| i128::from(s)).sum::<i128>(), i128::from(counts.iter().sum::<i64>()));
        // The variance times the square of the count: exact, and so is each
        // difference below; only their squares and quotients are rounded.
        let squares = count.checked_mul(self.squares[group]).zip(all.checked_mul(all));
        let Some(total) = squares.and_then(|(squares, square)| squares.checked_sub(square)) else {
            return exec_err!("{NAME}: the sums of a group are too large");
        };
        let explained: f64 = sums
            .iter()
            .zip(counts)
            .filter(|(_, places)| **places > 0)
            .map(|(&sum, &places)| {
                let apart = (count * i128::from(sum) - i128::from(places) * all) as f64;
                apart * apart / places as f64
            })
            .sum();
        let share = explained / (count as f64 * total as f64);
        Ok((total > 0).then(|| Millionths((share.min(1.0) * RATIO_ONE as f64).round() as i128)))
    }
}

impl Groups for Moments {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        let groups = groups.max(self.curves.len());
        self.curves.resize(groups, 0);
        self.squares.resize(groups, 0);
        self.sums.resize(groups);
        self.counts.resize(groups);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [curves] = args else { return exec_err!("{NAME} was called with {} arguments", args.len()) };
        let curves = filter.watts(NAME, curves)?;
        let curves = Lists::<Int32Type>::try_new(NAME, curves.array())?;
        for (row, &group) in groups.iter().enumerate() {
            let Some(curve) = curves.row(row).filter(|_| filter.keeps(row)) else { continue };
            let squares: i128 = curve.known().map(|(_, watts)| i128::from(i64::from(watts) * i64::from(watts))).sum();
            if curve.known().next().is_some() {
                let points = curve.known().map(|(place, watts)| (place, i64::from(watts), 1));
                self.add(group, curve.len(), points, squares, 1)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [curves, squares, sums, counts] = states else {
            return exec_err!("{NAME} was given {} states", states.len());
        };
        let (curves, squares) = (primitive::<Int64Type>(NAME, curves)?, primitive::<Decimal128Type>(NAME, squares)?);
        let (sums, counts) = (Lists::<Int64Type>::try_new(NAME, sums)?, Lists::<Int64Type>::try_new(NAME, counts)?);
        for (row, &group) in groups.iter().enumerate() {
            if let (Some(sums), Some(counts), true) = (sums.row(row), counts.row(row), curves.is_valid(row)) {
                let points = sums.known().zip(counts.known()).map(|((place, sum), (_, count))| (place, sum, count));
                self.add(group, sums.len(), points, squares.value(row), curves.value(row))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self {
            curves: emit_to.take_needed(&mut self.curves),
            squares: emit_to.take_needed(&mut self.squares),
            sums: self.sums.take(emit_to),
            counts: self.counts.take(emit_to),
        }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let groups = self.curves.len();
        let known = |group: usize| self.curves[group] > 0;
        let curves: Int64Array = (0..groups).map(|group| known(group).then(|| self.curves[group])).collect();
        let squares: Decimal128Array = (0..groups).map(|group| known(group).then(|| self.squares[group])).collect();
        Ok(vec![
            Arc::new(curves),
            Arc::new(squares.with_data_type(SQUARES)),
            self.sums.lists(NAME)?,
            self.counts.lists(NAME)?,
        ])
    }

    fn result(&self) -> Result<ArrayRef> {
        Millionths::column((0..self.curves.len()).map(|group| self.regularity(group)).collect::<Result<_>>()?)
    }

    fn heap_size(&self) -> usize {
        self.curves.capacity() * size_of::<i64>()
            + self.squares.capacity() * size_of::<i128>()
            + self.sums.heap_size()
            + self.counts.heap_size()
    }
}
