//! Distance of a curve to a standard profile.

use datafusion_macros::user_doc;

use super::pair::{Pair, pair};

/// Share of the energy that stands elsewhere than in the profile.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"How far the shape of a curve is from a standard profile (DOUBLE, 0 to 1), whatever their sizes: the share of the energy that one would have to move to another time to get from one to the other. Each is taken as shares of its own sum over the points that are known in both, negative ones as 0. Half the sum of absolute differences, known as total variation distance.

NULL where a list is NULL, no point is known in both, and where one of the two takes nothing. Lists of different lengths are an error.",
    syntax_example = "profile_distance(curve, profile)",
    sql_example = r"```sql
> select profile_distance([100, 300], [50, 50]);
0.25
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(name = "profile", description = "LIST of INT, any unit: only its shape counts.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ProfileDistance;

impl Pair for ProfileDistance {
    const NAME: &'static str = "profile_distance";
    const ARGUMENTS: [&'static str; 2] = ["curve", "profile"];

    fn figure(points: &[(f64, f64)]) -> Option<f64> {
        let positive = |(a, b): &(f64, f64)| (a.max(0.0), b.max(0.0));
        let sums = points.iter().map(positive).fold((0.0, 0.0), |sums, (a, b)| (sums.0 + a, sums.1 + b));
        let moved: f64 = points.iter().map(positive).map(|(a, b)| (a / sums.0 - b / sums.1).abs()).sum();
        (sums.0 > 0.0 && sums.1 > 0.0).then_some(moved / 2.0)
    }
}

pair!(ProfileDistance);
