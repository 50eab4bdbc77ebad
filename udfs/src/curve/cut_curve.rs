//! Rows with room for the longest day, cut to their own.

use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::{DAY_MINUTES, clocked};
use crate::list::list_of;
use crate::scalar::{Scalar, scalar};

/// Minutes of the longest day that rows have room for.
const LONGEST_MINUTES: i64 = DAY_MINUTES as i64 + 60;

/// A curve without the points that its day does not have.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"A day's curve from a row with room for 25 hours (LIST of INT, watts): 25, 50, 100 or 300 points, of which a day of 24 hours fills the first 24, 48, 96 or 288, and one of 23 fewer. The points beyond the day are cut off where they are null; a curve of another length, and one with known points beyond its day, stays as it is.

NULL for a NULL list. Where date or zone is NULL the day has 24 hours. A zone that is none is an error.",
    syntax_example = "cut_curve(curve, date, zone)",
    sql_example = r"```sql
> select array_length(cut_curve(array_concat(range(46), [null, null, null, null]), '2026-03-29', 'Europe/London'));
46
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(name = "date", description = "DATE of the day"),
    argument(name = "zone", description = "TEXT, the time zone of the clock")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct CutCurve;

impl Scalar for CutCurve {
    const NAME: &'static str = "cut_curve";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        clocked::coerce(Self::NAME, types)
    }

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [curve, date, zone] = [0, 1, 2].map(|at| &args.args[at]);
        clocked::curves(Self::NAME, [curve, date, zone], args.number_rows, |_, curve, day, points| {
            points.extend(curve.iter());
            if let Some(interval) = clocked::interval(curve.len(), LONGEST_MINUTES) {
                let minutes = day.map_or(DAY_MINUTES as i64, |day| day.minutes);
                let last = (minutes / interval) as usize;
                if points.iter().skip(last).all(Option::is_none) {
                    points.truncate(last);
                }
            }
            true
        })
    }
}

scalar!(CutCurve);
