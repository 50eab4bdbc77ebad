//! What it is worth to use energy at another time.

use datafusion_common::{Result, ScalarValue, exec_datafusion_err};
use datafusion_macros::user_doc;

use super::PERIODS;
use super::bill::{Bill, Money};
use super::terms::{Tariff, Terms, Usage, Used};
use crate::row::{RowFunction, Text, Whole, row_function};

/// The bill as it is less the bill with some energy shifted.
#[user_doc(
    doc_section(label = "Tariffs"),
    description = r"What is saved in a month by using some energy in another period of the day (DECIMAL(18,2), in the tariff's currency): the total of the bill as it is, less that of the bill with the energy shifted; below 0 where it costs. No more is shifted than the period has. Demand and power factor stay as they are.

NULL where an argument is NULL and where the bill is, see `monthly_bill`. A period of another name, at planning where it is a literal, and a negative `shifted_wh` are errors, and so are those of `monthly_bill`.",
    syntax_example = "shift_saving(tariff, usage, from_period, to_period, shifted_wh)",
    sql_example = r"```sql
> select shift_saving({seasons: [{peak: 0.9, flat: 0.6, valley: 0.3}]}, {peak_wh: 100000, valley_wh: 50000}, 'peak', 'valley', 20000);
12.00
```",
    argument(name = "tariff", description = "STRUCT, as `monthly_bill` has it."),
    argument(name = "usage", description = "STRUCT, as `monthly_bill` has it."),
    argument(name = "from_period", description = "TEXT: 'sharp', 'peak', 'flat' or 'valley'."),
    argument(name = "to_period", description = "TEXT: 'sharp', 'peak', 'flat' or 'valley'."),
    argument(name = "shifted_wh", description = "BIGINT, watt-hours, 0 or more.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ShiftSaving;

fn period(name: &str) -> Result<usize, String> {
    let found = PERIODS.iter().position(|period| *period == name);
    found.ok_or_else(|| format!("takes 'sharp', 'peak', 'flat' or 'valley', not '{name}'"))
}

fn check_energy(wh: i64) -> Result<(), String> {
    if wh >= 0 { Ok(()) } else { Err(format!("takes 0 or more, not {wh}")) }
}

impl RowFunction for ShiftSaving {
    const NAME: &'static str = "shift_saving";
    const ARGUMENTS: &'static [&'static str] = &["tariff", "usage", "from_period", "to_period", "shifted_wh"];
    type Arguments = (Tariff, Usage, Text, Text, Whole);
    type Figure = Money;

    fn figure((terms, mut used, from, to, wh): (Terms, Used, &str, &str, i64)) -> Result<Option<Money>> {
        let refuse = |argument: &'static str| {
            move |refusal: String| exec_datafusion_err!("{}: argument {argument} {refusal}", Self::NAME)
        };
        let (from, to) = (period(from).map_err(refuse("from_period"))?, period(to).map_err(refuse("to_period"))?);
        check_energy(wh).map_err(refuse("shifted_wh"))?;
        let Some(before) = Bill::new(Self::NAME, &terms, &used)? else { return Ok(None) };
        let shifted = i128::from(wh).min(used.energy[from].max(0));
        used.energy[from] -= shifted;
        used.energy[to] += shifted;
        let after = Bill::new(Self::NAME, &terms, &used)?;
        after.map(|after| Money::checked(Self::NAME, before.total - after.total)).transpose()
    }

    fn check(argument: usize, literal: &ScalarValue) -> Result<(), String> {
        match (argument, literal) {
            (2 | 3, ScalarValue::Utf8(Some(name))) => period(name).map(|_| ()),
            (4, ScalarValue::Int64(Some(wh))) => check_energy(*wh),
            _ => Ok(()),
        }
    }
}

row_function!(ShiftSaving);
