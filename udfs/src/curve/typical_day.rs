//! The day that an account has mostly.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::spread::{Spread, Values, spread};
use crate::round::divide;

/// The trimmed mean of each interval.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The typical day of many curves (LIST of INT, watts): point by point, the mean without the largest and the smallest values, so that holidays and faults do not show. At either end, `trim` of the values of a point are left out, rounded down to whole ones; 0 gives the plain mean, 0.1 is usual. Means are rounded half away from zero. Null points are passed over; a point is null where it is known in no curve.

Exact for groups of up to 1,024 curves. Beyond, values are counted in buckets, 128 to a doubling of the load, and a value stands for its bucket: at most 0.4 % off. Either way the result does not depend on the order of the rows.

NULL and empty lists, and rows with a NULL trim, are left out; of no list the result is NULL. Curves of different lengths and several trims in one group, and a trim outside 0 to 0.5, which is excluded, are errors.",
    syntax_example = "typical_day(curve, trim)",
    sql_example = r"```sql
> select typical_day(c, 0.25) from (values ([5, 9, 2]), ([7, null, 1]), ([6, 1, 4]), ([999, 2, 3])) as t (c);
[7, 4, 3]
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(name = "trim", description = "DOUBLE, from 0 to less than 0.5, the same for all rows of a group.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TypicalDay;

/// What a product may lack to be the whole number that is meant: 0.29 * 100.
const ROUNDING: f64 = 1e-9;

impl Spread for TypicalDay {
    const NAME: &'static str = "typical_day";
    const ARGUMENT: &'static str = "trim";
    const EXACT_ROWS: usize = 1024;

    fn check(trim: f64) -> Result<(), &'static str> {
        if (0.0..0.5).contains(&trim) { Ok(()) } else { Err("a number from 0 to less than 0.5") }
    }

    fn points(places: &[Values], trim: f64, points: &mut Vec<Option<i32>>) {
        points.extend(places.iter().map(|values| {
            let count = values.count();
            let ends = ((count as f64 * trim + ROUNDING) as i64).min((count - 1) / 2);
            let left = count - 2 * ends;
            // The mean of numbers of 32 bits is one.
            (count > 0).then(|| divide(values.sum(ends..count - ends), left) as i32)
        }));
    }
}

spread!(TypicalDay);
