-- Reminders to pay, and what followed. Grain: account_id, every account, because
-- never having been reminded is a finding too. A payment within $answer_days days
-- of a reminder counts as its effect; a late bill counts for the last reminder
-- between its due date and the day on which it was settled. Reminders to a former
-- holder, and what that one complained about, are left out.
with
sent as (
  select
    contact.account_id,
    contact.contact_id,
    contact.channel,
    contact.outcome,
    contact.contacted_at,
    cast(contact.contacted_at as date) as date,
    contact.contacted_at >= cast($as_of as date) - interval '12 months' as is_12m,
    contact.outcome <> 'undelivered' as is_reached
  from stg_contacts as contact
  join account_holder as holder on holder.account_id = contact.account_id
  where contact.kind = 'dunning'
    and contact.contacted_at >= cast($as_of as date) - interval '24 months'
    and contact.contacted_at >= holder.held_since
),
-- Reminders of 12 months after which a payment came in.
answered as (
  select distinct
    sent.account_id,
    sent.contact_id
  from sent
  join stg_payments as payment
    on payment.account_id = sent.account_id
    and payment.pay_date >= sent.date
    and payment.pay_date <= sent.date + $answer_days
  where sent.is_12m
),
reminder as (
  select
    sent.account_id,
    count(*) as dunnings_24m,
    count(*) filter (where sent.is_12m) as dunnings_12m,
    count(*) filter (where sent.contacted_at >= cast($as_of as date) - interval '3 months') as dunnings_3m,
    count(*) filter (where sent.contacted_at >= cast($as_of as date) - interval '30 days') as dunnings_30d,
    count(*) filter (where sent.is_12m and sent.channel = 'sms') as sms_12m,
    count(*) filter (where sent.is_12m and sent.channel = 'call') as call_12m,
    count(*) filter (where sent.is_12m and sent.channel = 'visit') as visit_12m,
    count(*) filter (where sent.is_12m and sent.channel not in ('sms', 'call', 'visit')) as other_12m,
    count(*) filter (where sent.is_12m and sent.is_reached) as reached_12m,
    count(*) filter (where sent.is_12m and sent.channel = 'call' and sent.is_reached) as call_reached_12m,
    count(*) filter (where sent.is_12m and sent.channel = 'visit' and sent.is_reached) as visit_reached_12m,
    count(*) filter (where sent.is_12m and sent.outcome = 'responded') as responded_12m,
    count(*) filter (where sent.outcome = 'unsubscribed') as unsubscribed_24m,
    count(answered.contact_id) as answered_12m,
    count(answered.contact_id) filter (where sent.channel = 'sms') as sms_answered_12m,
    count(answered.contact_id) filter (where sent.channel = 'call') as call_answered_12m,
    count(answered.contact_id) filter (where sent.channel = 'visit') as visit_answered_12m,
    max(sent.date) as last_date,
    first_value(sent.channel order by sent.contacted_at desc, sent.contact_id desc) as last_channel
  from sent
  left join answered
    on answered.account_id = sent.account_id
    and answered.contact_id = sent.contact_id
  group by sent.account_id
),
-- Late bills of the holder, each with the last reminder before it was settled.
late as (
  select
    bill.account_id,
    bill.bill_month,
    max(bill.settled_date) as settled_date,
    count(sent.contact_id) as reminders,
    max(sent.date) as last_date,
    first_value(sent.channel order by sent.contacted_at desc, sent.contact_id desc) as last_channel
  from account_bill_payment as bill
  left join sent
    on sent.account_id = bill.account_id
    and sent.date > bill.due_date
    and sent.date <= coalesce(bill.settled_date, $as_of)
  where bill.days_late > 0
    and not bill.is_former_holder
    and bill.due_date >= cast($as_of as date) - interval '12 months'
  group by bill.account_id, bill.bill_month
),
outcome as (
  select
    account_id,
    count(*) as late_bills_12m,
    count(*) filter (where reminders > 0) as dunned_bills_12m,
    count(settled_date) as late_paid_bills_12m,
    count(settled_date) filter (where reminders = 0) as paid_unasked_12m,
    count(settled_date) filter (where last_channel = 'sms') as paid_after_sms_12m,
    count(settled_date) filter (where last_channel = 'call') as paid_after_call_12m,
    count(settled_date) filter (where last_channel = 'visit') as paid_after_visit_12m,
    count(settled_date) filter (where last_channel not in ('sms', 'call', 'visit')) as paid_after_other_12m,
    cast(median(settled_date - last_date) as decimal(6, 1)) as days_from_reminder
  from late
  group by account_id
),
-- Complaints about bills soon after a reminder, or about the reminding itself.
complaint as (
  select
    work_order.account_id,
    count(distinct work_order.work_order_id) as complaints_24m
  from stg_work_orders as work_order
  join account_holder as holder on holder.account_id = work_order.account_id
  left join sent
    on sent.account_id = work_order.account_id
    and sent.date <= work_order.created_date
    and sent.date >= work_order.created_date - $complaint_days
  where work_order.kind = 'complaint'
    and work_order.created_date >= cast($as_of as date) - interval '24 months'
    and work_order.created_date >= holder.held_since
    and (
      (work_order.topic = 'billing' and sent.contact_id is not null)
      or work_order.content like '%催费%'
      or work_order.content like '%催缴%'
    )
  group by work_order.account_id
),
-- What is still disputed: complaints about the bill or the meter that are not closed.
dispute as (
  select
    work_order.account_id,
    count(*) as open_disputes
  from stg_work_orders as work_order
  join account_holder as holder on holder.account_id = work_order.account_id
  where work_order.kind = 'complaint'
    and work_order.topic in ('billing', 'metering', 'tariff')
    and work_order.created_date >= holder.held_since
    and coalesce(work_order.closed_date >= $as_of, true)
  group by work_order.account_id
)
select
  account.account_id,
  coalesce(reminder.dunnings_24m, 0) as dunnings_24m,
  coalesce(reminder.dunnings_12m, 0) as dunnings_12m,
  coalesce(reminder.dunnings_3m, 0) as dunnings_3m,
  coalesce(reminder.dunnings_30d, 0) as dunnings_30d,
  coalesce(reminder.sms_12m, 0) as sms_12m,
  coalesce(reminder.call_12m, 0) as call_12m,
  coalesce(reminder.visit_12m, 0) as visit_12m,
  coalesce(reminder.other_12m, 0) as other_12m,
  coalesce(reminder.reached_12m, 0) as reached_12m,
  coalesce(reminder.call_reached_12m, 0) as call_reached_12m,
  coalesce(reminder.visit_reached_12m, 0) as visit_reached_12m,
  coalesce(reminder.responded_12m, 0) as responded_12m,
  coalesce(reminder.unsubscribed_24m, 0) as unsubscribed_24m,
  coalesce(reminder.answered_12m, 0) as answered_12m,
  coalesce(reminder.sms_answered_12m, 0) as sms_answered_12m,
  coalesce(reminder.call_answered_12m, 0) as call_answered_12m,
  coalesce(reminder.visit_answered_12m, 0) as visit_answered_12m,
  reminder.last_date as last_dunning_date,
  reminder.last_channel as last_dunning_channel,
  coalesce(outcome.late_bills_12m, 0) as late_bills_12m,
  coalesce(outcome.dunned_bills_12m, 0) as dunned_bills_12m,
  coalesce(outcome.late_paid_bills_12m, 0) as late_paid_bills_12m,
  coalesce(outcome.paid_unasked_12m, 0) as paid_unasked_12m,
  coalesce(outcome.paid_after_sms_12m, 0) as paid_after_sms_12m,
  coalesce(outcome.paid_after_call_12m, 0) as paid_after_call_12m,
  coalesce(outcome.paid_after_visit_12m, 0) as paid_after_visit_12m,
  coalesce(outcome.paid_after_other_12m, 0) as paid_after_other_12m,
  outcome.days_from_reminder,
  case when $has_work_orders then coalesce(complaint.complaints_24m, 0) end as complaints_24m,
  case when $has_work_orders then coalesce(dispute.open_disputes, 0) end as open_disputes
from stg_accounts as account
left join reminder on reminder.account_id = account.account_id
left join outcome on outcome.account_id = account.account_id
left join complaint on complaint.account_id = account.account_id
left join dispute on dispute.account_id = account.account_id
