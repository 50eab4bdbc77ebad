//! Euclidean distance of two curves.

use datafusion_macros::user_doc;

use super::pair::{Pair, pair};

/// Euclidean distance.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The Euclidean distance of two curves (DOUBLE, watts): the square root of the sum of the squared differences of the points that are known in both.

NULL where a list is NULL or no point is known in both. Lists of different lengths are an error.",
    syntax_example = "curve_distance(left, right)",
    sql_example = r"```sql
> select curve_distance([0, 300, null], [400, 0, 5]);
500.0
```",
    argument(name = "left", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(name = "right", description = "LIST of INT, watts; other numbers as for `energy_wh`.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CurveDistance;

impl Pair for CurveDistance {
    const NAME: &'static str = "curve_distance";
    const ARGUMENTS: [&'static str; 2] = ["left", "right"];

    fn figure(points: &[(f64, f64)]) -> Option<f64> {
        let squares: f64 = points.iter().map(|(a, b)| (a - b) * (a - b)).sum();
        (!points.is_empty()).then(|| squares.sqrt())
    }
}

pair!(CurveDistance);
