-- Interruptions behind the account's transformer that began in the last 365
-- days, planned and not; one that goes on counts up to the as-of.
-- Grain: account_id, every account that hangs on a known transformer.
with
interruption as (
  select
    transformer_id,
    is_planned,
    greatest(cast(date_part('epoch', least(coalesce(end_at, $as_of), $as_of) - start_at) as bigint), 0) as seconds
  from stg_outages
  where start_at >= cast($as_of as date) - interval '365 days'
),
outage as (
  select
    transformer_id,
    count(*) as outages_12m,
    count(*) filter (where not is_planned) as unplanned_outages_12m,
    count(*) filter (where seconds > 4 * 3600) as long_outages_12m,
    sum(seconds / 60) as outage_minutes_12m
  from interruption
  group by transformer_id
)
select
  account.account_id,
  coalesce(outage.outages_12m, 0) as outages_12m,
  coalesce(outage.unplanned_outages_12m, 0) as unplanned_outages_12m,
  coalesce(outage.long_outages_12m, 0) as long_outages_12m,
  coalesce(outage.outage_minutes_12m, 0) as outage_minutes_12m
from stg_accounts as account
left join outage on outage.transformer_id = account.transformer_id
where account.transformer_id is not null
