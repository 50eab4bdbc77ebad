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
        adjusted_rand_of(counts.iter().map(|([left, right], count)| (&**left, &**right, *count)))
    }
}

tally!(AdjustedRand, 2);

/// The same of pairs of groups, each with how many rows are in both.
pub fn adjusted_rand_of<'a>(counts: impl Iterator<Item = (&'a str, &'a str, i64)>) -> Option<f64> {
    let counts: Vec<(&str, &str, i64)> = counts.collect();
    let pairs = |count: i64| i128::from(count) * i128::from(count - 1) / 2;
    let of_side = |side: fn(&(&'a str, &'a str, i64)) -> &'a str| {
        let mut groups: BTreeMap<&str, i64> = BTreeMap::new();
        for row in &counts {
            *groups.entry(side(row)).or_default() += row.2;
        }
        groups.into_values().map(pairs).sum::<i128>()
    };
    let (left, right) = (of_side(|row| row.0), of_side(|row| row.1));
    let both: i128 = counts.iter().map(|row| pairs(row.2)).sum();
    let all = pairs(counts.iter().map(|row| row.2).sum());
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
