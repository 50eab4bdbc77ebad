//! Short gaps filled.

use datafusion_macros::user_doc;

use super::edit::{Edit, edit};
use super::measure::{MOST, Parameter};
use super::points::Curve;
use crate::round::divide;

/// A curve whose short gaps are bridged by straight lines.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Fills gaps of at most `max_points` null points between two known ones, by a straight line from one to the other, rounded half away from zero to whole watts. Longer gaps stay, and so do nulls before the first known point and after the last. Returns a LIST of INT of the same length.

NULL for a NULL list and where `max_points` is NULL.",
    syntax_example = "fill_gaps(curve, max_points)",
    sql_example = r"```sql
> select fill_gaps([100, null, null, 400, null], 2);
[100, 200, 300, 400, NULL]
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "max_points", description = "BIGINT, 0 to 1440.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct FillGaps;

impl Edit for FillGaps {
    const NAME: &'static str = "fill_gaps";
    const PARAMETERS: &'static [Parameter] = &[Parameter::new("max_points", 0, 1440)];

    #[inline(always)]
    fn keeps(curve: Curve<'_>, _: [i64; MOST]) -> bool {
        curve.dense().is_some()
    }

    fn edit(points: &mut [Option<i32>], [max_points, ..]: [i64; MOST]) {
        let mut last: Option<(usize, i32)> = None;
        for position in 0..points.len() {
            let Some(w) = points[position] else { continue };
            if let Some((start, before)) = last
                && ((position - start - 1) as i64) <= max_points
            {
                let steps = (position - start) as i64;
                let change = i64::from(w) - i64::from(before);
                for (step, filled) in (1..steps).zip(&mut points[start + 1..]) {
                    // Between the two, so it has no more bits than they have.
                    *filled = Some(divide(i64::from(before) * steps + change * step, steps) as i32);
                }
            }
            last = Some((position, w));
        }
    }
}

edit!(FillGaps);
