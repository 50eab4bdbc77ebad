-- How an account's energy answers to the temperature of its region, over workdays of
-- the last 365 days: rest days and holidays have a level of their own, which the
-- weather does not explain. Days count that have nine of ten points and are not above
-- what the connection can carry, and those since the last transfer of the account.
-- Grain: account_id.
with
-- Who moved in last year answers to the weather in a way of his own.
moved as (
  select
    account_id,
    max(completed_date) as moved_date
  from stg_applications
  where kind = 'transfer' and status = 'completed' and completed_date < $as_of
  group by account_id
),
day as (
  select
    load.account_id,
    load.date,
    load.energy_wh,
    load.max_demand_w,
    load.backfeed_wh >= 100 as is_backfeed,
    weather.temperature_mean_c,
    weather.normal_c,
    weather.is_hot,
    weather.is_cold,
    weather.is_mild,
    coalesce(calendar.is_workday, date_part('isodow', load.date) <= 5) as is_workday,
    calendar.holiday is not null as is_holiday
  from account_load_day as load
  join stg_accounts as account on account.account_id = load.account_id
  join region_weather_day as weather
    on weather.region_code = account.region_code
    and weather.date = load.date
  left join moved on moved.account_id = load.account_id
  left join stg_calendar as calendar on calendar.date = load.date
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '365 days'
    and load.valid_share >= 0.90625
    and exception.is_over_limit is not true
    and (moved.moved_date is null or load.date >= moved.moved_date)
),
response as (
  select
    account_id,
    temperature_response(temperature_mean_c, energy_wh) as fit,
    weather_normalised_wh(temperature_mean_c, energy_wh, normal_c) as normalised_wh
  from day
  where is_workday
  group by account_id
),
-- What the response asks for on each day, in whole watt-hours, so that sums are exact.
explained as (
  select
    day.*,
    case
      when day.is_workday and response.fit['cooling_balance_c'] is not null
        then cast(round(response.fit['cooling_wh_per_c'] * greatest(cast(day.temperature_mean_c as double) - response.fit['cooling_balance_c'], 0)) as bigint)
      when day.is_workday and response.fit['base_wh'] is not null then 0
    end as cooling_wh,
    case
      when day.is_workday and response.fit['heating_balance_c'] is not null
        then cast(round(response.fit['heating_wh_per_c'] * greatest(response.fit['heating_balance_c'] - cast(day.temperature_mean_c as double), 0)) as bigint)
      when day.is_workday and response.fit['base_wh'] is not null then 0
    end as heating_wh
  from day
  left join response on response.account_id = day.account_id
),
summed as (
  select
    account_id,
    count(*) filter (where is_workday) as workdays,
    sum(energy_wh) filter (where is_workday) as workday_energy_wh,
    sum(cooling_wh) as cooling_wh,
    sum(heating_wh) as heating_wh,
    count(*) filter (where is_hot) as hot_days,
    sum(cast(max_demand_w as bigint)) filter (where is_hot) as hot_demand_sum_w,
    count(*) filter (where is_cold) as cold_days,
    sum(cast(max_demand_w as bigint)) filter (where is_cold) as cold_demand_sum_w,
    count(*) filter (where is_mild) as mild_days,
    sum(cast(max_demand_w as bigint)) filter (where is_mild) as mild_demand_sum_w,
    -- Medians: a car that charges on some nights, or a week away, does not move them.
    cast(exact_median(energy_wh) filter (where is_hot and not is_holiday) as bigint) as hot_median_wh,
    cast(exact_median(energy_wh) filter (where is_cold and not is_holiday) as bigint) as cold_median_wh,
    cast(exact_median(energy_wh) filter (where is_mild and not is_holiday) as bigint) as mild_median_wh,
    count(*) filter (where is_backfeed) as backfeed_days,
    first_value(temperature_mean_c order by max_demand_w desc, date) as demand_peak_c
  from explained
  group by account_id
)
select
  summed.*,
  account.account_class,
  cast(round(response.fit['base_wh']) as bigint) as base_wh,
  cast(round(response.fit['cooling_wh_per_c']) as bigint) as cooling_wh_per_c,
  cast(response.fit['cooling_balance_c'] as decimal(5, 2)) as cooling_balance_c,
  cast(round(response.fit['heating_wh_per_c']) as bigint) as heating_wh_per_c,
  cast(response.fit['heating_balance_c'] as decimal(5, 2)) as heating_balance_c,
  cast(response.fit['r2'] as decimal(9, 6)) as r2,
  response.normalised_wh
from summed
join stg_accounts as account on account.account_id = summed.account_id
left join response on response.account_id = summed.account_id
