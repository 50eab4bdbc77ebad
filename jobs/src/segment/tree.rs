//! A small decision tree that says in a few conditions what makes the groups.
//! Sources: L. Breiman and others, Classification and Regression Trees (1984), for its
//! growth; M. Á. Carreira-Perpiñán and P. Tavallali, Alternating optimization of decision
//! trees (NeurIPS 2018), for what makes its conditions better once all of them stand.

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
/// The least rows in a leaf, as far as rows stand for equally many.
const LEAST_ROWS: f64 = 5.0;
/// Most times that every condition is looked at again.
const ROUNDS: usize = 20;

/// A tree that tells the groups of the rows apart, with leaves as many as its size
/// allows.
pub fn grow(traits: &[Trait], groups: &[usize], weights: &[f64], count: usize, size: Size) -> Node {
    let binned: Vec<Binned> = traits.iter().map(Binned::of).collect();
    let all: f64 = weights.iter().sum();
    // A rule for one account of a small sample is none.
    let least = all * size.least_share.max(LEAST_ROWS / groups.len().max(1) as f64);
    let grower = Grower { traits, binned: &binned, groups, weights, count, least };
    let rows: Vec<u32> = (0..groups.len() as u32).collect();
    grower.best_near(grower.node(&rows, size.levels), &rows)
}

impl Node {
    /// Leaves of one group behind a condition are one leaf.
    pub fn pruned(self) -> Self {
        let Self::Split { on, test, has_unknown, yes, no } = self else { return self };
        match (yes.pruned(), no.pruned()) {
            (
                Self::Leaf { group, weight, purity },
                Self::Leaf { group: other, weight: other_weight, purity: other_purity },
            ) if group == other => {
                let all = weight + other_weight;
                Self::Leaf { group, weight: all, purity: (weight * purity + other_weight * other_purity) / all }
            }
            (yes, no) => Self::Split { on, test, has_unknown, yes: Box::new(yes), no: Box::new(no) },
        }
    }

    /// The same conditions with other groups at the leaves, from left to right: all that
    /// ends at a leaf is then of its group.
    pub fn with_groups(self, groups: &mut impl Iterator<Item = usize>) -> Self {
        match self {
            Self::Leaf { group, weight, .. } => {
                Self::Leaf { group: groups.next().unwrap_or(group), weight, purity: 1.0 }
            }
            Self::Split { on, test, has_unknown, yes, no } => {
                let yes = Box::new(yes.with_groups(groups));
                let no = Box::new(no.with_groups(groups));
                Self::Split { on, test, has_unknown, yes, no }
            }
        }
    }

    /// The group of a leaf; of a split that of its first.
    pub fn own_group(&self) -> usize {
        match self {
            Self::Leaf { group, .. } => *group,
            Self::Split { yes, .. } => yes.own_group(),
        }
    }

    /// Of the rows that come here, those at a leaf of their group.
    fn right(&self) -> f64 {
        match self {
            Self::Leaf { weight, purity, .. } => weight * purity,
            Self::Split { yes, no, .. } => yes.right() + no.right(),
        }
    }

    fn least_leaf(&self) -> f64 {
        match self {
            Self::Leaf { weight, .. } => *weight,
            Self::Split { yes, no, .. } => yes.least_leaf().min(no.least_leaf()),
        }
    }

    /// Of all rows that come here.
    pub fn weight(&self) -> f64 {
        match self {
            Self::Leaf { weight, .. } => *weight,
            Self::Split { yes, no, .. } => yes.weight() + no.weight(),
        }
    }

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

    /// How many there are: below each cut, or of each level.
    fn conditions(&self) -> usize {
        if self.is_ordered { self.cuts.len() } else { self.bins }
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
    traits: &'a [Trait],
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
        let sizes = self.sizes(rows);
        let best = if levels == 0 { None } else { self.best(rows, &sizes) };
        let Some(Best { on, condition, .. }) = best else { return leaf(&sizes) };
        let test = self.binned[on].test(condition);
        let (met, missed) = self.parted(rows, on, test);
        self.split(on, test, &missed, self.node(&met, levels - 1), self.node(&missed, levels - 1))
    }

    fn sizes(&self, rows: &[u32]) -> Vec<f64> {
        let mut sizes = vec![0.0; self.count];
        for &row in rows {
            sizes[self.groups[row as usize]] += self.weights[row as usize];
        }
        sizes
    }

    /// The rows that meet a condition, and the others.
    fn parted(&self, rows: &[u32], on: usize, test: Test) -> (Vec<u32>, Vec<u32>) {
        rows.iter().partition(|row| test.holds(self.traits[on].values[**row as usize]))
    }

    fn split(&self, on: usize, test: Test, missed: &[u32], yes: Node, no: Node) -> Node {
        let has_unknown = missed.iter().any(|row| self.traits[on].values[*row as usize].is_nan());
        Node::Split { on, test, has_unknown, yes: Box::new(yes), no: Box::new(no) }
    }

    /// The tree that looking again at every condition leads to.
    fn best_near(&self, mut root: Node, rows: &[u32]) -> Node {
        for _ in 0..ROUNDS {
            let next = self.improved(root.clone(), rows);
            if next == root {
                break;
            }
            root = next;
        }
        root
    }

    /// The same tree with conditions by which at least as many rows come to a leaf of
    /// their group: from the leaves up, each as well as those below it allow.
    fn improved(&self, node: Node, rows: &[u32]) -> Node {
        let Node::Split { on, test, yes, no, .. } = node else { return leaf(&self.sizes(rows)) };
        let (met, missed) = self.parted(rows, on, test);
        let (yes, no) = (self.improved(*yes, &met), self.improved(*no, &missed));
        let stands = self.split(on, test, &missed, yes, no);
        let Node::Split { yes, no, .. } = &stands else { return stands };
        let Some((on, test)) = self.better(rows, on, test, yes, no) else { return stands };
        let (met, missed) = self.parted(rows, on, test);
        let (yes, no) = (self.settled(yes, &met), self.settled(no, &missed));
        let changed = self.split(on, test, &missed, yes, no);
        if changed.least_leaf() < self.least || changed.right() <= stands.right() { stands } else { changed }
    }

    /// The condition that sends more rows than this one to where their group is told, of
    /// those that one side tells and the other does not.
    fn better(&self, rows: &[u32], on: usize, test: Test, yes: &Node, no: &Node) -> Option<(usize, Test)> {
        // What a row adds where it goes to `yes`, less what it adds where it goes to `no`.
        let gain = |row: u32| {
            let own = self.groups[row as usize];
            let told = [yes, no].map(|side| side.group(self.traits, row as usize) == own);
            (f64::from(u8::from(told[0])) - f64::from(u8::from(told[1]))) * self.weights[row as usize]
        };
        let gains: Vec<(u32, f64)> =
            rows.iter().map(|row| (*row, gain(*row))).filter(|(_, gain)| *gain != 0.0).collect();
        let met = |(row, _): &&(u32, f64)| test.holds(self.traits[on].values[*row as usize]);
        let stands: f64 = gains.iter().filter(met).map(|(_, gain)| gain).sum();
        let all: f64 = gains.iter().map(|(_, gain)| gain.abs()).sum();
        let mut best: Option<(f64, usize, usize)> = None;
        for (on, binned) in self.binned.iter().enumerate() {
            let mut of_bin = vec![0.0; binned.bins];
            for (row, gain) in &gains {
                if binned.of_row[*row as usize] != UNKNOWN {
                    of_bin[usize::from(binned.of_row[*row as usize])] += gain;
                }
            }
            let mut sum = 0.0;
            for (condition, gain) in of_bin.iter().enumerate().take(binned.conditions()) {
                sum = if binned.is_ordered { sum + gain } else { *gain };
                if sum > stands + 1e-9 * all && best.is_none_or(|(most, ..)| sum > most + 1e-9 * all) {
                    best = Some((sum, on, condition));
                }
            }
        }
        best.map(|(_, on, condition)| (on, self.binned[on].test(condition)))
    }

    /// The same conditions, and at their leaves what these rows have most.
    fn settled(&self, node: &Node, rows: &[u32]) -> Node {
        let Node::Split { on, test, yes, no, .. } = node else { return leaf(&self.sizes(rows)) };
        let (met, missed) = self.parted(rows, *on, *test);
        self.split(*on, *test, &missed, self.settled(yes, &met), self.settled(no, &missed))
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
            for condition in 0..binned.conditions() {
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
        let tree = grow(&traits, &groups, &vec![1.0; 300], 3, SIZE).pruned();
        let right = (0..300).filter(|row| tree.group(&traits, *row) == groups[*row]).count();
        assert!(right >= 295, "{right} of 300: {tree:?}");
        assert!(tree.leaves().len() <= 4, "{tree:?}");
        let unknown = tree.leaves().iter().any(|(path, _)| path.iter().any(|step| step.has_unknown));
        assert!(unknown, "a class that is not known is told");
    }

    /// A tree as it grows, one condition at a time, and as it is once all were looked at
    /// again.
    fn grown(traits: &[Trait], groups: &[usize], levels: usize) -> (Node, Node) {
        let binned: Vec<Binned> = traits.iter().map(Binned::of).collect();
        let weights = vec![1.0; groups.len()];
        let least = 0.01 * groups.len() as f64;
        let grower = Grower { traits, binned: &binned, groups, weights: &weights, count: 4, least };
        let rows: Vec<u32> = (0..groups.len() as u32).collect();
        let node = grower.node(&rows, levels);
        (node.clone(), grower.best_near(node, &rows))
    }

    /// Two conditions that say nothing by themselves and everything together: a tree
    /// that grows takes a third one first, which says a little.
    #[test]
    fn conditions_are_chosen_together() {
        let bit = |at: usize, place: usize| f64::from(u8::from(at >> place & 1 == 1));
        let flag = |values: Vec<f64>| Trait { name: "f".into(), kind: Kind::Flag, values };
        let groups: Vec<usize> = (0..400).map(|at| (at & 1) ^ (at >> 1 & 1)).collect();
        // Right for nine in ten of the rows of which the second bit is set.
        let hint = |at: usize| if at >> 1 & 1 == 1 && at % 10 != 3 { groups[at] as f64 } else { bit(at, 2) };
        let traits = [
            flag((0..400).map(|at| bit(at, 0)).collect()),
            flag((0..400).map(|at| bit(at, 1)).collect()),
            flag((0..400).map(hint).collect()),
        ];
        let (before, after) = grown(&traits, &groups, 2);
        assert!(before.right() < 350.0, "{} {before:?}", before.right());
        assert_eq!(after.right(), 400.0, "{after:?}");
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
            let (before, after) = grown(&traits, &groups, 4);
            prop_assert!(after.right() >= before.right(), "{before:?} {after:?}");
            prop_assert!(after.least_leaf() >= 0.01 * rows.len() as f64);
            let tree = after.pruned();
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
