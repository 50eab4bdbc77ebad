//! How far a distribution has moved.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use crate::fold::{Argument, Fold, fold};

/// The population stability index.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The population stability index of a distribution against an earlier one (DOUBLE, 0 or more): the rows are bins, and the index is the sum over them of the difference of the two shares, times the logarithm of their quotient. By convention, below 0.1 nothing has changed, and above 0.25 much has. A count of 0 beside another that is not counts as a half, so that the logarithm exists; a bin without any count is left out, and negative counts are 0. So the rows are counts, not shares. Rows in which an argument is NULL are left out; NULL where nothing is counted on one of the sides.",
    syntax_example = "population_stability(expected, actual)",
    sql_example = r"```sql
> select round(population_stability(e, a), 6) from (values (50, 40), (30, 30), (20, 30)) as t (e, a);
0.062861
```",
    argument(name = "expected", description = "Number: how many the bin had in the earlier distribution."),
    argument(name = "actual", description = "Number: how many the bin has now.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PopulationStability;

impl Fold<2> for PopulationStability {
    const NAME: &'static str = "population_stability";
    const ARGUMENTS: [Argument; 2] = [Argument::Number("expected"), Argument::Number("actual")];
    type Figure = f64;

    fn fold(rows: &[[f64; 2]]) -> Result<Option<f64>> {
        Ok(population_stability_of(rows))
    }
}

fold!(PopulationStability, 2);

/// The same of bins, each with its count before and now.
pub fn population_stability_of(rows: &[[f64; 2]]) -> Option<f64> {
    let bins = rows.iter().filter(|[expected, actual]| *expected > 0.0 || *actual > 0.0);
    let is_counted = |side: usize| rows.iter().any(|row| row[side] > 0.0);
    let bins: Vec<[f64; 2]> = bins.map(|bin| bin.map(|count| if count > 0.0 { count } else { 0.5 })).collect();
    let total = |side: usize| bins.iter().map(|bin| bin[side]).sum::<f64>();
    let (expected, actual) = (total(0), total(1));
    let moved = bins.iter().map(|bin| {
        let (before, now) = (bin[0] / expected, bin[1] / actual);
        (now - before) * libm::log(now / before)
    });
    (is_counted(0) && is_counted(1)).then(|| moved.sum())
}
