-- Readings folded into curves, delivery by delivery. A day may come in parts:
-- stg_load_curve puts them together. Grain: account_id, date, interval_minutes.
select
  account_id,
  cast(date_trunc('day', read_at) as date) as date,
  interval_minutes,
  fold_curve(read_at, power_w, interval_minutes) as power_w,
  fold_curve(read_at, reactive_var, interval_minutes) as reactive_var,
  count(*) as readings
from stg_load_reading
group by account_id, date_trunc('day', read_at), interval_minutes
