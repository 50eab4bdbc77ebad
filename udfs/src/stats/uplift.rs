//! What a campaign brought, against those held out.

use datafusion_common::{Result, ScalarValue};
use datafusion_macros::user_doc;

use super::normal::{check_confidence, check_counts, confident, pooled_z, two_sided, wilson};
use crate::figure::figures;
use crate::row::{Number, RowFunction, Whole, row_function};

/// The difference of two shares, with its interval.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The difference between the share of hits of those treated and of those held out: a struct:

- `difference` DOUBLE, -1 to 1: treated less control.
- `lower`, `upper` DOUBLE: the interval of the difference at that confidence, by Newcombe's hybrid score.
- `p_value` DOUBLE: how likely a difference of that size or more is by chance, two-sided, with a pooled variance. NULL where nothing varies.

All are NULL where an argument is NULL or one of the totals is 0. More hits than there are, negative counts and a confidence outside 0 to 1 are errors. Source: R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17 (1998), method 10.",
    syntax_example = "uplift(hits, treated, control_hits, control, confidence)",
    sql_example = r"```sql
> select round(u['difference'], 6), round(u['lower'], 6), round(u['upper'], 6) from (select uplift(56, 70, 48, 80, 0.95) as u);
0.2  0.052431  0.333873
```",
    argument(name = "hits", description = "BIGINT: of those treated, how many did what was wanted."),
    argument(name = "treated", description = "BIGINT"),
    argument(name = "control_hits", description = "BIGINT: of those held out, how many did so."),
    argument(name = "control", description = "BIGINT"),
    argument(name = "confidence", description = "DOUBLE between 0 and 1, such as 0.95.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Uplift;

figures! {
    pub(super) struct Difference {
        difference: f64,
        lower: f64,
        upper: f64,
        p_value: Option<f64>,
    }
}

impl RowFunction for Uplift {
    const NAME: &'static str = "uplift";
    const ARGUMENTS: &'static [&'static str] = &["hits", "treated", "control_hits", "control", "confidence"];
    type Arguments = (Whole, Whole, Whole, Whole, Number);
    type Figure = Difference;

    fn figure(
        (hits, treated, other_hits, control, confidence): (i64, i64, i64, i64, f64),
    ) -> Result<Option<Difference>> {
        check_counts(Self::NAME, [("hits", hits), ("treated", treated)])?;
        check_counts(Self::NAME, [("control_hits", other_hits), ("control", control)])?;
        let confidence = confident(Self::NAME, confidence)?;
        if treated == 0 || control == 0 {
            return Ok(None);
        }
        let (share, other) = (hits as f64 / treated as f64, other_hits as f64 / control as f64);
        let (low, high) = wilson(hits, treated, confidence);
        let (other_low, other_high) = wilson(other_hits, control, confidence);
        let difference = share - other;
        let reach = |one: f64, two: f64| (one * one + two * two).sqrt();
        Ok(Some(Difference {
            difference,
            lower: difference - reach(share - low, other_high - other),
            upper: difference + reach(high - share, other - other_low),
            p_value: pooled_z((hits, treated), (other_hits, control)).map(two_sided),
        }))
    }

    fn check(argument: usize, literal: &ScalarValue) -> Result<(), String> {
        match (argument, literal) {
            (4, ScalarValue::Float64(Some(confidence))) => check_confidence(*confidence),
            _ => Ok(()),
        }
    }
}

row_function!(Uplift);
