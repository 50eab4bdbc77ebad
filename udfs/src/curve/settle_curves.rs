//! Deliveries of a day's curve, settled.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Int64Type};
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{coerce_integer, primitive};
use crate::list::{ListWriter, Lists, Row, coerce_to_curve, list_of};

const NAME: &str = "settle_curves";
/// A point that no curve knows: below every watt, which has 32 bits. A version
/// that is not known: before every other.
const UNKNOWN: i64 = i64::MIN;

/// One curve of several that each know a part of the day, or correct another.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Settles what was delivered of one day, part by part or again (a struct):

- `curve` LIST of INT, watts: of each point the value of the greatest version; of several with that version, or where no version is known, the largest. So the order does not matter. A point is null where it is known in no curve. Curves of several intervals become one of the shortest interval: a point of an hour stands for the four quarters of that hour.
- `restated_points` INT: points that an earlier version has otherwise, its largest value counting where it has several.

NULL and empty lists are left out; of no list both fields are NULL. Curves whose numbers of points do not divide each other are an error.",
    syntax_example = "settle_curves(curve[, version])",
    sql_example = r"```sql
> select settle_curves(c, v) from (values ([5, null], 1), ([null, null, 7, 9], 1), ([4, 5, null, null], 2)) t(c, v);
{curve: [4, 5, 7, 9], restated_points: 1}
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(
        name = "version",
        description = "BIGINT, DATE or TIMESTAMP, greater where delivered later; NULL is before all others."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SettleCurves;

impl Aggregate for SettleCurves {
    const NAME: &'static str = NAME;
    type Groups = Settled;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [curve] => Ok(vec![coerce_to_curve(NAME, "curve", curve)?]),
            [curve, version] => {
                let is_time = matches!(version, DataType::Date32 | DataType::Timestamp(_, _));
                let version =
                    if is_time { DataType::Int64 } else { coerce_integer(NAME, "version", version, DataType::Int64)? };
                Ok(vec![coerce_to_curve(NAME, "curve", curve)?, version])
            }
            _ => plan_err!("{NAME} takes 1 to 2 argument(s), (curve, version), not {}", types.len()),
        }
    }

    fn data_type() -> DataType {
        DataType::Struct(fields())
    }

    fn state() -> Vec<(&'static str, DataType)> {
        let numbers = || list_of(DataType::Int64);
        vec![("versions", numbers()), ("points", numbers())]
    }

    fn groups() -> Settled {
        Settled::default()
    }
}

aggregate!(SettleCurves);

fn fields() -> Fields {
    let field = |name: &str, kind: DataType| Field::new(name, kind, true);
    Fields::from(vec![field("curve", list_of(DataType::Int32)), field("restated_points", DataType::Int32)])
}

/// The curves of each group, one for each version that came, in ascending order;
/// all of a group have the same number of points. Of one version the largest value
/// of each point is kept.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    groups: Vec<Vec<Delivery>>,
}

#[derive(Debug, Clone)]
struct Delivery {
    version: i64,
    points: Vec<i64>,
}

impl Settled {
    fn lay(&mut self, group: usize, version: i64, curve: Row<'_, i32>) -> Result<()> {
        let given = curve.len();
        let points = self.open(group, version, given)?;
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

    /// The points of a version, made to hold curves of `given` points.
    fn open(&mut self, group: usize, version: i64, given: usize) -> Result<&mut Vec<i64>> {
        let deliveries = &mut self.groups[group];
        let there = deliveries.first().map_or(given, |delivery| delivery.points.len());
        let finest = there.max(given);
        if !finest.is_multiple_of(there.min(given)) {
            return exec_err!("{NAME}: curves of {there} and of {given} points in one group");
        }
        if finest > there {
            for delivery in deliveries.iter_mut() {
                let wide = delivery.points.iter().flat_map(|&point| std::iter::repeat_n(point, finest / there));
                delivery.points = wide.collect();
            }
        }
        let place = deliveries.binary_search_by_key(&version, |delivery| delivery.version);
        let place = place.unwrap_or_else(|place| {
            deliveries.insert(place, Delivery { version, points: vec![UNKNOWN; finest] });
            place
        });
        Ok(&mut deliveries[place].points)
    }
}

/// The points that stand, and how many of them another version has otherwise.
fn settle(deliveries: &[Delivery], points: &mut Vec<Option<i32>>) -> i32 {
    points.clear();
    let [earlier @ .., last] = deliveries else { return 0 };
    let mut restated = 0;
    for (at, &point) in last.points.iter().enumerate() {
        let mut others = earlier.iter().rev().map(|delivery| delivery.points[at]).filter(|other| *other != UNKNOWN);
        let stands = if point == UNKNOWN { others.next() } else { Some(point) };
        restated += i32::from(stands.is_some_and(|stands| others.any(|other| other != stands)));
        // Each came as a value of 32 bits.
        points.push(stands.map(|stands| stands as i32));
    }
    restated
}

impl Groups for Settled {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        if groups > self.groups.len() {
            self.groups.resize(groups, Vec::new());
        }
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let Some((curves, versions)) = args.split_first() else { return exec_err!("{NAME} without arguments") };
        let curves = filter.watts(NAME, curves)?;
        let curves = Lists::<Int32Type>::try_new(NAME, curves.array())?;
        let versions = versions.first().map(|versions| primitive::<Int64Type>(NAME, versions)).transpose()?;
        for (row, &group) in groups.iter().enumerate() {
            let Some(curve) = curves.row(row).filter(|curve| curve.len() > 0 && filter.keeps(row)) else { continue };
            let version = versions.filter(|versions| versions.is_valid(row)).map(|versions| versions.value(row));
            self.lay(group, version.unwrap_or(UNKNOWN), curve)?;
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [versions, points] = states else { return exec_err!("{NAME} was given {} states", states.len()) };
        let versions = Lists::<Int64Type>::try_new(NAME, versions)?;
        let points = Lists::<Int64Type>::try_new(NAME, points)?;
        for (row, &group) in groups.iter().enumerate() {
            let (Some(versions), Some(points)) = (versions.row(row), points.row(row)) else { continue };
            let points: Vec<i64> = points.iter().map(|point| point.unwrap_or(UNKNOWN)).collect();
            let each = points.len() / versions.len().max(1);
            for (version, given) in versions.iter().zip(points.chunks(each.max(1))) {
                let points = self.open(group, version.unwrap_or(UNKNOWN), given.len())?;
                let width = points.len() / given.len();
                for (covered, &w) in points.chunks_mut(width).zip(given) {
                    covered.iter_mut().for_each(|point| *point = (*point).max(w));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self { groups: emit_to.take_needed(&mut self.groups) }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let mut versions = ListWriter::<Int64Type>::with_capacity(self.groups.len(), self.groups.len());
        let mut points = ListWriter::<Int64Type>::with_capacity(self.groups.len(), 0);
        for deliveries in &self.groups {
            if deliveries.is_empty() {
                versions.push_null();
                points.push_null();
                continue;
            }
            versions.push(deliveries.iter().map(|delivery| Some(delivery.version)));
            points.push(deliveries.iter().flat_map(|delivery| delivery.points.iter().copied().map(Some)));
        }
        Ok(vec![Arc::new(versions.finish(NAME)?), Arc::new(points.finish(NAME)?)])
    }

    fn result(&self) -> Result<ArrayRef> {
        let mut curves = ListWriter::<Int32Type>::with_capacity(self.groups.len(), 0);
        let mut restated = Int32Array::builder(self.groups.len());
        let mut points = Vec::new();
        for deliveries in &self.groups {
            if deliveries.is_empty() {
                curves.push_null();
                restated.append_null();
            } else {
                restated.append_value(settle(deliveries, &mut points));
                curves.push(points.iter().copied());
            }
        }
        let columns: Vec<ArrayRef> = vec![Arc::new(curves.finish(NAME)?), Arc::new(restated.finish())];
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }

    fn heap_size(&self) -> usize {
        let deliveries = self.groups.iter().flatten();
        let points: usize = deliveries.map(|it| it.points.capacity() * size_of::<i64>() + size_of::<Delivery>()).sum();
        self.groups.capacity() * size_of::<Vec<Delivery>>() + points
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array, ListArray};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::aggregate;

    type Curve = Vec<Option<i32>>;

    fn settled(curves: &[(Curve, Option<i64>)]) -> (Curve, i32) {
        let lists = curves.iter().map(|(curve, _)| Some(curve.clone()));
        let column: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
        let versions: ArrayRef = Arc::new(curves.iter().map(|(_, version)| *version).collect::<Int64Array>());
        let value = aggregate(SettleCurves, &[column, versions]).unwrap().to_array().unwrap();
        let value = value.as_struct();
        let curve = value.column(0).as_list::<i32>().value(0).as_primitive::<Int32Type>().iter().collect();
        (curve, value.column(1).as_primitive::<Int32Type>().value(0))
    }

    proptest! {
        /// Whatever the intervals and the order: each point of the shortest interval
        /// has the greatest version and value of all points that cover it.
        #[test]
        fn each_point_is_the_latest_that_covers_it(
            mut curves in prop::collection::vec(
                (
                    (0usize..4).prop_flat_map(|kind| {
                        prop::collection::vec(prop::option::weighted(0.7, -3i32..3), [24, 48, 96, 288][kind])
                    }),
                    prop::option::of(0i64..3),
                ),
                1..5,
            ),
        ) {
            let finest = curves.iter().map(|(curve, _)| curve.len()).max().unwrap_or_default();
            let covering = |at: usize| {
                let point = move |(curve, version): &(Curve, Option<i64>)| {
                    Some((*version, curve[at * curve.len() / finest]?))
                };
                curves.iter().filter_map(point).collect::<Vec<_>>()
            };
            let expected: Curve = (0..finest).map(|at| covering(at).into_iter().max().map(|(_, w)| w)).collect();
            // The largest value of each version counts for it.
            let restated = |at: &usize| {
                let mut largest = std::collections::BTreeMap::new();
                for (version, w) in covering(*at) {
                    let known = largest.entry(version).or_insert(w);
                    *known = w.max(*known);
                }
                largest.values().any(|w| Some(w) != largest.values().last())
            };
            let expected = (expected, (0..finest).filter(restated).count() as i32);
            prop_assert_eq!(&settled(&curves), &expected);
            curves.reverse();
            prop_assert_eq!(&settled(&curves), &expected);
        }
    }
}
