-- Each day of the load beside what kind of day it was: calendar, weather, parts of
-- the day, periods of today's tariff. Grain: account_id, date, the last 430 days, so
-- that the last Spring Festival and the weeks before it are among them.
-- Days above what the connection can carry are left out. A rest day is no workday and
-- no public holiday. A hot or cold day goes by the mean temperature of the region.
-- Lists of half hours are read here, once: what reads this table adds whole numbers.
with
day as (
  select
    load.*,
    coalesce(calendar.is_workday, date_part('isodow', load.date) <= 5) as is_workday,
    calendar.holiday is not null as is_holiday,
    coalesce(calendar.holiday in ('Spring Festival', '春节'), false) as is_spring_festival,
    cast(coalesce(
      weather.temperature_mean_c,
      (weather.temperature_min_c + weather.temperature_max_c) / 2
    ) as decimal(5, 2)) as temperature_mean_c,
    map.period_of_half_hour,
    energy_by_period(load.half_hour_wh, map.period_of_half_hour) as period,
    -- Hours 9 and 10, 14 to 16, and 21 to 23; what is left is on the row already.
    energy_by_period(
      load.half_hour_wh,
      make_array(4, 4, 4, 4, 4, 4, 4, 4, 4, 1, 1, 4, 4, 4, 2, 2, 2, 4, 4, 4, 4, 3, 3, 3)
    ) as part,
    known_points(load.half_hour_wh) as slots,
    load.day_minutes / cast(array_length(load.half_hour_wh) as bigint) as slot_minutes,
    -- Energy of a slot half way from the day's lowest to its highest one.
    cast((array_max(load.half_hour_wh) + array_min(load.half_hour_wh)) / 2 + 1 as int) as above_middle_wh,
    -- Energy of a slot at ten watts.
    cast(10 * load.day_minutes / array_length(load.half_hour_wh) / 60 as int) as idle_wh
  from account_load_day as load
  left join stg_calendar as calendar on calendar.date = load.date
  left join stg_accounts as account on account.account_id = load.account_id
  left join stg_weather as weather
    on weather.region_code = account.region_code
    and weather.date = load.date
  left join tariff_period_map as map
    on map.tariff_code = account.tariff_code
    and map.month = date_part('month', load.date)
  left join account_load_exception as exception
    on exception.account_id = load.account_id
    and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '430 days'
    and exception.is_over_limit is not true
),
-- How many slots lie below a level: put the level into the sorted list, and see
-- where it comes to stand.
counted as (
  select
    *,
    cast(
      slots + 1 - array_position(array_sort(array_append(half_hour_wh, above_middle_wh), 'ASC', 'NULLS LAST'), above_middle_wh)
      as bigint
    ) as high_slots,
    cast(array_position(array_sort(array_append(half_hour_wh, idle_wh), 'ASC', 'NULLS LAST'), idle_wh) - 1 as bigint) as idle_slots,
    cast(energy_wh / nullif(slots, 0) as int) as slot_wh
  from day
),
-- How far the curve is from a flat one of as much energy.
compared as (
  select
    *,
    curve_distance(half_hour_wh, array_repeat(slot_wh, array_length(half_hour_wh))) as flat_distance
  from counted
)
select
  account_id,
  date,
  cast(date_part('isodow', date) as int) as weekday,
  valid_share >= 0.90625 as is_valid,
  is_workday,
  is_holiday,
  not is_workday and not is_holiday as is_restday,
  is_spring_festival,
  temperature_mean_c >= $hot_mean_c as is_hot,
  temperature_mean_c <= $cold_mean_c as is_cold,
  energy_wh,
  max_demand_w,
  min_demand_w,
  base_load_w,
  peak_minute,
  max_ramp_w,
  backfeed_wh,
  load_factor,
  case when max_demand_w > 0 then ratio(greatest(min_demand_w, 0), max_demand_w) end as min_load_rate,
  -- The second term takes out that the flat curve has whole watt-hours.
  case
    when energy_wh > 0
      then least(
        cast(
          sqrt(greatest(
            flat_distance * flat_distance / slots
              - (cast(energy_wh as double) / slots - slot_wh) * (cast(energy_wh as double) / slots - slot_wh),
            0
          )) * slots / energy_wh
          as decimal(9, 6)
        ),
        cast(999 as decimal(9, 6))
      )
  end as intraday_cv,
  load_roughness(half_hour_wh) as roughness,
  (valid_points + estimated_points) * (day_minutes / points) as known_minutes,
  high_slots * slot_minutes as high_load_minutes,
  idle_slots * slot_minutes as idle_minutes,
  longest_zero_minutes,
  night_wh,
  morning_wh,
  part['sharp_wh'] as forenoon_wh,
  noon_wh,
  part['peak_wh'] as afternoon_wh,
  evening_wh,
  part['flat_wh'] as late_evening_wh,
  period['sharp_wh'] as sharp_wh,
  period['peak_wh'] as peak_wh,
  period['flat_wh'] as flat_wh,
  period['valley_wh'] as valley_wh,
  cast(30 * coalesce(array_length(array_positions(period_of_half_hour, 1)), 0) as bigint) as sharp_minutes,
  cast(30 * coalesce(array_length(array_positions(period_of_half_hour, 2)), 0) as bigint) as peak_minutes,
  cast(30 * coalesce(array_length(array_positions(period_of_half_hour, 3)), 0) as bigint) as flat_minutes,
  cast(30 * coalesce(array_length(array_positions(period_of_half_hour, 4)), 0) as bigint) as valley_minutes
from compared
