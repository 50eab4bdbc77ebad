-- Who holds which tariff, per bucket. Grain: account_class, voltage_class, tariff_code.
select
  account_class,
  coalesce(voltage_class, 'unknown') as voltage_class,
  tariff_code,
  count(*) as accounts,
  min(contract_capacity_kva) as least_capacity_kva,
  max(contract_capacity_kva) as greatest_capacity_kva
from stg_accounts
where tariff_code is not null
group by 1, 2, 3
