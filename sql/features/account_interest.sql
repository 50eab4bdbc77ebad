-- What customers want to know or to have, by what they ask the utility and what
-- they search for in the app, of the last 180, 365 and 730 days. What was complained
-- of is no interest. Grain: account_id, window_days, every account.
with
length as (
  select unnest(make_array(180, 365, 730)) as window_days
),
asked as (
  select
    account_id,
    created_date,
    -- Orders know the tariff as a topic; that it is about the time of use, only the text says.
    case
      when topic in ('tariff', 'billing') and regexp_like(content, '峰谷|分时|谷段|谷电|夜间电价') then 'tou'
      else topic
    end as interest
  from stg_work_orders
  where kind in ('enquiry', 'application')
    and created_date >= cast($as_of as date) - interval '730 days'
),
ordered as (
  select
    asked.account_id,
    length.window_days,
    count(*) filter (where interest = 'tou') as tou_requests,
    -- The time of use is a matter of tariffs too.
    count(*) filter (where interest in ('tariff', 'tou')) as tariff_requests,
    count(*) filter (where interest = 'pv') as pv_requests,
    count(*) filter (where interest = 'ev_charging') as ev_charging_requests,
    count(*) filter (where interest = 'capacity') as capacity_requests,
    count(*) filter (where interest = 'billing') as billing_requests,
    count(*) filter (where interest = 'outage') as outage_requests,
    max(created_date) filter (where interest in ('pv', 'ev_charging')) as last_electrification_date,
    max(created_date) filter (where interest in ('tariff', 'tou')) as last_tariff_date
  from length
  join asked on asked.created_date >= cast($as_of as date) - length.window_days
  group by asked.account_id, length.window_days
),
search as (
  select
    account_id,
    cast(event_at as date) as date,
    topic as interest
  from stg_app_events
  where event = 'search'
    and event_at >= cast($as_of as date) - interval '730 days'
),
searched as (
  select
    search.account_id,
    length.window_days,
    count(*) filter (where interest = 'tou') as tou_requests,
    count(*) filter (where interest in ('tariff', 'tou')) as tariff_requests,
    count(*) filter (where interest = 'pv') as pv_requests,
    count(*) filter (where interest = 'ev_charging') as ev_charging_requests,
    count(*) filter (where interest = 'capacity') as capacity_requests,
    count(*) filter (where interest = 'billing') as billing_requests,
    count(*) filter (where interest = 'outage') as outage_requests,
    max(date) filter (where interest in ('pv', 'ev_charging')) as last_electrification_date,
    max(date) filter (where interest in ('tariff', 'tou')) as last_tariff_date
  from length
  join search on search.date >= cast($as_of as date) - length.window_days
  group by search.account_id, length.window_days
),
both as (
  select
    account.account_id,
    length.window_days,
    coalesce(ordered.tou_requests, 0) + coalesce(searched.tou_requests, 0) as tou_requests,
    coalesce(ordered.tariff_requests, 0) + coalesce(searched.tariff_requests, 0) as tariff_requests,
    coalesce(ordered.pv_requests, 0) + coalesce(searched.pv_requests, 0) as pv_requests,
    coalesce(ordered.ev_charging_requests, 0) + coalesce(searched.ev_charging_requests, 0) as ev_charging_requests,
    coalesce(ordered.capacity_requests, 0) + coalesce(searched.capacity_requests, 0) as capacity_requests,
    coalesce(ordered.billing_requests, 0) + coalesce(searched.billing_requests, 0) as billing_requests,
    coalesce(ordered.outage_requests, 0) + coalesce(searched.outage_requests, 0) as outage_requests,
    greatest(ordered.last_electrification_date, searched.last_electrification_date) as last_electrification_date,
    greatest(ordered.last_tariff_date, searched.last_tariff_date) as last_tariff_date
  from stg_accounts as account
  cross join length
  left join ordered
    on ordered.account_id = account.account_id
    and ordered.window_days = length.window_days
  left join searched
    on searched.account_id = account.account_id
    and searched.window_days = length.window_days
)
select
  account_id,
  window_days,
  tou_requests,
  tariff_requests,
  pv_requests,
  ev_charging_requests,
  capacity_requests,
  billing_requests,
  outage_requests,
  last_electrification_date,
  last_tariff_date,
  -- How many of them: the time of use and the tariff are one.
  cast(tariff_requests > 0 as bigint)
    + cast(pv_requests > 0 as bigint)
    + cast(ev_charging_requests > 0 as bigint)
    + cast(capacity_requests > 0 as bigint)
    + cast(billing_requests > 0 as bigint)
    + cast(outage_requests > 0 as bigint) as interests
from both
