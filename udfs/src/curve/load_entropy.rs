//! Entropy of a curve.

use arrow::datatypes::Float64Type;
use datafusion_macros::user_doc;

use super::measure::{MOST, Measure, measure};
use super::points::{self, Curve};

/// How evenly energy spreads over the points.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"How evenly a curve spreads its energy over its points (DOUBLE, 0 to 1): the entropy of the points' shares, over that of a flat curve of as many known points. 1 for a flat curve, 0 where one point takes all. Negative points take nothing; null points are left out.

NULL for a NULL list, one with fewer than two known points, and one that takes nothing. Source: Shannon (1948), normalised.",
    syntax_example = "load_entropy(curve)",
    sql_example = r"```sql
> select load_entropy([0, 0, 100, 0]);
0.0
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    )
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LoadEntropy;

impl Measure for LoadEntropy {
    const NAME: &'static str = "load_entropy";
    type Value = Float64Type;

    #[inline(always)]
    fn measure(curve: Curve<'_>, _: [i64; MOST]) -> Option<f64> {
        let (taken, known) = points::taken(curve)?;
        if taken <= 0 || known < 2 {
            return None;
        }
        // With shares w / t: -sum(w / t * ln(w / t)) = ln(t) - sum(w * ln(w)) / t.
        let weigh = |w: i32| if w > 1 { f64::from(w) * libm::log(f64::from(w)) } else { 0.0 };
        let weighed: f64 = match curve.dense() {
            Some(values) => values.iter().map(|&w| weigh(w)).sum(),
            None => curve.known().map(|(_, w)| weigh(w)).sum(),
        };
        let entropy = libm::log(taken as f64) - weighed / taken as f64;
        Some((entropy / libm::log(known as f64)).clamp(0.0, 1.0))
    }
}

measure!(LoadEntropy);
