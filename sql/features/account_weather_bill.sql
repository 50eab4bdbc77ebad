-- How much of the change of energy against the year before the weather explains: the
-- response of daily mean energy to the mean temperature of the month, over bills of 24
-- months, asked for the temperatures of either year. Only months count that have a bill
-- and weather in both years, and the bill of the month a year before.
-- Grain: account_id.
with
weather as (
  select
    region_code,
    date_trunc('month', date) as month,
    cast(sum(coalesce(temperature_mean_c, (temperature_min_c + temperature_max_c) / 2)) / count(*) as decimal(7, 2)) as temperature_c,
    count(*) as days
  from stg_weather
  where coalesce(temperature_mean_c, (temperature_min_c + temperature_max_c) / 2) is not null
  group by region_code, date_trunc('month', date)
  having count(*) >= 25
),
last as (
  select date_trunc('month', cast($as_of as date) - interval '10 days') - interval '1 month' as bill_month
),
bill as (
  select
    bill.account_id,
    cast(bill.bill_month as date) as bill_month,
    bill.energy_wh,
    cast(bill.bill_month + interval '1 month' as date) - cast(bill.bill_month as date) as days,
    weather.temperature_c,
    bill.bill_month > last.bill_month - interval '12 months' as is_12m
  from stg_bills as bill
  cross join last
  join stg_accounts as account on account.account_id = bill.account_id
  join weather on weather.region_code = account.region_code and weather.month = bill.bill_month
  where bill.bill_month <= last.bill_month
    and bill.bill_month > last.bill_month - interval '24 months'
),
response as (
  select
    account_id,
    temperature_response(temperature_c, energy_wh / days) as fit
  from bill
  group by account_id
),
expected as (
  select
    bill.*,
    response.fit,
    cast(round(days * (
      response.fit['base_wh']
      + response.fit['cooling_wh_per_c'] * coalesce(greatest(cast(temperature_c as double) - response.fit['cooling_balance_c'], 0), 0)
      + response.fit['heating_wh_per_c'] * coalesce(greatest(response.fit['heating_balance_c'] - cast(temperature_c as double), 0), 0)
    )) as bigint) as expected_wh
  from bill
  join response on response.account_id = bill.account_id
),
paired as (
  select
    now.account_id,
    count(*) as paired_months,
    sum(now.energy_wh) as energy_wh,
    sum(before.energy_wh) as energy_before_wh,
    sum(now.expected_wh) as expected_wh,
    sum(before.expected_wh) as expected_before_wh,
    max(cast(now.fit['r2'] as decimal(9, 6))) as r2
  from expected as now
  join expected as before
    on before.account_id = now.account_id
    and before.bill_month = now.bill_month - interval '12 months'
  where now.is_12m
  group by now.account_id
)
select * from paired
