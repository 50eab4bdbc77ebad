-- Accounts and energy by size, per bucket. Grain: region_code, account_class, energy_kwh.
-- Energy is cut to three significant digits, so that the histogram stays small
-- however many accounts there are.
with
account as (
  select
    region_code,
    account_class,
    energy_12m_wh,
    energy_12m_wh / 1000 as whole_kwh
  from account_bill
  where bills_12m >= 9
    and region_code is not null
    and account_class is not null
)
select
  region_code,
  account_class,
  case
    when whole_kwh < 1000 then whole_kwh
    when whole_kwh < 10000 then whole_kwh / 10 * 10
    when whole_kwh < 100000 then whole_kwh / 100 * 100
    when whole_kwh < 1000000 then whole_kwh / 1000 * 1000
    when whole_kwh < 10000000 then whole_kwh / 10000 * 10000
    when whole_kwh < 100000000 then whole_kwh / 100000 * 100000
    else whole_kwh / 1000000 * 1000000
  end as energy_kwh,
  count(*) as accounts,
  sum(energy_12m_wh) as energy_wh
from account
group by 1, 2, 3
