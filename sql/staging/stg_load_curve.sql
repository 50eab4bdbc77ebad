-- Curves from long readings, where the lake has those. Grain: account_id, date.
-- Of two readings of one interval the larger stands. A day with intervals of two
-- lengths, as when a meter is changed, takes the shorter one.
with
one_interval as (
  select
    account_id, date, interval_minutes,
    overlay_curves(power_w) as power_w,
    overlay_curves(reactive_var) as reactive_var,
    sum(readings) as readings
  from landed_load_curve
  group by account_id, date, interval_minutes
)
select
  account_id,
  date,
  overlay_curves(power_w) as power_w,
  overlay_curves(reactive_var) as reactive_var,
  sum(readings) as readings,
  sum(known_points(power_w)) as distinct_readings
from one_interval
group by account_id, date
