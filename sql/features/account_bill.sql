-- Bills of the last 12 months and of the 12 before. Grain: account_id.
-- The last month is the one that ended at least ten days before the as-of:
-- its bills have been issued.
with
last as (
  select date_trunc('month', cast($as_of as date) - interval '10 days') - interval '1 month' as bill_month
),
bill as (
  select
    bill.*,
    bill.bill_month > last.bill_month - interval '12 months' as is_12m,
    bill.bill_month > last.bill_month - interval '3 months' as is_3m,
    bill.bill_month = last.bill_month as is_last,
    date_part('month', bill.bill_month) in (6, 7, 8, 9) as is_summer,
    date_part('month', bill.bill_month) in (11, 12, 1, 2) as is_winter,
    date_part('month', bill.bill_month) in (4, 5, 10) as is_shoulder
  from stg_bills as bill
  cross join last
  where bill.bill_month <= last.bill_month
    and bill.bill_month > last.bill_month - interval '24 months'
)
select
  account_id,
  count(*) filter (where is_12m) as bills_12m,
  count(*) filter (where not is_12m) as bills_previous_12m,
  sum(energy_wh) filter (where is_12m) as energy_12m_wh,
  sum(energy_wh) filter (where not is_12m) as energy_previous_12m_wh,
  sum(energy_wh) filter (where is_3m) as energy_3m_wh,
  sum(energy_wh) filter (where is_last) as energy_last_month_wh,
  max(energy_wh) filter (where is_12m) as energy_max_month_wh,
  min(energy_wh) filter (where is_12m) as energy_min_month_wh,
  count(*) filter (where is_12m and energy_wh <= 1000) as zero_months_12m,
  sum(energy_wh) filter (where is_12m and is_summer) as energy_summer_wh,
  count(*) filter (where is_12m and is_summer) as bills_summer,
  sum(energy_wh) filter (where is_12m and is_winter) as energy_winter_wh,
  count(*) filter (where is_12m and is_winter) as bills_winter,
  sum(energy_wh) filter (where is_12m and is_shoulder) as energy_shoulder_wh,
  count(*) filter (where is_12m and is_shoulder) as bills_shoulder,
  sum(sharp_wh) filter (where is_12m) as sharp_12m_wh,
  sum(peak_wh) filter (where is_12m) as peak_12m_wh,
  sum(flat_wh) filter (where is_12m) as flat_12m_wh,
  sum(valley_wh) filter (where is_12m) as valley_12m_wh,
  max(max_demand_w) filter (where is_12m) as max_demand_12m_w,
  max(tier) filter (where is_last) as tier_last_month,
  count(*) filter (where is_12m and tier = 3) as tier3_months_12m,
  sum(amount_total_cny) filter (where is_12m) as amount_12m_cny,
  sum(amount_energy_cny) filter (where is_12m) as amount_energy_12m_cny,
  sum(amount_capacity_cny) filter (where is_12m) as amount_capacity_12m_cny,
  sum(amount_power_factor_cny) filter (where is_12m) as amount_power_factor_12m_cny
from bill
group by account_id
