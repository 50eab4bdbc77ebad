//! A sustained block of load: a car that charges, a heater that stores.

use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl};
use datafusion_macros::user_doc;

use super::measure::{MOST, Parameter, Parameters, interval, measure};
use super::points::{self, Curve};
use super::sorted;
use crate::args::Column;
use crate::figure::{Figure, figures};
use crate::list::{Lists, in_watts};
use crate::round::divide;

/// The block of sustained load that takes the most energy.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"Finds sustained load on top of the base load, as of a charging car or a storage heater. A block is a run of known points, each at least `min_level_w` above the day's base load (the mean of its lowest three hours), that lasts at least `min_minutes`; a null ends it. Of several, that which takes the most energy above the base load is returned, the earliest on ties, as a struct:

- `start_minute` INT: first minute of the block.
- `minutes` BIGINT: how long it lasts.
- `level_w` BIGINT: mean load above the base load, watts.
- `energy_wh` BIGINT: energy above the base load, watt-hours.

All fields are NULL for a NULL list, one without such a block, one whose length does not divide the day, and where an argument is NULL.",
    syntax_example = "load_block(curve, min_level_w, min_minutes)",
    sql_example = r"```sql
> select load_block([200, 200, 3900, 3900, 200, 200], 2000, 240);
{start_minute: 480, minutes: 480, level_w: 3700, energy_wh: 29600}
```",
    argument(
        name = "curve",
        description = "LIST of INT, watts: the mean of each interval. Lists of other integers are cast; floats and decimals are rounded half away from zero, NaN and infinity are unknown, and what does not fit into INT is an error."
    ),
    argument(name = "min_level_w", description = "BIGINT, watts above the base load, 1 to 2147483647."),
    argument(name = "min_minutes", description = "BIGINT, 1 to 1440.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LoadBlock;

/// A function of one curve that gives a struct.
trait Blocks: ScalarUDFImpl {
    const NAME: &'static str;
    const PARAMETERS: &'static [Parameter];

    fn data_type() -> DataType {
        Found::data_type()
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoke(args)
    }
}

impl Blocks for LoadBlock {
    const NAME: &'static str = "load_block";
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::new("min_level_w", 1, i32::MAX as i64), Parameter::new("min_minutes", 1, 1440)];
}

measure!(LoadBlock, Blocks);

figures! {
    pub(super) struct Found {
        start_minute: i32,
        minutes: i64,
        level_w: i64,
        energy_wh: i64,
    }
}

fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let rows = args.number_rows;
    let curve = in_watts(LoadBlock::NAME, Column::new(&args.args[0], rows)?)?;
    let curves = Lists::<Int32Type>::try_new(LoadBlock::NAME, curve.array())?;
    let parameters = Parameters::try_new(LoadBlock::NAME, LoadBlock::PARAMETERS, &args.args[1..], rows)?;
    let mut blocks = Vec::with_capacity(rows);
    for row in 0..rows {
        blocks.push(match (curves.row(curve.at(row)), parameters.at(row)?) {
            (Some(curve), Some(parameters)) => largest_block(curve, parameters),
            _ => None,
        });
    }
    let found = blocks.into_iter().map(|block| {
        block.map(|block| Found {
            // A minute of the day fits.
            start_minute: block.start as i32,
            minutes: block.minutes,
            level_w: divide(block.sum * block.interval, block.minutes),
            energy_wh: points::watt_hours(block.sum, block.interval),
        })
    });
    Ok(ColumnarValue::Array(Found::column(found.collect())?))
}

struct Block {
    start: i64,
    minutes: i64,
    interval: i64,
    /// Watts above the base load, of all intervals together.
    sum: i64,
}

fn largest_block(curve: Curve<'_>, [level, least, ..]: [i64; MOST]) -> Option<Block> {
    let interval = interval(curve.len(), 0)?;
    let base = sorted::lowest_hours(curve, interval)?;
    let mut best: Option<Block> = None;
    let mut run: Option<(usize, i64)> = None;
    let ends = curve.iter().chain(std::iter::once(None)).enumerate();
    for (position, point) in ends {
        match point.map(|w| i64::from(w) - base).filter(|above| *above >= level) {
            Some(above) => {
                let (start, sum) = run.unwrap_or((position, 0));
                run = Some((start, sum + above));
            }
            None => {
                let Some((start, sum)) = run.take() else { continue };
                let minutes = (position - start) as i64 * interval;
                if minutes >= least && best.as_ref().is_none_or(|best| sum > best.sum) {
                    best = Some(Block { start: start as i64 * interval, minutes, interval, sum });
                }
            }
        }
    }
    best
}
