-- The last payment, and the work that the utility has with an account over 365
-- days. Grain: account_id, every account. Counts only: what an order or a payment
-- costs stands as a parameter at the tag. A fault that is phoned in counts twice,
-- because somebody answers the phone and somebody drives there.
with
payment as (
  select
    account_id,
    max(pay_date) as last_pay_date,
    count(*) filter (where pay_date >= cast($as_of as date) - interval '365 days' and channel in ('hall', 'bank_counter', 'cash_agent')) as counter_payments_365d
  from stg_payments
  group by account_id
),
work_order as (
  select
    account_id,
    count(*) as work_orders_365d,
    count(*) filter (where channel = 'hotline') as phone_orders_365d,
    count(*) filter (where channel = 'hall') as hall_orders_365d,
    count(*) filter (where channel = 'field' or kind = 'fault_report') as site_orders_365d,
    count(*) filter (where channel in ('app', 'wechat')) as online_orders_365d
  from stg_work_orders
  where created_date >= cast($as_of as date) - interval '365 days'
  group by account_id
),
contact as (
  select
    account_id,
    count(*) filter (where channel = 'call') as calls_365d,
    count(*) filter (where channel = 'visit') as visits_365d,
    count(*) filter (where channel = 'letter') as letters_365d
  from stg_contacts
  where contacted_at >= cast($as_of as date) - interval '365 days'
    and kind <> 'marketing'
  group by account_id
)
select
  account.account_id,
  payment.last_pay_date,
  coalesce(payment.counter_payments_365d, 0) as counter_payments_365d,
  coalesce(work_order.work_orders_365d, 0) as work_orders_365d,
  coalesce(work_order.phone_orders_365d, 0) as phone_orders_365d,
  coalesce(work_order.hall_orders_365d, 0) as hall_orders_365d,
  coalesce(work_order.site_orders_365d, 0) as site_orders_365d,
  coalesce(work_order.online_orders_365d, 0) as online_orders_365d,
  coalesce(contact.calls_365d, 0) as calls_365d,
  coalesce(contact.visits_365d, 0) as visits_365d,
  coalesce(contact.letters_365d, 0) as letters_365d
from stg_accounts as account
left join payment on payment.account_id = account.account_id
left join work_order on work_order.account_id = account.account_id
left join contact on contact.account_id = account.account_id
