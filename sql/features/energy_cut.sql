-- Energy of each region and class, and the least energy of the accounts that
-- use most of it. Grain: region_code, account_class. Those are the smallest set of
-- largest accounts that brings $pareto_percent percent of the class's energy.
with
bin as (
  select
    region_code,
    account_class,
    energy_kwh,
    sum(accounts) as accounts,
    sum(energy_wh) as energy_wh
  from energy_histogram
  group by region_code, account_class, energy_kwh
),
ranked as (
  select
    *,
    sum(energy_wh) over (partition by region_code, account_class order by energy_kwh desc) - energy_wh as above_wh,
    sum(energy_wh) over (partition by region_code, account_class) as class_energy_wh,
    sum(energy_wh) over (partition by region_code) as region_energy_wh
  from bin
)
select
  region_code,
  account_class,
  sum(accounts) as class_accounts,
  max(class_energy_wh) as class_energy_wh,
  max(region_energy_wh) as region_energy_wh,
  min(energy_kwh) filter (where cast(above_wh as decimal(38, 0)) * 100 < cast(class_energy_wh as decimal(38, 0)) * $pareto_percent) as pareto_least_kwh
from ranked
group by region_code, account_class
