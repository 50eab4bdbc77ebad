-- What is owed on the day before the as-of, and what was owed before. Grain:
-- account_id, every account of which a bill was ever due. Arrears are open amounts
-- of bills past their due date, those of former holders too, which also stand apart.
-- What was owed k months ago counts the bills that had been due by then, less what
-- had been paid by then.
with
due as (
  select *
  from account_bill_payment
  where is_due
),
known as (
  select
    account_id,
    count(*) as due_bills
  from stg_bills
  where due_date < $as_of
  group by account_id
),
open as (
  select
    account_id,
    sum(open_cny) as arrears_cny,
    count(*) as arrears_bills,
    max(days_late) as arrears_days,
    min(bill_month) as oldest_open_month,
    count(*) filter (where payments > 0) as part_paid_bills,
    sum(open_cny) filter (where days_late <= 30) as to_30d_cny,
    sum(open_cny) filter (where days_late between 31 and 60) as to_60d_cny,
    sum(open_cny) filter (where days_late between 61 and 90) as to_90d_cny,
    sum(open_cny) filter (where days_late between 91 and 180) as to_180d_cny,
    sum(open_cny) filter (where days_late between 181 and 365) as to_365d_cny,
    sum(open_cny) filter (where days_late > 365) as over_365d_cny,
    sum(open_cny) filter (where is_former_holder) as former_holder_cny,
    count(*) filter (where not is_former_holder) as own_arrears_bills,
    max(days_late) filter (where not is_former_holder) as own_arrears_days
  from due
  where open_cny > 0
  group by account_id
),
not_due as (
  select
    account_id,
    sum(open_cny) as not_due_cny
  from account_bill_payment
  where not is_due
  group by account_id
),
last as (
  select
    account_id,
    max(bill_month) as bill_month
  from account_bill_payment
  group by account_id
),
-- The last three months billed, to estimate what was used since.
recent as (
  select
    bill.account_id,
    sum(bill.amount_cny) as recent_cny,
    sum(cast(bill.bill_month + interval '1 month' as date) - bill.bill_month) as recent_days,
    greatest(cast($as_of as date) - cast(max(bill.bill_month) + interval '1 month' as date), 0) as unbilled_days
  from account_bill_payment as bill
  join last
    on last.account_id = bill.account_id
    and bill.bill_month > last.bill_month - interval '3 months'
  group by bill.account_id
),
year as (
  select
    account_id,
    count(*) as due_bills_12m,
    sum(amount_cny) as due_12m_cny
  from due
  where due_date >= cast($as_of as date) - interval '12 months'
  group by account_id
),
moment as (
  select *
  from (
    values
      (0, cast($as_of as date)),
      (1, cast($as_of as date) - interval '1 month'),
      (2, cast($as_of as date) - interval '2 months'),
      (3, cast($as_of as date) - interval '3 months'),
      (4, cast($as_of as date) - interval '4 months'),
      (5, cast($as_of as date) - interval '5 months'),
      (6, cast($as_of as date) - interval '6 months'),
      (7, cast($as_of as date) - interval '7 months'),
      (8, cast($as_of as date) - interval '8 months'),
      (9, cast($as_of as date) - interval '9 months'),
      (10, cast($as_of as date) - interval '10 months'),
      (11, cast($as_of as date) - interval '11 months'),
      (12, cast($as_of as date) - interval '12 months')
  ) as moment (months_ago, date)
),
-- Bills that were open at a moment, with what had been paid of them by then.
open_then as (
  select
    due.account_id,
    due.bill_month,
    moment.months_ago,
    max(due.amount_cny) - coalesce(sum(payment.amount_cny) filter (where payment.pay_date < moment.date), 0) as open_cny
  from due
  join moment
    on due.due_date < moment.date
    and coalesce(due.settled_date >= moment.date, true)
  left join stg_payments as payment
    on payment.account_id = due.account_id
    and payment.bill_month = due.bill_month
  where due.days_late > 0
  group by due.account_id, due.bill_month, moment.months_ago
),
then as (
  select
    account_id,
    months_ago,
    sum(open_cny) as open_cny
  from open_then
  group by account_id, months_ago
),
history as (
  select
    account_id,
    max(open_cny) filter (where months_ago = 1) as arrears_1m_ago_cny,
    max(open_cny) filter (where months_ago = 3) as arrears_3m_ago_cny,
    max(open_cny) filter (where months_ago = 6) as arrears_6m_ago_cny,
    max(open_cny) filter (where months_ago = 12) as arrears_12m_ago_cny,
    max(open_cny) filter (where months_ago < 12) as arrears_max_12m_cny,
    count(*) filter (where months_ago < 12) as months_in_arrears_12m
  from then
  group by account_id
),
own as (
  select
    account_id,
    run_lengths(bill_month, days_late > 0) as late_runs,
    max(days_late) as longest_arrears_days,
    max(settled_date) filter (where days_late > 0) as last_cleared_date,
    count(*) filter (where days_late > 0 and open_cny = 0) as late_paid_bills,
    count(*) filter (where open_cny > 0 and days_late > $unpaid_days) as unpaid_bills,
    count(*) as due_bills
  from due
  where not is_former_holder
    and due_date >= cast($as_of as date) - interval '24 months'
  group by account_id
)
select
  known.account_id,
  coalesce(open.arrears_cny, 0) as arrears_cny,
  coalesce(open.arrears_bills, 0) as arrears_bills,
  coalesce(open.arrears_days, 0) as arrears_days,
  open.oldest_open_month,
  coalesce(open.part_paid_bills, 0) as part_paid_bills,
  coalesce(open.to_30d_cny, 0) as to_30d_cny,
  coalesce(open.to_60d_cny, 0) as to_60d_cny,
  coalesce(open.to_90d_cny, 0) as to_90d_cny,
  coalesce(open.to_180d_cny, 0) as to_180d_cny,
  coalesce(open.to_365d_cny, 0) as to_365d_cny,
  coalesce(open.over_365d_cny, 0) as over_365d_cny,
  coalesce(open.former_holder_cny, 0) as former_holder_cny,
  coalesce(open.own_arrears_bills, 0) as own_arrears_bills,
  coalesce(open.own_arrears_days, 0) as own_arrears_days,
  coalesce(not_due.not_due_cny, 0) as not_due_cny,
  recent.recent_cny,
  recent.recent_days,
  recent.unbilled_days,
  coalesce(year.due_bills_12m, 0) as due_bills_12m,
  year.due_12m_cny,
  coalesce(history.arrears_1m_ago_cny, 0) as arrears_1m_ago_cny,
  coalesce(history.arrears_3m_ago_cny, 0) as arrears_3m_ago_cny,
  coalesce(history.arrears_6m_ago_cny, 0) as arrears_6m_ago_cny,
  coalesce(history.arrears_12m_ago_cny, 0) as arrears_12m_ago_cny,
  coalesce(history.arrears_max_12m_cny, 0) as arrears_max_12m_cny,
  coalesce(history.months_in_arrears_12m, 0) as months_in_arrears_12m,
  coalesce(own.due_bills, 0) as own_due_bills_24m,
  own.late_runs['runs'] as late_runs_24m,
  own.longest_arrears_days as longest_arrears_days_24m,
  own.last_cleared_date,
  own.late_paid_bills as late_paid_bills_24m,
  own.unpaid_bills as unpaid_bills_24m
from known
left join open on open.account_id = known.account_id
left join not_due on not_due.account_id = known.account_id
left join recent on recent.account_id = known.account_id
left join year on year.account_id = known.account_id
left join history on history.account_id = known.account_id
left join own on own.account_id = known.account_id
