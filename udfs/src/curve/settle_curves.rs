//! Deliveries of a day's curve, settled.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Int64Type};
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use super::arena::Arena;
use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{coerce_integer, primitive};
use crate::list::{Lists, Row, coerce_to_curve, list_of};

const NAME: &str = "settle_curves";
/// A point that no curve knows: below every watt, which has 32 bits. A version
/// that is not known: before every other.
const UNKNOWN: i64 = i64::MIN;

/// One curve of several that each know a part of the day, or correct another.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Settles what was delivered of one day, part by part or again (a struct):

- `curve` LIST of INT, watts: of each point the value of the greatest version; of several with that version, or where no version is known, the largest. So the order does not matter. A point is null where it is known in no curve. Curves of several intervals become one of the shortest interval: a point of an hour stands for the four quarters of that hour.
- `restated_points` INT: points of which different values were delivered.

NULL and empty lists are left out; of no list both fields are NULL. Curves whose numbers of points do not divide each other are an error.",
    syntax_example = "settle_curves(curve[, version])",
    sql_example = r"```sql
> select settle_curves(c, v) from (values ([5, null], 1), ([null, null, 7, 9], 1), ([4, 5, null, null], 2)) t(c, v);
{curve: [4, 5, 7, 9], restated_points: 1}
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(name = "version", description = "BIGINT, greater where delivered later; NULL is before all others.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SettleCurves;

impl Aggregate for SettleCurves {
    const NAME: &'static str = NAME;
    type Groups = Settled;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [curve] => Ok(vec![coerce_to_curve(NAME, "curve", curve)?]),
            [curve, version] => Ok(vec![
                coerce_to_curve(NAME, "curve", curve)?,
                coerce_integer(NAME, "version", version, DataType::Int64)?,
            ]),
            _ => plan_err!("{NAME} takes 1 to 2 argument(s), (curve, version), not {}", types.len()),
        }
    }

    fn data_type() -> DataType {
        DataType::Struct(fields())
    }

    fn state() -> Vec<(&'static str, DataType)> {
        let numbers = || list_of(DataType::Int64);
        vec![("curve", list_of(DataType::Int32)), ("versions", numbers()), ("restated", numbers())]
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

/// The curve of each group so far; beside it, where there are any, the version of
/// each point, and 1 for each point of which different values came.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    points: Arena,
    versions: Arena,
    restated: Arena,
}

/// What is known of the points of a curve beside their watts.
#[derive(Clone, Copy)]
struct Beside<'a> {
    version: Version<'a>,
    restated: Option<Row<'a, i64>>,
}

#[derive(Clone, Copy)]
enum Version<'a> {
    /// All points have one, perhaps [`UNKNOWN`].
    Whole(i64),
    Each(Row<'a, i64>),
}

impl Settled {
    fn lay(&mut self, group: usize, curve: Row<'_, i32>, beside: Beside<'_>) -> Result<()> {
        let (known, given) = (self.points.open(group, curve.len(), UNKNOWN).len(), curve.len());
        if known.max(given) % known.min(given) != 0 {
            return exec_err!("{NAME}: curves of {known} and of {given} points in one group");
        }
        if given > known {
            for cells in [&mut self.points, &mut self.versions, &mut self.restated] {
                cells.widen(group, given / known);
            }
        }
        let width = known.max(given) / given;
        let is_plain = matches!(beside.version, Version::Whole(UNKNOWN)) && self.versions.get(group).is_none();
        if is_plain
            && width == 1
            && beside.restated.is_none()
            && self.restated.get(group).is_none()
            && let Some(values) = curve.dense()
        {
            let points = self.points.open(group, given, UNKNOWN);
            let differs = |point: i64, w: i32| point != UNKNOWN && point != i64::from(w);
            if !points.iter().zip(values).fold(false, |any, (&point, &w)| any | differs(point, w)) {
                points.iter_mut().zip(values).for_each(|(point, &w)| *point = i64::from(w));
                return Ok(());
            }
        }
        for (at, w) in curve.known() {
            let version = match beside.version {
                Version::Whole(version) => version,
                Version::Each(versions) => versions.at(at).unwrap_or(UNKNOWN),
            };
            let was_restated = beside.restated.and_then(|restated| restated.at(at)) == Some(1);
            for place in at * width..(at + 1) * width {
                self.settle(group, place, i64::from(w), version, was_restated);
            }
        }
        Ok(())
    }

    /// One value of one point.
    fn settle(&mut self, group: usize, place: usize, w: i64, version: i64, was_restated: bool) {
        let points = self.points.open(group, 0, UNKNOWN);
        let count = points.len();
        let point = &mut points[place];
        let known_version = self.versions.get(group).map_or(UNKNOWN, |versions| versions[place]);
        if was_restated || (*point != UNKNOWN && *point != w) {
            self.restated.open(group, count, 0)[place] = 1;
        }
        if *point == UNKNOWN || (version, w) > (known_version, *point) {
            *point = w;
            if version != known_version {
                self.versions.open(group, count, UNKNOWN)[place] = version;
            }
        }
    }
}

impl Groups for Settled {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        for cells in [&mut self.points, &mut self.versions, &mut self.restated] {
            cells.resize(groups);
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
            // The least of all is no version of its own.
            let version = Version::Whole(version.unwrap_or(UNKNOWN));
            self.lay(group, curve, Beside { version, restated: None })?;
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [curves, versions, restated] = states else {
            return exec_err!("{NAME} was given {} states", states.len());
        };
        let curves = Lists::<Int32Type>::try_new(NAME, curves)?;
        let (versions, restated) =
            (Lists::<Int64Type>::try_new(NAME, versions)?, Lists::<Int64Type>::try_new(NAME, restated)?);
        for (row, &group) in groups.iter().enumerate() {
            let Some(curve) = curves.row(row) else { continue };
            let version = versions.row(row).map_or(Version::Whole(UNKNOWN), Version::Each);
            self.lay(group, curve, Beside { version, restated: restated.row(row) })?;
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self {
            points: self.points.take(emit_to),
            versions: self.versions.take(emit_to),
            restated: self.restated.take(emit_to),
        }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.points.watts(NAME)?, self.versions.lists(NAME)?, self.restated.lists(NAME)?])
    }

    fn result(&self) -> Result<ArrayRef> {
        let restated = (0..self.points.groups()).map(|group| {
            self.points.get(group)?;
            // No list has more points than an INT counts.
            Some(self.restated.get(group).map_or(0, |cells| cells.iter().sum::<i64>()) as i32)
        });
        let restated: Int32Array = restated.collect();
        let columns: Vec<ArrayRef> = vec![self.points.watts(NAME)?, Arc::new(restated)];
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }

    fn heap_size(&self) -> usize {
        self.points.heap_size() + self.versions.heap_size() + self.restated.heap_size()
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
            let differs = |at: &usize| covering(*at).windows(2).any(|pair| pair[0].1 != pair[1].1);
            let expected = (expected, (0..finest).filter(differs).count() as i32);
            prop_assert_eq!(&settled(&curves), &expected);
            curves.reverse();
            prop_assert_eq!(&settled(&curves), &expected);
        }
    }
}
