-- The shape of every account-day: the nearest of the dictionary `load_shape`, which
-- a refit makes; no rows before there is one. Days on which the clock is changed have
-- other lengths, and none. Grain: account_id, date.
with
known as (
  select account_id, date, half_hour_wh
  from account_load_day
  where valid_share >= 0.90625
    and energy_wh >= $least_day_wh
    and array_length(half_hour_wh) in (24, 48)
),
coded as (
  select
    account_id,
    date,
    nearest_centroid(normalise_curve(resample_curve(half_hour_wh, 30), 'sum'), $load_shapes) as nearest
  from known
)
select
  account_id,
  date,
  nearest['cluster'] as shape,
  array_element($load_shape_kinds, nearest['cluster']) as kind
from coded
where nearest['cluster'] is not null
