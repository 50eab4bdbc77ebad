//! What meters report of themselves in the last year: voltage beyond its band,
//! power lost, covers opened, clocks that go wrong.

use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::DateTime;

use super::Story;
use super::meter::Meter;
use crate::generate::calendar::MINUTES_PER_DAY;
use crate::generate::curve::POINTS;
use crate::generate::curve::shape::clear_sky;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::{Account, account_id};
use crate::generate::who::network::{settlement, transformer_of};
use crate::generate::world::{RECORDED_DAYS, World};
use crate::generate::write::{Row, opt_ints, opt_texts, texts};

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
    let days = (world.end - RECORDED_DAYS).max(account.opened)..world.end.min(account.supplied_to());
    let mut log = Log { world, account, meters, days: days.clone(), events: Vec::new() };
    for outage in story.outages {
        // Not every meter gets its last word out.
        let key = key.with(outage.start_minute().unsigned_abs());
        if key.chance(0, 0.9) {
            // Clocks go a little wrong, and not every return is reported.
            let minute = outage.start_minute().rem_euclid(MINUTES_PER_DAY) + key.below(1, 5) as i64 - 2;
            let minutes = (outage.minutes() + key.below(2, 5) as i64 - 2).max(1);
            log.add("power_off", outage.day(), minute, key.chance(3, 0.96).then_some(minutes), None);
        }
    }
    log.add_undervoltage(key);
    log.add_overvoltage(key);
    for (draw, kind, share) in [
        (10, "cover_open", 0.004),
        (20, "clock_error", 0.006),
        (30, "residual_current", 0.003),
        (40, "overload", 0.002),
    ] {
        if key.chance(draw, share) && !days.is_empty() {
            let day = days.start + key.below(draw + 1, days.len() as u64) as i32;
            log.add(kind, day, key.below(draw + 2, 1_440) as i64, None, None);
        }
    }
    let mut found = log.events;
    found.sort_by_key(|event| (event.start_minute, event.kind));
    for (place, event) in found.iter_mut().enumerate() {
        event.sequence = place + 1;
        event.end_minute = event.end_minute.filter(|minute| *minute < i64::from(world.end) * MINUTES_PER_DAY);
    }
    found
}

/// Where an account's meters write.
struct Log<'a> {
    world: &'a World,
    account: &'a Account,
    meters: &'a [Meter],
    days: Range<i32>,
    events: Vec<MeterEvent>,
}

impl Log<'_> {
    fn add(&mut self, kind: &'static str, day: i32, minute: i64, minutes: Option<i64>, voltage_v: Option<i64>) {
        let Some(meter) = self.meters.iter().find(|meter| meter.is_there(day) && self.days.contains(&day)) else {
            return;
        };
        let start_minute = i64::from(day) * MINUTES_PER_DAY + minute;
        self.events.push(MeterEvent {
            account: self.account.index,
            sequence: 0,
            meter_id: meter.id(),
            kind,
            start_minute,
            end_minute: minutes.map(|minutes| start_minute + minutes),
            voltage_v,
        });
    }

    /// At the end of a country line the voltage sags when all of its homes cool or
    /// heat.
    fn add_undervoltage(&mut self, key: Key) {
        let (world, account) = (self.world, self.account);
        let is_rural = settlement(world.seed, transformer_of(account.index)) == "rural";
        if !is_rural || account.voltage_class() != "lv220" || !key.chance(1, 0.12) {
            return;
        }
        for day in self.days.clone() {
            let key = key.on(day).with(1);
            let weather = &world.day(day).weather[account.region];
            let need = f64::from(weather.cooling.max(weather.heating));
            if key.chance(0, 0.35 * need) {
                let minutes = 15 + (260.0 * key.unit(1) * key.unit(4)) as i64;
                let volts = 197 - (22.0 * key.unit(2) * key.unit(5)) as i64;
                let evening = 1_020 + (300.0 * (key.unit(3) + key.unit(6)) / 2.0) as i64;
                let noon = 660 + (150.0 * key.unit(3)) as i64;
                let minute = if key.chance(7, 0.25) { noon } else { evening };
                self.add("undervoltage", day, minute, Some(minutes), Some(volts));
            }
        }
    }

    /// Where plants feed in, it rises when the sun stands high and few are at home.
    fn add_overvoltage(&mut self, key: Key) {
        let (world, account) = (self.world, self.account);
        let Some(plant) = account.solar else {
            return;
        };
        for day in self.days.start.max(plant.since)..self.days.end {
            let key = key.on(day).with(2);
            let sun = f64::from(world.day(day).weather[account.region].sun);
            let season = clear_sky(world.day(day).month, POINTS / 2);
            if key.chance(0, 0.22 * sun * sun * season * season) {
                let minutes = 10 + (150.0 * key.unit(1) * key.unit(4)) as i64;
                let volts = 236 + (12.0 * key.unit(2) * key.unit(5)) as i64;
                let start = 600 + (240.0 * (key.unit(3) + key.unit(6)) / 2.0) as i64;
                self.add("overvoltage", day, start, Some(minutes), Some(volts));
            }
        }
    }
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
