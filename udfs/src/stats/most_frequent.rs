//! The category met most often.

use datafusion_macros::user_doc;

use crate::figure::{Millionths, figures};
use crate::round::ratio;
use crate::tally::{Counts, Tally, tally};

/// The most frequent value, with its share.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The value met most often; of equals, the first in the order of their texts. A struct:

- `value` TEXT
- `count` BIGINT: how often it was met.
- `share` DECIMAL(9,6): that of all rows with a value.

Rows in which it is NULL are left out; all fields are NULL where none is left.",
    syntax_example = "most_frequent(category)",
    sql_example = r"```sql
> select most_frequent(channel) from (values ('app'), ('bank'), ('app'), (null)) as t (channel);
{value: app, count: 2, share: 0.666667}
```",
    argument(name = "category", description = "TEXT, an integer or DATE.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct MostFrequent;

figures! {
    pub(super) struct Mode {
        value: String,
        count: i64,
        share: Millionths,
    }
}

impl Tally<1> for MostFrequent {
    const NAME: &'static str = "most_frequent";
    const ARGUMENTS: [&'static str; 1] = ["category"];
    type Figure = Mode;

    fn figure(counts: &Counts<1>) -> Option<Mode> {
        let all: i64 = counts.values().sum();
        // Of equals, `max_by_key` gives the last, so they are turned round.
        let ([value], &count) = counts.iter().rev().max_by_key(|(_, count)| **count)?;
        let share = Millionths(ratio(i128::from(count), i128::from(all)));
        Some(Mode { value: value.to_string(), count, share })
    }
}

tally!(MostFrequent, 1);
