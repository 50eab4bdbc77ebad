//! The state behind `curve_min` and `curve_max`.

use arrow::array::ArrayRef;
use arrow::datatypes::Int32Type;
use datafusion_common::{Result, exec_err};
use datafusion_expr::EmitTo;

use super::arena::Arena;
use crate::aggregate::{Filter, Groups};
use crate::list::Lists;
use crate::simd::{Work, widest};

/// The smallest or the largest watts of each interval, of each group. The state
/// of a group is its curve so far.
#[derive(Debug)]
pub(super) struct Extremes {
    function: &'static str,
    is_least: bool,
    slots: Arena,
}

impl Extremes {
    pub(super) fn least(function: &'static str) -> Self {
        Self { function, is_least: true, slots: Arena::default() }
    }

    pub(super) fn greatest(function: &'static str) -> Self {
        Self { function, is_least: false, slots: Arena::default() }
    }

    /// The way is chosen once for all points, so that each loop vectorises. What
    /// is not known yet is beyond all that has 32 bits.
    fn add(&mut self, curves: &ArrayRef, groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let curves = filter.watts(self.function, curves)?;
        let curves = Lists::<Int32Type>::try_new(self.function, curves.array())?;
        let (function, slots) = (self.function, &mut self.slots);
        if self.is_least {
            widest(AddAll { function, slots, curves, groups, filter, unknown: i64::MAX, pick: i64::min })
        } else {
            widest(AddAll { function, slots, curves, groups, filter, unknown: i64::MIN, pick: i64::max })
        }
    }
}

/// Adds all curves of a batch.
struct AddAll<'a, P> {
    function: &'static str,
    slots: &'a mut Arena,
    curves: Lists<'a, Int32Type>,
    groups: &'a [usize],
    filter: Filter<'a>,
    unknown: i64,
    pick: P,
}

impl<P: Fn(i64, i64) -> i64> Work for AddAll<'_, P> {
    type Output = Result<()>;

    #[inline(always)]
    fn call(self) -> Result<()> {
        let Self { function, slots, curves, groups, filter, unknown, pick } = self;
        for (row, &group) in groups.iter().enumerate() {
            let Some(curve) = curves.row(row).filter(|curve| curve.len() > 0 && filter.keeps(row)) else { continue };
            let slots = slots.open_alike(function, group, curve.len(), unknown)?;
            match curve.dense() {
                Some(values) => {
                    slots.iter_mut().zip(values).for_each(|(slot, &w)| *slot = pick(*slot, i64::from(w)));
                }
                None => curve.known().for_each(|(at, w)| slots[at] = pick(slots[at], i64::from(w))),
            }
        }
        Ok(())
    }
}

impl Groups for Extremes {
    fn empty(&self) -> Self {
        Self { slots: Arena::default(), ..*self }
    }

    fn resize(&mut self, groups: usize) {
        self.slots.resize(groups);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [curves] = args else { return exec_err!("{} was called with {} arguments", self.function, args.len()) };
        self.add(curves, groups, filter)
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [curves] = states else { return exec_err!("{} was given {} states", self.function, states.len()) };
        self.add(curves, groups, Filter::all())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self { slots: self.slots.take(emit_to), ..*self }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.result()?])
    }

    fn result(&self) -> Result<ArrayRef> {
        self.slots.watts(self.function)
    }

    fn heap_size(&self) -> usize {
        self.slots.heap_size()
    }
}

/// `curve_min` and `curve_max` in other words than their own.
macro_rules! extremes {
    ($function:ty, $name:literal, $kind:ident) => {
        impl $crate::aggregate::Aggregate for $function {
            const NAME: &'static str = $name;
            type Groups = $crate::curve::extremes::Extremes;

            fn coerce(
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                let [curve] = $crate::args::exactly($name, ["curve"], types)?;
                Ok(vec![$crate::list::coerce_to_curve($name, "curve", curve)?])
            }

            fn data_type() -> arrow::datatypes::DataType {
                $crate::list::list_of(arrow::datatypes::DataType::Int32)
            }

            fn state() -> Vec<(&'static str, arrow::datatypes::DataType)> {
                vec![("curve", Self::data_type())]
            }

            fn groups() -> Self::Groups {
                $crate::curve::extremes::Extremes::$kind($name)
            }
        }

        $crate::aggregate::aggregate!($function);
    };
}
pub(super) use extremes;
