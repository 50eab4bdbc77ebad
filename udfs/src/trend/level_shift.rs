//! When a level changed, and by how much.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use crate::figure::{Day, figures};
use crate::fold::{Argument, Fold, fold};

/// The fewest rows on either side.
const LEAST: usize = 3;

/// What rounding may add to one of two equal cuts.
const ROUNDING: f64 = 1e-12;

/// The change of level that explains most.
#[user_doc(
    doc_section(label = "Trends"),
    description = r"Where the level of a series changes most: of all ways to cut the rows in two by time, with at least 3 rows on either side, the one that leaves the least squared distance from the two means; the earliest of equals. A struct:

- `at` DATE: the first day of the new level.
- `before`, `after` DOUBLE: mean before and from that day on.
- `explained_share` DOUBLE, 0 to 1: the part of the variance that the two levels explain; 1 for a clean step, small for noise or a slow trend.

All fields are NULL where fewer than 6 rows are left, all of them have one time, or nothing varies.",
    syntax_example = "level_shift(date, value)",
    sql_example = r"```sql
> select level_shift(date '2026-01-01' + i, case when i < 5 then 10 else 30 end)['at'] from unnest(range(10)) as t (i);
2026-01-06
```",
    argument(name = "date", description = "DATE or TIMESTAMP"),
    argument(
        name = "value",
        description = "Any number; exact up to 2^53. Rows in which it is NULL, NaN or infinite are left out."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LevelShift;

figures! {
    /// A change of level.
    pub(super) struct Shift {
        at: Day,
        before: f64,
        after: f64,
        explained_share: f64,
    }
}

impl Fold<2> for LevelShift {
    const NAME: &'static str = "level_shift";
    const ARGUMENTS: [Argument; 2] = [Argument::Time("date"), Argument::Number("value")];
    type Figure = Shift;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<Shift>> {
        let count = rows.len();
        if count < 2 * LEAST {
            return Ok(None);
        }
        let mean = rows.iter().map(|[_, value]| value).sum::<f64>() / count as f64;
        let total: f64 = rows.iter().map(|[_, value]| (value - mean) * (value - mean)).sum();
        // The sum of the distances from the mean before a cut gives the squared
        // distance that the cut explains.
        let (mut before, mut best): (f64, Option<(usize, f64, f64)>) = (0.0, None);
        for cut in 1..count {
            before += rows[cut - 1][1] - mean;
            let is_allowed = cut >= LEAST && count - cut >= LEAST && rows[cut][0] > rows[cut - 1][0];
            let explained = before * before * count as f64 / (cut as f64 * (count - cut) as f64);
            if is_allowed && best.is_none_or(|(_, _, most)| explained > most * (1.0 + ROUNDING)) {
                best = Some((cut, before, explained));
            }
        }
        Ok(best.filter(|_| total > 0.0).map(|(cut, before, explained)| Shift {
            at: Day(rows[cut][0] as i32),
            before: mean + before / cut as f64,
            after: mean - before / (count - cut) as f64,
            explained_share: (explained / total).clamp(0.0, 1.0),
        }))
    }
}

fold!(LevelShift, 2);
