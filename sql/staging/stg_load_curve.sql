-- Curves from long readings, where the lake has those. Grain: account_id, date.
-- Of two readings of one interval the larger stands. A day with intervals of two
-- lengths, as when a meter is changed, takes the shorter one. Readings beyond the
-- points that are known in the end repeated others (of a day with two lengths at
-- least so many).
select
  account_id,
  date,
  overlay_curves(power_w) as power_w,
  overlay_curves(reactive_var) as reactive_var,
  sum(readings) as readings,
  least(sum(readings), known_points(overlay_curves(power_w))) as distinct_readings
from landed_load_curve
group by account_id, date
