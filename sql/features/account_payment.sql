-- How bills are paid: of those due in the last 12 months. Grain: account_id.
with
paid as (
  select
    account_id,
    bill_month,
    sum(amount_cny) as paid_cny,
    count(*) as payments,
    max(pay_date) as last_pay_date
  from stg_payments
  group by account_id, bill_month
),
settled as (
  select
    bill.account_id,
    bill.amount_total_cny,
    bill.issue_date,
    bill.due_date,
    paid.payments,
    paid.last_pay_date,
    bill.amount_total_cny - coalesce(paid.paid_cny, 0) as open_cny,
    bill.due_date < $as_of as is_due,
    bill.due_date >= cast($as_of as date) - interval '365 days' as is_12m
  from stg_bills as bill
  left join paid
    on paid.account_id = bill.account_id
    and paid.bill_month = bill.bill_month
),
bill as (
  select
    account_id,
    sum(open_cny) filter (where is_due and open_cny > 0) as arrears_cny,
    count(*) filter (where is_due and open_cny > 0) as arrears_bills,
    min(due_date) filter (where is_due and open_cny > 0) as arrears_since,
    count(*) filter (where is_due and is_12m) as due_bills_12m,
    count(*) filter (where is_due and is_12m and open_cny <= 0 and last_pay_date <= due_date) as on_time_bills_12m,
    count(*) filter (where is_due and is_12m and (open_cny > 0 or last_pay_date > due_date)) as late_bills_12m,
    count(*) filter (where is_12m and payments >= 2) as split_bills_12m,
    median(last_pay_date - issue_date) filter (where is_12m and open_cny <= 0) as days_to_pay
  from settled
  group by account_id
),
channel as (
  select
    account_id,
    channel,
    count(*) as payments
  from stg_payments
  where pay_date >= cast($as_of as date) - interval '365 days'
  group by account_id, channel
),
habit as (
  select
    account_id,
    sum(payments) as payments_12m,
    first_value(channel order by payments desc, channel) as main_channel,
    max(payments) as main_channel_payments,
    sum(payments) filter (where channel in ('app', 'wechat', 'alipay', 'bank_auto')) as electronic_payments_12m
  from channel
  group by account_id
)
select
  bill.*,
  habit.payments_12m,
  habit.main_channel,
  habit.main_channel_payments,
  habit.electronic_payments_12m
from bill
left join habit on habit.account_id = bill.account_id
