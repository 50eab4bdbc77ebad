//! A curve on other intervals.

use datafusion_common::{Result, exec_err};
use datafusion_macros::user_doc;

use super::DAY_MINUTES;
use super::measure::{MOST, Parameter, interval};
use super::points::Curve;
use super::reshape::{Reshape, reshape};
use crate::round::divide;

/// A day's curve with intervals of another length.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"A day's curve on intervals of `minutes` (LIST of INT, watts). Longer intervals get the mean of the points that they cover, rounded by carrying the remainder on, so that the energy of a curve without gaps stays the same to the watt; they are null where one of the points is. Shorter intervals repeat the point that covers them. The two intervals must divide each other.

NULL for a NULL list, one whose length does not divide the day, and where `minutes` is NULL. Intervals that do not divide each other or the day are an error.",
    syntax_example = "resample_curve(curve, minutes)",
    sql_example = r"```sql
> select resample_curve([100, 101, null, 300], 720);
[101, NULL]
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "minutes", description = "BIGINT, minutes of the new intervals, 1 to 1440: 5, 15, 30, 60 …")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ResampleCurve;

impl Reshape for ResampleCurve {
    const NAME: &'static str = "resample_curve";
    const PARAMETERS: &'static [Parameter] = &[Parameter::new("minutes", 1, DAY_MINUTES as i64)];

    fn reshape(curve: Curve<'_>, [minutes, ..]: [i64; MOST], points: &mut Vec<Option<i32>>) -> Result<bool> {
        if DAY_MINUTES as i64 % minutes != 0 {
            return exec_err!("{}: intervals of {minutes} minutes do not divide a day", Self::NAME);
        }
        let Some(found) = interval(curve.len(), 0) else { return Ok(false) };
        if minutes % found == 0 {
            coarser(curve, (minutes / found) as usize, points);
        } else if found % minutes == 0 {
            let copies = (found / minutes) as usize;
            points.extend(curve.iter().flat_map(|point| std::iter::repeat_n(point, copies)));
        } else {
            return exec_err!("{}: intervals of {found} and {minutes} minutes do not divide each other", Self::NAME);
        }
        Ok(true)
    }
}

/// Means of `count` points each. The part of a watt that rounding leaves goes
/// into the next interval, and is dropped at a gap.
fn coarser(curve: Curve<'_>, count: usize, points: &mut Vec<Option<i32>>) {
    let (mut sum, mut known, mut remainder) = (0i64, 0, 0i64);
    for (position, point) in curve.iter().enumerate() {
        if let Some(w) = point {
            (sum, known) = (sum + i64::from(w), known + 1);
        }
        if (position + 1) % count != 0 {
            continue;
        }
        if known == count {
            let exact = sum + remainder;
            let mean = divide(exact, count as i64).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
            remainder = exact - mean * count as i64;
            points.push(Some(mean as i32));
        } else {
            remainder = 0;
            points.push(None);
        }
        (sum, known) = (0, 0);
    }
}

reshape!(ResampleCurve);
