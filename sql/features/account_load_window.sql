-- Load over the last 7, 30, 90 and 365 days. Grain: account_id, window_days.
-- Energy and demand count every day with a reading; typical days, rest days and
-- the base load count valid days, which have nine of ten points (87 of 96).
-- Days above what the connection can carry do not count at all.
-- A rest day is no workday and no public holiday: a works' holiday fortnight
-- says nothing about its weekends. Periods are those of today's tariff.
with
length as (
  select unnest(make_array(7, 30, 90, 365)) as window_days
),
day as (
  select
    load.*,
    load.valid_share >= 0.90625 as is_valid,
    coalesce(calendar.is_workday, date_part('isodow', load.date) <= 5) as is_workday,
    calendar.holiday is not null as is_holiday,
    energy_by_period(load.half_hour_wh, map.period_of_half_hour) as period,
    coalesce(exception.is_backfeed_unregistered, false) as is_backfeed_unregistered
  from account_load_day as load
  left join stg_calendar as calendar on calendar.date = load.date
  left join stg_accounts as account on account.account_id = load.account_id
  left join tariff_period_map as map
    on map.tariff_code = account.tariff_code
    and map.month = date_part('month', load.date)
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '365 days'
    and exception.is_over_limit is not true
),
windowed as (
  select
    day.account_id,
    length.window_days,
    count(energy_wh) as days,
    count(*) filter (where is_valid) as valid_days,
    count(*) filter (where is_valid and is_workday) as valid_workdays,
    count(*) filter (where is_valid and not is_workday and not is_holiday) as valid_restdays,
    sum(energy_wh) as energy_wh,
    sum(energy_wh) filter (where is_valid and is_workday) as workday_energy_wh,
    sum(energy_wh) filter (where is_valid and not is_workday and not is_holiday) as restday_energy_wh,
    max(max_demand_w) as max_demand_w,
    min(min_demand_w) as min_demand_w,
    median(base_load_w) filter (where is_valid) as base_load_w,
    sum((valid_points + estimated_points) * (day_minutes / points)) as known_minutes,
    sum(estimated_points * (day_minutes / points)) as estimated_minutes,
    sum(night_wh) as night_wh,
    sum(morning_wh) as morning_wh,
    sum(noon_wh) as noon_wh,
    sum(evening_wh) as evening_wh,
    sum(period['sharp_wh']) as sharp_wh,
    sum(period['peak_wh']) as peak_wh,
    sum(period['flat_wh']) as flat_wh,
    sum(period['valley_wh']) as valley_wh,
    sum(backfeed_wh) as backfeed_wh,
    count(*) filter (where backfeed_wh >= 100) as backfeed_days,
    case when $has_devices then count(*) filter (where is_backfeed_unregistered) end as unregistered_backfeed_days,
    count(*) filter (where energy_wh = 0) as zero_days,
    max(max_ramp_w) as max_ramp_w,
    max(longest_zero_minutes) as longest_zero_minutes,
    energy_curve_sum(half_hour_wh) as half_hour_wh,
    energy_curve_mean(half_hour_wh) filter (where is_valid and is_workday) as typical_workday_wh,
    energy_curve_mean(half_hour_wh) filter (where is_valid and not is_workday and not is_holiday) as typical_restday_wh
  from length
  join day on day.date >= cast($as_of as date) - length.window_days
  group by day.account_id, length.window_days
)
select
  *,
  ratio(estimated_minutes, known_minutes) as estimated_share,
  case when max_demand_w > 0 then ratio(energy_wh * 60, known_minutes * max_demand_w) end as load_factor,
  time_of_peak(half_hour_wh) as peak_minute
from windowed
