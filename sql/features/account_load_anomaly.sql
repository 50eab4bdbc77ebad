-- Days of the last seven that are not like the account's days before, and days on which
-- its connection is nearly or more than full. Grain: account_id.
-- A day is held against the median of the same weekday in the eight weeks before; how
-- far days usually are from that is the median absolute deviation of all of them. A day
-- is unlike where it is off by more than so many times that (in units of a normal
-- standard deviation, 1.4826 of it), and by a part of the usual value, and by more than
-- a trifle. Public holidays and make-up workdays are left out on both sides.
-- Days above what the connection can carry are no load: they count apart.
with
day as (
  select
    account_id,
    date,
    weekday,
    energy_wh,
    night_wh,
    max_demand_w,
    cast($as_of as date) - date <= 7 as is_latest
  from account_load_day_context
  where is_valid
    and not is_holiday
    and is_workday = (weekday <= 5)
    and date >= cast($as_of as date) - interval '63 days'
),
usual as (
  select
    account_id,
    weekday,
    count(*) as days,
    median(energy_wh) as usual_energy,
    median(night_wh) as usual_night,
    median(max_demand_w) as usual_demand
  from day
  where not is_latest
  group by account_id, weekday
),
distance as (
  select
    day.account_id,
    day.is_latest,
    usual.days,
    usual_energy,
    usual_night,
    usual_demand,
    day.energy_wh - usual_energy as energy_off,
    day.night_wh - usual_night as night_off,
    day.max_demand_w - usual_demand as demand_off
  from day
  join usual on usual.account_id = day.account_id and usual.weekday = day.weekday
  where usual.days >= 4
),
spread as (
  select
    account_id,
    count(*) as usual_days,
    median(abs(energy_off)) as energy_spread,
    median(abs(night_off)) as night_spread,
    median(abs(demand_off)) as demand_spread
  from distance
  where not is_latest
  group by account_id
),
judged as (
  select
    distance.account_id,
    spread.usual_days,
    energy_off,
    greatest($deviations * 1.4826 * energy_spread, usual_energy * $least_percent / 100.0, $least_wh) as energy_limit,
    night_off,
    greatest($deviations * 1.4826 * night_spread, usual_night * $least_percent / 100.0, $least_wh) as night_limit,
    demand_off,
    greatest($deviations * 1.4826 * demand_spread, usual_demand * $least_percent / 100.0, $least_w) as demand_limit,
    energy_off / nullif(1.4826 * energy_spread, 0) as energy_z
  from distance
  join spread on spread.account_id = distance.account_id
  where distance.is_latest
),
unlike as (
  select
    account_id,
    max(usual_days) as usual_days,
    count(*) as judged_days,
    count(*) filter (where energy_off >= energy_limit) as high_energy_days,
    count(*) filter (where -energy_off >= energy_limit) as low_energy_days,
    count(*) filter (where night_off >= night_limit) as high_night_days,
    count(*) filter (where -night_off >= night_limit) as low_night_days,
    count(*) filter (where demand_off >= demand_limit) as high_demand_days,
    count(*) filter (where -demand_off >= demand_limit) as low_demand_days,
    max(abs(energy_z)) as energy_z
  from judged
  group by account_id
),
filled as (
  select
    day.account_id,
    max(cast(account.contract_capacity_kva * 1000 as bigint)) as capacity_w,
    count(*) as days_365d,
    count(*) filter (where date >= cast($as_of as date) - interval '30 days') as days_30d,
    count(*) filter (where date >= cast($as_of as date) - interval '30 days' and max_demand_w > account.contract_capacity_kva * 1000) as days_above_100_30d,
    count(*) filter (where max_demand_w >= account.contract_capacity_kva * 800) as days_above_80_365d,
    cast(round(percentile_cont(0.95) within group (order by max_demand_w) filter (where date >= cast($as_of as date) - interval '30 days')) as bigint) as soft_max_30d_w
  from account_load_day_context as day
  join stg_accounts as account on account.account_id = day.account_id
  where account.contract_capacity_kva > 0
    and is_valid
    and date >= cast($as_of as date) - interval '365 days'
  group by day.account_id
),
exception as (
  select
    account_id,
    count(*) filter (where is_over_limit) as over_limit_days_90d
  from account_load_exception
  where date >= cast($as_of as date) - interval '90 days'
  group by account_id
)
select
  level.account_id,
  level.valid_days,
  unlike.usual_days,
  unlike.judged_days,
  unlike.high_energy_days,
  unlike.low_energy_days,
  unlike.high_night_days,
  unlike.low_night_days,
  unlike.high_demand_days,
  unlike.low_demand_days,
  cast(least(energy_z, 999) as decimal(9, 2)) as energy_z,
  filled.capacity_w,
  filled.days_30d,
  filled.days_365d,
  filled.days_above_100_30d,
  filled.days_above_80_365d,
  filled.soft_max_30d_w,
  coalesce(exception.over_limit_days_90d, 0) as over_limit_days_90d
from account_load_level as level
left join unlike on unlike.account_id = level.account_id
left join filled on filled.account_id = level.account_id
left join exception on exception.account_id = level.account_id
where level.window_days = 90
