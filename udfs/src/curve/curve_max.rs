//! The largest of many curves, point by point.

use datafusion_macros::user_doc;

use super::extremes::extremes;

/// The largest watts of each interval.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The largest of many curves, point by point (LIST of INT, watts): the envelope of a group. Null points are passed over; a point is null where it is known in no curve. NULL and empty lists are left out; of no list the result is NULL. Curves of different lengths in one group are an error.",
    syntax_example = "curve_max(curve)",
    sql_example = r"```sql
> select curve_max(c) from (values ([5, 9, 2]), ([7, null, 1])) t(c);
[7, 9, 2]
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CurveMax;

extremes!(CurveMax, "curve_max", greatest);
