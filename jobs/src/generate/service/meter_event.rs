//! What meters report of themselves in the last year: voltage beyond its band,
//! power lost, covers opened, clocks that go wrong.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::DateTime;

use super::Story;
use super::meter::Meter;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::account_id;
use crate::generate::who::network::{settlement, transformer_of};
use crate::generate::who::outage::MINUTES_PER_DAY;
use crate::generate::world::World;
use crate::generate::write::{Row, opt_ints, opt_texts, texts};

/// Days before the end that the records of meters reach back.
const RECORDED_DAYS: i32 = 365;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterEvent {
    account: u64,
    sequence: usize,
    meter_id: String,
    kind: &'static str,
    /// Minutes since 1970-01-01.
    start_minute: i64,
    end_minute: Option<i64>,
    voltage_v: Option<i64>,
}

/// The events of an account's meters, oldest first.
pub fn meter_events_of(world: &World, story: &Story<'_>, meters: &[Meter]) -> Vec<MeterEvent> {
    let account = story.account;
    let key = Key::new(world.seed, Stream::MeterEvent).with(account.index);
    let first = (world.end - RECORDED_DAYS).max(account.opened);
    let last = world.end.min(account.supplied_to());
    let mut found = Vec::new();
    let mut add = |kind: &'static str, day: i32, minute: i64, minutes: Option<i64>, voltage_v: Option<i64>| {
        if let Some(meter) = meters.iter().find(|meter| meter.is_there(day) && (first..last).contains(&day)) {
            let start_minute = i64::from(day) * MINUTES_PER_DAY + minute;
            found.push(MeterEvent {
                account: account.index,
                sequence: 0,
                meter_id: meter.id(),
                kind,
                start_minute,
                end_minute: minutes.map(|minutes| start_minute + minutes),
                voltage_v,
            });
        }
    };
    for outage in story.outages {
        // Not every meter gets its last word out.
        if key.on(outage.day()).chance(0, 0.9) {
            let minute = outage.start_minute().rem_euclid(MINUTES_PER_DAY);
            add("power_off", outage.day(), minute, Some(outage.minutes()), None);
        }
    }
    let is_low_voltage = account.voltage_class() == "lv220";
    let is_far = settlement(world.seed, transformer_of(account.index)) == "rural" && key.chance(1, 0.12);
    let days = (last - first).max(0);
    if is_far && is_low_voltage {
        for day in first..last {
            let key = key.on(day).with(1);
            // The line sags when all of its homes cool or heat.
            let weather = &world.day(day).weather[account.region];
            let need = f64::from(weather.cooling.max(weather.heating));
            if key.chance(0, 0.35 * need) {
                let minutes = 20 + key.below(1, 160) as i64;
                let volts = 197 - key.below(2, 15) as i64;
                add("undervoltage", day, 1_080 + key.below(3, 120) as i64, Some(minutes), Some(volts));
            }
        }
    }
    if let Some(plant) = account.solar {
        for day in first.max(plant.since)..last {
            let key = key.on(day).with(2);
            let sun = f64::from(world.day(day).weather[account.region].sun);
            if key.chance(0, 0.10 * sun * sun) {
                let minutes = 15 + key.below(1, 90) as i64;
                let volts = 236 + key.below(2, 8) as i64;
                add("overvoltage", day, 680 + key.below(3, 90) as i64, Some(minutes), Some(volts));
            }
        }
    }
    for (draw, kind, share) in [
        (10, "cover_open", 0.004),
        (20, "clock_error", 0.006),
        (30, "residual_current", 0.003),
        (40, "overload", 0.002),
    ] {
        if key.chance(draw, share) && days > 0 {
            let day = first + key.below(draw + 1, days.unsigned_abs().into()) as i32;
            add(kind, day, key.below(draw + 2, 1_440) as i64, None, None);
        }
    }
    found.sort_by_key(|event| (event.start_minute, event.kind));
    for (place, event) in found.iter_mut().enumerate() {
        event.sequence = place + 1;
        event.end_minute = event.end_minute.filter(|minute| *minute < i64::from(world.end) * MINUTES_PER_DAY);
    }
    found
}

/// A minute since 1970-01-01 as text.
fn stamp(minute: i64) -> Option<String> {
    let at = DateTime::from_timestamp(minute * 60, 0)?;
    Some(at.format("%Y-%m-%d %H:%M:%S").to_string())
}

impl Row for MeterEvent {
    const TABLE: &'static str = "meter_events";
    const KEY: &'static [&'static str] = &["account_id", "event_id"];
    const FLAWS: &'static [Flaw] = &[
        wrong("kind", "values", "0xFF"),
        wrong("voltage_v", "max", "65535000"),
        missing("start_at"),
        wrong("start_at", "type", "2025-02-30 25:61:00"),
    ];
    const FLAWED: f64 = 0.001;
    const REPEATED: f64 = 0.001;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let id = |row: &Self| format!("V{:09}{:04}", row.account, row.sequence);
        RecordBatch::try_from_iter_with_nullable([
            ("event_id", texts(rows.iter().map(id)), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("meter_id", texts(rows.iter().map(|row| &row.meter_id)), true),
            ("kind", texts(rows.iter().map(|row| row.kind)), false),
            // Head-end systems write times as text.
            ("start_at", opt_texts(rows.iter().map(|row| stamp(row.start_minute))), false),
            ("end_at", opt_texts(rows.iter().map(|row| row.end_minute.and_then(stamp))), true),
            ("voltage_v", opt_ints(rows.iter().map(|row| row.voltage_v)), true),
        ])
    }
}
