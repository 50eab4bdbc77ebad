-- Load and supply of each feeder: its transformers together. Grain: feeder_id.
-- A day counts where four fifths of the feeder's accounts delivered it. The lake knows
-- no rating of the line itself; the capacity is that of the transformers on it.
with
member as (
  select
    feeder_id,
    count(*) as transformers,
    count(*) filter (where heavy_days > 0) as heavy_transformers,
    count(*) filter (where days > 0) as loaded_transformers,
    sum(capacity_kva) as capacity_kva,
    sum(rated_w) as rated_w,
    sum(accounts) as accounts,
    sum(residential_accounts) as residential_accounts,
    sum(new_accounts) as new_accounts,
    sum(ev_accounts) as ev_accounts,
    sum(pv_accounts) as pv_accounts,
    sum(pv_capacity_w) as pv_capacity_w,
    sum(energy_12m_wh) as energy_12m_wh,
    sum(energy_paired_wh) as energy_paired_wh,
    sum(energy_paired_before_wh) as energy_paired_before_wh,
    sum(energy_3m_wh) as energy_3m_wh,
    sum(energy_3m_before_wh) as energy_3m_before_wh,
    sum(max_demand_w) as transformer_demand_w
  from transformer_load
  where feeder_id is not null
  group by feeder_id
),
day as (
  select
    member.feeder_id,
    day.date,
    sum(day.accounts) as accounts,
    sum(day.energy_wh) as energy_wh,
    sum(day.backfeed_wh) as backfeed_wh,
    energy_curve_sum(day.half_hour_wh) as half_hour_wh
  from transformer_load_day as day
  join transformer_load as member on member.transformer_id = day.transformer_id
  where member.feeder_id is not null
  group by member.feeder_id, day.date
),
measured as (
  select
    day.*,
    array_max(day.half_hour_wh) * cast(cardinality(day.half_hour_wh) as bigint) / 24 as max_demand_w,
    time_of_peak(day.half_hour_wh) as peak_minute
  from day
  join member on member.feeder_id = day.feeder_id
  where day.accounts * 100 >= member.accounts * $complete_percent
),
total as (
  select
    feeder_id,
    count(*) as days,
    sum(energy_wh) as energy_wh,
    sum(backfeed_wh) as backfeed_wh,
    max(max_demand_w) as max_demand_w,
    first_value(date order by max_demand_w desc, date) as peak_date,
    cast(most_frequent(peak_minute / 60)['value'] as bigint) as peak_hour,
    energy_curve_sum(half_hour_wh) as half_hour_wh
  from measured
  group by feeder_id
)
select
  member.*,
  coalesce(total.days, 0) as days,
  total.energy_wh,
  total.backfeed_wh,
  total.max_demand_w,
  total.peak_date,
  total.peak_hour,
  total.half_hour_wh,
  time_of_peak(total.half_hour_wh) as peak_minute
from member
left join total on total.feeder_id = member.feeder_id
