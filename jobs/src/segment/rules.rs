//! What makes the groups, in a few conditions: as text in two languages, and as SQL.

use serde::{Deserialize, Serialize};

use super::tree::{self, Kind, Node, Size, Step, Test, Trait};

/// A tree of at most four levels, no leaf of less than one percent.
const SIZE: Size = Size { levels: 4, least_share: 0.01 };
/// Every so many rows one is held out, to see what the tree is worth.
const HELD_OUT: usize = 4;

/// How a trait is spoken of.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    pub label: String,
    pub label_zh: String,
    pub unit: Option<String>,
}

/// A leaf of the tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub segment: String,
    /// Of all accounts that it holds for.
    pub share: f64,
    /// The share of these that is of the group.
    pub purity: f64,
    pub text: String,
    pub text_zh: String,
    /// The condition, by itself.
    pub sql: String,
}

/// The rules of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub rules: Vec<Rule>,
    /// The number of the rule that holds, from 1 on.
    pub number_sql: String,
    /// The group that it stands for.
    pub group_sql: String,
    /// The share of accounts held out of which the rules say the group that they have;
    /// 1 where the rules make the groups.
    pub fidelity: f64,
    /// The same of the accounts of each group; none where no account of it was held out.
    pub recalls: Vec<Option<f64>>,
    /// The group that they say of each row of the sample.
    pub labels: Vec<usize>,
}

/// What rules are about, and of what.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub traits: &'a [Trait],
    pub words: &'a [Words],
    /// Of every row of a sample: its group, and how many accounts it stands for.
    pub labels: &'a [usize],
    pub weights: &'a [f64],
    pub codes: &'a [String],
}

impl Subject<'_> {
    /// Rules that tell the groups of a sample.
    pub fn explain(&self) -> Rules {
        let is_held_out = |row: &usize| row % HELD_OUT == HELD_OUT - 1;
        let (held, used): (Vec<usize>, Vec<usize>) = (0..self.labels.len()).partition(is_held_out);
        let of = |rows: &[usize]| -> (Vec<Trait>, Vec<usize>, Vec<f64>) {
            let pick =
                |from: &Trait| Trait { values: rows.iter().map(|row| from.values[*row]).collect(), ..from.clone() };
            let (labels, weights) =
                (rows.iter().map(|row| self.labels[*row]), rows.iter().map(|row| self.weights[*row]));
            (self.traits.iter().map(pick).collect(), labels.collect(), weights.collect())
        };
        let (own, own_labels, own_weights) = of(&used);
        let root = tree::grow(&own, &own_labels, &own_weights, self.codes.len(), SIZE).pruned();
        let (other, other_labels, other_weights) = of(&held);
        let (mut right, mut all) = (vec![0.0; self.codes.len()], vec![0.0; self.codes.len()]);
        for (row, (group, weight)) in other_labels.iter().zip(&other_weights).enumerate() {
            all[*group] += weight;
            if root.group(&other, row) == *group {
                right[*group] += weight;
            }
        }
        let share = |right: f64, all: f64| (all > 0.0).then(|| right / all);
        let fidelity = share(right.iter().sum(), all.iter().sum()).unwrap_or(1.0);
        self.rules(&root, fidelity, right.iter().zip(&all).map(|(right, all)| share(*right, *all)).collect())
    }

    /// Rules that make groups like these. `group_of` is given the leaf of each row, and
    /// says the group of each leaf; rules that say nothing else are one.
    pub fn replace<E>(&self, group_of: impl FnOnce(&[usize], &[usize]) -> Result<Vec<usize>, E>) -> Result<Rules, E> {
        let root = tree::grow(self.traits, self.labels, self.weights, self.codes.len(), SIZE);
        let most: Vec<usize> = root.leaves().iter().map(|(_, leaf)| leaf.own_group()).collect();
        let numbered = root.clone().with_groups(&mut (0..));
        let leaves: Vec<usize> = (0..self.labels.len()).map(|row| numbered.group(self.traits, row)).collect();
        let groups = group_of(&leaves, &most)?;
        Ok(self.rules(&root.with_groups(&mut groups.into_iter()).pruned(), 1.0, vec![Some(1.0); self.codes.len()]))
    }

    fn rules(&self, root: &Node, fidelity: f64, recalls: Vec<Option<f64>>) -> Rules {
        let Self { traits, words, codes, .. } = *self;
        let leaves = root.leaves();
        let whole: f64 = leaves.iter().map(|(_, leaf)| leaf.weight()).sum();
        let mut rules = Vec::new();
        for (path, leaf) in leaves {
            let Node::Leaf { group, weight, purity } = leaf else { continue };
            rules.push(Rule {
                segment: codes[*group].clone(),
                share: weight / whole,
                purity: *purity,
                text: told(&path, traits, words, &ENGLISH),
                text_zh: told(&path, traits, words, &CHINESE),
                sql: condition(&path, traits),
            });
        }
        let mut numbers = 0;
        let number_sql = nested(root, traits, &mut |_| {
            numbers += 1;
            numbers.to_string()
        });
        let group_sql = nested(root, traits, &mut |group| format!("'{}'", codes[group]));
        let labels = (0..self.labels.len()).map(|row| root.group(traits, row)).collect();
        Rules { rules, number_sql, group_sql, fidelity, recalls, labels }
    }
}

/// The tree as one CASE; leaves from left to right.
fn nested(node: &Node, traits: &[Trait], leaf: &mut dyn FnMut(usize) -> String) -> String {
    match node {
        Node::Leaf { group, .. } => leaf(*group),
        Node::Split { on, test, yes, no, .. } => {
            let yes = nested(yes, traits, leaf);
            let no = nested(no, traits, leaf);
            format!("case when {} then {yes} else {no} end", test_sql(&traits[*on], *test))
        }
    }
}

fn test_sql(on: &Trait, test: Test) -> String {
    let name = &on.name;
    match (test, &on.kind) {
        (Test::Below(cut), _) => format!("{name} < {cut}"),
        (Test::Is(level), Kind::Text { levels }) => format!("{name} = '{}'", text(levels, level).replace('\'', "''")),
        (Test::Is(0), _) => format!("not {name}"),
        (Test::Is(_), _) => name.clone(),
    }
}

fn condition(path: &[Step], traits: &[Trait]) -> String {
    let parts = path.iter().map(|step| {
        let test = test_sql(&traits[step.on], step.test);
        if step.holds { test } else { format!("({test}) is not true") }
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "true".to_owned() } else { parts.join(" and ") }
}

/// How conditions are put into words.
struct Language {
    label: fn(&Words) -> &str,
    and: &'static str,
    below: fn(&str) -> String,
    least: fn(&str) -> String,
    between: fn(&str, &str) -> String,
    not: fn(&str) -> String,
    or_unknown: &'static str,
    is: fn(&str, &str) -> String,
    yes: &'static str,
    no: &'static str,
    all: &'static str,
}

const ENGLISH: Language = Language {
    label: |words| &words.label,
    and: "; ",
    below: |cut| format!("below {cut}"),
    least: |cut| format!("at least {cut}"),
    between: |low, high| format!("from {low} to below {high}"),
    not: |levels| format!("not {levels}"),
    or_unknown: " or unknown",
    is: |label, value| format!("{label}: {value}"),
    yes: "yes",
    no: "no",
    all: "all accounts",
};

const CHINESE: Language = Language {
    label: |words| &words.label_zh,
    and: "；",
    below: |cut| format!("低于{cut}"),
    least: |cut| format!("不低于{cut}"),
    between: |low, high| format!("{low}至{high}（不含）"),
    not: |levels| format!("非{levels}"),
    or_unknown: "或未知",
    is: |label, value| format!("{label}：{value}"),
    yes: "是",
    no: "否",
    all: "全部用户",
};

/// Conditions on one trait are told together.
fn told(path: &[Step], traits: &[Trait], words: &[Words], language: &Language) -> String {
    let mut order: Vec<usize> = Vec::new();
    for step in path.iter().filter(|step| !order.contains(&step.on)).collect::<Vec<_>>() {
        if !order.contains(&step.on) {
            order.push(step.on);
        }
    }
    let one = |on: &usize| {
        let steps: Vec<&Step> = path.iter().filter(|step| step.on == *on).collect();
        let value = value_told(&steps, &traits[*on], &words[*on], language);
        // A condition that holds is of what is known.
        let is_known = steps.iter().any(|step| step.holds);
        let may_be_unknown = !is_known && steps.iter().any(|step| step.has_unknown);
        (language.is)(
            (language.label)(&words[*on]),
            &format!("{value}{}", if may_be_unknown { language.or_unknown } else { "" }),
        )
    };
    let parts: Vec<String> = order.iter().map(one).collect();
    if parts.is_empty() { language.all.to_owned() } else { parts.join(language.and) }
}

/// A range of a number, from its low to below its high end, in English and Chinese.
pub fn range_text(words: &Words, low: Option<&str>, high: Option<&str>) -> (String, String) {
    let told = |language: &Language| match range_told(low, high, words, language) {
        Some(range) => (language.is)((language.label)(words), &range),
        None => language.all.to_owned(),
    };
    (told(&ENGLISH), told(&CHINESE))
}

fn range_told(low: Option<&str>, high: Option<&str>, words: &Words, language: &Language) -> Option<String> {
    let with_unit = |cut: &str| match &words.unit {
        Some(unit) => format!("{cut} {unit}"),
        None => cut.to_owned(),
    };
    match (low, high) {
        (Some(low), Some(high)) => Some((language.between)(low, &with_unit(high))),
        (Some(low), None) => Some((language.least)(&with_unit(low))),
        (None, Some(high)) => Some((language.below)(&with_unit(high))),
        (None, None) => None,
    }
}

fn value_told(steps: &[&Step], on: &Trait, words: &Words, language: &Language) -> String {
    let (mut low, mut high) = (None::<f64>, None::<f64>);
    let (mut is, mut is_not) = (None, Vec::new());
    for step in steps {
        match (step.test, step.holds) {
            (Test::Below(cut), true) => high = Some(high.map_or(cut, |known| known.min(cut))),
            (Test::Below(cut), false) => low = Some(low.map_or(cut, |known| known.max(cut))),
            (Test::Is(level), true) => is = Some(level),
            (Test::Is(level), false) => is_not.push(level),
        }
    }
    let (low, high) = (low.map(|cut| cut.to_string()), high.map(|cut| cut.to_string()));
    if let Some(range) = range_told(low.as_deref(), high.as_deref(), words, language) {
        return range;
    }
    match &on.kind {
        Kind::Text { levels } => match is {
            Some(level) => text(levels, level).to_owned(),
            None => (language.not)(&is_not.iter().map(|level| text(levels, *level)).collect::<Vec<_>>().join(", ")),
        },
        _ => match is.map_or_else(|| !is_not.contains(&1), |level| level == 1) {
            true => language.yes.to_owned(),
            false => language.no.to_owned(),
        },
    }
}

fn text(levels: &[String], level: usize) -> &str {
    levels.get(level).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits() -> (Vec<Trait>, Vec<Words>, Vec<usize>) {
        let energy: Vec<f64> = (0..400).map(|at| if at % 10 == 0 { f64::NAN } else { f64::from(at) }).collect();
        let class: Vec<f64> = (0..400).map(|at| f64::from(at / 7 % 2)).collect();
        let labels = energy
            .iter()
            .zip(&class)
            .map(|(energy, class)| if *class == 1.0 { 2 } else { usize::from(*energy < 200.0) })
            .collect();
        let levels = vec!["farm".to_owned(), "shop".to_owned()];
        let traits = vec![
            Trait { name: "energy_kwh".into(), kind: Kind::Number, values: energy },
            Trait { name: "class".into(), kind: Kind::Text { levels }, values: class },
        ];
        let words = |label: &str, label_zh: &str, unit: Option<&str>| Words {
            label: label.into(),
            label_zh: label_zh.into(),
            unit: unit.map(str::to_owned),
        };
        (traits, vec![words("Energy", "电量", Some("kWh")), words("Class", "类别", None)], labels)
    }

    #[test]
    fn rules_say_what_made_the_groups() {
        let (traits, words, labels) = traits();
        let codes = ["g1", "g2", "g3"].map(str::to_owned);
        let weights = vec![1.0; 400];
        let subject = Subject { traits: &traits, words: &words, labels: &labels, weights: &weights, codes: &codes };
        let rules = subject.explain();
        assert!(rules.fidelity > 0.98, "{}", rules.fidelity);
        let least = rules.recalls.iter().map(|recall| recall.expect("accounts of all groups")).fold(1.0, f64::min);
        assert!(rules.recalls.len() == 3 && (0.9..=rules.fidelity).contains(&least), "{:?}", rules.recalls);
        let told: Vec<(&str, &str, &str)> =
            rules.rules.iter().map(|rule| (&*rule.segment, &*rule.text, &*rule.text_zh)).collect();
        let expected = [
            ("g2", "Class: farm; Energy: below 200 kWh", "类别：farm；电量：低于200 kWh"),
            ("g1", "Class: farm; Energy: at least 200 kWh or unknown", "类别：farm；电量：不低于200 kWh或未知"),
            ("g3", "Class: not farm", "类别：非farm"),
        ];
        assert_eq!(told, expected);
        assert_eq!(
            rules.group_sql,
            "case when class = 'farm' then case when energy_kwh < 200 then 'g2' else 'g1' end else 'g3' end"
        );
        assert_eq!(rules.rules[1].sql, "class = 'farm' and (energy_kwh < 200) is not true");
        let shares: f64 = rules.rules.iter().map(|rule| rule.share).sum();
        assert!((shares - 1.0).abs() < 1e-9);
    }
}
