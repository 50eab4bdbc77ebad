-- Demand and power factor as billed in the last 12 months, and what the demand
-- would cost under either way to bill it. Grain: account_id, accounts with a billed
-- demand or power factor. Prices, power factor standard and way of billing are
-- those of the tariff and contract of today. Means of the power factor weigh each
-- month by its energy, as the adjustment of the bill does.
with
bill as (
  select
    *,
    months_ago < 3 as is_3m,
    cast(energy_wh as decimal(18, 0)) * power_factor as factor_wh
  from account_bill_month
  where months_ago < 12
    and (max_demand_w is not null or power_factor is not null)
),
billed as (
  select
    bill.account_id,
    count(bill.max_demand_w) as demand_bills_12m,
    max(bill.max_demand_w) as demand_max_12m_w,
    min(bill.max_demand_w) as demand_min_12m_w,
    sum(bill.max_demand_w) as demand_sum_12m_w,
    max(bill.max_demand_w) filter (where bill.months_ago = 0) as demand_last_month_w,
    first_value(bill.month order by bill.max_demand_w desc, bill.bill_month) filter (where bill.max_demand_w is not null) as demand_max_month,
    max(bill.max_demand_year_before_w) as demand_max_year_before_w,
    count(bill.max_demand_year_before_w) as paired_demand_bills_12m,
    sum(bill.energy_wh) filter (where bill.max_demand_w is not null) as demand_energy_12m_wh,
    sum(cast(date_part('day', bill.bill_month + interval '1 month' - interval '1 day') as bigint) * bill.max_demand_w * 24) as full_use_12m_wh,
    count(bill.power_factor) as factor_bills_12m,
    sum(bill.energy_wh) filter (where bill.power_factor is not null) as factor_energy_12m_wh,
    sum(bill.factor_wh) as factor_12m_wh,
    sum(bill.energy_wh) filter (where bill.power_factor is not null and bill.is_3m) as factor_energy_3m_wh,
    sum(bill.factor_wh) filter (where bill.is_3m) as factor_3m_wh,
    min(bill.power_factor) as power_factor_min_12m,
    max(bill.power_factor) filter (where bill.months_ago = 0) as power_factor_last_month,
    count(*) filter (where bill.power_factor < tariff.power_factor_standard) as below_standard_months_12m,
    count(*) filter (where bill.is_3m and bill.amount_power_factor_cny > 0) as penalty_months_3m,
    count(*) filter (where bill.amount_power_factor_cny > 0) as penalty_months_12m,
    sum(bill.amount_power_factor_cny) as adjustment_12m_cny,
    coalesce(sum(bill.amount_power_factor_cny) filter (where bill.amount_power_factor_cny > 0), 0) as penalty_12m_cny,
    coalesce(sum(-bill.amount_power_factor_cny) filter (where bill.amount_power_factor_cny < 0), 0) as reward_12m_cny,
    sum(bill.amount_total_cny) filter (where bill.amount_power_factor_cny is not null) as adjusted_amount_12m_cny,
    sum(bill.amount_capacity_cny) as capacity_charge_12m_cny,
    count(bill.amount_capacity_cny) as capacity_charge_bills_12m
  from bill
  join stg_accounts as account on account.account_id = bill.account_id
  left join stg_tariffs as tariff on tariff.tariff_code = account.tariff_code
  group by bill.account_id
)
select
  billed.*,
  account.demand_mode,
  account.contract_capacity_kva,
  tariff.kind as tariff_kind,
  tariff.power_factor_standard,
  -- The demand of each month at the demand price, against the capacity of as many months.
  cast(tariff.demand_price_cny_kw * billed.demand_sum_12m_w / 1000 as decimal(14, 2)) as demand_mode_12m_cny,
  cast(tariff.capacity_price_cny_kva * account.contract_capacity_kva * billed.demand_bills_12m as decimal(14, 2)) as capacity_mode_12m_cny
from billed
join stg_accounts as account on account.account_id = billed.account_id
left join stg_tariffs as tariff on tariff.tariff_code = account.tariff_code
