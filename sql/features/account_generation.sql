-- What of own generation the meter sees: power fed back, and what is taken around noon
-- and in the evening beside it, over the last 365 and 90 days. An evening on which nothing
-- is taken for hours, beside days of feeding back, is supplied by storage. Days above what the
-- connection can carry do not count. Less than $backfeed_wh a day is a meter's noise.
-- Grain: account_id.
with
load as (
  select
    *,
    cast(array_length(half_hour_wh) as bigint) as slots
  from account_load_day
  where date >= cast($as_of as date) - interval '365 days'
),
day as (
  select
    load.*,
    load.date >= cast($as_of as date) - interval '90 days' as is_90d,
    load.date >= cast($as_of as date) - interval '30 days' as is_30d,
    load.backfeed_wh >= $backfeed_wh as is_backfeed,
    coalesce(exception.is_backfeed_unregistered, false) as is_unregistered,
    -- The last third of the day, 16 to 24 h, whatever the resolution.
    coalesce(
      cast(array_length(
        array_positions(
          array_slice(half_hour_wh, slots * 2 / 3 + 1, slots),
          cast(0 as int)
        )
      ) as bigint),
      0
    ) * 1440 / slots as evening_zero_minutes
  from load
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where exception.is_over_limit is not true
)
select
  account_id,
  count(energy_wh) as days_365d,
  count(energy_wh) filter (where is_90d) as days_90d,
  count(*) filter (where is_backfeed) as backfeed_days_365d,
  count(*) filter (where is_backfeed and is_90d) as backfeed_days_90d,
  count(*) filter (where is_backfeed and is_30d) as backfeed_days_30d,
  count(*) filter (where is_backfeed and is_90d and is_unregistered) as unregistered_days_90d,
  sum(energy_wh) as taken_365d_wh,
  sum(backfeed_wh) as backfeed_365d_wh,
  sum(backfeed_wh) filter (where is_90d) as backfeed_90d_wh,
  sum(backfeed_wh) filter (where is_30d) as backfeed_30d_wh,
  greatest(-min(cast(min_demand_w as bigint)), 0) as feed_in_peak_w,
  max(date) filter (where is_backfeed) as last_backfeed_date,
  count(*) filter (where is_90d and noon_wh = 0) as noon_zero_days_90d,
  coalesce(sum(evening_zero_minutes) filter (where is_90d), 0) as evening_zero_minutes_90d,
  sum(noon_wh) filter (where is_90d) as noon_90d_wh,
  sum(evening_wh) filter (where is_90d) as evening_90d_wh,
  sum(morning_wh) filter (where is_90d) as morning_90d_wh
from day
group by account_id
