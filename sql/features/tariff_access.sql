-- Which tariffs may be open to which accounts. Grain: account_class, voltage_class, tariff_code.
-- A price list does not say who may choose what, so it is read off those who have
-- chosen: how many accounts of a class and voltage hold a tariff, at contract
-- capacities from which to which.
select
  account_class,
  voltage_class,
  tariff_code,
  sum(accounts) as accounts,
  min(least_capacity_kva) as least_capacity_kva,
  max(greatest_capacity_kva) as greatest_capacity_kva
from tariff_holder_part
group by account_class, voltage_class, tariff_code
