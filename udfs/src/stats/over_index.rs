//! What is more frequent in a group than in the population.

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::normal::{check_counts, pooled_z, two_sided};
use crate::figure::{Millionths, figures};
use crate::round::ratio;
use crate::row::{RowFunction, Whole, row_function};

/// A group's share over that of the population.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"How a group compares with a population: a struct:

- `index` DECIMAL(9,6): the group's share of hits over that of the population: 1 alike, 2 twice as frequent. Exact, and 999.999999 at most. NULL where the population has no hit.
- `z` DOUBLE: how far the two shares are apart, in standard deviations of the pooled share. NULL where nothing varies.
- `p_value` DOUBLE: how likely a distance of that size or more is by chance, two-sided.

All are NULL where an argument is NULL or one of the totals is 0. More hits than there are, and negative counts, are errors. The test takes group and population as two samples: where the group is a large part of the population, compare it with the others.",
    syntax_example = "over_index(hits, total, population_hits, population_total)",
    sql_example = r"```sql
> select over_index(30, 100, 100, 1000)['index'];
3.000000
```",
    argument(name = "hits", description = "BIGINT: of the group, those with a property."),
    argument(name = "total", description = "BIGINT: all of the group."),
    argument(name = "population_hits", description = "BIGINT: of the population, those with the property."),
    argument(name = "population_total", description = "BIGINT: all of the population.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OverIndex;

figures! {
    pub(super) struct Comparison {
        index: Option<Millionths>,
        z: Option<f64>,
        p_value: Option<f64>,
    }
}

impl RowFunction for OverIndex {
    const NAME: &'static str = "over_index";
    const ARGUMENTS: &'static [&'static str] = &["hits", "total", "population_hits", "population_total"];
    type Arguments = (Whole, Whole, Whole, Whole);
    type Figure = Comparison;

    fn figure((hits, total, all_hits, all): (i64, i64, i64, i64)) -> Result<Option<Comparison>> {
        check_counts(Self::NAME, [("hits", hits), ("total", total)])?;
        check_counts(Self::NAME, [("population_hits", all_hits), ("population_total", all)])?;
        if total == 0 || all == 0 {
            return Ok(None);
        }
        let index = || ratio(i128::from(hits) * i128::from(all), i128::from(total) * i128::from(all_hits));
        let z = pooled_z((hits, total), (all_hits, all));
        Ok(Some(Comparison { index: (all_hits > 0).then(|| Millionths(index())), z, p_value: z.map(two_sided) }))
    }
}

row_function!(OverIndex);
