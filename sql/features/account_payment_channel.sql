-- By which channels the holder of an account pays: the last 12 months, and the 12
-- before for comparison. Grain: account_id, accounts with a payment in 24 months.
-- The main channel has most payments; of equals, the one used last.
with
payment as (
  select
    payment.account_id,
    payment.payment_id,
    payment.channel,
    payment.pay_date,
    payment.amount_cny,
    payment.pay_date >= cast($as_of as date) - interval '12 months' as is_12m,
    payment.channel in ('app', 'wechat', 'alipay', 'bank_auto') as is_electronic,
    payment.channel in ('hall', 'bank_counter', 'cash_agent') as is_counter
  from stg_payments as payment
  join account_bill_payment as bill
    on bill.account_id = payment.account_id
    and bill.bill_month = payment.bill_month
  where payment.pay_date >= cast($as_of as date) - interval '24 months'
    and not bill.is_former_holder
),
channel as (
  select
    account_id,
    channel,
    count(*) filter (where is_12m) as payments_12m,
    count(*) filter (where not is_12m) as payments_before,
    max(pay_date) as last_date
  from payment
  group by account_id, channel
),
habit as (
  select
    account_id,
    count(*) filter (where payments_12m > 0) as channels_12m,
    first_value(channel order by payments_12m desc, last_date desc, channel) filter (where payments_12m > 0) as main_channel,
    max(payments_12m) as main_channel_payments,
    first_value(channel order by payments_before desc, last_date desc, channel) filter (where payments_before > 0) as main_channel_before
  from channel
  group by account_id
),
total as (
  select
    account_id,
    count(*) filter (where is_12m) as payments_12m,
    count(*) filter (where not is_12m) as payments_before,
    sum(amount_cny) filter (where is_12m) as paid_12m_cny,
    count(*) filter (where is_12m and is_electronic) as electronic_payments_12m,
    count(*) filter (where not is_12m and is_electronic) as electronic_payments_before,
    count(*) filter (where is_12m and is_counter) as counter_payments_12m,
    count(*) filter (where not is_12m and is_counter) as counter_payments_before,
    count(*) filter (where is_12m and channel in ('wechat', 'alipay')) as wallet_payments_12m,
    count(*) filter (where is_12m and channel = 'app') as app_payments_12m,
    count(*) filter (where is_12m and channel = 'wechat') as wechat_payments_12m,
    count(*) filter (where is_12m and channel = 'alipay') as alipay_payments_12m,
    count(*) filter (where is_12m and channel = 'bank_auto') as bank_auto_payments_12m,
    count(*) filter (where is_12m and channel = 'bank_counter') as bank_counter_payments_12m,
    count(*) filter (where is_12m and channel = 'hall') as hall_payments_12m,
    count(*) filter (where is_12m and channel = 'cash_agent') as cash_agent_payments_12m,
    coalesce(sum(amount_cny) filter (where is_12m and channel = 'app'), 0) as app_paid_12m_cny,
    coalesce(sum(amount_cny) filter (where is_12m and channel = 'wechat'), 0) as wechat_paid_12m_cny,
    coalesce(sum(amount_cny) filter (where is_12m and channel = 'alipay'), 0) as alipay_paid_12m_cny,
    coalesce(sum(amount_cny) filter (where is_12m and channel = 'bank_auto'), 0) as bank_auto_paid_12m_cny,
    coalesce(sum(amount_cny) filter (where is_12m and channel = 'bank_counter'), 0) as bank_counter_paid_12m_cny,
    coalesce(sum(amount_cny) filter (where is_12m and channel = 'hall'), 0) as hall_paid_12m_cny,
    coalesce(sum(amount_cny) filter (where is_12m and channel = 'cash_agent'), 0) as cash_agent_paid_12m_cny,
    coalesce(sum(amount_cny) filter (where is_12m and is_electronic), 0) as electronic_paid_12m_cny,
    first_value(channel order by pay_date desc, payment_id desc) as last_channel,
    max(pay_date) filter (where channel = 'bank_auto') as last_debit_date,
    max(pay_date) filter (where is_counter) as last_counter_date
  from payment
  group by account_id
)
select
  total.*,
  habit.channels_12m,
  habit.main_channel,
  habit.main_channel_payments,
  habit.main_channel_before
from total
join habit on habit.account_id = total.account_id
