-- How the holder of an account paid over the last 3, 6, 12 and 24 months.
-- Grain: account_id, window_months; windows in which a bill of the holder was due.
-- Bills count by the day on which they were due, payments by the day on which they came in.
with
length as (
  select *
  from (
    values
      (3, cast($as_of as date) - interval '3 months'),
      (6, cast($as_of as date) - interval '6 months'),
      (12, cast($as_of as date) - interval '12 months'),
      (24, cast($as_of as date) - interval '24 months')
  ) as length (window_months, first_date)
),
own as (
  select *
  from account_bill_payment
  where not is_former_holder
),
bill as (
  select
    own.account_id,
    length.window_months,
    count(*) as due_bills,
    count(*) filter (where is_on_time) as on_time_bills,
    count(*) filter (where not is_on_time) as late_bills,
    count(*) filter (where payments >= 2) as split_bills,
    count(*) filter (where days_to_pay <= $early_days) as early_bills,
    count(*) filter (where is_on_time and due_date - settled_date <= $last_days) as last_moment_bills,
    count(*) filter (where days_late > 15) as overdue_15d_bills,
    count(*) filter (where days_late > 30) as overdue_30d_bills,
    count(*) filter (where days_late > 60) as overdue_60d_bills,
    count(*) filter (where days_late > 90) as overdue_90d_bills,
    sum(amount_cny) as due_cny,
    sum(least(paid_in_time_cny, amount_cny)) as paid_in_time_cny,
    sum(amount_cny) filter (where settled_date is not null) as settled_cny,
    sum(amount_cny * cast(days_to_pay as decimal(6, 0))) filter (where settled_date is not null) as settled_cny_days,
    sum(amount_cny * cast(days_late as decimal(6, 0))) as late_cny_days,
    sum(days_late) as late_days,
    max(days_late) as longest_delay_days,
    cast(median(days_to_pay) as decimal(6, 1)) as days_to_pay
  from own
  join length on own.due_date >= length.first_date
  where own.is_due
  group by own.account_id, length.window_months
),
payment as (
  select
    payment.account_id,
    length.window_months,
    count(*) as payments,
    sum(payment.amount_cny) as paid_cny
  from stg_payments as payment
  join own
    on own.account_id = payment.account_id
    and own.bill_month = payment.bill_month
  join length on payment.pay_date >= length.first_date
  group by payment.account_id, length.window_months
)
select
  bill.*,
  coalesce(payment.payments, 0) as payments,
  coalesce(payment.paid_cny, 0) as paid_cny
from bill
left join payment
  on payment.account_id = bill.account_id
  and payment.window_months = bill.window_months
