-- Registered devices on the day before the as-of. Grain: account_id, every
-- account, because no device is a finding too.
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
    sum(capacity_w) filter (where device_type = 'pv') as pv_capacity_w
  from stg_devices
  group by account_id
)
select
  account.account_id,
  coalesce(device.devices, 0) as devices,
  coalesce(device.pv_count, 0) as pv_count,
  coalesce(device.ev_charger_count, 0) as ev_charger_count,
  coalesce(device.heat_pump_count, 0) as heat_pump_count,
  coalesce(device.storage_count, 0) as storage_count,
  coalesce(device.transformer_count, 0) as transformer_count,
  device.pv_capacity_w
from stg_accounts as account
left join device on device.account_id = account.account_id
