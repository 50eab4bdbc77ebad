-- Use by periods of today's tariff over the last 30, 90 and 365 days, by load curves.
-- Grain: account_id, window_days; null where the tariff's periods are unknown.
-- Minutes are those of the periods on days with a reading, so that energy over
-- minutes is the mean power while a period lasts. A tariff has as many periods as
-- occur in its days; one of a single price has one. What is used in on-peak periods
-- (sharp and peak) on valid workdays is compared with the lightest tenth of them.
with
length as (
  select unnest(make_array(30, 90, 365)) as window_days
),
windowed as (
  select
    day.account_id,
    length.window_days,
    count(*) filter (where is_valid) as valid_days,
    count(*) filter (where is_valid and is_workday) as valid_workdays,
    max(case when sharp_minutes > 0 then 1 else 0 end)
      + max(case when peak_minutes > 0 then 1 else 0 end)
      + max(case when flat_minutes > 0 then 1 else 0 end)
      + max(case when valley_minutes > 0 then 1 else 0 end) as periods,
    sum(energy_wh) as energy_wh,
    sum(known_minutes) as known_minutes,
    sum(sharp_wh) as sharp_wh,
    sum(peak_wh) as peak_wh,
    sum(flat_wh) as flat_wh,
    sum(valley_wh) as valley_wh,
    sum(sharp_minutes) as sharp_minutes,
    sum(peak_minutes) as peak_minutes,
    sum(flat_minutes) as flat_minutes,
    sum(valley_minutes) as valley_minutes,
    sum(energy_wh) filter (where is_restday) as restday_wh,
    sum(sharp_wh + peak_wh) filter (where is_restday) as restday_on_peak_wh,
    sum(valley_wh) filter (where is_restday) as restday_valley_wh,
    median((sharp_wh + peak_wh) * 60 / nullif(sharp_minutes + peak_minutes, 0))
      filter (where is_valid and is_workday) as on_peak_workday_w,
    percentile_cont(0.1) within group (order by (sharp_wh + peak_wh) * 60 / nullif(sharp_minutes + peak_minutes, 0))
      filter (where is_valid and is_workday) as on_peak_light_workday_w
  from length
  join account_load_day_context as day on day.date >= cast($as_of as date) - length.window_days
  where day.valley_wh is not null
  group by day.account_id, length.window_days
)
select
  account_id,
  window_days,
  valid_days,
  valid_workdays,
  periods,
  energy_wh,
  known_minutes,
  sharp_wh,
  peak_wh,
  flat_wh,
  valley_wh,
  sharp_minutes,
  peak_minutes,
  flat_minutes,
  valley_minutes,
  restday_wh,
  restday_on_peak_wh,
  restday_valley_wh,
  cast(round(on_peak_workday_w) as bigint) as on_peak_workday_w,
  cast(round(on_peak_light_workday_w) as bigint) as on_peak_light_workday_w
from windowed
