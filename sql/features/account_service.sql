-- What customers asked for and complained of: what was last, what is open, what
-- came again. Counts over several windows stand in account_service_window.
-- Grain: account_id, every account, because silence is a finding too.
with
recent as (
  select
    *,
    created_date >= cast($as_of as date) - interval '365 days' as is_12m,
    case when closed_date < $as_of then closed_date end as known_closed_date,
    -- The days in which the utility promises to deal with an order of the kind.
    case kind
      when 'complaint' then $complaint_days
      when 'fault_report' then $fault_report_days
      when 'application' then $application_days
      else $other_days
    end as limit_days
  from stg_work_orders
  where created_date >= cast($as_of as date) - interval '730 days'
),
-- An application that follows another is no repetition: it is the next step.
repetition as (
  select
    account_id,
    is_12m,
    created_date,
    lag(created_date) over (partition by account_id, topic order by created_date, work_order_id) as date_before
  from recent
  where kind in ('complaint', 'enquiry', 'fault_report')
),
repeated as (
  select
    account_id,
    count(*) filter (where is_12m and created_date - date_before <= $repeat_days) as repeats_12m
  from repetition
  group by account_id
),
density as (
  select
    account_id,
    count(*) over (
      partition by account_id
      order by created_date
      range between interval '89 days' preceding and current row
    ) as work_orders_of_90d
  from recent
  where is_12m
),
densest as (
  select
    account_id,
    max(work_orders_of_90d) as most_work_orders_90d
  from density
  group by account_id
),
service as (
  select
    account_id,
    count(*) filter (where is_12m) as work_orders_12m,
    count(*) filter (where is_12m and kind = 'complaint') as complaints_12m,
    count(*) filter (where kind = 'complaint') as complaints_24m,
    count(*) filter (where is_12m and kind = 'enquiry') as enquiries_12m,
    count(*) filter (where is_12m and kind = 'fault_report') as fault_reports_12m,
    count(*) filter (where kind = 'application') as applications_24m,
    count(*) filter (where kind = 'application' and topic = 'capacity') as capacity_applications_24m,
    count(*) filter (where kind = 'application' and known_closed_date is null) as open_applications,
    count(*) filter (where kind in ('enquiry', 'application') and topic in ('pv', 'ev_charging')) as electrification_requests_24m,
    count(*) filter (where is_12m and channel in ('app', 'wechat')) as online_work_orders_12m,
    max(created_date) as last_work_order_date,
    max(created_date) filter (where kind = 'complaint') as last_complaint_date,
    min(created_date) filter (where kind = 'complaint') as first_complaint_date,
    max(created_date) filter (where kind = 'enquiry') as last_enquiry_date,
    max(created_date) filter (where kind = 'fault_report') as last_fault_report_date,
    first_value(kind order by created_date desc, work_order_id desc) as last_kind,
    first_value(topic order by created_date desc, work_order_id desc) as last_topic,
    first_value(channel order by created_date desc, work_order_id desc) as last_channel,
    first_value(topic order by created_date desc, work_order_id desc) filter (where kind = 'complaint') as last_complaint_topic,
    sum(known_closed_date - created_date) filter (where kind = 'complaint') as complaint_days_to_close_24m,
    count(known_closed_date) filter (where kind = 'complaint') as complaints_closed_24m,
    count(*) filter (where known_closed_date is null) as open_work_orders,
    count(*) filter (where known_closed_date is null and kind = 'complaint') as open_complaints,
    count(*) filter (where known_closed_date is null and cast($as_of as date) - created_date > limit_days) as overdue_work_orders,
    min(created_date) filter (where known_closed_date is null) as oldest_open_date,
    first_value(satisfaction order by created_date desc, work_order_id desc) filter (where satisfaction is not null and known_closed_date is not null) as last_satisfaction
  from recent
  group by account_id
)
select
  account.account_id,
  coalesce(service.work_orders_12m, 0) as work_orders_12m,
  coalesce(service.complaints_12m, 0) as complaints_12m,
  coalesce(service.complaints_24m, 0) as complaints_24m,
  coalesce(service.enquiries_12m, 0) as enquiries_12m,
  coalesce(service.fault_reports_12m, 0) as fault_reports_12m,
  coalesce(service.applications_24m, 0) as applications_24m,
  coalesce(service.capacity_applications_24m, 0) as capacity_applications_24m,
  coalesce(service.open_applications, 0) as open_applications,
  coalesce(service.electrification_requests_24m, 0) as electrification_requests_24m,
  coalesce(service.online_work_orders_12m, 0) as online_work_orders_12m,
  service.last_work_order_date,
  service.last_complaint_date,
  service.first_complaint_date,
  service.last_enquiry_date,
  service.last_fault_report_date,
  service.last_kind,
  service.last_topic,
  service.last_channel,
  service.last_complaint_topic,
  service.complaint_days_to_close_24m,
  coalesce(service.complaints_closed_24m, 0) as complaints_closed_24m,
  coalesce(service.open_work_orders, 0) as open_work_orders,
  coalesce(service.open_complaints, 0) as open_complaints,
  coalesce(service.overdue_work_orders, 0) as overdue_work_orders,
  service.oldest_open_date,
  service.last_satisfaction,
  coalesce(repeated.repeats_12m, 0) as repeats_12m,
  coalesce(densest.most_work_orders_90d, 0) as most_work_orders_90d
from stg_accounts as account
left join service on service.account_id = account.account_id
left join repeated on repeated.account_id = account.account_id
left join densest on densest.account_id = account.account_id
