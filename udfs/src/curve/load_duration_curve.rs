//! For how long a load is reached.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::spread::{Spread, Values, spread};

/// All points in descending order.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The load duration curve of many curves (LIST of INT, watts): the points of all of them in descending order, at `steps` equal steps from the largest to the smallest, so that element i + 1 is reached or exceeded for i / `steps` of the time. Between two values it is interpolated, and rounded half away from zero. Null points are left out.

Exact for groups of up to 131,072 known points, which is a year of 288 a day. Beyond, values are counted in buckets, 128 to a doubling of the load, and a value stands for its bucket: at most 0.4 % off. Either way the result does not depend on the order of the rows.

NULL where no point is known. Several numbers of steps in one group, and one outside 1 to 10000, are errors.",
    syntax_example = "load_duration_curve(curve, steps)",
    sql_example = r"```sql
> select load_duration_curve(c, 4) from (values ([100, 400, 200]), ([300, null, 500])) as t (c);
[500, 400, 300, 200, 100]
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(
        name = "steps",
        description = "BIGINT, 1 to 10000, the same for all rows of a group: 100 for percent of time."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LoadDurationCurve;

impl Spread for LoadDurationCurve {
    const NAME: &'static str = "load_duration_curve";
    const ARGUMENT: &'static str = "steps";
    const IS_WHOLE: bool = true;
    const IS_FLAT: bool = true;
    const EXACT_ROWS: usize = 131_072;

    fn check(steps: f64) -> Result<(), &'static str> {
        if (1.0..=10_000.0).contains(&steps) { Ok(()) } else { Err("1 to 10000") }
    }

    fn points(places: &[Values], steps: f64, points: &mut Vec<Option<i32>>) {
        let [values] = places else { return };
        let last = values.count() - 1;
        if last < 0 {
            return;
        }
        let steps = steps as i64;
        points.extend((0..=steps).rev().map(|step| {
            let place = last * step;
            let (low, high) = values.pair(place / steps);
            let (low, high) = (i64::from(low), i64::from(high));
            // Between two numbers of 32 bits.
            Some(crate::round::divide(low * steps + (high - low) * (place % steps), steps) as i32)
        }));
    }
}

spread!(LoadDurationCurve);
