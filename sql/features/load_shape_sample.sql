-- Days by which the dictionary of load shapes is made, chosen by a hash of account and
-- day: the same ones whatever the buckets. Half hours as shares of the day's energy.
-- Grain: account_id, date.
with
chosen as (
  select
    load.account_id,
    load.date,
    account_bucket(concat('shape:', load.account_id, ':', cast(load.date as varchar)), 65536) as place,
    counted.places,
    load.half_hour_wh
  from account_load_day as load
  cross join load_shape_count as counted
  where load.valid_share >= 0.90625
    and load.energy_wh >= $least_day_wh
    and load.date >= cast($as_of as date) - interval '365 days'
    and array_length(load.half_hour_wh) in (24, 48)
)
select
  account_id,
  date,
  place,
  normalise_curve(resample_curve(half_hour_wh, 30), 'sum') as shares
from chosen
where place < places
