-- Load curves of the last 13 months by calendar month, to set beside the bills.
-- Grain: account_id, load_month. Days above what the connection can carry do not
-- count. The curve is the sum of the month's days, half hour by half hour: all days
-- of a month have the same tariff periods, so its split over them is exact.
with
day as (
  select
    load.account_id,
    month_start(load.date) as load_month,
    load.energy_wh,
    load.max_demand_w,
    load.half_hour_wh,
    load.valid_share >= 0.90625 as is_valid
  from account_load_day as load
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where load.date >= date_trunc('month', cast($as_of as date)) - interval '13 months'
    and exception.is_over_limit is not true
)
select
  account_id,
  load_month,
  count(energy_wh) as days,
  count(*) filter (where is_valid) as valid_days,
  sum(energy_wh) as energy_wh,
  max(max_demand_w) as max_demand_w,
  energy_curve_sum(half_hour_wh) as half_hour_wh
from day
group by account_id, load_month
