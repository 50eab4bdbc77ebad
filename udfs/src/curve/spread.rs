//! The state behind `curve_quantile`, `typical_day` and
//! `load_duration_curve`: what values there are in each place of a curve.

mod group;
mod histogram;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion_common::{Result, exec_err};
use datafusion_expr::{AggregateUDFImpl, EmitTo};

pub(super) use self::group::Values;
use self::group::{Content, Group, points};
use self::histogram::Histogram;
use super::arena::lengths_differ;
use super::points::Curve;
use crate::aggregate::{Filter, Groups};
use crate::args::{exactly, primitive};
use crate::list::{ListWriter, Lists, coerce_to_curve, large_list_of};
use crate::row::{Kind, Number, Whole};

/// A figure of many curves that needs their values in order, place by place.
pub(super) trait Spread: AggregateUDFImpl {
    const NAME: &'static str;
    /// The number after the curve.
    const ARGUMENT: &'static str;
    const IS_WHOLE: bool = false;
    /// Whether all points of a curve go into one place.
    const IS_FLAT: bool = false;
    /// So many rows of a group are kept as they are and their figure is exact;
    /// of more, only how many values lie in each bucket.
    const EXACT_ROWS: usize;

    /// What the argument takes, where `argument` is wrong.
    fn check(argument: f64) -> Result<(), &'static str>;
    /// Appends the figure's points, from the values of each place.
    fn points(places: &[Values], argument: f64, points: &mut Vec<Option<i32>>);
}

pub(super) fn coerce<S: Spread>(types: &[DataType]) -> Result<Vec<DataType>> {
    let [curve, argument] = exactly(S::NAME, ["curve", S::ARGUMENT], types)?;
    let coerce = if S::IS_WHOLE { Whole::coerce } else { Number::coerce };
    Ok(vec![coerce_to_curve(S::NAME, "curve", curve)?, coerce(S::NAME, S::ARGUMENT, argument)?])
}

pub(super) fn state() -> Vec<(&'static str, DataType)> {
    vec![
        ("argument", DataType::Float64),
        ("places", DataType::Int64),
        ("rows", large_list_of(DataType::Int32)),
        ("buckets", large_list_of(DataType::Int64)),
        ("counts", large_list_of(DataType::Int64)),
    ]
}

/// The curves of each group.
pub(super) struct Spreads<S> {
    groups: Vec<Option<Group>>,
    /// Bytes of what is kept of the curves.
    bytes: usize,
    spread: PhantomData<fn() -> S>,
}

impl<S: Spread> Spreads<S> {
    pub(super) fn new() -> Self {
        Self { groups: Vec::new(), bytes: 0, spread: PhantomData }
    }

    /// The group, which is opened if it was not.
    fn open(&mut self, group: usize, places: usize, argument: f64) -> Result<&mut Group> {
        let group = self.groups[group].get_or_insert_with(|| Group::new(argument, places));
        if group.argument != argument {
            return exec_err!(
                "{}: argument {} takes one number in each group, not {} and {argument}",
                S::NAME,
                S::ARGUMENT,
                group.argument
            );
        }
        if group.places != places {
            return Err(lengths_differ(S::NAME, group.places, places));
        }
        Ok(group)
    }

    fn add(&mut self, group: usize, curve: Curve<'_>, argument: f64) -> Result<()> {
        let (places, rows) = if S::IS_FLAT { (1, curve.known().count()) } else { (curve.len(), 1) };
        let group = self.open(group, places, argument)?;
        let before = group.heap_size();
        if group.rows().saturating_add(rows) > S::EXACT_ROWS {
            group.count();
        }
        if S::IS_FLAT {
            group.push(curve.known().map(|(_, watts)| Some(watts)));
        } else {
            group.push(curve.iter());
        }
        let after = group.heap_size();
        self.bytes = self.bytes + after - before;
        Ok(())
    }
}

impl<S> fmt::Debug for Spreads<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spreads").field("groups", &self.groups.len()).finish()
    }
}

impl<S: Spread> Groups for Spreads<S> {
    fn empty(&self) -> Self {
        Self::new()
    }

    fn resize(&mut self, groups: usize) {
        self.groups.resize_with(groups.max(self.groups.len()), || None);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [curves, arguments] = args else {
            return exec_err!("{} was called with {} arguments", S::NAME, args.len());
        };
        let curves = filter.watts(S::NAME, curves)?;
        let curves = Lists::<Int32Type>::try_new(S::NAME, curves.array())?;
        // Whole ones are as exact as floats.
        let arguments = cast(arguments, &DataType::Float64)?;
        let arguments = primitive::<Float64Type>(S::NAME, &arguments)?;
        for (row, &group) in groups.iter().enumerate() {
            let Some(curve) = curves.row(row).filter(|curve| curve.len() > 0 && filter.keeps(row)) else { continue };
            if arguments.is_null(row) {
                continue;
            }
            let argument = arguments.value(row);
            if let Err(takes) = S::check(argument) {
                return exec_err!("{}: argument {} takes {takes}, not {argument}", S::NAME, S::ARGUMENT);
            }
            self.add(group, curve, argument)?;
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [arguments, places, rows, buckets, counts] = states else {
            return exec_err!("{} was given {} state columns", S::NAME, states.len());
        };
        let arguments = primitive::<Float64Type>(S::NAME, arguments)?;
        let places = primitive::<Int64Type>(S::NAME, places)?;
        let rows = Lists::<Int32Type, _>::try_new_large(S::NAME, rows)?;
        let buckets = Lists::<Int64Type, _>::try_new_large(S::NAME, buckets)?;
        let counts = Lists::<Int64Type, _>::try_new_large(S::NAME, counts)?;
        for (row, &group) in groups.iter().enumerate() {
            if arguments.is_null(row) || places.is_null(row) {
                continue;
            }
            // A state has as many places as a list has elements.
            let count = places.value(row) as usize;
            let group = self.open(group, count, arguments.value(row))?;
            let before = group.heap_size();
            if let Some(rows) = rows.row(row) {
                if group.rows().saturating_add(rows.len() / count) > S::EXACT_ROWS {
                    group.count();
                }
                group.push(rows.iter());
            } else if let (Some(buckets), Some(counts)) = (buckets.row(row), counts.row(row)) {
                group.count();
                if let Content::Counts(histograms) = &mut group.content {
                    for ((_, bucket), (_, count)) in buckets.known().zip(counts.known()) {
                        let (place, bucket) = Histogram::split(bucket);
                        histograms[place].add_bucket(bucket, count);
                    }
                }
            }
            let after = group.heap_size();
            self.bytes = self.bytes + after - before;
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        let groups = emit_to.take_needed(&mut self.groups);
        let bytes = groups.iter().flatten().map(Group::heap_size).sum();
        self.bytes -= bytes;
        Self { groups, bytes, spread: PhantomData }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let known = |of: fn(&Group) -> f64| self.groups.iter().map(move |group| group.as_ref().map(of));
        let arguments: Float64Array = known(|group| group.argument).collect();
        let places: Int64Array = self.groups.iter().map(|group| group.as_ref().map(|g| g.places as i64)).collect();
        let mut rows = ListWriter::<Int32Type>::with_capacity(self.groups.len(), 0);
        let mut buckets = ListWriter::<Int64Type>::with_capacity(self.groups.len(), 0);
        let mut counts = ListWriter::<Int64Type>::with_capacity(self.groups.len(), 0);
        for group in &self.groups {
            let content = group.as_ref().map(|group| &group.content);
            match content {
                Some(Content::Rows { values, gaps }) => rows.push(points(values, gaps)),
                _ => rows.push_null(),
            }
            match content {
                Some(Content::Counts(histograms)) => {
                    let cells = || histograms.iter().enumerate().flat_map(|(place, histogram)| histogram.cells(place));
                    buckets.push(cells().map(|(bucket, _)| Some(bucket)));
                    counts.push(cells().map(|(_, count)| Some(count)));
                }
                _ => {
                    buckets.push_null();
                    counts.push_null();
                }
            }
        }
        Ok(vec![
            Arc::new(arguments),
            Arc::new(places),
            Arc::new(rows.finish_large()?),
            Arc::new(buckets.finish_large()?),
            Arc::new(counts.finish_large()?),
        ])
    }

    fn result(&self) -> Result<ArrayRef> {
        let mut lists = ListWriter::<Int32Type>::with_capacity(self.groups.len(), 0);
        let mut points = Vec::new();
        for group in &self.groups {
            let Some(group) = group else {
                lists.push_null();
                continue;
            };
            points.clear();
            S::points(&group.values(), group.argument, &mut points);
            if points.is_empty() { lists.push_null() } else { lists.push(points.iter().copied()) }
        }
        Ok(Arc::new(lists.finish(S::NAME)?))
    }

    fn heap_size(&self) -> usize {
        self.groups.capacity() * size_of::<Option<Group>>() + self.bytes
    }
}

/// The traits that engines see, of a [`Spread`].
macro_rules! spread {
    ($function:ty) => {
        impl $crate::aggregate::Aggregate for $function {
            const NAME: &'static str = <Self as $crate::curve::spread::Spread>::NAME;
            type Groups = $crate::curve::spread::Spreads<Self>;

            fn coerce(
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                $crate::curve::spread::coerce::<Self>(types)
            }

            fn data_type() -> arrow::datatypes::DataType {
                $crate::list::list_of(arrow::datatypes::DataType::Int32)
            }

            fn state() -> Vec<(&'static str, arrow::datatypes::DataType)> {
                $crate::curve::spread::state()
            }

            fn groups() -> Self::Groups {
                $crate::curve::spread::Spreads::new()
            }
        }

        $crate::aggregate::aggregate!($function);
    };
}
pub(super) use spread;

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, ListArray};
    use datafusion_common::ScalarValue;

    use super::super::curve_quantile::CurveQuantile;
    use super::super::load_duration_curve::LoadDurationCurve;
    use super::super::typical_day::TypicalDay;
    use super::*;
    use crate::testing::{aggregate, aggregate_groups};

    /// Curves of three points, one of them null, and an argument for each.
    fn arguments(curves: i32, argument: f64) -> Vec<ArrayRef> {
        let curve = |i: i32| Some(vec![Some(i * 1000), (i % 3 > 0).then_some(-i), Some(7)]);
        let curves = ListArray::from_iter_primitive::<Int32Type, _, _>((0..curves).map(curve));
        let arguments = Float64Array::from(vec![argument; curves.len()]);
        vec![Arc::new(curves), Arc::new(arguments)]
    }

    /// Whether all rows come at once, or in two parts of which one is made of
    /// single rows: below, at and above the number up to which they are kept.
    #[test]
    fn parts_are_counted_as_the_whole() {
        for curves in [1023, 1024, 1025, 1026, 3000] {
            let groups = vec![0; curves as usize];
            let args = arguments(curves, 0.25);
            let whole = aggregate(CurveQuantile, &args).unwrap();
            assert_eq!(aggregate_groups(CurveQuantile, &args, &groups, 1).unwrap(), [whole], "{curves}");
            let whole = aggregate(TypicalDay, &args).unwrap();
            assert_eq!(aggregate_groups(TypicalDay, &args, &groups, 1).unwrap(), [whole], "{curves}");
        }
        // Two or three known points a curve: about the limit.
        for curves in [49_151, 49_152, 49_153, 60_000] {
            let args = arguments(curves, 10.0);
            let whole = aggregate(LoadDurationCurve, &args).unwrap();
            let groups = vec![0; curves as usize];
            assert_eq!(aggregate_groups(LoadDurationCurve, &args, &groups, 1).unwrap(), [whole], "{curves}");
        }
    }

    /// The largest load is 1,023,000 or 1,024,000 W: kept as it is, and then as
    /// its bucket.
    #[test]
    fn only_more_curves_than_are_kept_lose_digits() {
        let largest = |curves| match aggregate(CurveQuantile, &arguments(curves, 1.0)).unwrap() {
            ScalarValue::List(list) => list.values().as_primitive::<Int32Type>().value(0),
            other => panic!("{other}"),
        };
        assert_eq!(largest(1024), 1_023_000);
        let counted = largest(1025);
        assert!(counted != 1_024_000 && (counted - 1_024_000).abs() <= 4_000, "{counted}");
    }
}
