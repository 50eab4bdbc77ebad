//! From one description of per-group state to both of DataFusion's accumulators.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::compute::kernels::nullif::nullif;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, ScalarValue, internal_err, plan_err};
use datafusion_expr::function::AccumulatorArgs;
use datafusion_expr::utils::format_state_name;
use datafusion_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator};

use crate::args::Column;
use crate::list::in_watts;

/// Which rows of a batch count: those for which the filter is true.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filter<'a>(Option<&'a BooleanArray>);

impl Filter<'_> {
    /// Every row counts.
    pub(crate) fn all() -> Self {
        Self(None)
    }

    /// A column of curves as watts; those of rows that do not count are NULL, so
    /// that nothing in them can be wrong.
    pub(crate) fn watts(self, function: &str, curves: &ArrayRef) -> Result<Column> {
        let counted = match self.0 {
            Some(filter) => {
                let left_out = (0..filter.len()).map(|row| Some(!self.keeps(row)));
                nullif(curves, &left_out.collect())?
            }
            None => Arc::clone(curves),
        };
        in_watts(function, Column::of(&counted))
    }

    pub(crate) fn keeps(self, row: usize) -> bool {
        self.0.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
    }
}

/// What an aggregate keeps for each of its groups, which are numbered from 0.
/// A group without a row is NULL, in its state and in its result.
pub(crate) trait Groups: Debug + Send + Sync + Sized + 'static {
    /// Whether [`Self::retract`] is there, so that a window may slide.
    const SLIDES: bool = false;

    /// The same aggregate without groups.
    fn empty(&self) -> Self;
    /// Adds groups without rows up to `groups` of them; never fewer.
    fn resize(&mut self, groups: usize);
    /// Adds rows of arguments to their groups.
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()>;
    /// Adds rows of states to their groups.
    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()>;
    /// Takes out the groups to emit; those left are numbered from 0 again.
    fn take(&mut self, emit_to: EmitTo) -> Self;
    fn state(&self) -> Result<Vec<ArrayRef>>;
    fn result(&self) -> Result<ArrayRef>;
    /// Takes rows of arguments out of their groups again.
    fn retract(&mut self, args: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let _ = (args, groups);
        internal_err!("an aggregate that does not slide")
    }
    /// Bytes on the heap.
    fn heap_size(&self) -> usize;
}

/// An aggregate by its words; [`aggregate!`] makes of it what engines see.
pub(crate) trait Aggregate: AggregateUDFImpl {
    const NAME: &'static str;
    type Groups: Groups;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>>;
    fn data_type() -> DataType;
    /// The columns of the state, called after the part that each holds.
    fn state() -> Vec<(&'static str, DataType)>;
    fn groups() -> Self::Groups;
}

/// The trait that engines see, of an [`Aggregate`]. None of them depends on the
/// order of rows, and none knows `DISTINCT`: curves that are alike are not one.
macro_rules! aggregate {
    ($function:ty) => {
        impl datafusion_expr::AggregateUDFImpl for $function {
            fn name(&self) -> &str {
                <Self as $crate::aggregate::Aggregate>::NAME
            }

            fn signature(&self) -> &datafusion_expr::Signature {
                $crate::args::signature()
            }

            fn coerce_types(
                &self,
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                <Self as $crate::aggregate::Aggregate>::coerce(types)
            }

            fn return_type(
                &self,
                _types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<arrow::datatypes::DataType> {
                Ok(<Self as $crate::aggregate::Aggregate>::data_type())
            }

            fn state_fields(
                &self,
                args: datafusion_expr::function::StateFieldsArgs,
            ) -> datafusion_common::Result<Vec<arrow::datatypes::FieldRef>> {
                let state = <Self as $crate::aggregate::Aggregate>::state();
                Ok($crate::aggregate::state_fields(args.name, state))
            }

            fn accumulator(
                &self,
                args: datafusion_expr::function::AccumulatorArgs,
            ) -> datafusion_common::Result<Box<dyn datafusion_expr::Accumulator>> {
                $crate::aggregate::refuse_distinct(<Self as $crate::aggregate::Aggregate>::NAME, &args)?;
                Ok($crate::aggregate::whole(<Self as $crate::aggregate::Aggregate>::groups()))
            }

            fn groups_accumulator_supported(&self, args: datafusion_expr::function::AccumulatorArgs) -> bool {
                !args.is_distinct
            }

            fn create_groups_accumulator(
                &self,
                args: datafusion_expr::function::AccumulatorArgs,
            ) -> datafusion_common::Result<Box<dyn datafusion_expr::GroupsAccumulator>> {
                $crate::aggregate::refuse_distinct(<Self as $crate::aggregate::Aggregate>::NAME, &args)?;
                Ok($crate::aggregate::grouped(<Self as $crate::aggregate::Aggregate>::groups()))
            }

            fn order_sensitivity(&self) -> datafusion_expr::utils::AggregateOrderSensitivity {
                datafusion_expr::utils::AggregateOrderSensitivity::Insensitive
            }

            fn documentation(&self) -> Option<&datafusion_expr::Documentation> {
                self.doc()
            }
        }
    };
}
pub(crate) use aggregate;

pub(crate) fn state_fields(aggregate: &str, columns: Vec<(&'static str, DataType)>) -> Vec<FieldRef> {
    let field = |(part, data_type)| Arc::new(Field::new(format_state_name(aggregate, part), data_type, true));
    columns.into_iter().map(field).collect()
}

/// The accumulator of one value over all rows.
pub(crate) fn whole<G: Groups>(mut groups: G) -> Box<dyn Accumulator> {
    groups.resize(1);
    Box::new(Whole { groups, indices: Vec::new() })
}

/// The accumulator of many groups at once.
pub(crate) fn grouped<G: Groups>(groups: G) -> Box<dyn GroupsAccumulator> {
    Box::new(Grouped(groups))
}

/// `DISTINCT` over curves has no meaning here: refused, not ignored.
pub(crate) fn refuse_distinct(function: &str, args: &AccumulatorArgs) -> Result<()> {
    if args.is_distinct {
        return plan_err!("{function} does not take DISTINCT");
    }
    Ok(())
}

#[derive(Debug)]
struct Whole<G> {
    groups: G,
    /// Zeros: every row belongs to group 0.
    indices: Vec<usize>,
}

impl<G: Groups> Whole<G> {
    fn cover(&mut self, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        if self.indices.len() < rows {
            self.indices.resize(rows, 0);
        }
        rows
    }
}

impl<G: Groups> Accumulator for Whole<G> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = self.cover(values);
        self.groups.update(values, &self.indices[..rows], Filter(None))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = self.cover(states);
        self.groups.merge(states, &self.indices[..rows])
    }

    fn supports_retract_batch(&self) -> bool {
        G::SLIDES
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = self.cover(values);
        self.groups.retract(values, &self.indices[..rows])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.groups.result()?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.groups.state()?.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.groups.heap_size() + self.indices.capacity() * size_of::<usize>()
    }
}

#[derive(Debug)]
struct Grouped<G>(G);

impl<G: Groups> GroupsAccumulator for Grouped<G> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.0.resize(total_num_groups);
        self.0.update(values, group_indices, Filter(opt_filter))
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.0.resize(total_num_groups);
        self.0.merge(values, group_indices)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.0.take(emit_to).result()
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.0.take(emit_to).state()
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |column| column.len());
        let each: Vec<usize> = (0..rows).collect();
        let mut states = self.0.empty();
        states.resize(rows);
        states.update(values, &each, Filter(opt_filter))?;
        states.state()
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.heap_size()
    }
}
