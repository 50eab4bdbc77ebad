//! What a text is about, by the words in it.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use aho_corasick::AhoCorasick;
use arrow::array::{Array, AsArray, Float64Array, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type};
use datafusion_common::{Result, exec_datafusion_err, internal_datafusion_err};
use datafusion_macros::user_doc;

use super::normal::folded;
use crate::args::{refuse, texts};
use crate::figure::figures;
use crate::list::{element_of, list_of};
use crate::row::{Kind, RowFunction, Text, is_text, row_function};

/// The class with the weightiest terms.
#[user_doc(
    doc_section(label = "Texts"),
    description = r"What a text is about, by a dictionary given as data: the class whose terms in the text weigh most. A struct:

- `class` TEXT, and `score` DOUBLE: the sum of the weights of its terms; a term counts once however often it is in the text. Of equals, the first in the order of their texts.
- `second_class`, `second_score`: the one after it. NULL where only one class has a term in the text.

Full and half width, large and small letters are the same. A term in letters is found as a whole word; one in Chinese anywhere, as there are no blanks to go by. Terms do not overlap: where several begin at one place, the longest counts, so that a longer term can take back what a shorter one says (不满意 before 满意). Weights may be negative.

All fields are NULL where an argument is NULL and where no term is in the text. Entries of the dictionary in which a field is NULL, and empty terms, are left out. An entry that stands twice counts twice. A dictionary without the fields `term`, `class` and `weight` is an error at planning.",
    syntax_example = "classify_text(text, dictionary)",
    sql_example = r"```sql
> select classify_text('家里又停电了，电费还这么高', [{term: '停电', class: 'outage', weight: 2.0}, {term: '电费', class: 'billing', weight: 1.0}]);
{class: outage, score: 2.0, second_class: billing, second_score: 1.0}
```",
    argument(name = "text", description = "TEXT"),
    argument(name = "dictionary", description = "LIST of STRUCT of `term` TEXT, `class` TEXT and `weight`, a number.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ClassifyText;

figures! {
    pub(super) struct Classes {
        class: String,
        score: f64,
        second_class: Option<String>,
        second_score: Option<f64>,
    }
}

/// The terms of a dictionary, made ready to be found.
pub(super) struct Terms {
    finder: AhoCorasick,
    /// The term, its class and its weight.
    entries: Vec<(String, String, f64)>,
}

impl Terms {
    fn new(mut entries: Vec<(String, String, f64)>) -> Result<Self> {
        // Scores are sums in this order, whatever that of the list.
        entries.sort_by(|left, right| (&left.0, &left.1).cmp(&(&right.0, &right.1)).then(left.2.total_cmp(&right.2)));
        let finder = AhoCorasick::new(entries.iter().map(|(term, _, _)| term))
            .map_err(|error| exec_datafusion_err!("{}: argument dictionary: {error}", ClassifyText::NAME))?;
        Ok(Self { finder, entries })
    }

    fn classes(&self, text: &str) -> Option<Classes> {
        let text = spaced(text);
        let hits = self.finder.find_overlapping_iter(&text);
        let mut hits: Vec<_> = hits.filter(|hit| is_word(&text, &hit.range())).collect();
        hits.sort_by_key(|hit| (hit.start(), Reverse(hit.end())));
        let (mut found, mut taken) = (BTreeSet::new(), 0..0);
        for hit in hits {
            // One term may stand in several classes.
            if hit.start() >= taken.end || hit.range() == taken {
                found.insert(hit.pattern().as_usize());
                taken = hit.range();
            }
        }
        let mut scores: BTreeMap<&str, f64> = BTreeMap::new();
        for (_, class, weight) in found.into_iter().map(|at| &self.entries[at]) {
            *scores.entry(class).or_default() += weight;
        }
        let mut ranked: Vec<(&str, f64)> = scores.into_iter().collect();
        ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(right.0)));
        let second = ranked.get(1).copied();
        ranked.first().map(|(class, score)| Classes {
            class: (*class).to_owned(),
            score: *score,
            second_class: second.map(|(class, _)| class.to_owned()),
            second_score: second.map(|(_, score)| score),
        })
    }
}

/// A folded text with one blank where there are many.
fn spaced(text: &str) -> String {
    folded(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a term does not begin or end within a word of letters or digits.
fn is_word(text: &str, place: &std::ops::Range<usize>) -> bool {
    let is_letter = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() && !super::normal::is_han(character))
    };
    let begins_inside =
        is_letter(text[..place.start].chars().next_back()) && is_letter(text[place.start..].chars().next());
    let ends_inside = is_letter(text[..place.end].chars().next_back()) && is_letter(text[place.end..].chars().next());
    !begins_inside && !ends_inside
}

/// A dictionary of terms, made ready once for all rows that have the same.
pub(super) struct Dictionary;

const FIELDS: [&str; 3] = ["class", "term", "weight"];

impl Kind for Dictionary {
    type Value<'a> = Result<Rc<Terms>>;

    fn coerce(function: &str, argument: &str, found: &DataType) -> Result<DataType> {
        const TAKES: &str = "a LIST of STRUCT of term, class and weight";
        let wanted = [("class", DataType::Utf8), ("term", DataType::Utf8), ("weight", DataType::Float64)];
        let entry = |fields: Vec<Field>| Ok(list_of(DataType::Struct(fields.into())));
        match element_of(found) {
            Some(DataType::Struct(fields)) => {
                let has = |name: &&str| fields.iter().any(|field| field.name() == name);
                if !FIELDS.iter().all(has) {
                    return refuse(function, argument, TAKES, found);
                }
                let fields = fields.iter().map(|field| {
                    let data_type = match wanted.iter().find(|(name, _)| field.name() == name) {
                        Some((_, DataType::Utf8)) if is_text(field.data_type()) => DataType::Utf8,
                        Some((_, DataType::Float64))
                            if field.data_type().is_numeric() || field.data_type().is_null() =>
                        {
                            DataType::Float64
                        }
                        Some(_) => return refuse(function, argument, TAKES, found),
                        None => field.data_type().clone(),
                    };
                    Ok(Field::new(field.name(), data_type, true))
                });
                entry(fields.collect::<Result<_>>()?)
            }
            None if found.is_null() => {
                entry(wanted.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect())
            }
            _ => refuse(function, argument, TAKES, found),
        }
    }

    fn reader(function: &str, array: &dyn Array) -> Result<impl Fn(usize) -> Option<Result<Rc<Terms>>>> {
        let lists = array.as_list_opt::<i32>();
        let lists = lists.ok_or_else(|| internal_datafusion_err!("{function}: expected a dictionary"))?;
        let entries = lists.values().as_struct_opt();
        let entries = entries.ok_or_else(|| internal_datafusion_err!("{function}: expected a dictionary"))?;
        let column = |name: &str| {
            let column = entries.column_by_name(name);
            column.ok_or_else(|| internal_datafusion_err!("{function}: a dictionary without {name}"))
        };
        let (terms, classes) = (texts(function, column("term")?)?, texts(function, column("class")?)?);
        let weights = crate::args::primitive::<Float64Type>(function, column("weight")?)?;
        let ready: RefCell<Option<(usize, Rc<Terms>)>> = RefCell::new(None);
        Ok(move |at: usize| {
            if lists.is_null(at) {
                return None;
            }
            let mut ready = ready.borrow_mut();
            if let Some((before, terms)) = ready.as_ref()
                && (*before == at || lists.value(*before) == lists.value(at))
            {
                return Some(Ok(Rc::clone(terms)));
            }
            // Offsets of a list array ascend from 0, so they fit.
            let rows = lists.value_offsets()[at] as usize..lists.value_offsets()[at + 1] as usize;
            let made = Terms::new(
                rows.filter(|row| entries.is_valid(*row))
                    .filter_map(|row| entry(terms, classes, weights, row))
                    .collect(),
            );
            Some(made.map(|terms| Rc::clone(&ready.insert((at, Rc::new(terms))).1)))
        })
    }
}

fn entry(
    terms: &StringArray,
    classes: &StringArray,
    weights: &Float64Array,
    row: usize,
) -> Option<(String, String, f64)> {
    let is_known = terms.is_valid(row) && classes.is_valid(row) && weights.is_valid(row);
    let weight = is_known.then(|| weights.value(row)).filter(|weight| weight.is_finite())?;
    let term = spaced(terms.value(row));
    (!term.is_empty()).then(|| (term, classes.value(row).to_owned(), weight))
}

impl RowFunction for ClassifyText {
    const NAME: &'static str = "classify_text";
    const ARGUMENTS: &'static [&'static str] = &["text", "dictionary"];
    type Arguments = (Text, Dictionary);
    type Figure = Classes;

    fn figure((text, dictionary): (&str, Result<Rc<Terms>>)) -> Result<Option<Classes>> {
        Ok(dictionary?.classes(text))
    }
}

row_function!(ClassifyText);
