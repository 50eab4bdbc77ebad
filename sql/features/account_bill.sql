-- Bills of the last 12 months, and each beside the same month a year before.
-- Grain: account_id. The last month is the one that ended at least ten days
-- before the as-of: its bills have been issued.
with
last as (
  select date_trunc('month', cast($as_of as date) - interval '10 days') - interval '1 month' as bill_month
),
bill as (
  select
    bill.*,
    bill.bill_month > last.bill_month - interval '3 months' as is_3m,
    bill.bill_month = last.bill_month as is_last,
    date_part('month', bill.bill_month) in (6, 7, 8, 9) as is_summer,
    date_part('month', bill.bill_month) in (11, 12, 1, 2) as is_winter,
    date_part('month', bill.bill_month) in (4, 5, 10) as is_shoulder,
    before.energy_wh as energy_year_before_wh
  from stg_bills as bill
  cross join last
  left join stg_bills as before
    on before.account_id = bill.account_id
    and before.bill_month = bill.bill_month - interval '12 months'
  where bill.bill_month <= last.bill_month
    and bill.bill_month > last.bill_month - interval '12 months'
)
select
  account_id,
  count(*) as bills_12m,
  count(energy_year_before_wh) as paired_bills_12m,
  sum(energy_wh) as energy_12m_wh,
  sum(energy_wh) filter (where energy_year_before_wh is not null) as energy_paired_wh,
  sum(energy_year_before_wh) as energy_paired_before_wh,
  sum(energy_wh) filter (where is_3m) as energy_3m_wh,
  sum(energy_wh) filter (where is_last) as energy_last_month_wh,
  max(energy_wh) as energy_max_month_wh,
  min(energy_wh) as energy_min_month_wh,
  count(*) filter (where energy_wh <= 1000) as zero_months_12m,
  sum(energy_wh) filter (where is_summer) as energy_summer_wh,
  count(*) filter (where is_summer) as bills_summer,
  sum(energy_wh) filter (where is_winter) as energy_winter_wh,
  count(*) filter (where is_winter) as bills_winter,
  sum(energy_wh) filter (where is_shoulder) as energy_shoulder_wh,
  count(*) filter (where is_shoulder) as bills_shoulder,
  sum(sharp_wh) as sharp_12m_wh,
  sum(peak_wh) as peak_12m_wh,
  sum(flat_wh) as flat_12m_wh,
  sum(valley_wh) as valley_12m_wh,
  max(max_demand_w) as max_demand_12m_w,
  max(tier) as highest_tier_12m,
  count(*) filter (where tier = 3) as tier3_months_12m,
  sum(amount_total_cny) as amount_12m_cny,
  sum(amount_energy_cny) as amount_energy_12m_cny,
  sum(amount_capacity_cny) as amount_capacity_12m_cny,
  sum(amount_power_factor_cny) as amount_power_factor_12m_cny
from bill
group by account_id
