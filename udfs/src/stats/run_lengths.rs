//! How long a state lasts.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use crate::figure::figures;
use crate::fold::{Argument, Fold, fold};

/// Runs of rows in which something holds.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"How often and how long something held without a break, over rows in the order of time: months in arrears, days without a reading. A struct of BIGINT:

- `runs`: how many runs of true there are.
- `longest`: rows in the longest of them, 0 if there is none.
- `latest`: rows in the run that lasts to the last row, 0 if it is false there.

Rows count, not time: a missing month does not end a run. Of rows with one time, false comes first. Rows in which an argument is NULL are left out; all fields are NULL where none is left.",
    syntax_example = "run_lengths(time, condition)",
    sql_example = r"```sql
> select run_lengths(t, overdue) from (values (1, true), (2, false), (3, true), (4, true)) as t (t, overdue);
{runs: 2, longest: 2, latest: 2}
```",
    argument(name = "time", description = "DATE, TIMESTAMP or any number: only the order counts."),
    argument(name = "condition", description = "BOOLEAN")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RunLengths;

figures! {
    pub(super) struct Runs {
        runs: i64,
        longest: i64,
        latest: i64,
    }
}

impl Fold<2> for RunLengths {
    const NAME: &'static str = "run_lengths";
    const ARGUMENTS: [Argument; 2] = [Argument::Order("time"), Argument::Flag("condition")];
    type Figure = Runs;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<Runs>> {
        let runs = rows.chunk_by(|left, right| left[1] == right[1]).filter(|run| run[0][1] == 1.0);
        let lengths: Vec<i64> = runs.map(|run| run.len() as i64).collect();
        let lasts = rows.last().is_some_and(|row| row[1] == 1.0);
        Ok(Some(Runs {
            runs: lengths.len() as i64,
            longest: lengths.iter().copied().max().unwrap_or(0),
            latest: lengths.last().copied().filter(|_| lasts).unwrap_or(0),
        }))
    }
}

fold!(RunLengths, 2);
