//! Interruptions of supply: of a transformer, or of a whole feeder with all its
//! transformers; planned ones in the morning, others when something breaks.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::network::{Node, TRANSFORMERS_PER_FEEDER, feeder_of, first_of, settlement};
use crate::generate::calendar::MINUTES_PER_DAY;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::weather::REGIONS;
use crate::generate::world::{Month, World};
use crate::generate::write::{Row, flags, opt_timestamps, texts};

pub const MICROS_PER_MINUTE: i64 = 60_000_000;

/// Interruptions of a transformer, and of a feeder, in a year in town.
const PLANNED_PER_YEAR: f64 = 0.7;
const UNPLANNED_PER_YEAR: f64 = 0.35;
const FEEDER_PER_YEAR: f64 = 0.4;
/// Summer storms: by how much more often things break then.
const STORMY: f64 = 2.2;

/// One interruption as a transformer suffers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    node: Node,
    year: i32,
    month: usize,
    /// Minutes since 1970-01-01.
    start_minute: i64,
    /// Minutes since 1970-01-01; beyond the lake while it lasts.
    end_minute: i64,
    kind: Kind,
    cause: &'static str,
    is_over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Planned,
    Unplanned,
    Feeder,
}

impl Outage {
    /// The day on which it begins, in days since 1970-01-01.
    pub fn day(&self) -> i32 {
        // Within the days of the world.
        self.start_minute.div_euclid(MINUTES_PER_DAY) as i32
    }

    /// When it begins, in minutes since 1970-01-01.
    pub fn start_minute(&self) -> i64 {
        self.start_minute
    }

    /// How long it lasts.
    pub fn minutes(&self) -> i64 {
        self.end_minute - self.start_minute
    }

    /// Whether it was announced.
    pub fn is_planned(&self) -> bool {
        self.kind == Kind::Planned
    }

    /// Its number in the lake.
    pub fn id(&self) -> String {
        let kind = match self.kind {
            Kind::Planned => 'P',
            Kind::Unplanned => 'U',
            Kind::Feeder => 'F',
        };
        format!("O{}-{:04}{:02}{kind}", self.node.id(), self.year, self.month + 1)
    }
}

/// The interruptions of a transformer in all known months, oldest first.
pub fn outages(world: &World, node: Node) -> Vec<Outage> {
    let key = Key::new(world.seed, Stream::Outage).with(node.number());
    let feeder = Key::new(world.seed, Stream::Outage).with(u64::MAX).with(feeder_of(node.area()));
    // Some are far worse off than others.
    let frailty = |key: Key| 0.4 + 1.8 * key.unit(0) * key.unit(1);
    let exposure = |transformer: u64| match settlement(world.seed, transformer) {
        "rural" => 2.6,
        "suburban" => 1.4,
        _ => 0.8,
    };
    let surroundings = exposure(node.area());
    let along_feeder = exposure(first_of(feeder_of(node.area())));
    let mut outages = Vec::new();
    for month in world.known_months() {
        let stormy = if (5..9).contains(&month.month) { STORMY } else { 0.7 };
        let unplanned = frailty(key) * surroundings * stormy;
        for (kind, key, per_year) in [
            (Kind::Planned, key.on(month.first).with(1), PLANNED_PER_YEAR),
            (Kind::Unplanned, key.on(month.first).with(0), UNPLANNED_PER_YEAR * unplanned),
            (Kind::Feeder, feeder.on(month.first), FEEDER_PER_YEAR * frailty(feeder) * along_feeder * stormy),
        ] {
            if key.chance(0, per_year / 12.0) {
                outages.push(outage(world, node, month, kind, key));
            }
        }
    }
    outages.sort_by_key(|outage| outage.start_minute);
    outages
}

fn outage(world: &World, node: Node, month: &Month, kind: Kind, key: Key) -> Outage {
    let days = u64::from((month.next - month.first).unsigned_abs());
    let day = i64::from(month.first) + key.below(1, days) as i64;
    let minute = if kind == Kind::Planned { 360 + key.below(2, 180) } else { key.below(2, 1_440) };
    // Short interruptions are common, long ones rare.
    let skewed = key.unit(3) * key.unit(4);
    // Linesmen switch a feeder's transformers on again one after the other.
    let place = node.area() / REGIONS.len() as u64 % TRANSFORMERS_PER_FEEDER;
    let (least, most, later) = match kind {
        Kind::Planned => (60, 420.0, 0),
        Kind::Unplanned => (20, 460.0, 0),
        Kind::Feeder => (8, 240.0, 2 * place as i64),
    };
    let start_minute = day * MINUTES_PER_DAY + minute as i64;
    let end_minute = start_minute + least + (most * skewed) as i64 + later;
    // Lines are overloaded when people cook, cool and come home.
    let is_peak = matches!(minute / 60, 10..14 | 18..23);
    let causes: &[&str] = match kind {
        Kind::Planned => &["planned_work"],
        _ if (5..9).contains(&month.month) && is_peak => {
            &["weather", "equipment", "overload", "overload", "third_party"]
        }
        _ if (5..9).contains(&month.month) => &["weather", "weather", "equipment", "animals", "third_party"],
        _ => &["equipment", "equipment", "third_party", "weather", "animals"],
    };
    Outage {
        node,
        year: month.year,
        month: month.month,
        start_minute,
        end_minute,
        kind,
        cause: causes[key.below(5, causes.len() as u64) as usize],
        is_over: end_minute < i64::from(world.end) * MINUTES_PER_DAY,
    }
}

impl Row for Outage {
    const TABLE: &'static str = "outages";
    const KEY: &'static [&'static str] = &["outage_id"];
    const FLAWS: &'static [Flaw] = &[missing("start_at"), missing("is_planned"), wrong("cause", "values", "?")];
    const FLAWED: f64 = 0.002;
    const REPEATED: f64 = 0.002;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let starts = rows.iter().map(|row| Some(row.start_minute * MICROS_PER_MINUTE));
        let ends = rows.iter().map(|row| row.is_over.then_some(row.end_minute * MICROS_PER_MINUTE));
        let levels = rows.iter().map(|row| if row.kind == Kind::Feeder { "feeder" } else { "transformer" });
        RecordBatch::try_from_iter_with_nullable([
            ("outage_id", texts(rows.iter().map(Self::id)), false),
            ("transformer_id", texts(rows.iter().map(|row| row.node.id())), false),
            ("start_at", opt_timestamps(starts), false),
            ("end_at", opt_timestamps(ends), true),
            ("is_planned", flags(rows.iter().map(Self::is_planned)), false),
            ("level", texts(levels), true),
            ("cause", texts(rows.iter().map(|row| row.cause)), true),
        ])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn outages_lie_before_the_end_and_have_their_rate() {
        let world = world(8);
        let mut count = 0;
        for transformer in 0..800 {
            let outages = outages(&world, Node::Public { transformer });
            count += outages.len();
            for outage in outages {
                assert!(outage.day() < world.end);
                assert!((8..=520).contains(&outage.minutes()), "{outage:?}");
            }
        }
        let per_year = count as f64 / 800.0 / world.known_months().len() as f64 * 12.0;
        assert!((1.2..2.6).contains(&per_year), "{per_year}");
    }

    #[test]
    fn transformers_of_a_feeder_go_out_together() {
        let world = world(8);
        let mut together: BTreeMap<(u64, i64), BTreeSet<i64>> = BTreeMap::new();
        for transformer in 0..384 {
            for outage in outages(&world, Node::Public { transformer }) {
                if outage.kind == Kind::Feeder {
                    together
                        .entry((feeder_of(transformer), outage.start_minute))
                        .or_default()
                        .insert(outage.end_minute);
                }
            }
        }
        assert!(together.len() > 5);
        assert!(together.values().all(|ends| ends.len() == TRANSFORMERS_PER_FEEDER as usize), "{together:?}");
    }
}
