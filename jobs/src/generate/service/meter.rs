//! Meters: one after the other, where one was changed.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::generate::damage::{Flaw, before, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::{Account, account_id};
use crate::generate::who::network::transformer_of;
use crate::generate::world::World;
use crate::generate::write::{Row, dates, ints, opt_dates, texts};

/// Years after which a meter is changed, at most.
const MOST_YEARS: u64 = 12;
const DAYS_PER_YEAR: u64 = 365;
/// Days that a meter serves at least.
const LEAST_DAYS: i32 = 5 * 365;

/// One meter and the time in which it was the account's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    account: u64,
    number: u64,
    /// Days since 1970-01-01.
    pub from: i32,
    to: Option<i32>,
}

impl Meter {
    /// Its number in the lake.
    pub fn id(&self) -> String {
        format!("M{:010}", (self.account * 4 + self.number + 7_654_321) * 1_346_269 % 10_000_000_000)
    }

    /// Whether the account has it on a day.
    pub fn is_there(&self, day: i32) -> bool {
        self.from <= day && self.to.is_none_or(|to| day < to)
    }
}

/// The meters of an account, oldest first.
pub fn meters_of(world: &World, account: &Account) -> Vec<Meter> {
    let key = Key::new(world.seed, Stream::Meter).with(account.index);
    // Meters are changed street by street when their time is up.
    let street = Key::new(world.seed, Stream::Meter).with(u64::MAX).with(transformer_of(account.index));
    let changed = world
        .workday(world.end - 1 - street.below(0, MOST_YEARS * DAYS_PER_YEAR - 40) as i32 - key.below(0, 40) as i32);
    let meter = |number, from, to| Meter { account: account.index, number, from, to };
    if changed <= account.opened + LEAST_DAYS || changed >= account.supplied_to() {
        return vec![meter(0, account.opened, account.closed)];
    }
    vec![meter(0, account.opened, Some(changed)), meter(1, changed, account.closed)]
}

impl Row for Meter {
    const TABLE: &'static str = "meters";
    const KEY: &'static [&'static str] = &["meter_id", "account_id", "valid_from"];
    const FLAWS: &'static [Flaw] =
        &[before("valid_to", "valid_from"), wrong("direction", "max", "7"), wrong("multiplier", "min", "0")];
    const FLAWED: f64 = 0.000_5;
    const REPEATED: f64 = 0.001;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_from_iter_with_nullable([
            ("meter_id", texts(rows.iter().map(Self::id)), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("valid_from", dates(rows.iter().map(|row| row.from)), false),
            ("valid_to", opt_dates(rows.iter().map(|row| row.to)), true),
            ("direction", ints(rows.iter().map(|_| 1)), true),
            ("multiplier", ints(rows.iter().map(|_| 1)), true),
        ])
    }
}
