//! Addresses that may be one.

use std::collections::BTreeMap;

use datafusion_common::Result;
use datafusion_macros::user_doc;

use super::normal::address;
use crate::row::{RowFunction, Text, row_function};

/// How alike two addresses are.
#[user_doc(
    doc_section(label = "Texts"),
    description = r"How alike two addresses are (DOUBLE, 0 to 1), in their normalised forms, see `normalise_address`: the mean of two parts: how many pairs of neighbouring characters both have (Dice's coefficient), numbers left out, and how many numbers they have in common. So two flats of one house are alike, but never the same. Where one of the parts has nothing to compare, the other counts alone.

NULL where an argument is NULL or nothing is left of one.",
    syntax_example = "address_similarity(text, other_text)",
    sql_example = r"```sql
> select address_similarity('南京西路1234号5栋301室', '南京西路1234号五号楼302室');
0.8333333333333333
```",
    argument(name = "text", description = "TEXT"),
    argument(name = "other_text", description = "TEXT")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AddressSimilarity;

impl RowFunction for AddressSimilarity {
    const NAME: &'static str = "address_similarity";
    const ARGUMENTS: &'static [&'static str] = &["text", "other_text"];
    type Arguments = (Text, Text);
    type Figure = f64;

    fn figure((left, right): (&str, &str)) -> Result<Option<f64>> {
        let (left, right) = (address(left), address(right));
        if left.is_empty() || right.is_empty() {
            return Ok(None);
        }
        let (left_text, left_numbers) = parts(&left);
        let (right_text, right_numbers) = parts(&right);
        let text =
            (!left_text.is_empty() || !right_text.is_empty()).then(|| dice(pairs(&left_text), pairs(&right_text)));
        let numbers = (!left_numbers.is_empty() || !right_numbers.is_empty())
            .then(|| dice(left_numbers.into_iter(), right_numbers.into_iter()));
        Ok(match (text, numbers) {
            (Some(text), Some(numbers)) => Some(f64::midpoint(text, numbers)),
            (text, numbers) => text.or(numbers),
        })
    }
}

/// Dice's coefficient: twice what both have, over all that there is.
fn dice<T: Ord>(left: impl Iterator<Item = T>, right: impl Iterator<Item = T>) -> f64 {
    let mut counts: BTreeMap<T, (u32, u32)> = BTreeMap::new();
    left.for_each(|item| counts.entry(item).or_default().0 += 1);
    right.for_each(|item| counts.entry(item).or_default().1 += 1);
    let sums = counts.values().fold((0, 0), |(common, all), (l, r)| (common + l.min(r), all + l + r));
    2.0 * f64::from(sums.0) / f64::from(sums.1)
}

/// Pairs of neighbouring characters; one character alone is a pair with none.
fn pairs(text: &str) -> impl Iterator<Item = (char, Option<char>)> {
    let is_alone = text.chars().nth(1).is_none();
    let nexts = text.chars().skip(1).map(Some).chain(is_alone.then_some(None));
    text.chars().zip(nexts)
}

/// What is no number, and the numbers.
fn parts(address: &str) -> (String, Vec<&str>) {
    let text = address.chars().filter(|character| !character.is_ascii_digit() && *character != ' ').collect();
    let numbers = address.split(|character: char| !character.is_ascii_digit()).filter(|number| !number.is_empty());
    (text, numbers.collect())
}

row_function!(AddressSimilarity);
