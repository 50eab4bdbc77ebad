-- Curves from long readings, where the lake has those. Grain: account_id, date.
-- Of two readings of one interval the larger stands. A day with intervals of two
-- lengths, as when a meter is changed, takes the shorter one; repeated readings
-- of such a day are told within one delivery only.
select
  account_id,
  date,
  overlay_curves(power_w) as power_w,
  overlay_curves(reactive_var) as reactive_var,
  sum(readings) as readings,
  case
    when min(interval_minutes) = max(interval_minutes) then known_points(overlay_curves(power_w))
    else sum(known_points(power_w))
  end as distinct_readings
from landed_load_curve
group by account_id, date
