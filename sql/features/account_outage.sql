-- What an account lived through in interruptions of its supply: of the last 365
-- days, and the latest of 730. Counts over several windows stand in
-- account_outage_window. Grain: account_id, every account that hangs on a known
-- transformer.
with
contact as (
  select account_id, kind, created_date
  from stg_work_orders
  where topic = 'outage' and created_date >= cast($as_of as date) - interval '365 days'
),
contacts as (
  select
    account_id,
    count(*) filter (where kind = 'complaint') as outage_complaints_12m,
    count(*) as outage_contacts_12m
  from contact
  group by account_id
),
-- Work orders have a day and no hour: from the day it began to the day after it ended.
answered as (
  select distinct outage.account_id, outage.outage_id
  from account_interruption as outage
  join contact
    on contact.account_id = outage.account_id
    and contact.created_date between cast(outage.start_at as date) and cast(coalesce(outage.end_at, outage.start_at) as date) + 1
  where outage.start_at >= cast($as_of as date) - interval '365 days'
),
-- An interruption of the meter's supply that no recorded outage explains: the two
-- clocks may differ by some minutes.
power_off as (
  select account_id, event_id, start_at
  from stg_meter_events
  where kind = 'power_off' and start_at >= cast($as_of as date) - interval '365 days'
),
explained as (
  select distinct power_off.account_id, power_off.event_id
  from power_off
  join account_interruption as outage
    on outage.account_id = power_off.account_id
    and power_off.start_at >= outage.start_at - interval '30 minutes'
    and power_off.start_at <= coalesce(outage.end_at, outage.start_at) + interval '30 minutes'
),
metered as (
  select
    power_off.account_id,
    count(*) as power_offs_12m,
    count(*) filter (where explained.event_id is null) as unexplained_power_offs_12m
  from power_off
  left join explained
    on explained.account_id = power_off.account_id
    and explained.event_id = power_off.event_id
  group by power_off.account_id
),
outage as (
  select
    outage.account_id,
    max(outage.outages_of_60d) filter (where is_12m) as most_outages_60d,
    count(*) filter (where is_12m and answered.outage_id is not null) as answered_outages_12m,
    count(*) filter (where is_going_on) as outages_going_on,
    max(start_at) as last_outage_at,
    max(start_at) filter (where not is_planned) as last_unplanned_outage_at,
    max(start_at) filter (where is_planned) as last_planned_outage_at,
    first_value(cause order by start_at desc, outage.outage_id desc) as last_outage_cause
  from (
    select *, start_at >= cast($as_of as date) - interval '365 days' as is_12m
    from account_interruption
  ) as outage
  left join answered
    on answered.account_id = outage.account_id
    and answered.outage_id = outage.outage_id
  group by outage.account_id
)
select
  account.account_id,
  year.outages as outages_12m,
  year.unplanned_outages as unplanned_outages_12m,
  year.long_outages as long_outages_12m,
  year.outage_minutes as outage_minutes_12m,
  coalesce(outage.most_outages_60d, 0) as most_outages_60d,
  case when $has_work_orders then coalesce(outage.answered_outages_12m, 0) end as answered_outages_12m,
  case when $has_work_orders then coalesce(contacts.outage_complaints_12m, 0) end as outage_complaints_12m,
  case when $has_work_orders then coalesce(contacts.outage_contacts_12m, 0) end as outage_contacts_12m,
  coalesce(outage.outages_going_on, 0) as outages_going_on,
  outage.last_outage_at,
  outage.last_unplanned_outage_at,
  outage.last_planned_outage_at,
  outage.last_outage_cause,
  case when $has_meter_events then coalesce(metered.power_offs_12m, 0) end as power_offs_12m,
  case when $has_meter_events then coalesce(metered.unexplained_power_offs_12m, 0) end as unexplained_power_offs_12m
from stg_accounts as account
join account_outage_window as year
  on year.account_id = account.account_id
  and year.window_days = 365
left join outage on outage.account_id = account.account_id
left join contacts on contacts.account_id = account.account_id
left join metered on metered.account_id = account.account_id
