//! Groups by rank: the accounts that have most of something first.

use super::{Group, MOST_GROUPS, limits};
use crate::project::document::{Literal, Section};
use crate::project::tag::Tags;
use crate::segment::bounded::Limits;

/// What accounts are ranked by is exact, whatever the tags are.
pub(super) const VALUE: &str = "decimal(38, 6)";

/// All accounts, or all that they bring, in hundredths of a percent.
const WHOLE: u32 = 10_000;

#[derive(Clone, Debug)]
pub struct Tiers {
    /// What accounts are ranked by, as SQL over their tags; the largest come first.
    pub of: String,
    pub basis: Basis,
    pub limits: Option<Limits>,
}

/// What the percents of groups are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Of the number of accounts.
    Accounts,
    /// Of what they bring together.
    Sum,
}

impl Tiers {
    /// What accounts are ranked by, exact: numbers of tags are so by themselves.
    pub fn value_sql(&self, tags: &Tags) -> String {
        match tags.get(&self.of).is_some() {
            true => self.of.clone(),
            false => format!("cast(({}) as {VALUE})", self.of),
        }
    }
}

/// `to_percent` of a group, in hundredths.
pub(super) fn up_to(section: &Section<'_>) -> Option<u32> {
    let Some(found) = section.literal("to_percent") else {
        section
            .mistake(section.span(), "`to_percent` is missing: the share that this group and those before it make up");
        return None;
    };
    let hundredths = match found.get_ref() {
        Literal::Number(text) => hundredths(text),
        _ => None,
    };
    if hundredths.is_none() {
        section
            .mistake(found.span(), "`to_percent` is above 0 and at most 100, with at most two digits after the point");
    }
    hundredths
}

fn hundredths(text: &str) -> Option<u32> {
    let percent: f64 = text.parse().ok()?;
    let hundredths = percent * 100.0;
    let is_whole = (hundredths - hundredths.round()).abs() < 1e-6;
    let is_share = hundredths >= 0.5 && hundredths <= f64::from(WHOLE);
    (is_whole && is_share).then(|| hundredths.round() as u32)
}

pub(super) fn read(root: &Section<'_>, basis: Basis, groups: &[Group]) -> Option<Tiers> {
    let of = root.required_text("of");
    let ends: Vec<u32> = groups.iter().filter_map(Group::up_to).collect();
    if !ends.is_sorted_by(|left, right| left < right) || ends.last().is_some_and(|last| *last != WHOLE) {
        root.mistake(root.span(), "each `to_percent` is above the one before, and the last one is 100");
    }
    if !(2..=MOST_GROUPS).contains(&groups.len()) && !groups.is_empty() {
        root.mistake(root.span(), format!("groups by rank are from 2 to {MOST_GROUPS}"));
    }
    let none = Limits { least_percent: 0.0, most_percent: 100.0, most_ratio: f64::INFINITY };
    let bounds = root.table("limits").map(|section| {
        let bounds = limits(&section, none);
        section.finish();
        if !bounds.allow(groups.len()) {
            section.mistake_with_hint(
                section.span(),
                format!("{} groups cannot keep these limits", groups.len()),
                "so many groups of the least size must fit into 100 %, and of the most size fill them",
            );
        }
        bounds
    });
    Some(Tiers { of: of?.into_inner(), basis, limits: bounds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_exact() {
        assert_eq!(hundredths("50"), Some(5_000));
        assert_eq!(hundredths("99.99"), Some(9_999));
        assert_eq!(hundredths("0.01"), Some(1));
        assert_eq!(hundredths("100.0"), Some(10_000));
        for wrong in ["0", "-1", "100.01", "33.333", "nan", "inf"] {
            assert_eq!(hundredths(wrong), None, "{wrong}");
        }
    }
}
