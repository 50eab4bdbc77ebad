//! How far two groupings agree.

use std::collections::BTreeMap;

use datafusion_macros::user_doc;

use crate::tally::{Counts, Tally, tally};

/// The adjusted Rand index of two groupings.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"How far two groupings of the same rows agree, whatever their groups are called: the adjusted Rand index (DOUBLE, at most 1). 1 where they are the same, about 0 where they agree as by chance, less where they agree less than that. It tells whether segments of this month are those of the last.

Rows in which an argument is NULL are left out; NULL where fewer than two are left. Source: L. Hubert and P. Arabie, Comparing partitions, Journal of Classification 2 (1985).",
    syntax_example = "adjusted_rand(category, other)",
    sql_example = r"```sql
> select adjusted_rand(a, b) from (values (1, 'x'), (1, 'x'), (2, 'y'), (2, 'y')) as t (a, b);
1.0
```",
    argument(name = "category", description = "TEXT, an integer or DATE: the group in one grouping."),
    argument(name = "other", description = "As `category`: the group in the other.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AdjustedRand;

impl Tally<2> for AdjustedRand {
    const NAME: &'static str = "adjusted_rand";
    const ARGUMENTS: [&'static str; 2] = ["category", "other"];
    type Figure = f64;

    fn figure(counts: &Counts<2>) -> Option<f64> {
        let pairs = |count: i64| i128::from(count) * i128::from(count - 1) / 2;
        let of_side = |side: usize| {
            let mut groups: BTreeMap<&str, i64> = BTreeMap::new();
            for (category, count) in counts {
                *groups.entry(&category[side]).or_default() += count;
            }
            groups.into_values().map(pairs).sum::<i128>()
        };
        let (left, right) = (of_side(0), of_side(1));
        let both: i128 = counts.values().copied().map(pairs).sum();
        let all = pairs(counts.values().sum());
        if all > i128::from(i64::MAX) {
            // More rows than whole numbers of 128 bits can square twice.
            let [both, all, left, right] = [both, all, left, right].map(|pairs| pairs as f64);
            let by_chance = left * right / all;
            return Some((both - by_chance) / (f64::midpoint(left, right) - by_chance));
        }
        // Twice what exceeds chance, and twice the most that can, times all
        // pairs: whole numbers, divided once.
        let by_chance = 2 * left * right;
        let (found, most) = (2 * both * all - by_chance, (left + right) * all - by_chance);
        // One group, or groups of one row each, on both sides: they are alike.
        (all > 0).then(|| if most == 0 { 1.0 } else { found as f64 / most as f64 })
    }
}

tally!(AdjustedRand, 2);
