-- Which way customers turn to the utility: work orders, payments and the app.
-- Grain: account_id, every account, because silence is a finding too.
-- A touchpoint is an account, a day and a channel: who opens the app ten times
-- in a day used it once. Direct debit is no touchpoint, the customer does
-- nothing. Weights halve every $half_life_days: what was used last counts most.
with
payment as (
  select
    account_id,
    array_agg(named_struct(
      'date', pay_date,
      'channel', case channel when 'bank_counter' then 'bank' when 'cash_agent' then 'agent' else channel end,
      'is_request', false
    )) as touches
  from stg_payments
  where pay_date >= cast($as_of as date) - interval '730 days'
    and channel <> 'bank_auto'
  group by account_id
),
work_order as (
  select
    account_id,
    array_agg(named_struct(
      'date', created_date,
      'channel', case channel when 'hotline' then 'phone' when 'field' then 'site' else channel end,
      'is_request', true
    )) as touches
  from stg_work_orders
  where created_date >= cast($as_of as date) - interval '730 days'
  group by account_id
),
app as (
  select
    account_id,
    array_agg(named_struct(
      'date', cast(event_at as date),
      'channel', 'app',
      'is_request', event in ('outage_query', 'report_fault', 'e_invoice')
    )) as touches
  from stg_app_events
  where event_at >= cast($as_of as date) - interval '730 days'
  group by account_id
),
listed as (
  select
    holder.account_id,
    holder.held_since,
    unnest(array_concat(payment.touches, work_order.touches, app.touches)) as touch
  from account_holder as holder
  left join payment on payment.account_id = holder.account_id
  left join work_order on work_order.account_id = holder.account_id
  left join app on app.account_id = holder.account_id
),
touchpoint as (
  select
    account_id,
    touch['date'] as date,
    touch['channel'] as channel,
    bool_or(touch['is_request']) as is_request
  from listed
  where touch['date'] >= held_since
  group by account_id, touch['date'], touch['channel']
),
channel as (
  select
    account_id,
    channel,
    channel in ('app', 'wechat', 'alipay') as is_digital,
    count(*) filter (where date >= cast($as_of as date) - interval '365 days') as touches_365d,
    count(*) filter (where date >= cast($as_of as date) - interval '180 days') as touches_180d,
    count(*) filter (
      where date < cast($as_of as date) - interval '180 days'
        and date >= cast($as_of as date) - interval '360 days'
    ) as touches_180d_before,
    count(*) filter (where is_request) as requests_730d,
    cast(recency_weighted_count(date, cast($as_of as date), $half_life_days) as decimal(12, 3)) as weight,
    cast(recency_weighted_count(date, cast($as_of as date), $half_life_days) filter (where is_request) as decimal(12, 3)) as request_weight,
    max(date) as last_touch_date,
    max(date) filter (where is_request) as last_request_date
  from touchpoint
  group by account_id, channel
),
used as (
  select
    account_id,
    sum(touches_365d) as touches_365d,
    sum(touches_365d) filter (where is_digital) as digital_touches_365d,
    sum(touches_365d) filter (where channel = 'app') as app_touches_365d,
    sum(touches_365d) filter (where channel = 'wechat') as wechat_touches_365d,
    sum(touches_365d) filter (where channel = 'alipay') as alipay_touches_365d,
    sum(touches_365d) filter (where channel = 'phone') as phone_touches_365d,
    sum(touches_365d) filter (where channel = 'hall') as hall_touches_365d,
    count(*) filter (where touches_365d > 0) as channels_365d,
    sum(touches_180d) as touches_180d,
    sum(touches_180d) filter (where is_digital) as digital_touches_180d,
    sum(touches_180d_before) as touches_180d_before,
    sum(touches_180d_before) filter (where is_digital) as digital_touches_180d_before,
    sum(requests_730d) as requests_730d,
    first_value(channel order by weight desc, channel) as main_channel,
    first_value(channel order by request_weight desc, channel) filter (where requests_730d > 0) as main_request_channel,
    first_value(channel order by last_request_date desc, channel) filter (where requests_730d > 0) as last_request_channel,
    max(last_touch_date) as last_touch_date
  from channel
  group by account_id
)
select
  holder.account_id,
  coalesce(used.touches_365d, 0) as touches_365d,
  coalesce(used.digital_touches_365d, 0) as digital_touches_365d,
  coalesce(used.app_touches_365d, 0) as app_touches_365d,
  coalesce(used.wechat_touches_365d, 0) as wechat_touches_365d,
  coalesce(used.alipay_touches_365d, 0) as alipay_touches_365d,
  coalesce(used.phone_touches_365d, 0) as phone_touches_365d,
  coalesce(used.hall_touches_365d, 0) as hall_touches_365d,
  coalesce(used.channels_365d, 0) as channels_365d,
  coalesce(used.touches_180d, 0) as touches_180d,
  coalesce(used.digital_touches_180d, 0) as digital_touches_180d,
  coalesce(used.touches_180d_before, 0) as touches_180d_before,
  coalesce(used.digital_touches_180d_before, 0) as digital_touches_180d_before,
  coalesce(used.requests_730d, 0) as requests_730d,
  used.main_channel,
  used.main_request_channel,
  used.last_request_channel,
  used.last_touch_date
from account_holder as holder
left join used on used.account_id = holder.account_id
