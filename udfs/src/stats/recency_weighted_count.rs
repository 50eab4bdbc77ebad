//! A count in which the latest counts most.

use datafusion_common::{Result, exec_err};
use datafusion_macros::user_doc;

use crate::fold::{Argument, Fold, fold};

/// A count that fades.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"How many events there were, each counting less the longer ago it was (DOUBLE): a half one half-life before `as_of`, a quarter two half-lives before, nearly 1 on the day before. Rows at `as_of` or later, in which there was nothing to know yet, and rows in which an argument is NULL, are left out; NULL where none is left. A half-life that is not above 0 is an error.",
    syntax_example = "recency_weighted_count(time, as_of, half_life_days)",
    sql_example = r"```sql
> select recency_weighted_count(d, date '2026-03-01', 30) from (values (date '2026-01-30'), (date '2025-12-31')) as t (d);
0.75
```",
    argument(name = "time", description = "DATE or TIMESTAMP of the event, by its day; or any number, of days."),
    argument(name = "as_of", description = "As `time`: the day on which is counted."),
    argument(name = "half_life_days", description = "Number above 0: days after which an event counts half.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RecencyWeightedCount;

impl Fold<3> for RecencyWeightedCount {
    const NAME: &'static str = "recency_weighted_count";
    const ARGUMENTS: [Argument; 3] =
        [Argument::Time("time"), Argument::Time("as_of"), Argument::Number("half_life_days")];
    type Figure = f64;

    fn fold(rows: &[[f64; 3]]) -> Result<Option<f64>> {
        if let Some([_, _, half_life]) = rows.iter().find(|[_, _, half_life]| *half_life <= 0.0) {
            return exec_err!("{}: argument half_life_days takes a number above 0, not {half_life}", Self::NAME);
        }
        let known = rows.iter().filter(|[time, as_of, _]| time < as_of);
        let weights = known.map(|[time, as_of, half_life]| libm::exp2((time - as_of) / half_life));
        Ok(weights.reduce(|sum, weight| sum + weight))
    }
}

fold!(RecencyWeightedCount, 3);
