//! What customers did in the app in the last year.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::Story;
use super::work_order::is_shock;
use crate::generate::calendar::MINUTES_PER_DAY;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream, mix};
use crate::generate::who::account::account_id;
use crate::generate::who::archetype::Archetype;
use crate::generate::who::contract::Reach;
use crate::generate::who::outage::MICROS_PER_MINUTE;
use crate::generate::world::{RECORDED_DAYS, World};
use crate::generate::write::{Row, opt_texts, opt_timestamps, texts};

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppEvent {
    account: u64,
    sequence: usize,
    /// Minutes since 1970-01-01.
    minute: i64,
    event: &'static str,
    topic: Option<&'static str>,
}

/// The events of an account, oldest first.
pub fn app_events_of(world: &World, story: &Story<'_>) -> Vec<AppEvent> {
    let account = story.account;
    let who = &account.tenant;
    let had_app = Reach::of(world.seed, account.index, who).has_app;
    let bound = if had_app {
        Some(account.opened)
    } else {
        account.conversions.app.filter(|won| won.is_of(who, won.day)).map(|won| won.day)
    };
    let Some(bound) = bound else {
        return Vec::new();
    };
    let key = Key::new(world.seed, Stream::AppEvent).with(account.index);
    let came = account.former_tenant.as_ref().map_or(account.opened, |former| former.next_came);
    let first = (world.end - RECORDED_DAYS).max(came).max(bound);
    let last = world.end.min(account.supplied_to());
    let mut found = Vec::new();
    let mut add = |day: i32, minute: u64, event: &'static str, topic: Option<&'static str>| {
        let minute = i64::from(day) * MINUTES_PER_DAY + minute as i64;
        found.push(AppEvent { account: account.index, sequence: 0, minute, event, topic });
    };
    let keenness = key.unit(0) * key.unit(1);
    let hour = |key: Key| match who.archetype {
        Archetype::NightOwl => 60 * (20 + key.below(20, 4)) + key.below(21, 60),
        Archetype::AtHome => 60 * (8 + key.below(20, 10)) + key.below(21, 60),
        _ => 60 * (7 + key.below(20, 16)) + key.below(21, 60),
    };
    for (place, bill) in story.bills.iter().enumerate().filter(|(_, bill)| bill.issued >= first) {
        let key = key.on(bill.month.first);
        let is_shock = is_shock(&story.bills[..place], bill);
        if key.chance(2, if is_shock { 0.85 } else { 0.25 + 0.6 * keenness }) {
            let day = bill.issued + (key.unit(3) * key.unit(31) * 24.0) as i32;
            add(day, hour(key), "login", None);
            add(day, hour(key) + key.below(32, 4), "view_bill", None);
            if is_shock && key.chance(4, 0.3) {
                add(day, hour(key) + 3, "search", Some("billing"));
            }
        }
        if key.chance(5, 0.25 * keenness) {
            let topics = ["tariff", "tou", "pv", "ev_charging", "outage", "capacity", "e_invoice"];
            let day = bill.issued - 9 + key.below(6, 30) as i32;
            add(day, hour(key.with(1)), "login", None);
            if key.chance(35, 0.4) {
                continue;
            }
            add(day, hour(key.with(1)) + 1 + key.below(36, 6), "search", Some(topics[key.below(7, 7) as usize]));
        }
        if !who.archetype.is_household() && key.chance(8, 0.3) {
            let day = bill.issued + (key.unit(33) * key.unit(34) * 25.0) as i32;
            add(day, hour(key.with(2)), "e_invoice", None);
        }
    }
    for outage in story.outages.iter().filter(|outage| outage.day() >= first && !outage.is_planned()) {
        let key = key.with(outage.start_minute().unsigned_abs()).with(9);
        if key.chance(0, 0.15 + 0.3 * keenness) {
            let minute = outage.start_minute().rem_euclid(MINUTES_PER_DAY) + 2 + key.below(1, 20) as i64;
            add(outage.day(), minute.unsigned_abs(), "outage_query", Some("outage"));
        }
    }
    let days = i64::from(first) * MINUTES_PER_DAY..i64::from(last) * MINUTES_PER_DAY;
    found.retain(|event| days.contains(&event.minute));
    found.sort_by_key(|event| event.minute);
    for (place, event) in found.iter_mut().enumerate() {
        event.sequence = place + 1;
    }
    found
}

impl Row for AppEvent {
    const TABLE: &'static str = "app_events";
    const KEY: &'static [&'static str] = &["account_id", "event_id"];
    const FLAWS: &'static [Flaw] = &[wrong("event", "values", "e999"), missing("event_at")];
    const FLAWED: f64 = 0.000_5;
    const REPEATED: f64 = 0.001;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        // Seconds that say nothing, but are there.
        let second = |row: &Self| mix(row.account ^ (row.minute.cast_unsigned() << 8) ^ row.sequence as u64) % 60;
        let at = |row: &Self| row.minute * MICROS_PER_MINUTE + second(row) as i64 * 1_000_000;
        let times = rows.iter().map(|row| Some(at(row)));
        RecordBatch::try_from_iter_with_nullable([
            ("event_id", texts(rows.iter().map(|row| format!("E{:09}{:04}", row.account, row.sequence))), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("event_at", opt_timestamps(times), false),
            ("event", texts(rows.iter().map(|row| row.event)), false),
            ("topic", opt_texts(rows.iter().map(|row| row.topic)), true),
        ])
    }
}
