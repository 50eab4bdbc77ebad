//! Points of a meter that hangs, taken out.

use datafusion_macros::user_doc;

use super::edit::{Edit, edit};
use super::measure::{MOST, Parameter};
use super::points::Curve;

/// A curve without the runs of one value that no load has.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Makes the points of a meter that hangs unknown: every run of at least `least_points` known points with one and the same value becomes null. Runs of 0 stay, because an empty home takes nothing; a null ends a run. Returns a LIST of INT of the same length.

NULL for a NULL list and where `least_points` is NULL.",
    syntax_example = "reject_stuck(curve, least_points)",
    sql_example = r"```sql
> select reject_stuck([250, 250, 250, 310, 0, 0, 0], 3);
[NULL, NULL, NULL, 310, 0, 0, 0]
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "least_points", description = "BIGINT, 0 to 1440; 0 and 1 reject nothing.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RejectStuck;

impl Edit for RejectStuck {
    const NAME: &'static str = "reject_stuck";
    const PARAMETERS: &'static [Parameter] = &[Parameter::new("least_points", 0, 1440)];

    #[inline(always)]
    fn keeps(curve: Curve<'_>, [least, ..]: [i64; MOST]) -> bool {
        least < 2 || curve.dense().is_some_and(|values| !has_run(values, least))
    }

    fn edit(points: &mut [Option<i32>], [least, ..]: [i64; MOST]) {
        for run in points.chunk_by_mut(|left, right| left == right) {
            if least > 1 && run.len() as i64 >= least && run[0] != Some(0) {
                run.fill(None);
            }
        }
    }
}

/// Whether a run of one value other than 0 is at least so long. Such a run covers
/// two neighbours among marks that lie half as far apart: most curves show there
/// that they have none.
#[inline(always)]
fn has_run(values: &[i32], least: i64) -> bool {
    let Ok(least) = usize::try_from(least) else { return false };
    let marks = || values.iter().step_by((least / 2).max(1));
    if !marks().zip(marks().skip(1)).any(|(left, right)| left == right && *left != 0) {
        return false;
    }
    values.chunk_by(|left, right| left == right).any(|run| run.len() >= least && run[0] != 0)
}

edit!(RejectStuck);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_miss_no_run(values in prop::collection::vec(0i32..3, 0..40), least in 2i64..12) {
            let mut runs = values.chunk_by(|left, right| left == right);
            let expected = runs.any(|run| run.len() as i64 >= least && run[0] != 0);
            prop_assert_eq!(has_run(&values, least), expected);
        }
    }
}
