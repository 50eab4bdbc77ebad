-- Readings folded into curves, delivery by delivery. A day may come in parts, and
-- again: stg_load_curve settles them. The hour that the clock shows for the second
-- time, when it is put back, is a curve of its own.
-- Grain: account_id, date, interval_minutes, time_zone, is_second_hour, version.
select
  account_id,
  cast(date_trunc('day', read_at) as date) as date,
  interval_minutes,
  time_zone,
  is_second_hour,
  version,
  fold_curve(read_at, power_w, interval_minutes) as power_w,
  fold_curve(read_at, reactive_var, interval_minutes) as reactive_var,
  bool_or(is_restated) as is_restated,
  count(*) as readings
from stg_load_reading
group by account_id, date_trunc('day', read_at), interval_minutes, time_zone, is_second_hour, version
