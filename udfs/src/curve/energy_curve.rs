//! The state behind `energy_curve_sum` and `energy_curve_mean`.

mod output;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Int32Type, Int64Type};
use datafusion_common::{DataFusionError, Result, exec_datafusion_err, exec_err};
use datafusion_expr::EmitTo;

use super::arena::Arena;
use crate::aggregate::{Filter, Groups};
use crate::list::{Lists, Row, element_of, list_of};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statistic {
    Sum,
    Mean,
}

/// Sums and counts of curves, slot by slot, of each group.
///
/// Curves of another length fold onto the coarser one, and a folded slot of a
/// curve counts once however many of its parts are known. So that folding late
/// counts as folding early does, whatever the order of the rows, the counts of
/// curves with gaps are kept for every length that theirs can fold to.
#[derive(Debug)]
pub(crate) struct EnergyCurves {
    function: &'static str,
    statistic: Statistic,
    sums: Arena,
    /// Curves without a gap: they count in every slot, at every length.
    full: Vec<i64>,
    /// Of the curves with gaps, how many have a value in each slot: for every
    /// divisor of the length, from the length itself downwards.
    counts: Arena,
    /// The divisors of the length met last.
    divisors: Vec<usize>,
}

/// The state columns: sums by slot, and `full` followed by `counts`.
pub(super) fn state() -> Vec<(&'static str, DataType)> {
    ["sum", "count"].map(|part| (part, list_of(DataType::Int64))).to_vec()
}

impl EnergyCurves {
    pub(super) fn new(function: &'static str, statistic: Statistic) -> Self {
        Self {
            function,
            statistic,
            sums: Arena::default(),
            full: Vec::new(),
            counts: Arena::default(),
            divisors: Vec::new(),
        }
    }

    fn update_as<T>(&mut self, curves: &dyn Array, groups: &[usize], filter: Filter<'_>) -> Result<()>
    where
        T: ArrowPrimitiveType,
        T::Native: Into<i64>,
    {
        let curves = Lists::<T>::try_new(self.function, curves)?;
        for (row, &group) in groups.iter().enumerate() {
            if filter.keeps(row)
                && let Some(curve) = curves.row(row)
                && curve.len() > 0
            {
                self.add(group, curve)?;
            }
        }
        Ok(())
    }

    fn add<N: Copy + Into<i64>>(&mut self, group: usize, curve: Row<'_, N>) -> Result<()> {
        let len = self.align(group, curve.len())?;
        if len == curve.len()
            && let Some(values) = curve.dense()
        {
            return self.add_full(group, values);
        }
        let factor = curve.len() / len;
        let mut folded: Vec<Option<i64>> = vec![None; len];
        for (position, value) in curve.known() {
            let slot = &mut folded[position / factor];
            let sum = slot.unwrap_or(0).checked_add(value.into());
            *slot = Some(sum.ok_or_else(|| self.overflow())?);
        }
        if folded.iter().all(Option::is_some) {
            let values: Vec<i64> = folded.into_iter().flatten().collect();
            self.add_full(group, &values)
        } else {
            self.add_gapped(group, &folded)
        }
    }

    /// The length that a curve of `len` values has to take for this group,
    /// which is opened or folded so that it has that length, too.
    fn align(&mut self, group: usize, len: usize) -> Result<usize> {
        match self.sums.get(group).map(<[i64]>::len) {
            None => {
                self.sums.open(group, len, 0);
                Ok(len)
            }
            Some(slots) if len.is_multiple_of(slots) => Ok(slots),
            Some(slots) if slots % len == 0 => {
                self.fold(group, slots, len)?;
                Ok(len)
            }
            Some(slots) => {
                exec_err!("{}: curves of {slots} and of {len} values do not fold onto each other", self.function)
            }
        }
    }

    fn add_full<N: Copy + Into<i64>>(&mut self, group: usize, values: &[N]) -> Result<()> {
        self.full[group] += 1;
        self.add_sums(group, values)
    }

    /// Adds slot by slot; overflow is looked for once, so that this vectorises.
    fn add_sums<N: Copy + Into<i64>>(&mut self, group: usize, values: &[N]) -> Result<()> {
        let mut overflow = 0;
        for (cell, &value) in self.sums.open(group, values.len(), 0).iter_mut().zip(values) {
            let value: i64 = value.into();
            let sum = cell.wrapping_add(value);
            overflow |= (*cell ^ sum) & (value ^ sum);
            *cell = sum;
        }
        if overflow < 0 { Err(self.overflow()) } else { Ok(()) }
    }

    fn add_gapped(&mut self, group: usize, values: &[Option<i64>]) -> Result<()> {
        let len = values.len();
        if self.divisors.first() != Some(&len) {
            self.divisors = divisors(len).collect();
        }
        let counts = self.counts.open(group, self.divisors.iter().sum(), 0);
        let mut start = 0;
        for &slots in &self.divisors {
            let level = &mut counts[start..start + slots];
            for (count, parts) in level.iter_mut().zip(values.chunks(len / slots)) {
                *count += i64::from(parts.iter().any(Option::is_some));
            }
            start += slots;
        }
        let sums: Vec<i64> = values.iter().map(|value| value.unwrap_or(0)).collect();
        self.add_sums(group, &sums)
    }

    /// Folds a group of `from` slots to `to`, a divisor of it.
    fn fold(&mut self, group: usize, from: usize, to: usize) -> Result<()> {
        let factor = from / to;
        let sums = self.sums.open(group, from, 0);
        for slot in 0..to {
            let parts = &sums[slot * factor..(slot + 1) * factor];
            let sum = parts.iter().try_fold(0i64, |sum, &part| sum.checked_add(part));
            match sum {
                Some(sum) => sums[slot] = sum,
                None => return Err(self.overflow()),
            }
        }
        self.sums.shrink(group, to);
        if self.counts.get(group).is_some() {
            let counts = self.counts.open(group, 0, 0);
            let (mut source, mut target) = (0, 0);
            for slots in divisors(from) {
                if to.is_multiple_of(slots) {
                    counts.copy_within(source..source + slots, target);
                    target += slots;
                }
                source += slots;
            }
            self.counts.shrink(group, target);
        }
        Ok(())
    }

    /// Adds the state of another group: sums, and `full` followed by `counts`.
    fn absorb(&mut self, group: usize, sums: &[i64], counts: &[i64]) -> Result<()> {
        let Some((&full, gapped)) = counts.split_first() else {
            return exec_err!("{}: a state without counts", self.function);
        };
        let len = self.align(group, sums.len())?;
        if len != sums.len() {
            let mut finer = self.empty();
            finer.resize(1);
            finer.absorb(0, sums, counts)?;
            finer.fold(0, sums.len(), len)?;
            let counts = finer.counts_of(0);
            return self.absorb(group, finer.sums.get(0).unwrap_or(&[]), &counts);
        }
        self.full[group] += full;
        if !gapped.is_empty() {
            let counts = self.counts.open(group, gapped.len(), 0);
            counts.iter_mut().zip(gapped).for_each(|(count, &more)| *count += more);
        }
        self.add_sums(group, sums)
    }

    fn counts_of(&self, group: usize) -> Vec<i64> {
        let mut counts = vec![self.full[group]];
        counts.extend_from_slice(self.counts.get(group).unwrap_or(&[]));
        counts
    }

    fn overflow(&self) -> DataFusionError {
        exec_datafusion_err!("{}: a sum does not fit into BIGINT", self.function)
    }
}

/// The divisors of `len`, `len` itself first.
fn divisors(len: usize) -> impl Iterator<Item = usize> {
    (1..=len).rev().filter(move |divisor| len.is_multiple_of(*divisor))
}

impl Groups for EnergyCurves {
    fn empty(&self) -> Self {
        Self::new(self.function, self.statistic)
    }

    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups);
        self.counts.resize(groups);
        self.full.resize(self.sums.groups(), 0);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [curves] = args else {
            return exec_err!("{} was called with {} arguments", self.function, args.len());
        };
        match element_of(curves.data_type()) {
            Some(DataType::Int64) => self.update_as::<Int64Type>(curves, groups, filter),
            _ => self.update_as::<Int32Type>(curves, groups, filter),
        }
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [sums, counts] = states else {
            return exec_err!("{} was given {} state columns", self.function, states.len());
        };
        let sums = Lists::<Int64Type>::try_new(self.function, sums)?;
        let counts = Lists::<Int64Type>::try_new(self.function, counts)?;
        for (row, &group) in groups.iter().enumerate() {
            let state = sums.row(row).zip(counts.row(row));
            // The values of a state are never null.
            if let Some((Some(sums), Some(counts))) = state.map(|(s, c)| (s.dense(), c.dense())) {
                self.absorb(group, sums, counts)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self {
            sums: self.sums.take(emit_to),
            full: emit_to.take_needed(&mut self.full),
            counts: self.counts.take(emit_to),
            ..self.empty()
        }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        self.write_state()
    }

    fn result(&self) -> Result<ArrayRef> {
        match self.statistic {
            Statistic::Sum => self.write_sums(),
            Statistic::Mean => self.write_means(),
        }
    }

    fn heap_size(&self) -> usize {
        self.sums.heap_size()
            + self.counts.heap_size()
            + self.full.capacity() * size_of::<i64>()
            + self.divisors.capacity() * size_of::<usize>()
    }
}
