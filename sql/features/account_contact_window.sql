-- How often the utility turned to its customers and what came of it, over the
-- last 30, 90, 365 and 730 days. Grain: account_id, window_days; every account
-- has a row for each window, because no contact is a finding too.
-- What was held out was no contact. Delivered is what did not bounce: opened,
-- answered and unsubscribed messages were delivered too. An answer after the
-- as-of is not known yet. Whether it was opened, only messages tell.
with
length as (
  select unnest(make_array(30, 90, 365, 730)) as window_days
),
contact as (
  select
    contact.account_id,
    contact.kind,
    contact.channel,
    cast(contact.contacted_at as date) as date,
    contact.outcome <> 'undelivered' as is_delivered,
    contact.outcome in ('opened', 'responded', 'unsubscribed') as is_opened,
    contact.outcome = 'responded' and coalesce(contact.responded_at, contact.contacted_at) < $as_of as is_responded
  from stg_contacts as contact
  join account_holder as holder on holder.account_id = contact.account_id
  where contact.contacted_at >= cast($as_of as date) - interval '730 days'
    and contact.contacted_at >= holder.held_since
    and contact.outcome <> 'held_out'
),
windowed as (
  select
    contact.account_id,
    length.window_days,
    count(*) as attempts,
    count(*) filter (where is_delivered) as delivered,
    count(*) filter (where is_delivered and kind = 'marketing') as marketing_delivered,
    count(*) filter (where is_delivered and kind = 'dunning') as dunning_delivered,
    count(*) filter (where is_delivered and kind = 'notice') as notice_delivered,
    count(*) filter (where is_delivered and kind = 'survey') as survey_delivered,
    count(*) filter (where is_delivered and channel = 'app_push') as app_push_delivered,
    count(*) filter (where is_delivered and channel = 'wechat') as wechat_delivered,
    count(*) filter (where is_delivered and channel = 'sms') as sms_delivered,
    count(*) filter (where is_delivered and channel = 'call') as call_delivered,
    count(*) filter (where is_delivered and channel = 'letter') as letter_delivered,
    count(*) filter (where is_delivered and channel = 'visit') as visit_delivered,
    count(*) filter (where is_delivered and channel in ('app_push', 'wechat', 'sms')) as messages_delivered,
    count(*) filter (where is_opened and channel in ('app_push', 'wechat', 'sms')) as messages_opened,
    count(*) filter (where is_responded) as responded,
    count(*) filter (where is_responded and kind = 'marketing') as marketing_responded,
    count(*) filter (where is_responded and kind = 'dunning') as dunning_responded,
    count(*) filter (where is_opened and kind = 'marketing') as marketing_opened
  from contact
  join length on contact.date >= cast($as_of as date) - length.window_days
  group by contact.account_id, length.window_days
)
select
  holder.account_id,
  length.window_days,
  coalesce(windowed.attempts, 0) as attempts,
  coalesce(windowed.delivered, 0) as delivered,
  coalesce(windowed.marketing_delivered, 0) as marketing_delivered,
  coalesce(windowed.dunning_delivered, 0) as dunning_delivered,
  coalesce(windowed.notice_delivered, 0) as notice_delivered,
  coalesce(windowed.survey_delivered, 0) as survey_delivered,
  coalesce(windowed.app_push_delivered, 0) as app_push_delivered,
  coalesce(windowed.wechat_delivered, 0) as wechat_delivered,
  coalesce(windowed.sms_delivered, 0) as sms_delivered,
  coalesce(windowed.call_delivered, 0) as call_delivered,
  coalesce(windowed.letter_delivered, 0) as letter_delivered,
  coalesce(windowed.visit_delivered, 0) as visit_delivered,
  coalesce(windowed.messages_delivered, 0) as messages_delivered,
  coalesce(windowed.messages_opened, 0) as messages_opened,
  coalesce(windowed.responded, 0) as responded,
  coalesce(windowed.marketing_responded, 0) as marketing_responded,
  coalesce(windowed.dunning_responded, 0) as dunning_responded,
  coalesce(windowed.marketing_opened, 0) as marketing_opened
from account_holder as holder
cross join length
left join windowed
  on windowed.account_id = holder.account_id
  and windowed.window_days = length.window_days
