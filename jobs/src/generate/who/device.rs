//! Devices behind the meter, as far as the utility knows of them.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::account::{Account, account_id};
use super::tenant::Device;
use crate::generate::damage::{Flaw, before, wrong};
use crate::generate::write::{Row, dates, ints, opt_dates, texts};

/// The power that a heat pump draws at full need, over what it is rated at.
const HEAT_PUMP_RATING: f32 = 1.2;

/// One row of the devices.
pub struct DeviceRow {
    account: u64,
    device_type: &'static str,
    capacity_w: i64,
    installed: i32,
}

/// The registered devices of an account.
pub fn devices_of(account: &Account) -> Vec<DeviceRow> {
    let row =
        |device_type, capacity_w, installed| DeviceRow { account: account.index, device_type, capacity_w, installed };
    let known = |device: Option<Device>| device.filter(|device| device.is_registered);
    let mut rows = Vec::new();
    if let Some(plant) = known(account.solar) {
        rows.push(row("pv", plant.power_w as i64, plant.since));
    }
    if let Some(charger) = known(account.tenant.charger) {
        rows.push(row("ev_charger", charger.power_w as i64, charger.since));
    }
    if let Some(pump) = known(account.tenant.heat_pump) {
        rows.push(row("heat_pump", (pump.power_w * HEAT_PUMP_RATING) as i64, pump.since));
    }
    if let Some(storage) = account.storage.filter(|storage| storage.device.is_registered) {
        rows.push(row("storage", storage.device.power_w as i64, storage.device.since));
    }
    if account.has_own_transformer() {
        let capacity_w = i64::from(account.capacity_kva) * 1_000;
        rows.push(row("transformer", capacity_w, account.opened));
    }
    rows
}

impl Row for DeviceRow {
    const TABLE: &'static str = "devices";
    const KEY: &'static [&'static str] = &["account_id", "device_id"];
    const FLAWS: &'static [Flaw] = &[
        wrong("device_type", "values", "unknown"),
        wrong("capacity_w", "min", "-7000"),
        before("removed_date", "installed_date"),
    ];
    const FLAWED: f64 = 0.004;
    const REPEATED: f64 = 0.004;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let id = |row: &Self| format!("D{:09}-{}", row.account, row.device_type);
        RecordBatch::try_from_iter_with_nullable([
            ("device_id", texts(rows.iter().map(id)), false),
            ("account_id", texts(rows.iter().map(|row| account_id(row.account))), false),
            ("device_type", texts(rows.iter().map(|row| row.device_type)), false),
            ("capacity_w", ints(rows.iter().map(|row| row.capacity_w)), true),
            ("installed_date", dates(rows.iter().map(|row| row.installed)), true),
            ("removed_date", opt_dates(rows.iter().map(|_| None)), true),
        ])
    }
}
