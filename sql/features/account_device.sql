-- Registered devices and the meter on the day before the as-of. Grain: account_id, every
-- account, because no device is a finding too. A device without an installation date
-- counts, but has no age. Of several meters that which was installed last stands.
with
device as (
  select
    account_id,
    count(*) as devices,
    count(*) filter (where device_type = 'pv') as pv_count,
    count(*) filter (where device_type = 'ev_charger') as ev_charger_count,
    count(*) filter (where device_type = 'heat_pump') as heat_pump_count,
    count(*) filter (where device_type = 'storage') as storage_count,
    count(*) filter (where device_type = 'transformer') as transformer_count,
    sum(cast(capacity_w as bigint)) filter (where device_type = 'pv') as pv_capacity_w,
    sum(cast(capacity_w as bigint)) filter (where device_type = 'ev_charger') as ev_charger_capacity_w,
    max(capacity_w) filter (where device_type = 'ev_charger') as ev_charger_largest_w,
    sum(cast(capacity_w as bigint)) filter (where device_type = 'heat_pump') as heat_pump_capacity_w,
    sum(cast(capacity_w as bigint)) filter (where device_type = 'storage') as storage_capacity_w,
    sum(cast(capacity_w as bigint)) filter (where device_type = 'transformer') as transformer_capacity_w,
    min(installed_date) as oldest_device_date,
    max(installed_date) as newest_device_date,
    min(installed_date) filter (where device_type = 'pv') as pv_date,
    min(installed_date) filter (where device_type = 'ev_charger') as ev_charger_date,
    min(installed_date) filter (where device_type = 'heat_pump') as heat_pump_date,
    min(installed_date) filter (where device_type = 'storage') as storage_date,
    min(installed_date) filter (where device_type = 'transformer') as transformer_date,
  from stg_devices
  group by account_id
)
select
  account.account_id,
  account.account_class,
  account.voltage_class,
  account.industry_code,
  account.contract_capacity_kva,
  coalesce(device.devices, 0) as devices,
  coalesce(device.pv_count, 0) as pv_count,
  coalesce(device.ev_charger_count, 0) as ev_charger_count,
  coalesce(device.heat_pump_count, 0) as heat_pump_count,
  coalesce(device.storage_count, 0) as storage_count,
  coalesce(device.transformer_count, 0) as transformer_count,
  device.pv_capacity_w,
  device.ev_charger_capacity_w,
  device.ev_charger_largest_w,
  device.heat_pump_capacity_w,
  device.storage_capacity_w,
  device.transformer_capacity_w,
  device.oldest_device_date,
  device.newest_device_date,
  device.pv_date,
  device.ev_charger_date,
  device.heat_pump_date,
  device.storage_date,
  device.transformer_date
from stg_accounts as account
left join device on device.account_id = account.account_id
