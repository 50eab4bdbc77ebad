-- What work orders of the last 90, 365 and 730 days are about. An appeal is a
-- complaint or a fault report: something went wrong for the customer.
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
    created_date,
    kind in ('complaint', 'fault_report') as is_appeal
  from stg_work_orders
  where created_date >= cast($as_of as date) - interval '730 days'
),
windowed as (
  select
    work_order.account_id,
    length.window_days,
    count(*) filter (where topic = 'billing') as billing_work_orders,
    count(*) filter (where topic = 'billing' and kind = 'enquiry') as billing_enquiries,
    count(*) filter (where topic = 'billing' and is_appeal) as billing_appeals,
    count(*) filter (where topic = 'metering') as metering_work_orders,
    count(*) filter (where topic = 'metering' and kind = 'enquiry') as metering_enquiries,
    count(*) filter (where topic = 'metering' and is_appeal) as metering_appeals,
    count(*) filter (where topic = 'supply_quality') as supply_quality_work_orders,
    count(*) filter (where topic = 'supply_quality' and kind = 'enquiry') as supply_quality_enquiries,
    count(*) filter (where topic = 'supply_quality' and is_appeal) as supply_quality_appeals,
    count(*) filter (where topic = 'outage') as outage_work_orders,
    count(*) filter (where topic = 'outage' and kind = 'enquiry') as outage_enquiries,
    count(*) filter (where topic = 'outage' and is_appeal) as outage_appeals,
    count(*) filter (where topic = 'service') as service_work_orders,
    count(*) filter (where topic = 'service' and kind = 'enquiry') as service_enquiries,
    count(*) filter (where topic = 'service' and is_appeal) as service_appeals,
    count(*) filter (where topic = 'tariff') as tariff_work_orders,
    count(*) filter (where topic = 'tariff' and kind = 'enquiry') as tariff_enquiries,
    count(*) filter (where topic = 'tariff' and is_appeal) as tariff_appeals,
    count(*) filter (where topic = 'connection') as connection_work_orders,
    count(*) filter (where topic = 'connection' and kind = 'enquiry') as connection_enquiries,
    count(*) filter (where topic = 'connection' and is_appeal) as connection_appeals,
    count(*) filter (where topic = 'capacity') as capacity_work_orders,
    count(*) filter (where topic = 'capacity' and kind = 'enquiry') as capacity_enquiries,
    count(*) filter (where topic = 'capacity' and is_appeal) as capacity_appeals,
    count(*) filter (where topic = 'pv') as pv_work_orders,
    count(*) filter (where topic = 'pv' and kind = 'enquiry') as pv_enquiries,
    count(*) filter (where topic = 'pv' and is_appeal) as pv_appeals,
    count(*) filter (where topic = 'ev_charging') as ev_charging_work_orders,
    count(*) filter (where topic = 'ev_charging' and kind = 'enquiry') as ev_charging_enquiries,
    count(*) filter (where topic = 'ev_charging' and is_appeal) as ev_charging_appeals,
    count(*) filter (where topic = 'other') as other_work_orders,
    count(*) filter (where topic = 'other' and kind = 'enquiry') as other_enquiries,
    count(*) filter (where topic = 'other' and is_appeal) as other_appeals,
    count(distinct topic) filter (where is_appeal) as appeal_topics,
    most_frequent(topic)['value'] as main_topic,
    most_frequent(topic) filter (where is_appeal)['value'] as main_appeal_topic,
    most_frequent(topic) filter (where kind = 'enquiry')['value'] as main_enquiry_topic
  from length
  join work_order on work_order.created_date >= cast($as_of as date) - length.window_days
  group by work_order.account_id, length.window_days
)
select
  account.account_id,
  length.window_days,
  coalesce(windowed.billing_work_orders, 0) as billing_work_orders,
  coalesce(windowed.billing_enquiries, 0) as billing_enquiries,
  coalesce(windowed.billing_appeals, 0) as billing_appeals,
  coalesce(windowed.metering_work_orders, 0) as metering_work_orders,
  coalesce(windowed.metering_enquiries, 0) as metering_enquiries,
  coalesce(windowed.metering_appeals, 0) as metering_appeals,
  coalesce(windowed.supply_quality_work_orders, 0) as supply_quality_work_orders,
  coalesce(windowed.supply_quality_enquiries, 0) as supply_quality_enquiries,
  coalesce(windowed.supply_quality_appeals, 0) as supply_quality_appeals,
  coalesce(windowed.outage_work_orders, 0) as outage_work_orders,
  coalesce(windowed.outage_enquiries, 0) as outage_enquiries,
  coalesce(windowed.outage_appeals, 0) as outage_appeals,
  coalesce(windowed.service_work_orders, 0) as service_work_orders,
  coalesce(windowed.service_enquiries, 0) as service_enquiries,
  coalesce(windowed.service_appeals, 0) as service_appeals,
  coalesce(windowed.tariff_work_orders, 0) as tariff_work_orders,
  coalesce(windowed.tariff_enquiries, 0) as tariff_enquiries,
  coalesce(windowed.tariff_appeals, 0) as tariff_appeals,
  coalesce(windowed.connection_work_orders, 0) as connection_work_orders,
  coalesce(windowed.connection_enquiries, 0) as connection_enquiries,
  coalesce(windowed.connection_appeals, 0) as connection_appeals,
  coalesce(windowed.capacity_work_orders, 0) as capacity_work_orders,
  coalesce(windowed.capacity_enquiries, 0) as capacity_enquiries,
  coalesce(windowed.capacity_appeals, 0) as capacity_appeals,
  coalesce(windowed.pv_work_orders, 0) as pv_work_orders,
  coalesce(windowed.pv_enquiries, 0) as pv_enquiries,
  coalesce(windowed.pv_appeals, 0) as pv_appeals,
  coalesce(windowed.ev_charging_work_orders, 0) as ev_charging_work_orders,
  coalesce(windowed.ev_charging_enquiries, 0) as ev_charging_enquiries,
  coalesce(windowed.ev_charging_appeals, 0) as ev_charging_appeals,
  coalesce(windowed.other_work_orders, 0) as other_work_orders,
  coalesce(windowed.other_enquiries, 0) as other_enquiries,
  coalesce(windowed.other_appeals, 0) as other_appeals,
  coalesce(windowed.appeal_topics, 0) as appeal_topics,
  windowed.main_topic,
  windowed.main_appeal_topic,
  windowed.main_enquiry_topic
from stg_accounts as account
cross join length
left join windowed
  on windowed.account_id = account.account_id
  and windowed.window_days = length.window_days
