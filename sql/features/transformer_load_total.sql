-- How hard each transformer works, over the complete days of the last 90.
-- Grain: transformer_id, those with such days.
-- Heavy and overloaded are said of loads that last. Demand that is passed 0.5 % of the
-- time stands for the peak: one odd half hour moves the maximum, not this.
with
day as (
  select
    day.*,
    rating.rated_w,
    curve_from_w(day.half_hour_wh) as slot_wh,
    24 * 60 / day.slots as slot_minutes,
    max(day.slots) over (partition by day.transformer_id) as most_slots,
    rating.rated_w * $heavy_percent / 100 * 24 / day.slots as heavy_slot_wh,
    rating.rated_w * $overload_percent / 100 * 24 / day.slots as overload_slot_wh
  from transformer_load_day as day
  left join transformer_rating as rating on rating.transformer_id = day.transformer_id
  where day.is_complete
),
judged as (
  select
    *,
    longest_above_minutes(slot_wh, heavy_slot_wh, slot_minutes) as heavy_minutes,
    longest_above_minutes(slot_wh, overload_slot_wh, slot_minutes) as overload_minutes
  from day
  -- Days of another resolution have other peaks.
  where slots = most_slots
),
total as (
  select
    transformer_id,
    count(*) as days,
    max(slots) as slots,
    sum(energy_wh) as energy_wh,
    sum(backfeed_wh) as backfeed_wh,
    max(max_demand_w) as max_demand_w,
    first_value(date order by max_demand_w desc, date) as peak_date,
    cast(most_frequent(peak_minute / 60)['value'] as bigint) as peak_hour,
    load_duration_curve(slot_wh, 200) as duration_wh,
    energy_curve_sum(half_hour_wh) as half_hour_wh,
    case when max(rated_w) > 0 then count(*) filter (where heavy_minutes >= $lasting_minutes) end as heavy_days,
    case when max(rated_w) > 0 then count(*) filter (where overload_minutes >= $lasting_minutes) end as overload_days,
    max(heavy_minutes) as longest_heavy_minutes,
    max(overload_minutes) as longest_overload_minutes,
    sum(phase_a_wh) as phase_a_wh,
    sum(phase_b_wh) as phase_b_wh,
    sum(phase_c_wh) as phase_c_wh,
    sum(three_phase_wh) as three_phase_wh
  from judged
  group by transformer_id
)
select
  transformer_id,
  days,
  energy_wh,
  backfeed_wh,
  max_demand_w,
  peak_date,
  peak_hour,
  half_hour_wh,
  time_of_peak(half_hour_wh) as peak_minute,
  cast(duration_wh[2] as bigint) * slots / 24 as high_demand_w,
  cast(duration_wh[191] as bigint) * slots / 24 as low_demand_w,
  heavy_days,
  overload_days,
  longest_heavy_minutes,
  longest_overload_minutes,
  phase_a_wh,
  phase_b_wh,
  phase_c_wh,
  three_phase_wh
from total
