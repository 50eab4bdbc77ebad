-- Each bill that was issued, and when it was paid. Grain: account_id, bill_month.
-- Bills of 0 or less ask for no payment, so they say nothing of how somebody pays:
-- they are left out. A bill is settled on the day on which its payments reach its
-- amount, and on time where that is by its due date. It is the former holder's
-- where its month ended before the account was last transferred. Days late count
-- from the due date to the day of settlement, or to the as-of while it is open.
with
paid as (
  select
    payment.account_id,
    payment.bill_month,
    max(bill.amount_total_cny) as amount_cny,
    sum(payment.amount_cny) as paid_cny,
    sum(payment.amount_cny) filter (where payment.pay_date <= bill.due_date) as paid_in_time_cny,
    count(*) as payments,
    count(*) filter (where payment.channel = 'bank_auto') as debits,
    min(payment.pay_date) as first_pay_date,
    max(payment.pay_date) as last_pay_date
  from stg_payments as payment
  join stg_bills as bill
    on bill.account_id = payment.account_id
    and bill.bill_month = payment.bill_month
  group by payment.account_id, payment.bill_month
),
-- What had been received, payment by payment, of the few bills that were paid in parts.
instalment as (
  select
    payment.account_id,
    payment.bill_month,
    payment.pay_date,
    paid.amount_cny,
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
    min(pay_date) filter (where received_cny >= amount_cny) as settled_date
  from instalment
  group by account_id, bill_month
),
holder as (
  select
    account_id,
    max(completed_date) as since
  from stg_applications
  where kind = 'transfer' and status = 'completed' and completed_date < $as_of
  group by account_id
),
bill as (
  select
    bill.account_id,
    bill.bill_month,
    bill.issue_date,
    bill.due_date,
    bill.amount_total_cny as amount_cny,
    coalesce(paid.paid_cny, 0) as paid_cny,
    coalesce(paid.paid_in_time_cny, 0) as paid_in_time_cny,
    coalesce(paid.payments, 0) as payments,
    coalesce(paid.debits, 0) as debits,
    paid.first_pay_date,
    paid.last_pay_date,
    case
      when paid.payments = 1 and paid.paid_cny >= bill.amount_total_cny then paid.last_pay_date
      else instalments.settled_date
    end as settled_date,
    bill.due_date < $as_of as is_due,
    coalesce(holder.since >= bill.bill_month + interval '1 month', false) as is_former_holder
  from stg_bills as bill
  left join paid
    on paid.account_id = bill.account_id
    and paid.bill_month = bill.bill_month
  left join instalments
    on instalments.account_id = bill.account_id
    and instalments.bill_month = bill.bill_month
  left join holder on holder.account_id = bill.account_id
  where bill.amount_total_cny > 0
)
select
  account_id,
  bill_month,
  issue_date,
  due_date,
  amount_cny,
  paid_cny,
  paid_in_time_cny,
  greatest(amount_cny - paid_cny, 0) as open_cny,
  payments,
  debits,
  first_pay_date,
  last_pay_date,
  settled_date,
  is_due,
  is_former_holder,
  case when is_due then coalesce(settled_date <= due_date, false) end as is_on_time,
  settled_date - issue_date as days_to_pay,
  case when is_due then greatest(coalesce(settled_date, $as_of) - due_date, 0) end as days_late
from bill
