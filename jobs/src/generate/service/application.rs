//! What customers apply for: connections, capacity, tariffs, transfers, plants
//! and charging points, before the other tables show it.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::who::account::{Account, account_id};
use crate::generate::world::World;
use crate::generate::write::{Row, dates, decimals, opt_dates, texts};

/// Kinds of application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    NewConnection,
    IncreaseCapacity,
    ChangeTariff,
    Transfer,
    Pv,
    Storage,
    EvCharger,
    Suspend,
    Close,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::NewConnection => "new_connection",
            Self::IncreaseCapacity => "increase_capacity",
            Self::ChangeTariff => "change_tariff",
            Self::Transfer => "transfer",
            Self::Pv => "pv",
            Self::Storage => "storage",
            Self::EvCharger => "ev_charger",
            Self::Suspend => "suspend",
            Self::Close => "close",
        }
    }

    /// Days that one of the kind takes, at most.
    fn most_days(self) -> f64 {
        match self {
            Self::NewConnection | Self::IncreaseCapacity | Self::Pv | Self::Storage => 60.0,
            Self::EvCharger => 30.0,
            _ => 12.0,
        }
    }

    /// The topic of the work order that goes with it.
    pub fn topic(self) -> &'static str {
        match self {
            Self::NewConnection => "connection",
            Self::IncreaseCapacity | Self::Suspend => "capacity",
            Self::ChangeTariff => "tariff",
            Self::Transfer | Self::Close => "other",
            Self::Pv | Self::Storage => "pv",
            Self::EvCharger => "ev_charging",
        }
    }
}

/// One application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    account: u64,
    sequence: usize,
    pub kind: Kind,
    capacity_va: Option<i64>,
    /// Days since 1970-01-01.
    pub created: i32,
    /// None while it is open, and where nothing came of it.
    pub completed: Option<i32>,
    is_withdrawn: bool,
}

/// The applications of an account in the months of service, oldest first.
pub fn applications_of(world: &World, account: &Account) -> Vec<Application> {
    let key = Key::new(world.seed, Stream::Application).with(account.index);
    let first = world.first_served();
    let mut found = Vec::new();
    let apply = |kind: Kind, effective: i32, capacity_va: Option<i64>| {
        let key = key.with(kind as u64);
        let days = 3 + (key.unit(0) * key.unit(1) * kind.most_days()) as i32;
        Application {
            account: account.index,
            sequence: 0,
            kind,
            capacity_va,
            created: world.workday(effective - days),
            completed: Some(effective),
            is_withdrawn: false,
        }
    };
    let mut add =
        |kind: Kind, effective: i32, capacity_va: Option<i64>| found.push(apply(kind, effective, capacity_va));
    let kva = |capacity: u32| Some(i64::from(capacity) * 1_000);
    add(Kind::NewConnection, account.opened, kva(account.terms_on(account.opened).1));
    if let Some(former) = account.former {
        let kind = if former.tariff == account.tariff { Kind::IncreaseCapacity } else { Kind::ChangeTariff };
        add(kind, former.until, kva(account.capacity_kva));
    }
    if let Some(won) = account.conversions.time_of_use.filter(|_| account.former.is_some()) {
        // Who was won by a campaign applied on that day.
        found.iter_mut().filter(|one| one.kind == Kind::ChangeTariff).for_each(|one| one.created = won.day);
    }
    let mut add =
        |kind: Kind, effective: i32, capacity_va: Option<i64>| found.push(apply(kind, effective, capacity_va));
    if let Some(former) = account.former_tenant.as_ref() {
        add(Kind::Transfer, former.next_came, None);
    }
    if let Some(charger) = account.tenant.charger.filter(|charger| charger.is_registered) {
        add(Kind::EvCharger, charger.since, Some(charger.power_w as i64));
    }
    if let Some(plant) = account.solar.filter(|plant| plant.is_registered) {
        add(Kind::Pv, plant.since, Some(plant.power_w as i64));
    }
    if let Some(storage) = account.storage.filter(|storage| storage.device.is_registered) {
        add(Kind::Storage, storage.device.since, Some(storage.device.power_w as i64));
    }
    if let Some(idle) = account.tenant.idle_since.filter(|_| account.capacity_kva >= 100) {
        add(Kind::Suspend, idle + 20, kva(account.capacity_kva));
    }
    if let Some(closed) = account.closed {
        add(Kind::Close, closed, None);
    }
    // Some are under way on the last day, and some came to nothing.
    if key.chance(100, 0.006) {
        let kinds = [Kind::IncreaseCapacity, Kind::ChangeTariff, Kind::Pv, Kind::EvCharger];
        let key = key.with(101);
        let is_withdrawn = key.chance(0, 0.4);
        found.push(Application {
            account: account.index,
            sequence: 0,
            kind: kinds[key.below(1, 4) as usize],
            capacity_va: kva(account.capacity_kva),
            created: world.workday(world.end - 1 - key.below(2, if is_withdrawn { 600 } else { 25 }) as i32),
            completed: None,
            is_withdrawn,
        });
    }
    found.retain(|one| {
        let is_known = one.kind == Kind::NewConnection || one.created >= account.opened;
        is_known && (first..world.end.min(account.supplied_to())).contains(&one.created)
    });
    found.sort_by_key(|one| (one.created, one.kind as u8));
    for (place, one) in found.iter_mut().enumerate() {
        one.sequence = place + 1;
        one.completed = one.completed.filter(|day| *day < world.end);
    }
    found
}

impl Row for Application {
    const TABLE: &'static str = "applications";
    const KEY: &'static [&'static str] = &["account_id", "application_id"];
    const FLAWS: &'static [Flaw] = &[
        wrong("kind", "values", "101"),
        wrong("status", "values", "?"),
        wrong("capacity_kva", "min", "-10"),
        missing("created_date"),
    ];
    const FLAWED: f64 = 0.003;
    const REPEATED: f64 = 0.002;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let id = |row: &Self| format!("A{:09}{:02}", row.account, row.sequence);
        let capacities = rows.iter().map(|row| row.capacity_va.map(|va| i128::from(va) / 10));
        let status = |row: &Self| match (row.completed, row.is_withdrawn) {
            (Some(_), _) => "completed",
            (None, true) => "withdrawn",
            (None, false) => "open",
        };
        RecordBatch::try_from_iter_with_nullable([
            ("application_id", texts(rows.iter().map(id)), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("kind", texts(rows.iter().map(|row| row.kind.name())), false),
            ("status", texts(rows.iter().map(status)), false),
            ("capacity_kva", decimals(capacities, 12, 2)?, true),
            ("created_date", dates(rows.iter().map(|row| row.created)), false),
            ("completed_date", opt_dates(rows.iter().map(|row| row.completed)), true),
        ])
    }
}
