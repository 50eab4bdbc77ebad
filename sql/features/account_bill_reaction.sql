-- Whether customers turn to the utility when a bill comes, above all one that is
-- much higher than they are used to. Bills issued in the last 365 days.
-- Grain: account_id, every account with such a bill.
with
issued as (
  select
    bill.account_id,
    bill.bill_month,
    bill.issue_date,
    -- Against the month before, or against the same month a year before; and only
    -- where it is money that one notices.
    coalesce(
      bill.amount_total_cny * 100 >= month_before.amount_total_cny * $jump_percent
        and bill.amount_total_cny - month_before.amount_total_cny >= $jump_cny,
      false
    )
      or coalesce(
        bill.amount_total_cny * 100 >= year_before.amount_total_cny * $jump_percent
          and bill.amount_total_cny - year_before.amount_total_cny >= $jump_cny,
        false
      ) as is_jump
  from stg_bills as bill
  left join stg_bills as month_before
    on month_before.account_id = bill.account_id
    and month_before.bill_month = bill.bill_month - interval '1 month'
  left join stg_bills as year_before
    on year_before.account_id = bill.account_id
    and year_before.bill_month = bill.bill_month - interval '12 months'
  where bill.issue_date >= cast($as_of as date) - interval '365 days'
),
contact as (
  select account_id, kind, created_date
  from stg_work_orders
  where topic = 'billing'
    and kind in ('complaint', 'enquiry')
    and created_date >= cast($as_of as date) - interval '365 days'
),
asked as (
  select
    account_id,
    count(*) filter (where kind = 'enquiry') as billing_enquiries
  from contact
  group by account_id
),
answered as (
  select distinct issued.account_id, issued.bill_month
  from issued
  join contact
    on contact.account_id = issued.account_id
    and contact.created_date between issued.issue_date and issued.issue_date + $answer_days
)
select
  issued.account_id,
  count(*) as bills,
  count(answered.bill_month) as answered_bills,
  count(*) filter (where is_jump) as bill_jumps,
  count(answered.bill_month) filter (where is_jump) as answered_bill_jumps,
  max(issue_date) filter (where is_jump) as last_bill_jump_date,
  count(*) filter (where is_jump and issue_date >= cast($as_of as date) - interval '60 days') as bill_jumps_60d,
  coalesce(max(asked.billing_enquiries), 0) as billing_enquiries
from issued
left join asked on asked.account_id = issued.account_id
left join answered
  on answered.account_id = issued.account_id
  and answered.bill_month = issued.bill_month
group by issued.account_id
