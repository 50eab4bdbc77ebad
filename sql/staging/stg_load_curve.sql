-- Curves from long readings, where the lake has those. Grain: account_id, date.
select
  account_id,
  cast(read_at as date) as date,
  fold_curve(
    date_part('hour', read_at) * 60 + date_part('minute', read_at),
    cast(power_w as int),
    interval_minutes
  ) as power_w
from stg_load_reading
group by account_id, cast(read_at as date)
