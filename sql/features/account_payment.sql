-- How the holder of an account pays: the bills due in the last 12 months, and what is
-- open of all bills. Grain: account_id, every account of which a bill was ever due.
-- Bills of former holders say nothing of this one's habits and count only as arrears.
-- Earlier bills, due 9 to 24 months ago, show how the holder used to pay.
with
due as (
  select
    *,
    due_date >= cast($as_of as date) - interval '12 months' as is_12m,
    due_date >= cast($as_of as date) - interval '3 months' as is_3m,
    due_date >= cast($as_of as date) - interval '6 months' as is_6m,
    due_date < cast($as_of as date) - interval '9 months'
      and due_date >= cast($as_of as date) - interval '24 months' as is_earlier
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
arrears as (
  select
    account_id,
    sum(open_cny) as arrears_cny,
    count(*) as arrears_bills,
    min(due_date) as arrears_since
  from due
  where open_cny > 0
  group by account_id
),
own as (
  select
    account_id,
    count(*) filter (where is_12m) as due_bills_12m,
    count(*) filter (where is_12m and is_on_time) as on_time_bills_12m,
    count(*) filter (where is_12m and not is_on_time) as late_bills_12m,
    count(*) filter (where is_12m and payments >= 2) as split_bills_12m,
    count(*) filter (where is_12m and debits >= 1) as debit_bills_12m,
    count(*) filter (where is_12m and days_late >= $long_late_days) as long_late_bills_12m,
    count(*) filter (where is_3m) as due_bills_3m,
    count(*) filter (where is_3m and not is_on_time) as late_bills_3m,
    count(*) filter (where is_12m and not is_3m) as due_bills_before_3m,
    count(*) filter (where is_12m and not is_3m and not is_on_time) as late_bills_before_3m,
    count(*) filter (where is_6m and days_late >= $long_late_days) as long_late_bills_6m,
    count(*) filter (where is_earlier) as due_bills_earlier,
    count(*) filter (where is_earlier and not is_on_time) as late_bills_earlier,
    cast(median(days_to_pay) filter (where is_12m) as decimal(6, 1)) as days_to_pay,
    cast(median(due_date - settled_date) filter (where is_12m) as decimal(6, 1)) as days_before_due,
    cast(median_deviation(days_to_pay) filter (where is_12m) as decimal(6, 1)) as days_to_pay_deviation,
    max(days_late) filter (where is_12m) as longest_delay_days_12m,
    max(due_date) filter (where not is_on_time) as last_late_due_date,
    first_value(days_to_pay order by bill_month desc) as last_bill_days_to_pay,
    run_lengths(bill_month, is_on_time) filter (where due_date >= cast($as_of as date) - interval '24 months') as on_time_runs,
    run_lengths(bill_month, not is_on_time) filter (where due_date >= cast($as_of as date) - interval '24 months') as late_runs
  from due
  where not is_former_holder
  group by account_id
),
-- Bills between the first debit and the last that were not debited: the bank refused.
debit as (
  select
    due.account_id,
    count(*) filter (where due.debits = 0) as undebited_bills_12m
  from due
  join (
    select
      account_id,
      min(bill_month) as first_month,
      max(bill_month) as last_month
    from due
    where is_12m and not is_former_holder and debits > 0
    group by account_id
  ) as debited
    on debited.account_id = due.account_id
    and due.bill_month between debited.first_month and debited.last_month
  group by due.account_id
)
select
  known.account_id,
  known.due_bills,
  arrears.arrears_cny,
  coalesce(arrears.arrears_bills, 0) as arrears_bills,
  arrears.arrears_since,
  coalesce(own.due_bills_12m, 0) as due_bills_12m,
  own.on_time_bills_12m,
  own.late_bills_12m,
  own.split_bills_12m,
  own.debit_bills_12m,
  own.long_late_bills_12m,
  own.due_bills_3m,
  own.late_bills_3m,
  own.due_bills_before_3m,
  own.late_bills_before_3m,
  own.long_late_bills_6m,
  own.due_bills_earlier,
  own.late_bills_earlier,
  own.days_to_pay,
  own.days_before_due,
  own.days_to_pay_deviation,
  own.longest_delay_days_12m,
  own.last_late_due_date,
  own.last_bill_days_to_pay,
  own.on_time_runs['latest'] as on_time_streak_bills,
  own.late_runs['latest'] as late_streak_bills,
  own.late_runs['longest'] as longest_late_streak_24m,
  debit.undebited_bills_12m,
  channel.payments_12m,
  channel.main_channel,
  channel.main_channel_payments,
  channel.electronic_payments_12m
from known
left join arrears on arrears.account_id = known.account_id
left join own on own.account_id = known.account_id
left join debit on debit.account_id = known.account_id
left join account_payment_channel as channel on channel.account_id = known.account_id
