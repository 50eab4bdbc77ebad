//! Quantiles of many curves, point by point.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::spread::{Spread, Values, spread};

/// A quantile of each interval.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The quantile of many curves, point by point (LIST of INT, watts): 0.5 the median day, 0.9 what is exceeded on one day in ten. Between two values it is interpolated, and rounded half away from zero. Null points are passed over; a point is null where it is known in no curve.

Exact for groups of up to 1,024 curves. Beyond, values are counted in buckets, 128 to a doubling of the load, and a value stands for its bucket: at most 0.4 % off. Either way the result does not depend on the order of the rows.

NULL and empty lists, and rows with a NULL quantile, are left out; of no list the result is NULL. Curves of different lengths and several quantiles in one group, and a quantile outside 0 to 1, are errors.",
    syntax_example = "curve_quantile(curve, quantile)",
    sql_example = r"```sql
> select curve_quantile(c, 0.5) from (values ([5, 9, 2]), ([7, null, 1]), ([6, 1, 4])) as t (c);
[6, 5, 2]
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(name = "quantile", description = "DOUBLE, 0 to 1, the same for all rows of a group.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CurveQuantile;

impl Spread for CurveQuantile {
    const NAME: &'static str = "curve_quantile";
    const ARGUMENT: &'static str = "quantile";
    const EXACT_ROWS: usize = 1024;

    fn check(quantile: f64) -> Result<(), &'static str> {
        if (0.0..=1.0).contains(&quantile) { Ok(()) } else { Err("a number from 0 to 1") }
    }

    fn points(places: &[Values], quantile: f64, points: &mut Vec<Option<i32>>) {
        points.extend(places.iter().map(|values| {
            let last = values.count() - 1;
            let place = last as f64 * quantile;
            let (low, high) = (last >= 0).then(|| values.pair(place as i64))?;
            let between = (f64::from(high) - f64::from(low)) * place.fract();
            // Between two numbers of 32 bits.
            Some((f64::from(low) + between).round() as i32)
        }));
    }
}

spread!(CurveQuantile);
