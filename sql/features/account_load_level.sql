-- How much load there was, and how it spread over days, over the last 7, 30, 90 and
-- 365 days. Grain: account_id, window_days. Energy and demand count every day with a
-- reading; what is a figure of whole days counts valid ones. The soft maximum is
-- exceeded on one day in twenty: a single switching does not move it.
with
length as (
  select unnest(make_array(7, 30, 90, 365)) as window_days
),
windowed as (
  select
    day.account_id,
    length.window_days,
    count(energy_wh) as days,
    count(*) filter (where is_valid) as valid_days,
    sum(known_minutes) as known_minutes,
    sum(energy_wh) as energy_wh,
    max(max_demand_w) as max_demand_w,
    first_value(date order by max_demand_w desc nulls last, date) as max_demand_date,
    sum(max_demand_w) filter (where is_valid) as day_max_sum_w,
    percentile_cont(0.95) within group (order by max_demand_w) filter (where is_valid) as soft_max_w,
    percentile_cont(0.05) within group (order by min_demand_w) filter (where is_valid) as soft_min_w,
    median(base_load_w) filter (where is_valid) as base_load_w,
    median(energy_wh) filter (where is_valid) as day_median_wh,
    max(energy_wh) filter (where is_valid) as day_max_wh,
    min(energy_wh) filter (where is_valid) as day_min_wh,
    sum(energy_wh) filter (where is_valid) as valid_energy_wh,
    sum(cast(energy_wh as decimal(19, 0)) * cast(energy_wh as decimal(18, 0))) filter (where is_valid) as energy_square_sum,
    median(load_factor) filter (where is_valid) as day_load_factor,
    max(max_ramp_w) as max_ramp_w,
    sum(idle_minutes) as idle_minutes,
    max(longest_zero_minutes) as longest_zero_minutes,
    count(*) filter (where energy_wh < $idle_day_wh and backfeed_wh = 0) as idle_days,
    count(*) filter (where is_valid and peak_minute < 360) as night_peak_days,
    count(*) filter (where is_valid and peak_minute >= 360 and peak_minute < 660) as morning_peak_days,
    count(*) filter (where is_valid and peak_minute >= 660 and peak_minute < 1020) as afternoon_peak_days,
    count(*) filter (where is_valid and peak_minute >= 1020) as evening_peak_days,
    run_lengths(date, energy_wh < $idle_day_wh and backfeed_wh = 0) as idle_run
  from length
  join account_load_day_context as day on day.date >= cast($as_of as date) - length.window_days
  group by day.account_id, length.window_days
)
select
  account_id,
  window_days,
  days,
  valid_days,
  known_minutes,
  energy_wh,
  case when known_minutes > 0 then (energy_wh * 60 + known_minutes / 2) / known_minutes end as mean_load_w,
  max_demand_w,
  max_demand_date,
  case when valid_days > 0 then (day_max_sum_w + valid_days / 2) / valid_days end as day_peak_w,
  cast(round(soft_max_w) as bigint) as soft_max_w,
  cast(round(soft_min_w) as bigint) as soft_min_w,
  cast(round(base_load_w) as bigint) as base_load_w,
  cast(round(day_median_wh) as bigint) as day_median_wh,
  day_max_wh,
  day_min_wh,
  -- Standard deviation over mean, from exact sums.
  case
    when valid_energy_wh > 0
      then cast(
        sqrt(cast(energy_square_sum * valid_days - cast(valid_energy_wh as decimal(19, 0)) * cast(valid_energy_wh as decimal(18, 0)) as double))
          / cast(valid_energy_wh as double)
        as decimal(9, 6)
      )
  end as day_energy_cv,
  case when known_minutes > 0 and max_demand_w > 0 then ratio(energy_wh * 60, known_minutes * max_demand_w) end as load_factor,
  day_load_factor,
  max_ramp_w,
  idle_minutes,
  longest_zero_minutes,
  idle_days,
  night_peak_days,
  morning_peak_days,
  afternoon_peak_days,
  evening_peak_days,
  idle_run['longest'] as longest_idle_run,
  idle_run['latest'] as latest_idle_run
from windowed
