-- Whether, how and when a customer may and can be turned to. Grain: account_id,
-- every account, because no contact is a finding too.
-- Whoever unsubscribed stays so: nothing in the lake takes it back but a change
-- of holder. When customers open a message is not recorded, only when it was
-- sent, which is the utility's choice; the time of day therefore comes from what
-- they do of their own accord: answer, and use the app.
with
contact as (
  select
    contact.*,
    contact.outcome in ('responded', 'unsubscribed') and coalesce(contact.responded_at, contact.contacted_at) < $as_of as is_answered,
    row_number() over (
      partition by contact.account_id
      order by contact.contacted_at desc, contact.contact_id desc
    ) as place
  from stg_contacts as contact
  join account_holder as holder on holder.account_id = contact.account_id
  where contact.contacted_at >= holder.held_since
    and contact.outcome <> 'held_out'
),
history as (
  select
    account_id,
    count(*) filter (where place <= $tries) as last_attempts,
    count(*) filter (where place <= $tries and outcome = 'undelivered') as last_undelivered,
    count(distinct channel) filter (where place <= $tries and outcome = 'undelivered') as last_undelivered_channels,
    cast(max(contacted_at) filter (where outcome <> 'undelivered') as date) as last_contact_date,
    cast(max(contacted_at) filter (where outcome <> 'undelivered' and kind = 'marketing') as date) as last_marketing_date,
    count(*) filter (where outcome = 'unsubscribed' and is_answered) as unsubscribes,
    cast(max(responded_at) filter (where outcome = 'responded' and is_answered) as date) as last_response_date,
    first_value(channel order by responded_at desc, contact_id desc) filter (where outcome = 'responded' and is_answered) as last_response_channel,
    count(*) filter (where outcome = 'responded' and is_answered and channel <> 'letter' and contacted_at >= cast($as_of as date) - interval '730 days') as timed_responses_730d,
    -- A letter has no time of arrival.
    cast(
      median(cast(date_part('epoch', responded_at - contacted_at) as bigint) / 60) filter (
        where outcome = 'responded' and is_answered and channel <> 'letter' and contacted_at >= cast($as_of as date) - interval '730 days'
      ) as decimal(12, 1)
    ) as response_minutes
  from contact
  group by account_id
),
answer as (
  select account_id, array_agg(responded_at) as times
  from contact
  where outcome = 'responded'
    and is_answered
    and responded_at >= cast($as_of as date) - interval '365 days'
  group by account_id
),
click as (
  select event.account_id, array_agg(event.event_at) as times
  from stg_app_events as event
  join account_holder as holder on holder.account_id = event.account_id
  where event.event_at >= cast($as_of as date) - interval '365 days'
    and event.event_at >= holder.held_since
  group by event.account_id
),
act as (
  select
    holder.account_id,
    unnest(array_concat(answer.times, click.times)) as act_at
  from account_holder as holder
  left join answer on answer.account_id = holder.account_id
  left join click on click.account_id = holder.account_id
),
-- A day counts once in each band.
banded as (
  select distinct
    account_id,
    cast(act_at as date) as date,
    case
      when date_part('hour', act_at) between 6 and 10 then 'morning'
      when date_part('hour', act_at) between 11 and 13 then 'noon'
      when date_part('hour', act_at) between 14 and 17 then 'afternoon'
      else 'evening'
    end as band
  from act
  where date_part('hour', act_at) between 6 and 21
),
band as (
  select account_id, band, count(*) as days
  from banded
  group by account_id, band
),
waking as (
  select
    account_id,
    sum(days) as band_days_365d,
    first_value(band order by days desc, case band when 'evening' then 1 when 'noon' then 2 when 'afternoon' then 3 else 4 end) as main_band
  from band
  group by account_id
),
complaint as (
  select work_order.account_id, count(*) as open_complaints
  from stg_work_orders as work_order
  join account_holder as holder on holder.account_id = work_order.account_id
  where work_order.kind = 'complaint'
    and work_order.created_date >= cast($as_of as date) - interval '365 days'
    and work_order.created_date >= holder.held_since
    and (work_order.closed_date is null or work_order.closed_date >= $as_of)
  group by work_order.account_id
),
open_channel as (
  select
    account_id,
    count(*) filter (where is_reachable) as reachable_channels,
    first_value(channel order by cost_rank) filter (where is_reachable) as cheapest_channel,
    first_value(channel order by expected_conversion_rate desc, cost_rank) filter (where is_reachable and expected_conversion_rate is not null) as best_marketing_channel,
    max(expected_conversion_rate) filter (where is_reachable) as expected_conversion_rate
  from account_contact_channel
  group by account_id
),
-- What to expect of the class, over all channels.
expected as (
  select
    account_class,
    sum(delivered) as marketing_delivered,
    sum(responded) as marketing_responded
  from contact_response_rate
  where kind = 'marketing'
  group by account_class
)
select
  account.account_id,
  account.has_marketing_consent,
  case
    when account.phone is null then null
    when normalise_phone(account.phone, '86') is null then 'invalid'
    when normalise_phone(account.phone, '86') ~ '^\+861[3-9][0-9]{9}$' then 'mobile'
    else 'landline'
  end as phone_kind,
  coalesce(history.last_attempts, 0) as last_attempts,
  coalesce(history.last_undelivered, 0) as last_undelivered,
  coalesce(history.last_undelivered_channels, 0) as last_undelivered_channels,
  history.last_contact_date,
  history.last_marketing_date,
  coalesce(history.unsubscribes, 0) as unsubscribes,
  history.last_response_date,
  history.last_response_channel,
  coalesce(history.timed_responses_730d, 0) as timed_responses_730d,
  history.response_minutes,
  coalesce(complaint.open_complaints, 0) as open_complaints,
  coalesce(waking.band_days_365d, 0) as band_days_365d,
  waking.main_band,
  coalesce(open_channel.reachable_channels, 0) as reachable_channels,
  open_channel.cheapest_channel,
  open_channel.best_marketing_channel,
  open_channel.expected_conversion_rate,
  long.marketing_delivered as marketing_delivered_730d,
  long.marketing_opened as marketing_opened_730d,
  long.marketing_responded as marketing_responded_730d,
  long.messages_delivered as messages_delivered_730d,
  long.messages_opened as messages_opened_730d,
  year.marketing_delivered as marketing_delivered_365d,
  month.marketing_delivered as marketing_delivered_30d,
  expected.marketing_delivered as peer_marketing_delivered_730d,
  expected.marketing_responded as peer_marketing_responded_730d
from stg_accounts as account
left join history on history.account_id = account.account_id
left join waking on waking.account_id = account.account_id
left join complaint on complaint.account_id = account.account_id
left join open_channel on open_channel.account_id = account.account_id
left join account_contact_window as long on long.account_id = account.account_id and long.window_days = 730
left join account_contact_window as year on year.account_id = account.account_id and year.window_days = 365
left join account_contact_window as month on month.account_id = account.account_id and month.window_days = 30
left join expected on expected.account_class = account.account_class
