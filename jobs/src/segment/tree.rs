//! A small decision tree that says in a few conditions what makes the groups.
//! Source: L. Breiman and others, Classification and Regression Trees (1984).

/// What conditions may be about.
#[derive(Clone, Debug, PartialEq)]
pub struct Trait {
    pub name: String,
    pub kind: Kind,
    /// Of every row; NaN where it is unknown. A text is the place of its level, a flag
    /// 0 or 1.
    pub values: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Number,
    Flag,
    Text { levels: Vec<String> },
}

/// A condition; what is unknown does not meet it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Test {
    /// The number is below this one.
    Below(f64),
    /// The text is of this level, the flag is set.
    Is(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Leaf {
        group: usize,
        /// Of all rows that end here.
        weight: f64,
        /// The share of them that is of the group.
        purity: f64,
    },
    Split {
        /// The place of the trait.
        on: usize,
        test: Test,
        /// Whether some of the rows that come here are unknown.
        has_unknown: bool,
        yes: Box<Node>,
        no: Box<Node>,
    },
}

/// Most conditions on the way to a leaf, and the least share of all rows in one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    pub levels: usize,
    pub least_share: f64,
}

/// Most numbers that one trait is cut at.
const CUTS: usize = 40;
/// The bin of what is unknown.
const UNKNOWN: u8 = u8::MAX;

/// A tree that tells the groups of the rows apart.
pub fn grow(traits: &[Trait], groups: &[usize], weights: &[f64], count: usize, size: Size) -> Node {
    let binned: Vec<Binned> = traits.iter().map(Binned::of).collect();
    let all: f64 = weights.iter().sum();
    let grower = Grower { binned: &binned, groups, weights, count, least: all * size.least_share };
    let rows: Vec<u32> = (0..groups.len() as u32).collect();
    pruned(grower.node(&rows, size.levels))
}

impl Node {
    /// The group of a row, by its place.
    pub fn group(&self, traits: &[Trait], row: usize) -> usize {
        match self {
            Self::Leaf { group, .. } => *group,
            Self::Split { on, test, yes, no, .. } => {
                let next = if test.holds(traits[*on].values[row]) { yes } else { no };
                next.group(traits, row)
            }
        }
    }

    /// Leaves from left to right, each with the conditions on the way to it and
    /// whether they hold.
    pub fn leaves(&self) -> Vec<(Vec<Step>, &Node)> {
        let mut found = Vec::new();
        self.walk(&mut Vec::new(), &mut found);
        found
    }

    fn walk<'a>(&'a self, path: &mut Vec<Step>, found: &mut Vec<(Vec<Step>, &'a Node)>) {
        match self {
            Self::Leaf { .. } => found.push((path.clone(), self)),
            Self::Split { on, test, has_unknown, yes, no } => {
                for (holds, node) in [(true, yes), (false, no)] {
                    path.push(Step { on: *on, test: *test, holds, has_unknown: *has_unknown });
                    node.walk(path, found);
                    path.pop();
                }
            }
        }
    }
}

/// A condition on the way to a leaf.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub on: usize,
    pub test: Test,
    pub holds: bool,
    pub has_unknown: bool,
}

impl Test {
    fn holds(self, value: f64) -> bool {
        match self {
            // NaN is below nothing.
            Self::Below(cut) => value < cut,
            Self::Is(level) => value == level as f64,
        }
    }
}

/// A trait in few values: what a condition can tell apart.
struct Binned {
    cuts: Vec<f64>,
    is_ordered: bool,
    bins: usize,
    of_row: Vec<u8>,
}

impl Binned {
    fn of(from: &Trait) -> Self {
        match &from.kind {
            Kind::Number => {
                let cuts = cuts(&from.values);
                let bin = |value: &f64| match value.is_nan() {
                    true => UNKNOWN,
                    // At most [`CUTS`].
                    false => cuts.partition_point(|cut| cut <= value) as u8,
                };
                let of_row = from.values.iter().map(bin).collect();
                Self { bins: cuts.len() + 1, cuts, is_ordered: true, of_row }
            }
            Kind::Flag | Kind::Text { .. } => {
                let bin = |value: &f64| if value.is_nan() { UNKNOWN } else { (*value as usize).min(254) as u8 };
                let of_row: Vec<u8> = from.values.iter().map(bin).collect();
                let bins = of_row.iter().filter(|bin| **bin != UNKNOWN).max().map_or(0, |bin| usize::from(*bin) + 1);
                Self { cuts: Vec::new(), is_ordered: false, bins, of_row }
            }
        }
    }

    /// Whether a bin meets the condition with this number.
    fn is_met(&self, condition: usize, bin: u8) -> bool {
        let bin = usize::from(bin);
        if self.is_ordered { bin <= condition } else { bin == condition }
    }

    fn test(&self, condition: usize) -> Test {
        if self.is_ordered { Test::Below(self.cuts[condition]) } else { Test::Is(condition) }
    }
}

/// Numbers of two digits that part the values into about equally many.
fn cuts(values: &[f64]) -> Vec<f64> {
    let mut known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    known.sort_unstable_by(f64::total_cmp);
    let (Some(first), false) = (known.first().copied(), known.is_empty()) else { return Vec::new() };
    let at = |step: usize| known[(known.len() * step / (CUTS + 1)).min(known.len() - 1)];
    let mut cuts: Vec<f64> = (1..=CUTS).map(|step| two_digits(at(step))).filter(|cut| *cut > first).collect();
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.dedup();
    cuts
}

/// A number rounded to two digits that count.
fn two_digits(value: f64) -> f64 {
    // What is printed with one digit after the first is read as the nearest number.
    format!("{value:.1e}").parse().unwrap_or(value)
}

struct Grower<'a> {
    binned: &'a [Binned],
    groups: &'a [usize],
    weights: &'a [f64],
    count: usize,
    least: f64,
}

struct Best {
    gain: f64,
    on: usize,
    condition: usize,
}

impl Grower<'_> {
    fn node(&self, rows: &[u32], levels: usize) -> Node {
        let mut sizes = vec![0.0; self.count];
        for &row in rows {
            sizes[self.groups[row as usize]] += self.weights[row as usize];
        }
        let best = if levels == 0 { None } else { self.best(rows, &sizes) };
        let Some(Best { on, condition, .. }) = best else { return leaf(&sizes) };
        let binned = &self.binned[on];
        let (met, missed): (Vec<u32>, Vec<u32>) =
            rows.iter().partition(|row| binned.is_met(condition, binned.of_row[**row as usize]));
        Node::Split {
            on,
            test: binned.test(condition),
            has_unknown: missed.iter().any(|row| binned.of_row[*row as usize] == UNKNOWN),
            yes: Box::new(self.node(&met, levels - 1)),
            no: Box::new(self.node(&missed, levels - 1)),
        }
    }

    /// The condition that leaves least mixed groups; of equals the first.
    fn best(&self, rows: &[u32], sizes: &[f64]) -> Option<Best> {
        let whole = purity(sizes);
        let mut best: Option<Best> = None;
        for (on, binned) in self.binned.iter().enumerate() {
            let mut table = vec![0.0; binned.bins * self.count];
            for &row in rows {
                let row = row as usize;
                if binned.of_row[row] != UNKNOWN {
                    table[usize::from(binned.of_row[row]) * self.count + self.groups[row]] += self.weights[row];
                }
            }
            let mut yes = vec![0.0; self.count];
            for condition in 0..if binned.is_ordered { binned.cuts.len() } else { binned.bins } {
                let bin = &table[condition * self.count..(condition + 1) * self.count];
                for (yes, weight) in yes.iter_mut().zip(bin) {
                    *yes = if binned.is_ordered { *yes + weight } else { *weight };
                }
                let no: Vec<f64> = sizes.iter().zip(&yes).map(|(all, yes)| (all - yes).max(0.0)).collect();
                if yes.iter().sum::<f64>() < self.least || no.iter().sum::<f64>() < self.least {
                    continue;
                }
                let gain = purity(&yes) + purity(&no) - whole;
                if gain > 1e-9 * whole && best.as_ref().is_none_or(|best| gain > best.gain * (1.0 + 1e-12)) {
                    best = Some(Best { gain, on, condition });
                }
            }
        }
        best
    }
}

/// The weight of pairs of one group over the weight of all: larger is purer.
fn purity(sizes: &[f64]) -> f64 {
    let all: f64 = sizes.iter().sum();
    if all > 0.0 { sizes.iter().map(|size| size * size).sum::<f64>() / all } else { 0.0 }
}

fn leaf(sizes: &[f64]) -> Node {
    let weight: f64 = sizes.iter().sum();
    // Of equals the first.
    let most = sizes
        .iter()
        .enumerate()
        .fold((0, 0.0), |best, (group, size)| if *size > best.1 { (group, *size) } else { best });
    Node::Leaf { group: most.0, weight, purity: if weight > 0.0 { most.1 / weight } else { 0.0 } }
}

/// Two leaves of one group behind a condition are one leaf.
fn pruned(node: Node) -> Node {
    let Node::Split { on, test, has_unknown, yes, no } = node else { return node };
    match (pruned(*yes), pruned(*no)) {
        (
            Node::Leaf { group, weight, purity },
            Node::Leaf { group: other, weight: other_weight, purity: other_purity },
        ) if group == other => {
            let all = weight + other_weight;
            Node::Leaf { group, weight: all, purity: (weight * purity + other_weight * other_purity) / all }
        }
        (yes, no) => Node::Split { on, test, has_unknown, yes: Box::new(yes), no: Box::new(no) },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size { levels: 4, least_share: 0.01 };

    fn number(values: &[f64]) -> Trait {
        Trait { name: "n".into(), kind: Kind::Number, values: values.to_vec() }
    }

    #[test]
    fn groups_that_conditions_made_are_found() {
        let energy: Vec<f64> = (0..300).map(|at| f64::from(at) * 7.0).collect();
        let levels = vec!["farm".to_owned(), "home".to_owned()];
        let class: Vec<f64> = (0..300).map(|at| if at % 5 == 0 { f64::NAN } else { f64::from(at % 2) }).collect();
        let groups: Vec<usize> = energy
            .iter()
            .zip(&class)
            .map(|(energy, class)| match *class == 1.0 {
                true if *energy < 1000.0 => 0,
                true => 1,
                false => 2,
            })
            .collect();
        let traits = vec![number(&energy), Trait { name: "c".into(), kind: Kind::Text { levels }, values: class }];
        let tree = grow(&traits, &groups, &vec![1.0; 300], 3, SIZE);
        let right = (0..300).filter(|row| tree.group(&traits, *row) == groups[*row]).count();
        assert!(right >= 295, "{right} of 300: {tree:?}");
        assert!(tree.leaves().len() <= 4, "{tree:?}");
        let unknown = tree.leaves().iter().any(|(path, _)| path.iter().any(|step| step.has_unknown));
        assert!(unknown, "a class that is not known is told");
    }

    #[test]
    fn cuts_have_two_digits() {
        assert_eq!([1234.0, 0.0567, -98.76, 5.0].map(two_digits), [1200.0, 0.057, -99.0, 5.0]);
    }

    proptest! {
        #[test]
        fn leaves_hold_every_row_once_and_are_large_enough(
            rows in proptest::collection::vec((0u8..20, proptest::option::of(0u8..3), 0usize..4), 1..200),
        ) {
            let values: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
            let texts = rows.iter().map(|row| row.1.map_or(f64::NAN, f64::from)).collect();
            let levels = ["a", "b", "c"].map(str::to_owned).to_vec();
            let traits = vec![number(&values), Trait { name: "t".into(), kind: Kind::Text { levels }, values: texts }];
            let groups: Vec<usize> = rows.iter().map(|row| row.2).collect();
            let tree = grow(&traits, &groups, &vec![1.0; rows.len()], 4, SIZE);
            let leaves = tree.leaves();
            prop_assert!(leaves.iter().all(|(path, _)| path.len() <= 4));
            let weight: f64 = leaves.iter().map(|(_, leaf)| match leaf { Node::Leaf { weight, .. } => *weight, _ => 0.0 }).sum();
            prop_assert!((weight - rows.len() as f64).abs() < 1e-9);
            let right = (0..rows.len()).filter(|row| tree.group(&traits, *row) == groups[*row]).count() as f64;
            let told: f64 =
                leaves.iter().map(|(_, leaf)| match leaf { Node::Leaf { weight, purity, .. } => weight * purity, _ => 0.0 }).sum();
            prop_assert!((right - told).abs() < 1e-6, "{right} {told}");
        }
    }
}
