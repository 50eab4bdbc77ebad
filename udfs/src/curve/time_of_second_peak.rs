//! When a curve peaks a second time.

use arrow::datatypes::Int32Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, Parameter, interval, measure};
use super::points::Curve;

/// Start of the highest other peak.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The first minute of the day (0 to 1439, INT) of the second peak: the largest local maximum at least `separation_minutes` away from the time of peak, the earliest on ties. A local maximum is a known point, or several equal ones in a row, with known neighbours that are all lower; it begins with its first point.

NULL for a NULL list, one without a second peak, one whose length does not divide the day, and where `separation_minutes` is NULL.",
    syntax_example = "time_of_second_peak(curve, separation_minutes)",
    sql_example = r"```sql
> select time_of_second_peak([1, 5, 2, 4, 1, 1], 240);
720
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "separation_minutes", description = "BIGINT, minutes, 1 to 1440.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TimeOfSecondPeak;

impl Measure for TimeOfSecondPeak {
    const NAME: &'static str = "time_of_second_peak";
    const PARAMETERS: &'static [Parameter] = &[Parameter::new("separation_minutes", 1, 1440)];
    type Value = Int32Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, [separation, ..]: [i64; MOST]) -> Option<i32> {
        let minutes = interval(curve.len(), 0)?;
        let (first, _) = curve.known().reduce(|best, point| if point.1 > best.1 { point } else { best })?;
        let mut best: Option<(usize, i32)> = None;
        // Equal points in a row, and what stands before them.
        let (mut run, mut before): (Option<(usize, i32)>, Option<i32>) = (None, None);
        for (position, point) in curve.iter().chain(std::iter::once(None)).enumerate() {
            if let (Some((start, w)), false) = (run, point == run.map(|(_, w)| w)) {
                let is_lower = |neighbour: Option<i32>| neighbour.is_none_or(|neighbour| neighbour < w);
                let is_peak = is_lower(before) && is_lower(point) && (before.is_some() || point.is_some());
                let is_apart = start.abs_diff(first) as i64 * minutes >= separation;
                if is_peak && is_apart && best.is_none_or(|(_, most)| w > most) {
                    best = Some((start, w));
                }
                before = point.map(|_| w);
                run = point.map(|w| (position, w));
            } else if run.is_none() {
                (run, before) = (point.map(|w| (position, w)), None);
            }
        }
        best.map(|(position, _)| (position as i64 * minutes) as i32)
    }
}

measure!(TimeOfSecondPeak);
