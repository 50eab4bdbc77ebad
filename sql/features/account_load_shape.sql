-- The shape of the typical workday and rest day of the last 90 days, and how alike the
-- days are. Grain: account_id. Valid days count; rest days are no public holidays.
-- Typical days are those of account_load_window, taken by the hour where the hour of a
-- peak is asked for: noise of half hours makes no peaks.
-- Peaks are looked for in four parts of the day (0 to 6, 6 to 11, 11 to 16, 16 to 24 h):
-- the highest hour of a part counts, unless a higher one can be reached without first
-- going down by a part of the day's whole swing. A day that hardly swings has no peak.
-- Work goes on while the typical workday is above its base load by a part of the
-- distance from there to its 95th percentile.
with
typical as (
  select
    account_id,
    valid_days,
    valid_workdays,
    valid_restdays,
    energy_wh,
    typical_workday_wh,
    typical_restday_wh,
    half_hour_wh as sum_wh,
    resample_curve(typical_workday_wh, 60) as workday_hourly,
    resample_curve(typical_restday_wh, 60) as restday_hourly,
    array_sort(typical_workday_wh, 'ASC', 'NULLS LAST') as workday_sorted,
    cast(array_length(typical_workday_wh) as bigint) as slots,
    base_load_w(typical_workday_wh) as base_wh
  from account_load_window
  where window_days = 90
),
part as (
  select
    *,
    array_max(workday_hourly) as top,
    array_max(workday_hourly) - array_min(workday_hourly) as swing,
    workday_sorted[(slots * 95 + 99) / 100] as high_wh,
    array_max(array_slice(workday_hourly, 1, 6)) as night_top,
    array_max(array_slice(workday_hourly, 7, 11)) as morning_top,
    array_max(array_slice(workday_hourly, 12, 16)) as midday_top,
    array_max(array_slice(workday_hourly, 17, 24)) as evening_top
  from typical
),
placed as (
  select
    *,
    greatest((high_wh - base_wh) * $work_percent / 100, 1) as work_wh,
    cast(0 + array_position(array_slice(workday_hourly, 1, 6), night_top) as bigint) as night_at,
    cast(6 + array_position(array_slice(workday_hourly, 7, 11), morning_top) as bigint) as morning_at,
    cast(11 + array_position(array_slice(workday_hourly, 12, 16), midday_top) as bigint) as midday_at,
    cast(16 + array_position(array_slice(workday_hourly, 17, 24), evening_top) as bigint) as evening_at
  from part
),
bounded as (
  select
    *,
    cast(base_wh + work_wh as int) as work_level_wh,
    array_min(array_slice(workday_hourly, night_at, morning_at)) as night_morning_saddle,
    array_min(array_slice(workday_hourly, night_at, midday_at)) as night_midday_saddle,
    array_min(array_slice(workday_hourly, night_at, evening_at)) as night_evening_saddle,
    array_min(array_slice(workday_hourly, morning_at, midday_at)) as morning_midday_saddle,
    array_min(array_slice(workday_hourly, morning_at, evening_at)) as morning_evening_saddle,
    array_min(array_slice(workday_hourly, midday_at, evening_at)) as midday_evening_saddle
  from placed
),
counted as (
  select
    *,
    case
      when workday_hourly is null or top <= 0 then null
      when swing * 100 < top * $flat_percent then 0
      else case when (night_top >= morning_top or (night_top - night_morning_saddle) * 100 >= swing * $prominence_percent)
        and (night_top >= midday_top or (night_top - night_midday_saddle) * 100 >= swing * $prominence_percent)
        and (night_top >= evening_top or (night_top - night_evening_saddle) * 100 >= swing * $prominence_percent) then 1 else 0 end
      + case when (morning_top > night_top or (morning_top - night_morning_saddle) * 100 >= swing * $prominence_percent)
        and (morning_top >= midday_top or (morning_top - morning_midday_saddle) * 100 >= swing * $prominence_percent)
        and (morning_top >= evening_top or (morning_top - morning_evening_saddle) * 100 >= swing * $prominence_percent) then 1 else 0 end
      + case when (midday_top > night_top or (midday_top - night_midday_saddle) * 100 >= swing * $prominence_percent)
        and (midday_top > morning_top or (midday_top - morning_midday_saddle) * 100 >= swing * $prominence_percent)
        and (midday_top >= evening_top or (midday_top - midday_evening_saddle) * 100 >= swing * $prominence_percent) then 1 else 0 end
      + case when (evening_top > night_top or (evening_top - night_evening_saddle) * 100 >= swing * $prominence_percent)
        and (evening_top > morning_top or (evening_top - morning_evening_saddle) * 100 >= swing * $prominence_percent)
        and (evening_top > midday_top or (evening_top - midday_evening_saddle) * 100 >= swing * $prominence_percent) then 1 else 0 end
    end as day_peaks,
    slots + 1 - cast(array_position(array_sort(array_append(workday_sorted, work_level_wh), 'ASC', 'NULLS LAST'), work_level_wh) as bigint) as work_slots
  from bounded
),
-- First and last hour of work: the typical day is looked up hour by hour, one list an
-- account, with no unnesting of curves. Hours have the mean of their half hours, so
-- that the level is the same.
hour as (
  select unnest(range(0, 24)) as hour
),
work as (
  select
    bounded.account_id,
    min(hour.hour) as work_start_hour,
    max(hour.hour) + 1 as work_end_hour
  from bounded
  join hour on bounded.workday_hourly[hour.hour + 1] >= bounded.work_level_wh
  group by bounded.account_id
),
-- Days by the hour, each beside the one before and that of a week before.
hourly as (
  select
    load.account_id,
    load.date,
    load.peak_minute / 60 as peak_hour,
    coalesce(calendar.is_workday, date_part('isodow', load.date) <= 5) as is_workday,
    resample_curve(load.half_hour_wh, 60) as hourly_wh
  from account_load_day as load
  left join stg_calendar as calendar on calendar.date = load.date
  left join account_load_exception as exception
    on exception.account_id = load.account_id
    and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '90 days'
    and load.valid_share >= 0.90625
    and exception.is_over_limit is not true
),
paired as (
  select
    *,
    lag(date, 1) over (partition by account_id order by date) as day_before,
    lag(hourly_wh, 1) over (partition by account_id order by date) as day_before_wh,
    lag(date, 7) over (partition by account_id order by date) as week_before,
    lag(hourly_wh, 7) over (partition by account_id order by date) as week_before_wh
  from hourly
),
alike as (
  select
    paired.account_id,
    median(cast(curve_correlation(hourly_wh, typical.workday_hourly) as decimal(9, 6))) filter (where is_workday) as day_correlation,
    median(cast(curve_correlation(hourly_wh, day_before_wh) as decimal(9, 6))) filter (where date - day_before = 1) as day_before_correlation,
    median(cast(curve_correlation(hourly_wh, week_before_wh) as decimal(9, 6))) filter (where date - week_before = 7) as week_before_correlation,
    day_regularity(hourly_wh) as day_regularity,
    most_frequent(peak_hour) as peak,
    cast(category_entropy(peak_hour) as decimal(9, 6)) as peak_hour_entropy
  from paired
  left join typical on typical.account_id = paired.account_id
  group by paired.account_id
),
day as (
  select
    account_id,
    median(load_factor) as day_load_factor,
    median(min_load_rate) as min_load_rate,
    median(intraday_cv) as intraday_cv,
    median(roughness) as roughness,
    cast(round(median(high_load_minutes)) as bigint) as high_load_minutes,
    cast(round(median(max_ramp_w)) as bigint) as day_ramp_w,
    cast(round(percentile_cont(0.95) within group (order by max_ramp_w)) as bigint) as soft_max_ramp_w,
    max(max_ramp_w) as max_ramp_w,
    max(max_demand_w) as max_demand_w,
    cast(round(median(max_demand_w - greatest(min_demand_w, 0))) as bigint) as day_swing_w
  from account_load_day_context
  where is_valid
    and date >= cast($as_of as date) - interval '90 days'
  group by account_id
)
select
  counted.account_id,
  account.account_class,
  valid_days,
  valid_workdays,
  valid_restdays,
  energy_wh,
  day_peaks,
  case when top > 0 then time_of_peak(workday_hourly) / 60 end as workday_peak_hour,
  case when array_max(restday_hourly) > 0 then time_of_peak(restday_hourly) / 60 end as restday_peak_hour,
  case when day_peaks >= 2 then time_of_second_peak(workday_hourly, 180) / 60 end as second_peak_hour,
  load_factor(typical_workday_wh) as workday_load_factor,
  cast(load_entropy(sum_wh) as decimal(9, 6)) as load_evenness,
  cast(curve_correlation(workday_hourly, restday_hourly) as decimal(9, 6)) as workday_restday_correlation,
  cast(profile_distance(workday_hourly, restday_hourly) as decimal(9, 6)) as workday_restday_distance,
  case when slots > 0 then base_wh * slots / 24 end as workday_base_w,
  case when slots > 0 then high_wh * slots / 24 end as workday_high_w,
  case when top > 0 then cast(work_slots * 1440 / slots as bigint) end as work_minutes,
  work.work_start_hour,
  work.work_end_hour,
  case when slots > 0 then ramp_up_w(workday_hourly) * slots / 24 end as workday_ramp_up_w,
  case when slots > 0 then ramp_down_w(workday_hourly) * slots / 24 end as workday_ramp_down_w,
  case when array_max(sum_wh) > 0 then ratio(energy_share(sum_wh, 60, 300), energy_share(sum_wh, 900, 1140)) end as night_day_ratio,
  day_correlation,
  day_before_correlation,
  week_before_correlation,
  day_regularity,
  peak['share'] as peak_hour_share,
  peak_hour_entropy,
  day_load_factor,
  min_load_rate,
  intraday_cv,
  roughness,
  high_load_minutes,
  day_ramp_w,
  soft_max_ramp_w,
  max_ramp_w,
  max_demand_w,
  day_swing_w
from counted
left join stg_accounts as account on account.account_id = counted.account_id
left join work on work.account_id = counted.account_id
left join alike on alike.account_id = counted.account_id
left join day on day.account_id = counted.account_id
