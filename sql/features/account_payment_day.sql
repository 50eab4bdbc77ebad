-- On which days the holder of an account pays: the days of 12 months on which a
-- payment came in. Grain: account_id, accounts with a payment in 12 months.
-- The day of the month is averaged on a circle of 31 days, so that the 30th and the
-- 1st are close: each day's sine and cosine are rounded to millionths, and whole
-- numbers are summed. The day of a direct debit is the bank's choice, so weekdays
-- and holidays count only payments made by hand.
with
payment as (
  select
    payment.account_id,
    payment.pay_date,
    payment.bill_month,
    payment.amount_cny,
    payment.channel <> 'bank_auto' as is_by_hand
  from stg_payments as payment
  join account_bill_payment as bill
    on bill.account_id = payment.account_id
    and bill.bill_month = payment.bill_month
  where payment.pay_date >= cast($as_of as date) - interval '12 months'
    and not bill.is_former_holder
),
pay_day as (
  select
    account_id,
    pay_date,
    count(distinct bill_month) as bills,
    sum(amount_cny) as paid_cny,
    max(amount_cny) as largest_cny,
    bool_or(is_by_hand) as is_by_hand,
    cast(date_part('day', pay_date) as bigint) as day_of_month,
    cast(date_part('isodow', pay_date) as bigint) as weekday,
    pay_date - lag(pay_date) over (partition by account_id order by pay_date) as days_between
  from payment
  group by account_id, pay_date
)
select
  pay_day.account_id,
  count(*) as pay_days_12m,
  sum(cast(round(cos(2 * pi() * day_of_month / 31) * 1000000) as bigint)) as cosine_sum,
  sum(cast(round(sin(2 * pi() * day_of_month / 31) * 1000000) as bigint)) as sine_sum,
  count(*) filter (where day_of_month <= 10) as first_third_days,
  count(*) filter (where day_of_month between 11 and 20) as middle_third_days,
  count(*) filter (where day_of_month >= 21) as last_third_days,
  count(*) filter (where is_by_hand) as hand_days,
  count(*) filter (where is_by_hand and weekday >= 6) as weekend_days,
  count(*) filter (where is_by_hand and calendar.holiday is not null) as holiday_days,
  most_frequent(weekday) filter (where is_by_hand) as weekday,
  count(*) filter (where bills >= 2) as bundle_days,
  max(largest_cny) as largest_payment_cny,
  max(pay_day.pay_date) as last_pay_date,
  first_value(paid_cny order by pay_day.pay_date desc) as last_paid_cny,
  cast(median(days_between) as decimal(6, 1)) as days_between,
  max(days_between) as longest_days_between
from pay_day
left join stg_calendar as calendar on calendar.date = pay_day.pay_date
group by pay_day.account_id
