//! Rows of numbers by group, in one flat vector.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Int32Type, Int64Type};
use datafusion_common::{DataFusionError, Result, exec_datafusion_err};
use datafusion_expr::EmitTo;

use crate::list::ListWriter;

/// Most cells of a block. A larger one would go back to the operating system
/// when it is done with, and cost a fault for each of its pages anew.
const BLOCK_CELLS: usize = 1 << 16;

#[derive(Debug, Clone, Copy)]
struct Span {
    block: usize,
    start: usize,
    len: usize,
}

/// One row of `i64` for each group that has been opened, in blocks that are
/// filled one after the other and never grow, so that no cell is copied.
#[derive(Debug, Default)]
pub(super) struct Arena {
    spans: Vec<Option<Span>>,
    blocks: Vec<Vec<i64>>,
}

impl Arena {
    pub(super) fn groups(&self) -> usize {
        self.spans.len()
    }

    pub(super) fn resize(&mut self, groups: usize) {
        if groups > self.spans.len() {
            self.spans.resize(groups, None);
        }
    }

    /// The row of a group; `None` if the group has not been opened.
    pub(super) fn get(&self, group: usize) -> Option<&[i64]> {
        self.spans[group].map(|span| &self.blocks[span.block][span.start..span.start + span.len])
    }

    /// The row of a group, opened with `len` cells of `fill` if it was not.
    #[inline]
    pub(super) fn open(&mut self, group: usize, len: usize, fill: i64) -> &mut [i64] {
        let span = match self.spans[group] {
            Some(span) => span,
            None => {
                let span = self.room(len);
                self.blocks[span.block].resize(span.start + len, fill);
                *self.spans[group].insert(span)
            }
        };
        &mut self.blocks[span.block][span.start..span.start + span.len]
    }

    /// Where the next `len` cells go.
    #[inline]
    fn room(&mut self, len: usize) -> Span {
        let fits = |block: &Vec<i64>| block.capacity() - block.len() >= len;
        if !self.blocks.last().is_some_and(fits) {
            // Each block is twice as large as the one before it.
            let cells = self.blocks.last().map_or(len, |last| (2 * last.capacity()).min(BLOCK_CELLS)).max(len);
            self.blocks.push(Vec::with_capacity(cells));
        }
        let block = self.blocks.len() - 1;
        Span { block, start: self.blocks[block].len(), len }
    }

    /// As [`Self::open`], of a curve that must be as long as those before it.
    #[inline]
    pub(super) fn open_alike(&mut self, function: &str, group: usize, points: usize, fill: i64) -> Result<&mut [i64]> {
        let cells = self.open(group, points, fill);
        if cells.len() == points { Ok(cells) } else { Err(lengths_differ(function, cells.len(), points)) }
    }

    /// Puts `times` equal cells in the place of each cell of a group.
    pub(super) fn widen(&mut self, group: usize, times: usize) {
        let Some(cells) = self.get(group) else { return };
        let wide: Vec<i64> = cells.iter().flat_map(|&cell| std::iter::repeat_n(cell, times)).collect();
        let span = self.room(wide.len());
        self.blocks[span.block].extend(wide);
        self.spans[group] = Some(span);
    }

    /// Cuts the row of a group to its first `len` cells.
    pub(super) fn shrink(&mut self, group: usize, len: usize) {
        if let Some(span) = &mut self.spans[group] {
            span.len = span.len.min(len);
        }
    }

    /// Takes out the groups to emit; those left are numbered from 0 again.
    pub(super) fn take(&mut self, emit_to: EmitTo) -> Self {
        match emit_to {
            EmitTo::All => std::mem::take(self),
            EmitTo::First(n) => {
                let left = self.spans.split_off(n.min(self.spans.len()));
                let taken = self.packed(&self.spans);
                *self = self.packed(&left);
                taken
            }
        }
    }

    fn packed(&self, spans: &[Option<Span>]) -> Self {
        let mut packed = Self::default();
        for span in spans {
            let moved = span.map(|Span { block, start, len }| {
                let to = packed.room(len);
                packed.blocks[to.block].extend_from_slice(&self.blocks[block][start..start + len]);
                to
            });
            packed.spans.push(moved);
        }
        packed
    }

    /// Cells of all groups.
    fn cells(&self) -> usize {
        self.spans.iter().flatten().map(|span| span.len).sum()
    }

    /// The rows as a column of lists.
    pub(super) fn lists(&self, function: &str) -> Result<ArrayRef> {
        let mut lists = ListWriter::<Int64Type>::with_capacity(self.groups(), self.cells());
        for group in 0..self.groups() {
            match self.get(group) {
                None => lists.push_null(),
                Some(cells) => lists.push_dense(cells),
            }
        }
        Ok(Arc::new(lists.finish(function)?))
    }

    /// The rows as a column of curves; a cell with more than 32 bits is unknown.
    pub(super) fn watts(&self, function: &str) -> Result<ArrayRef> {
        let mut curves = ListWriter::<Int32Type>::with_capacity(self.groups(), self.cells());
        let mut watts: Vec<i32> = Vec::new();
        for group in 0..self.groups() {
            let Some(cells) = self.get(group) else {
                curves.push_null();
                continue;
            };
            // All at once where all are known, which is the rule.
            if cells.iter().fold(true, |all, &cell| all & (cell == i64::from(cell as i32))) {
                watts.clear();
                watts.extend(cells.iter().map(|&cell| cell as i32));
                curves.push_dense(&watts);
            } else {
                curves.push(cells.iter().map(|&cell| i32::try_from(cell).ok()));
            }
        }
        Ok(Arc::new(curves.finish(function)?))
    }

    pub(super) fn heap_size(&self) -> usize {
        let cells: usize = self.blocks.iter().map(Vec::capacity).sum();
        self.spans.capacity() * size_of::<Option<Span>>() + cells * size_of::<i64>()
    }
}

/// The refusal of curves of several lengths in one group.
#[cold]
pub(super) fn lengths_differ(function: &str, one: usize, other: usize) -> DataFusionError {
    exec_datafusion_err!(
        "{function}: curves of {one} and of {other} points in one group; resample_curve makes them alike"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_leave_from_the_front() {
        let mut arena = Arena::default();
        arena.resize(4);
        arena.open(2, 3, 7)[1] = 1;
        arena.open(0, 2, 0)[0] = 5;
        arena.shrink(2, 2);
        let first = arena.take(EmitTo::First(2));
        assert_eq!((first.groups(), first.get(0), first.get(1)), (2, Some(&[5, 0][..]), None));
        assert_eq!((arena.groups(), arena.get(0), arena.get(1)), (2, Some(&[7, 1][..]), None));
        arena.resize(1);
        assert_eq!(arena.take(EmitTo::All).groups(), 2);
        assert_eq!(arena.groups(), 0);
    }
}
