-- What customers do in the app. Grain: account_id, every account, because
-- silence is a finding too. Days count, not clicks: one visit writes a login,
-- a look at the bill and more. Bands of the day: morning from 6, noon from 11,
-- afternoon from 14, evening from 18, night from 22 h; a day counts once in
-- each of its bands. A rest day is no workday by the calendar.
with
event as (
  select
    event.account_id,
    cast(event.event_at as date) as date,
    event.event,
    event.topic,
    event.event_at,
    event.event_id,
    case
      when date_part('hour', event.event_at) between 6 and 10 then 'morning'
      when date_part('hour', event.event_at) between 11 and 13 then 'noon'
      when date_part('hour', event.event_at) between 14 and 17 then 'afternoon'
      when date_part('hour', event.event_at) between 18 and 21 then 'evening'
      else 'night'
    end as band
  from stg_app_events as event
  join account_holder as holder on holder.account_id = event.account_id
  where event.event_at >= cast($as_of as date) - interval '365 days'
    and event.event_at >= holder.held_since
),
counted as (
  select
    account_id,
    count(*) filter (where event = 'login') as logins_365d,
    count(*) filter (where event = 'view_bill') as bill_views_365d,
    count(*) filter (where event = 'search') as searches_365d,
    count(*) filter (where event = 'outage_query') as outage_queries_365d,
    count(*) filter (where event = 'e_invoice') as e_invoices_365d,
    count(*) filter (where event = 'pay') as payments_365d,
    count(*) filter (where event = 'report_fault') as fault_reports_365d,
    count(*) filter (where event = 'search' and topic = 'billing') as billing_searches_365d,
    count(*) filter (where event = 'search' and topic = 'tariff') as tariff_searches_365d,
    count(*) filter (where event = 'search' and topic = 'tou') as tou_searches_365d,
    count(*) filter (where event = 'search' and topic = 'e_invoice') as e_invoice_searches_365d,
    count(*) filter (where event = 'search' and topic = 'outage') as outage_searches_365d,
    count(*) filter (where event = 'search' and topic = 'capacity') as capacity_searches_365d,
    count(*) filter (where event = 'search' and topic = 'pv') as pv_searches_365d,
    count(*) filter (where event = 'search' and topic = 'ev_charging') as ev_charging_searches_365d,
    count(distinct topic) filter (where event = 'search') as search_topics_365d,
    first_value(topic order by event_at desc, event_id desc) filter (where event = 'search' and topic is not null) as last_search_topic,
    max(date) filter (where event = 'search') as last_search_date,
    count(distinct date_trunc('month', date)) filter (
      where event = 'view_bill'
        and date >= date_trunc('month', cast($as_of as date)) - interval '12 months'
        and date < date_trunc('month', cast($as_of as date))
    ) as bill_view_months_12m
  from event
  group by account_id
),
banded as (
  select
    account_id,
    date,
    bool_or(band = 'morning') as is_morning,
    bool_or(band = 'noon') as is_noon,
    bool_or(band = 'afternoon') as is_afternoon,
    bool_or(band = 'evening') as is_evening,
    bool_or(band = 'night') as is_night
  from event
  group by account_id, date
),
day as (
  select
    banded.*,
    not coalesce(calendar.is_workday, date_part('isodow', banded.date) <= 5) as is_restday
  from banded
  left join stg_calendar as calendar on calendar.date = banded.date
),
active as (
  select
    account_id,
    count(*) as active_days_365d,
    count(*) filter (where date >= cast($as_of as date) - interval '90 days') as active_days_90d,
    count(*) filter (where date >= cast($as_of as date) - interval '30 days') as active_days_30d,
    count(*) filter (
      where date < cast($as_of as date) - interval '90 days'
        and date >= cast($as_of as date) - interval '180 days'
    ) as active_days_90d_before,
    count(distinct date_trunc('month', date)) filter (
      where date >= date_trunc('month', cast($as_of as date)) - interval '12 months'
        and date < date_trunc('month', cast($as_of as date))
    ) as active_months_12m,
    count(*) filter (where is_restday) as restday_active_days_365d,
    count(*) filter (where is_morning) as morning_days_365d,
    count(*) filter (where is_noon) as noon_days_365d,
    count(*) filter (where is_afternoon) as afternoon_days_365d,
    count(*) filter (where is_evening) as evening_days_365d,
    count(*) filter (where is_night) as night_days_365d,
    min(date) as first_active_date,
    max(date) as last_active_date
  from day
  group by account_id
)
select
  holder.account_id,
  coalesce(active.active_days_30d, 0) as active_days_30d,
  coalesce(active.active_days_90d, 0) as active_days_90d,
  coalesce(active.active_days_365d, 0) as active_days_365d,
  coalesce(active.active_days_90d_before, 0) as active_days_90d_before,
  coalesce(active.active_months_12m, 0) as active_months_12m,
  coalesce(active.restday_active_days_365d, 0) as restday_active_days_365d,
  coalesce(active.morning_days_365d, 0) as morning_days_365d,
  coalesce(active.noon_days_365d, 0) as noon_days_365d,
  coalesce(active.afternoon_days_365d, 0) as afternoon_days_365d,
  coalesce(active.evening_days_365d, 0) as evening_days_365d,
  coalesce(active.night_days_365d, 0) as night_days_365d,
  active.first_active_date,
  active.last_active_date,
  coalesce(counted.logins_365d, 0) as logins_365d,
  coalesce(counted.bill_views_365d, 0) as bill_views_365d,
  coalesce(counted.bill_view_months_12m, 0) as bill_view_months_12m,
  coalesce(counted.searches_365d, 0) as searches_365d,
  coalesce(counted.outage_queries_365d, 0) as outage_queries_365d,
  coalesce(counted.e_invoices_365d, 0) as e_invoices_365d,
  coalesce(counted.payments_365d, 0) as payments_365d,
  coalesce(counted.fault_reports_365d, 0) as fault_reports_365d,
  coalesce(counted.billing_searches_365d, 0) as billing_searches_365d,
  coalesce(counted.tariff_searches_365d, 0) as tariff_searches_365d,
  coalesce(counted.tou_searches_365d, 0) as tou_searches_365d,
  coalesce(counted.e_invoice_searches_365d, 0) as e_invoice_searches_365d,
  coalesce(counted.outage_searches_365d, 0) as outage_searches_365d,
  coalesce(counted.capacity_searches_365d, 0) as capacity_searches_365d,
  coalesce(counted.pv_searches_365d, 0) as pv_searches_365d,
  coalesce(counted.ev_charging_searches_365d, 0) as ev_charging_searches_365d,
  coalesce(counted.search_topics_365d, 0) as search_topics_365d,
  counted.last_search_topic,
  counted.last_search_date,
  account.is_app_bound,
  account.is_wechat_bound,
  account.invoice_mode
from account_holder as holder
join stg_accounts as account on account.account_id = holder.account_id
left join active on active.account_id = holder.account_id
left join counted on counted.account_id = holder.account_id
