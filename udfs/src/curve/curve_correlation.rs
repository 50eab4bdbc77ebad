//! Correlation of two curves.

use datafusion_macros::user_doc;

use super::pair::{Pair, pair};

/// Pearson's correlation.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Pearson's correlation of two curves (DOUBLE, -1 to 1), over the points that are known in both.

NULL where a list is NULL, fewer than two points are known in both, and where one of the two does not vary. Lists of different lengths are an error.",
    syntax_example = "curve_correlation(left, right)",
    sql_example = r"```sql
> select curve_correlation([1, 2, 3], [10, 20, 30]);
1.0
```",
    argument(name = "left", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(name = "right", description = "LIST of INT, watts; other numbers as for `energy_wh`.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CurveCorrelation;

impl Pair for CurveCorrelation {
    const NAME: &'static str = "curve_correlation";
    const ARGUMENTS: [&'static str; 2] = ["left", "right"];

    fn figure(points: &[(f64, f64)]) -> Option<f64> {
        let count = points.len() as f64;
        let (left, right) = points.iter().fold((0.0, 0.0), |(left, right), (a, b)| (left + a, right + b));
        let (left, right) = (left / count, right / count);
        let (mut both, mut lefts, mut rights) = (0.0, 0.0, 0.0);
        for (a, b) in points {
            let (a, b) = (a - left, b - right);
            (both, lefts, rights) = (both + a * b, lefts + a * a, rights + b * b);
        }
        (points.len() > 1 && lefts > 0.0 && rights > 0.0).then(|| (both / (lefts * rights).sqrt()).clamp(-1.0, 1.0))
    }
}

pair!(CurveCorrelation);
