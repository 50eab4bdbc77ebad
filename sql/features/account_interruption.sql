-- Each interruption that an account lived through in the last 730 days: those of
-- its transformer, from the day on which the account was opened. Interruptions too
-- short to count are left out; one that goes on counts up to the as-of; one whose
-- end was never recorded counts, but how long it took is unknown.
-- Grain: account_id, outage_id.
with
known as (
  select
    outage_id,
    transformer_id,
    start_at,
    is_planned,
    level,
    cause,
    case when end_at < $as_of then end_at end as end_at,
    case
      when end_at < $as_of then end_at
      when start_at >= cast($as_of as date) - $lost_days then cast($as_of as timestamp)
      -- An end after the as-of is not known yet, but it tells that the record is whole.
      when end_at is not null then cast($as_of as timestamp)
    end as until_at
  from stg_outages
  where start_at >= cast($as_of as date) - interval '730 days'
),
timed as (
  select
    *,
    case when until_at is not null then greatest(cast(date_part('epoch', until_at - start_at) as bigint), 0) end as seconds,
    cast(date_part('hour', start_at) as bigint) * 60 + cast(date_part('minute', start_at) as bigint) as start_minute
  from known
),
counted as (
  select
    *,
    start_minute + coalesce(seconds, 0) / 60 as end_minute,
    -- The transformer and its feeder may be out at once: time counts once.
    max(until_at) over (
      partition by transformer_id
      order by start_at, outage_id
      rows between unbounded preceding and 1 preceding
    ) as out_until_at
  from timed
  where seconds is null or seconds >= $least_seconds
),
lived as (
  select
    account.account_id,
    counted.outage_id,
    counted.start_at,
    counted.end_at,
    counted.until_at is not null and counted.end_at is null as is_going_on,
    counted.is_planned,
    counted.level,
    counted.cause,
    counted.seconds,
    case
      when counted.until_at is not null then greatest(
        cast(date_part('epoch', counted.until_at - greatest(counted.start_at, coalesce(counted.out_until_at, counted.start_at))) as bigint),
        0
      )
    end as seconds_counted,
    -- Minutes after the midnight before it began: an interruption that lasts into
    -- the next day ends after minute 1440.
    (start_minute < 22 * 60 and end_minute > 18 * 60) or end_minute > 1440 + 18 * 60 as is_evening,
    start_minute < 6 * 60 or end_minute > 1440 as is_night,
    (start_minute < 18 * 60 and end_minute > 8 * 60) or end_minute > 1440 + 8 * 60 as is_daytime
  from stg_accounts as account
  join counted on counted.transformer_id = account.transformer_id
  where account.open_date is null or counted.start_at >= account.open_date
)
select
  *,
  count(*) over (
    partition by account_id
    order by start_at
    range between interval '60 days' preceding and current row
  ) as outages_of_60d
from lived
