//! How evenly categories are met.

use datafusion_macros::user_doc;

use crate::tally::{Counts, Tally, tally};

/// Shannon's entropy of categories.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"Shannon's entropy of categories, in bits (DOUBLE, 0 or more): 0 where all rows have one, 1 for two that are met equally often, 2 for four. Rows in which it is NULL are left out; NULL where none is left.",
    syntax_example = "category_entropy(category)",
    sql_example = r"```sql
> select category_entropy(channel) from (values ('app'), ('bank'), ('app'), ('bank')) as t (channel);
1.0
```",
    argument(name = "category", description = "TEXT, an integer or DATE.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CategoryEntropy;

impl Tally<1> for CategoryEntropy {
    const NAME: &'static str = "category_entropy";
    const ARGUMENTS: [&'static str; 1] = ["category"];
    type Figure = f64;

    fn figure(counts: &Counts<1>) -> Option<f64> {
        let all = counts.values().sum::<i64>() as f64;
        let bits = counts.values().map(|count| *count as f64 / all * libm::log2(all / *count as f64));
        // An empty sum of floats is -0.
        Some(bits.sum::<f64>() + 0.0)
    }
}

tally!(CategoryEntropy, 1);
