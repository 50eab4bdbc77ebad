-- Where an account stands between its beginning and its end: holder, contract,
-- months without use, applications that begin or end something.
-- Grain: account_id, every account. Months without use are those of the account,
-- whoever held it, up to the last complete bill month (see account_bill).
with
last as (
  select date_trunc('month', cast($as_of as date) - interval '10 days') - interval '1 month' as bill_month
),
used as (
  select
    bill.account_id,
    count(*) as bills_24m,
    run_lengths(bill.bill_month, bill.energy_wh <= $zero_wh)['latest'] as zero_run_months
  from stg_bills as bill
  cross join last
  where bill.bill_month <= last.bill_month
    and bill.bill_month > last.bill_month - interval '24 months'
  group by bill.account_id
),
application as (
  select
    account_id,
    count(*) filter (where is_open and kind in ('close', 'suspend', 'transfer')) as open_leaving_applications,
    max(capacity_kva) filter (where is_open and kind in ('new_connection', 'increase_capacity')) as requested_kva,
    count(*) filter (where is_done and kind in ('increase_capacity', 'pv', 'storage', 'ev_charger') and completed_date >= cast($as_of as date) - interval '730 days') as growth_applications_24m,
    first_value(kind order by completed_date desc, application_id desc) filter (where is_done and kind in ('suspend', 'resume')) as last_pause
  from (
    select
      *,
      status = 'completed' and completed_date < $as_of as is_done,
      status = 'open' or (status = 'completed' and completed_date >= $as_of) as is_open
    from stg_applications
  )
  group by account_id
)
select
  account.account_id,
  account.contract_end_date,
  holder.holder_since,
  holder.last_transfer_date,
  holder.transfers_24m,
  coalesce(used.bills_24m, 0) as bills_24m,
  used.zero_run_months,
  coalesce(application.open_leaving_applications, 0) as open_leaving_applications,
  application.requested_kva,
  coalesce(application.growth_applications_24m, 0) as growth_applications_24m,
  coalesce(application.last_pause = 'suspend', false) as is_suspended
from stg_accounts as account
join account_holder as holder on holder.account_id = account.account_id
left join used on used.account_id = account.account_id
left join application on application.account_id = account.account_id
