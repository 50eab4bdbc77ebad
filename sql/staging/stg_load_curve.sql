-- Curves from long readings, where the lake has those. Grain: account_id, date.
-- Of two readings of one interval the larger stands; a day with intervals of two
-- lengths takes the shorter one.
with
one_interval as (
  select
    account_id, date, interval_minutes,
    curve_max(power_w) as power_w,
    curve_max(reactive_var) as reactive_var,
    sum(readings) as readings
  from landed_load_curve
  group by account_id, date, interval_minutes
),
finest as (
  select account_id, date, min(interval_minutes) as finest_minutes
  from landed_load_curve
  group by account_id, date
)
select
  account_id,
  date,
  curve_max(resample_curve(power_w, finest_minutes)) as power_w,
  curve_max(resample_curve(reactive_var, finest_minutes)) as reactive_var,
  sum(readings) as readings,
  sum(known_points(power_w)) as distinct_readings
from one_interval
join finest using (account_id, date)
group by account_id, date
