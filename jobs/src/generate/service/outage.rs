//! Interruptions of supply: planned ones in the morning, others at any time.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::generate::random::{Key, Stream};
use crate::generate::who::network::{Node, settlement};
use crate::generate::world::{Month, World};
use crate::generate::write::{Row, flags, opt_timestamps, texts};

const MINUTES_PER_DAY: i64 = 24 * 60;
const MICROS_PER_MINUTE: i64 = 60_000_000;

const PLANNED_PER_YEAR: f64 = 2.0;
const UNPLANNED_PER_YEAR: f64 = 1.5;

/// One interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    node: Node,
    /// First day of the month, in days since 1970-01-01.
    month_first: i32,
    year: i32,
    month: usize,
    /// Minutes since 1970-01-01.
    start_minute: i64,
    /// Minutes since 1970-01-01; none while it lasts.
    end_minute: Option<i64>,
    pub is_planned: bool,
}

impl Outage {
    /// The day on which it begins, in days since 1970-01-01.
    pub fn day(&self) -> i32 {
        // Within the days of the world.
        self.start_minute.div_euclid(MINUTES_PER_DAY) as i32
    }

    /// Whether it begins in a month.
    pub fn is_of(&self, month: &Month) -> bool {
        self.month_first == month.first
    }

    fn id(&self) -> String {
        let kind = if self.is_planned { 'P' } else { 'U' };
        format!("O{}-{:04}{:02}{kind}", self.node.id(), self.year, self.month + 1)
    }
}

/// The interruptions of a transformer, oldest first.
pub fn outages(world: &World, node: Node) -> Vec<Outage> {
    let key = Key::new(world.seed, Stream::Outage).with(node.number());
    // Some transformers are far worse off than others.
    let frailty = 0.4 + 1.8 * key.unit(0) * key.unit(1);
    let surroundings = match settlement(world.seed, node.area()) {
        "rural" => 1.8,
        "suburban" => 1.2,
        _ => 0.8,
    };
    let unplanned = UNPLANNED_PER_YEAR / 12.0 * frailty * surroundings;
    let mut outages = Vec::new();
    for month in world.served_months() {
        for (is_planned, probability) in [(true, PLANNED_PER_YEAR / 12.0), (false, unplanned)] {
            let key = key.on(month.first).with(u64::from(is_planned));
            if key.chance(0, probability) {
                outages.push(outage(world, node, month, is_planned, key));
            }
        }
    }
    outages.sort_by_key(|outage| outage.start_minute);
    outages
}

fn outage(world: &World, node: Node, month: &Month, is_planned: bool, key: Key) -> Outage {
    let days = u64::from((month.next - month.first).unsigned_abs());
    let day = i64::from(month.first) + key.below(1, days) as i64;
    let minute = if is_planned { 360 + key.below(2, 180) } else { key.below(2, 1_440) };
    // Short interruptions are common, long ones rare.
    let skewed = key.unit(3) * key.unit(4);
    let lasts_minutes = 30 + (450.0 * skewed) as i64;
    let start_minute = day * MINUTES_PER_DAY + minute as i64;
    let end_minute = start_minute + lasts_minutes;
    Outage {
        node,
        month_first: month.first,
        year: month.year,
        month: month.month,
        start_minute,
        end_minute: (end_minute < i64::from(world.end) * MINUTES_PER_DAY).then_some(end_minute),
        is_planned,
    }
}

impl Row for Outage {
    const TABLE: &'static str = "outages";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let starts = rows.iter().map(|row| Some(row.start_minute * MICROS_PER_MINUTE));
        let ends = rows.iter().map(|row| row.end_minute.map(|minute| minute * MICROS_PER_MINUTE));
        RecordBatch::try_from_iter_with_nullable([
            ("outage_id", texts(rows.iter().map(Self::id)), false),
            ("transformer_id", texts(rows.iter().map(|row| row.node.id())), false),
            ("start_at", opt_timestamps(starts), false),
            ("end_at", opt_timestamps(ends), true),
            ("is_planned", flags(rows.iter().map(|row| row.is_planned)), false),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn outages_lie_before_the_end_and_have_their_rate() {
        let world = world(8);
        let mut count = 0;
        for transformer in 0..400 {
            let outages = outages(&world, Node::Public { transformer });
            count += outages.len();
            for outage in outages {
                assert!(outage.day() < world.end);
                let lasts = outage.end_minute.map_or(30, |end| end - outage.start_minute);
                assert!((30..=480).contains(&lasts));
            }
        }
        let per_year = count as f64 / 400.0 / 25.0 * 12.0;
        assert!((2.5..4.5).contains(&per_year), "{per_year}");
    }
}
