-- Who is supplied by each transformer. Grain: transformer_id.
-- The settlement is that of most of its accounts, where at least ten tell it.
with
part as (
  select * from area_account_part where transformer_id <> ''
),
total as (
  select
    transformer_id,
    sum(accounts) as accounts,
    sum(residential_accounts) as residential_accounts,
    sum(commercial_accounts) as commercial_accounts,
    sum(industrial_accounts) as industrial_accounts,
    sum(urban_accounts) as urban_accounts,
    sum(suburban_accounts) as suburban_accounts,
    sum(rural_accounts) as rural_accounts,
    sum(single_phase_accounts) as single_phase_accounts,
    sum(new_accounts) as new_accounts,
    sum(idle_accounts) as idle_accounts,
    sum(due_accounts) as due_accounts,
    sum(arrears_accounts) as arrears_accounts,
    sum(online_accounts) as online_accounts,
    sum(contract_capacity_kva) as contract_capacity_kva,
    sum(billed_accounts) as billed_accounts,
    sum(energy_12m_wh) as energy_12m_wh,
    sum(amount_12m_cny) as amount_12m_cny,
    sum(residential_billed_accounts) as residential_billed_accounts,
    sum(residential_energy_12m_wh) as residential_energy_12m_wh,
    sum(energy_paired_wh) as energy_paired_wh,
    sum(energy_paired_before_wh) as energy_paired_before_wh,
    sum(energy_3m_wh) as energy_3m_wh,
    sum(energy_3m_before_wh) as energy_3m_before_wh,
    sum(pv_accounts) as pv_accounts,
    sum(pv_capacity_w) as pv_capacity_w,
    sum(ev_accounts) as ev_accounts,
    sum(residential_ev_accounts) as residential_ev_accounts,
    sum(heat_pump_accounts) as heat_pump_accounts,
    sum(storage_accounts) as storage_accounts,
    sum(complaints_12m) as complaints_12m
  from part
  group by transformer_id
)
select
  *,
  case
    when urban_accounts + suburban_accounts + rural_accounts < 10 then null
    when urban_accounts * 2 > urban_accounts + suburban_accounts + rural_accounts then 'urban'
    when suburban_accounts * 2 > urban_accounts + suburban_accounts + rural_accounts then 'suburban'
    when rural_accounts * 2 > urban_accounts + suburban_accounts + rural_accounts then 'rural'
  end as settlement
from total
