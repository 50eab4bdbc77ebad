-- What customers asked for and complained of. Grain: account_id, every
-- account, because silence is a finding too.
with
recent as (
  select
    *,
    created_date >= cast($as_of as date) - interval '365 days' as is_12m,
    case when closed_date < $as_of then closed_date end as known_closed_date
  from stg_work_orders
  where created_date >= cast($as_of as date) - interval '730 days'
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
    first_value(topic order by created_date desc, work_order_id desc) filter (where kind = 'complaint') as last_complaint_topic,
    sum(known_closed_date - created_date) filter (where kind = 'complaint') as complaint_days_to_close_24m,
    count(known_closed_date) filter (where kind = 'complaint') as complaints_closed_24m
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
  service.last_complaint_topic,
  service.complaint_days_to_close_24m,
  coalesce(service.complaints_closed_24m, 0) as complaints_closed_24m
from stg_accounts as account
left join service on service.account_id = account.account_id
