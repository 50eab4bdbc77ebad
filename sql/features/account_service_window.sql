-- Work orders of the last 90, 365 and 730 days: how many of which kind, by which
-- channel, how fast they were closed and how content the customer was.
-- Grain: account_id, window_days, every account, because silence is a finding too.
with
length as (
  select unnest(make_array(90, 365, 730)) as window_days
),
work_order as (
  select
    account_id,
    kind,
    topic,
    channel,
    created_date,
    -- What was closed or rated on the as-of or later is not known yet.
    case when closed_date < $as_of then closed_date - created_date end as days_to_close,
    case when closed_date < $as_of then satisfaction end as satisfaction,
    cast($as_of as date) - created_date as age_days,
    case kind
      when 'complaint' then $complaint_days
      when 'fault_report' then $fault_report_days
      when 'application' then $application_days
      else $other_days
    end as limit_days,
    case channel
      when 'hotline' then $hotline_points
      when 'hall' then $hall_points
      when 'field' then $field_points
      else $online_points
    end as effort_points
  from stg_work_orders
  where created_date >= cast($as_of as date) - interval '730 days'
),
windowed as (
  select
    work_order.account_id,
    length.window_days,
    count(*) as work_orders,
    count(*) filter (where kind = 'complaint') as complaints,
    count(*) filter (where kind = 'enquiry') as enquiries,
    count(*) filter (where kind = 'application') as applications,
    count(*) filter (where kind = 'fault_report') as fault_reports,
    count(*) filter (where kind = 'suggestion') as suggestions,
    count(*) filter (where kind = 'praise') as praises,
    count(*) filter (where channel = 'hotline') as hotline_work_orders,
    count(*) filter (where channel = 'app') as app_work_orders,
    count(*) filter (where channel = 'wechat') as wechat_work_orders,
    count(*) filter (where channel = 'hall') as hall_work_orders,
    count(*) filter (where channel = 'field') as field_work_orders,
    most_frequent(channel)['value'] as main_channel,
    count(distinct topic) as topics,
    sum(effort_points) as effort_points,
    count(days_to_close) as closed_work_orders,
    sum(days_to_close) as days_to_close,
    max(days_to_close) as longest_days_to_close,
    count(days_to_close) filter (where kind = 'complaint') as closed_complaints,
    sum(days_to_close) filter (where kind = 'complaint') as complaint_days_to_close,
    count(days_to_close) filter (where kind = 'enquiry') as closed_enquiries,
    sum(days_to_close) filter (where kind = 'enquiry') as enquiry_days_to_close,
    count(days_to_close) filter (where kind = 'application') as closed_applications,
    sum(days_to_close) filter (where kind = 'application') as application_days_to_close,
    count(days_to_close) filter (where kind = 'fault_report') as closed_fault_reports,
    sum(days_to_close) filter (where kind = 'fault_report') as fault_report_days_to_close,
    -- Closed late, or open and late already.
    count(*) filter (where coalesce(days_to_close, age_days) > limit_days) as late_work_orders,
    -- Of these one can say whether they were in time: closed, or open too long.
    count(*) filter (where days_to_close is not null or age_days > limit_days) as judged_work_orders,
    count(satisfaction) as rated_work_orders,
    sum(satisfaction) as satisfaction_points,
    min(satisfaction) as lowest_satisfaction,
    count(*) filter (where satisfaction <= 2) as low_ratings,
    count(*) filter (where satisfaction = 5) as top_ratings,
    count(satisfaction) filter (where kind = 'complaint') as rated_complaints,
    sum(satisfaction) filter (where kind = 'complaint') as complaint_satisfaction_points,
    count(satisfaction) filter (where kind = 'enquiry') as rated_enquiries,
    sum(satisfaction) filter (where kind = 'enquiry') as enquiry_satisfaction_points,
    count(satisfaction) filter (where kind = 'application') as rated_applications,
    sum(satisfaction) filter (where kind = 'application') as application_satisfaction_points,
    count(satisfaction) filter (where kind = 'fault_report') as rated_fault_reports,
    sum(satisfaction) filter (where kind = 'fault_report') as fault_report_satisfaction_points
  from length
  join work_order on work_order.created_date >= cast($as_of as date) - length.window_days
  group by work_order.account_id, length.window_days
)
select
  account.account_id,
  length.window_days,
  coalesce(windowed.work_orders, 0) as work_orders,
  coalesce(windowed.complaints, 0) as complaints,
  coalesce(windowed.enquiries, 0) as enquiries,
  coalesce(windowed.applications, 0) as applications,
  coalesce(windowed.fault_reports, 0) as fault_reports,
  coalesce(windowed.suggestions, 0) as suggestions,
  coalesce(windowed.praises, 0) as praises,
  coalesce(windowed.hotline_work_orders, 0) as hotline_work_orders,
  coalesce(windowed.app_work_orders, 0) as app_work_orders,
  coalesce(windowed.wechat_work_orders, 0) as wechat_work_orders,
  coalesce(windowed.hall_work_orders, 0) as hall_work_orders,
  coalesce(windowed.field_work_orders, 0) as field_work_orders,
  windowed.main_channel,
  coalesce(windowed.topics, 0) as topics,
  coalesce(windowed.effort_points, 0) as effort_points,
  coalesce(windowed.closed_work_orders, 0) as closed_work_orders,
  windowed.days_to_close,
  windowed.longest_days_to_close,
  coalesce(windowed.closed_complaints, 0) as closed_complaints,
  windowed.complaint_days_to_close,
  coalesce(windowed.closed_enquiries, 0) as closed_enquiries,
  windowed.enquiry_days_to_close,
  coalesce(windowed.closed_applications, 0) as closed_applications,
  windowed.application_days_to_close,
  coalesce(windowed.closed_fault_reports, 0) as closed_fault_reports,
  windowed.fault_report_days_to_close,
  coalesce(windowed.late_work_orders, 0) as late_work_orders,
  coalesce(windowed.judged_work_orders, 0) as judged_work_orders,
  coalesce(windowed.rated_work_orders, 0) as rated_work_orders,
  windowed.satisfaction_points,
  windowed.lowest_satisfaction,
  coalesce(windowed.low_ratings, 0) as low_ratings,
  coalesce(windowed.top_ratings, 0) as top_ratings,
  coalesce(windowed.rated_complaints, 0) as rated_complaints,
  windowed.complaint_satisfaction_points,
  coalesce(windowed.rated_enquiries, 0) as rated_enquiries,
  windowed.enquiry_satisfaction_points,
  coalesce(windowed.rated_applications, 0) as rated_applications,
  windowed.application_satisfaction_points,
  coalesce(windowed.rated_fault_reports, 0) as rated_fault_reports,
  windowed.fault_report_satisfaction_points
from stg_accounts as account
cross join length
left join windowed
  on windowed.account_id = account.account_id
  and windowed.window_days = length.window_days
