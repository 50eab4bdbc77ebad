-- What storage, photovoltaics and retrofits would have to work with: energy of the last
-- 365 days in dear periods and around midday, load that never stops, and what the
-- connection leaves free. Grain: account_id, accounts with curves.
with
part as (
  -- 1 the sunny hours (9 to 15 h), 3 all others.
  select array_concat(array_repeat(3, 18), array_repeat(1, 12), array_repeat(3, 18)) as part_of_half_hour
),
load as (
  select
    load_window.*,
    energy_by_period(load_window.half_hour_wh, part.part_of_half_hour)['sharp_wh'] as sunny_wh,
    energy_by_period(load_window.typical_workday_wh, part.part_of_half_hour)['sharp_wh'] as workday_sunny_wh,
    energy_by_period(load_window.typical_restday_wh, part.part_of_half_hour)['sharp_wh'] as restday_sunny_wh
  from account_load_window as load_window
  cross join part
  where load_window.window_days = 365
)
select
  load.account_id,
  account.account_class,
  account.voltage_class,
  account.industry_code,
  account.contract_capacity_kva,
  load.days,
  load.valid_days,
  load.energy_wh,
  load.sharp_wh,
  load.peak_wh,
  load.valley_wh,
  load.max_demand_w,
  load.base_load_w,
  load.load_factor,
  load.sunny_wh,
  load.workday_sunny_wh / 6 as workday_sunny_w,
  load.restday_sunny_wh / 6 as restday_sunny_w,
  price.sharp_cny_kwh,
  price.peak_cny_kwh,
  price.valley_cny_kwh,
  price.valley_minutes,
  -- A day's energy in dear periods, and what the connection could take in more in cheap ones.
  case
    when price.tariff_code is not null then (coalesce(load.sharp_wh, 0) + load.peak_wh) / nullif(load.days, 0)
  end as dear_day_wh,
  case
    when price.tariff_code is not null
      then greatest(
        cast(account.contract_capacity_kva * 1000 as bigint) * price.valley_minutes / 60 - load.valley_wh / nullif(load.days, 0),
        0
      )
  end as headroom_day_wh,
  -- Mean price of the energy used in dear periods.
  case
    when coalesce(load.sharp_wh, 0) + load.peak_wh > 0
      then cast(
        (coalesce(load.sharp_wh, 0) * coalesce(price.sharp_cny_kwh, cast(0 as decimal(9, 4))) + load.peak_wh * price.peak_cny_kwh)
          / (coalesce(load.sharp_wh, 0) + load.peak_wh) as decimal(9, 4)
      )
  end as dear_cny_kwh,
  bill.bills_12m,
  bill.amount_12m_cny,
  bill.amount_power_factor_12m_cny,
  device.pv_count,
  device.storage_count,
  device.heat_pump_count,
  device.ev_charger_count,
  device.oldest_device_date
from load
join stg_accounts as account on account.account_id = load.account_id
left join tariff_price as price on price.tariff_code = account.tariff_code
left join account_bill as bill on bill.account_id = load.account_id
left join account_device as device on device.account_id = load.account_id
