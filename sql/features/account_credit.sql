-- What a credit score is made of, as known on the as-of and 90 days before it.
-- Grain: account_id, days_ago (0 and 90); only bills of the present holder. A bill
-- that was settled since was open 90 days ago, and counts so there.
with
moment as (
  select *
  from (
    values
      (0, cast($as_of as date)),
      (90, cast($as_of as date) - interval '90 days')
  ) as moment (days_ago, date)
),
own as (
  select *
  from account_bill_payment
  where not is_former_holder
),
bill as (
  select
    own.account_id,
    moment.days_ago,
    count(*) filter (where own.due_date >= moment.date - interval '12 months') as due_bills_12m,
    count(*) filter (where own.due_date >= moment.date - interval '12 months' and own.is_on_time) as on_time_bills_12m,
    count(*) as due_bills_24m,
    count(*) filter (
      where least(moment.date, coalesce(own.settled_date, moment.date)) - own.due_date > $long_late_days
    ) as long_late_bills_24m,
    coalesce(max(moment.date - own.due_date) filter (where coalesce(own.settled_date >= moment.date, true)), 0) as arrears_days
  from own
  join moment
    on own.due_date < moment.date
    and own.due_date >= moment.date - interval '24 months'
  group by own.account_id, moment.days_ago
),
-- Supply cut off for non-payment. An outage names a transformer and no account, so
-- it counts for the accounts behind it that owed something when it began.
disconnection as (
  select
    own.account_id,
    moment.days_ago,
    count(distinct outage.outage_id) as disconnections_24m
  from stg_outages as outage
  join stg_accounts as account on account.transformer_id = outage.transformer_id
  join own
    on own.account_id = account.account_id
    and own.due_date < outage.start_at
    and coalesce(own.settled_date >= cast(outage.start_at as date), true)
  join moment
    on outage.start_at < moment.date
    and outage.start_at >= moment.date - interval '24 months'
  where outage.cause = 'non_payment'
  group by own.account_id, moment.days_ago
)
select
  bill.*,
  case when $has_outages then coalesce(disconnection.disconnections_24m, 0) end as disconnections_24m
from bill
left join disconnection
  on disconnection.account_id = bill.account_id
  and disconnection.days_ago = bill.days_ago
