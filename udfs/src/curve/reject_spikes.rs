//! Points that tower over their day, taken out.

use datafusion_macros::user_doc;

use super::edit::{Edit, edit};
use super::measure::{MOST, Parameter};
use super::points::Curve;

/// A curve without the one or two points that tower over all others.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Makes spikes unknown: the largest one or two points of the curve become null where they are more than `times` times its third largest, whatever the sign. Nothing is a spike where fewer than three points are known or the third largest is 0: a short visit to an empty home is none. Returns a LIST of INT of the same length.

NULL for a NULL list and where `times` is NULL.

Source: the spike check of meter data management, which sets the highest against the third highest interval of a day (Edison Electric Institute, Uniform Business Practices, 2000); there 1.8 times, which household kettles exceed.",
    syntax_example = "reject_spikes(curve, times)",
    sql_example = r"```sql
> select reject_spikes([200, 65535, 300, 250], 20);
[200, NULL, 300, 250]
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "times", description = "BIGINT, 0 to 1000000; 0 rejects nothing.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RejectSpikes;

impl Edit for RejectSpikes {
    const NAME: &'static str = "reject_spikes";
    const PARAMETERS: &'static [Parameter] = &[Parameter::new("times", 0, 1_000_000)];

    #[inline(always)]
    fn keeps(curve: Curve<'_>, [times, ..]: [i64; MOST]) -> bool {
        if times == 0 {
            return true;
        }
        // A third point of this size is near enough to the largest.
        curve.dense().is_some_and(|values| {
            let largest = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or_default();
            let near = u64::from(largest).div_ceil(times.unsigned_abs()) as u32;
            values.iter().filter(|value| value.unsigned_abs() >= near).count() > 2
        })
    }

    fn edit(points: &mut [Option<i32>], [times, ..]: [i64; MOST]) {
        let third = third_largest(points);
        if third > 0 && times > 0 {
            let limit = u64::from(third) * times.unsigned_abs();
            for point in points {
                *point = point.filter(|value| u64::from(value.unsigned_abs()) <= limit);
            }
        }
    }
}

/// 0 where there are fewer.
fn third_largest(points: &[Option<i32>]) -> u32 {
    let mut largest = [0; 3];
    for value in points.iter().flatten() {
        let size = value.unsigned_abs();
        let place = largest.iter().position(|other| size > *other);
        if let Some(place) = place {
            largest[place..].rotate_right(1);
            largest[place] = size;
        }
    }
    largest[2]
}

edit!(RejectSpikes);

#[cfg(test)]
mod tests {
    use arrow::array::ListArray;
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    use super::*;
    use crate::list::Lists;

    proptest! {
        #[test]
        fn what_is_kept_has_no_spike(values in prop::collection::vec(-9i32..90, 0..9), times in 0i64..9) {
            let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(values.iter().copied().map(Some))]);
            let lists = Lists::<Int32Type>::try_new("test", &list).unwrap();
            let curve = lists.row(0).unwrap();
            let mut points: Vec<_> = curve.iter().collect();
            RejectSpikes::edit(&mut points, [times, 0, 0, 0]);
            let mut sizes: Vec<i64> = values.iter().map(|value| i64::from(value.abs())).collect();
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            let third = sizes.get(2).copied().unwrap_or_default();
            let is_spike = |value: i32| third > 0 && times > 0 && i64::from(value.abs()) > times * third;
            let expected: Vec<_> = values.iter().map(|value| (!is_spike(*value)).then_some(*value)).collect();
            prop_assert_eq!(&points, &expected);
            if RejectSpikes::keeps(curve, [times, 0, 0, 0]) {
                prop_assert!(points.iter().all(Option::is_some));
            }
        }
    }
}
