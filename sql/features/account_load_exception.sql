-- Days whose load cannot be what the rest of the lake says of the account: above
-- what its connection can carry, fed back although no generation is registered,
-- nothing taken although there was no outage. Accounts and devices are those of the
-- day before the as-of; where the lake has no devices or no outages, what depends
-- on them is unknown. Grain: account_id, date, days with an exception only.
with
generation as (
  select distinct account_id from stg_devices where device_type in ('pv', 'storage')
),
doubtful as (
  select
    load.account_id,
    load.date,
    load.max_demand_w,
    load.backfeed_wh,
    load.longest_zero_minutes,
    account.transformer_id,
    load.max_demand_w > cast(nullif(account.contract_capacity_kva, 0) * 10 * $limit_percent as bigint) as is_over_limit,
    case
      when $has_devices then load.backfeed_wh >= $backfeed_wh and generation.account_id is null
    end as is_backfeed_unregistered,
    load.longest_zero_minutes >= least($zero_minutes, load.day_minutes) as is_zero
  from account_load_day as load
  join stg_accounts as account on account.account_id = load.account_id
  left join generation on generation.account_id = load.account_id
),
interruption as (
  select
    transformer_id,
    cast(start_at as date) as first_date,
    cast(coalesce(end_at, $as_of) as date) as last_date
  from stg_outages
),
-- Days of accounts that took nothing, while there was an outage.
dark as (
  select distinct doubtful.account_id, doubtful.date
  from doubtful
  join interruption
    on interruption.transformer_id = doubtful.transformer_id
    and doubtful.date between interruption.first_date and interruption.last_date
  where doubtful.is_zero
),
judged as (
  select
    doubtful.account_id,
    doubtful.date,
    is_over_limit,
    is_backfeed_unregistered,
    case when $has_outages then is_zero and dark.account_id is null end as is_zero_without_outage,
    max_demand_w,
    backfeed_wh,
    longest_zero_minutes
  from doubtful
  left join dark on dark.account_id = doubtful.account_id and dark.date = doubtful.date
)
select * from judged
where is_over_limit or is_backfeed_unregistered or is_zero_without_outage
