-- How bills are paid: those due in the last 365 days. Grain: account_id.
with
paid as (
  select
    payment.account_id,
    payment.bill_month,
    max(bill.amount_total_cny) as amount_total_cny,
    sum(payment.amount_cny) as paid_cny,
    sum(payment.amount_cny) filter (where payment.pay_date <= bill.due_date) as paid_in_time_cny,
    count(*) as payments,
    max(payment.pay_date) as last_pay_date
  from stg_payments as payment
  join stg_bills as bill
    on bill.account_id = payment.account_id
    and bill.bill_month = payment.bill_month
  group by payment.account_id, payment.bill_month
),
instalment as (
  select
    payment.account_id,
    payment.bill_month,
    payment.pay_date,
    paid.amount_total_cny,
    sum(payment.amount_cny) over (
      partition by payment.account_id, payment.bill_month
      order by payment.pay_date, payment.payment_id
      rows between unbounded preceding and current row
    ) as received_cny
  from paid
  join stg_payments as payment
    on payment.account_id = paid.account_id
    and payment.bill_month = paid.bill_month
  where paid.payments >= 2
),
instalments as (
  select
    account_id,
    bill_month,
    min(pay_date) filter (where received_cny >= amount_total_cny) as settled_date
  from instalment
  group by account_id, bill_month
),
due as (
  select
    bill.account_id,
    bill.issue_date,
    bill.due_date,
    paid.payments,
    case when paid.payments = 1 and paid.paid_cny >= bill.amount_total_cny then paid.last_pay_date else instalments.settled_date end as settled_date,
    bill.amount_total_cny - coalesce(paid.paid_cny, 0) as open_cny,
    coalesce(paid.paid_in_time_cny, 0) >= bill.amount_total_cny as is_on_time,
    bill.due_date >= cast($as_of as date) - interval '365 days' as is_12m
  from stg_bills as bill
  left join paid
    on paid.account_id = bill.account_id
    and paid.bill_month = bill.bill_month
  left join instalments
    on instalments.account_id = bill.account_id
    and instalments.bill_month = bill.bill_month
  where bill.due_date < $as_of
),
bill as (
  select
    account_id,
    count(*) as due_bills,
    sum(open_cny) filter (where open_cny > 0) as arrears_cny,
    count(*) filter (where open_cny > 0) as arrears_bills,
    min(due_date) filter (where open_cny > 0) as arrears_since,
    count(*) filter (where is_12m) as due_bills_12m,
    count(*) filter (where is_12m and is_on_time) as on_time_bills_12m,
    count(*) filter (where is_12m and not is_on_time) as late_bills_12m,
    count(*) filter (where is_12m and payments >= 2) as split_bills_12m,
    median(settled_date - issue_date) filter (where is_12m) as days_to_pay
  from due
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
    coalesce(sum(payments) filter (where channel in ('app', 'wechat', 'alipay', 'bank_auto')), 0) as electronic_payments_12m
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
