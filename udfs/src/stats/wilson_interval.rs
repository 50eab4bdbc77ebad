//! How well a share is known.

use datafusion_common::{Result, ScalarValue};
use datafusion_macros::user_doc;

use super::normal::{check_confidence, check_counts, confident, wilson};
use crate::figure::figures;
use crate::row::{Number, RowFunction, Whole, row_function};

/// Wilson's interval of a share.
#[user_doc(
    doc_section(label = "Statistics"),
    description = r"The interval in which a share lies with a confidence, by Wilson's score, without a correction for continuity: for few trials and for shares near 0 and 1, too. A struct of `lower` and `upper`, DOUBLE, 0 to 1.

Both are NULL where an argument is NULL or `trials` is 0. More hits than trials, negative counts and a confidence outside 0 to 1 are errors. Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).",
    syntax_example = "wilson_interval(hits, trials, confidence)",
    sql_example = r"```sql
> select round(wilson_interval(8, 10, 0.95)['lower'], 6), round(wilson_interval(8, 10, 0.95)['upper'], 6);
0.490162  0.943318
```",
    argument(name = "hits", description = "BIGINT: of the trials, those that count."),
    argument(name = "trials", description = "BIGINT"),
    argument(name = "confidence", description = "DOUBLE between 0 and 1, such as 0.95.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct WilsonInterval;

figures! {
    pub(super) struct Interval {
        lower: f64,
        upper: f64,
    }
}

impl RowFunction for WilsonInterval {
    const NAME: &'static str = "wilson_interval";
    const ARGUMENTS: &'static [&'static str] = &["hits", "trials", "confidence"];
    type Arguments = (Whole, Whole, Number);
    type Figure = Interval;

    fn figure((hits, trials, confidence): (i64, i64, f64)) -> Result<Option<Interval>> {
        check_counts(Self::NAME, [("hits", hits), ("trials", trials)])?;
        let confidence = confident(Self::NAME, confidence)?;
        Ok((trials > 0).then(|| {
            let (lower, upper) = wilson(hits, trials, confidence);
            Interval { lower, upper }
        }))
    }

    fn check(argument: usize, literal: &ScalarValue) -> Result<(), String> {
        match (argument, literal) {
            (2, ScalarValue::Float64(Some(confidence))) => check_confidence(*confidence),
            _ => Ok(()),
        }
    }
}

row_function!(WilsonInterval);
