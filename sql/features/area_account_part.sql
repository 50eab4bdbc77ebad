-- Who is supplied by which transformer of which region, per bucket of accounts: counts
-- and exact sums that transformer_account and region_account add up.
-- Grain: region_code, transformer_id ('' where the account has none).
-- Growth is that of accounts which were billed in the same months of both years, so
-- that neither a new account nor a closed one counts as growth.
with
last as (
  select date_trunc('month', cast($as_of as date) - interval '10 days') - interval '1 month' as bill_month
),
quarter as (
  select
    bill.account_id,
    sum(bill.energy_wh) as energy_3m_wh,
    sum(before.energy_wh) as energy_3m_before_wh
  from stg_bills as bill
  cross join last
  join stg_bills as before
    on before.account_id = bill.account_id
    and before.bill_month = bill.bill_month - interval '12 months'
  where bill.bill_month <= last.bill_month
    and bill.bill_month > last.bill_month - interval '3 months'
  group by bill.account_id
),
account as (
  select
    account.*,
    account.account_class = 'residential' as is_residential,
    account.open_date >= cast($as_of as date) - interval '365 days' as is_new,
    bill.bills_12m >= 9 as is_billed,
    bill.energy_12m_wh,
    bill.energy_paired_wh,
    bill.energy_paired_before_wh,
    bill.amount_12m_cny,
    bill.zero_months_12m >= 6 as is_idle,
    payment.arrears_bills > 0 as is_in_arrears,
    payment.due_bills >= 1 as has_due_bill,
    device.pv_count > 0 as has_pv,
    device.pv_capacity_w,
    device.ev_charger_count > 0 as has_ev_charger,
    device.heat_pump_count > 0 as has_heat_pump,
    device.storage_count > 0 as has_storage,
    service.complaints_12m,
    quarter.energy_3m_wh,
    quarter.energy_3m_before_wh
  from stg_accounts as account
  left join account_bill as bill on bill.account_id = account.account_id
  left join account_payment as payment on payment.account_id = account.account_id
  left join account_device as device on device.account_id = account.account_id
  left join account_service as service on service.account_id = account.account_id
  left join quarter on quarter.account_id = account.account_id
)
select
  coalesce(region_code, '') as region_code,
  coalesce(transformer_id, '') as transformer_id,
  count(*) as accounts,
  count(*) filter (where is_residential) as residential_accounts,
  count(*) filter (where account_class = 'commercial') as commercial_accounts,
  count(*) filter (where account_class = 'industrial') as industrial_accounts,
  count(*) filter (where urban_rural = 'urban') as urban_accounts,
  count(*) filter (where urban_rural = 'suburban') as suburban_accounts,
  count(*) filter (where urban_rural = 'rural') as rural_accounts,
  count(*) filter (where phase in ('A', 'B', 'C')) as single_phase_accounts,
  case when count(open_date) > 0 then count(*) filter (where is_new) end as new_accounts,
  count(*) filter (where is_idle) as idle_accounts,
  count(*) filter (where has_due_bill) as due_accounts,
  count(*) filter (where is_in_arrears) as arrears_accounts,
  case
    when count(coalesce(is_app_bound, is_wechat_bound)) > 0 then count(*) filter (where is_app_bound or is_wechat_bound)
  end as online_accounts,
  sum(contract_capacity_kva) as contract_capacity_kva,
  count(*) filter (where is_billed) as billed_accounts,
  sum(energy_12m_wh) filter (where is_billed) as energy_12m_wh,
  sum(amount_12m_cny) filter (where is_billed) as amount_12m_cny,
  count(*) filter (where is_billed and is_residential) as residential_billed_accounts,
  sum(energy_12m_wh) filter (where is_billed and is_residential) as residential_energy_12m_wh,
  sum(energy_paired_wh) as energy_paired_wh,
  sum(energy_paired_before_wh) as energy_paired_before_wh,
  sum(energy_3m_wh) as energy_3m_wh,
  sum(energy_3m_before_wh) as energy_3m_before_wh,
  count(*) filter (where has_pv) as pv_accounts,
  sum(pv_capacity_w) as pv_capacity_w,
  count(*) filter (where has_ev_charger) as ev_accounts,
  count(*) filter (where has_ev_charger and is_residential) as residential_ev_accounts,
  count(*) filter (where has_heat_pump) as heat_pump_accounts,
  count(*) filter (where has_storage) as storage_accounts,
  sum(complaints_12m) as complaints_12m
from account
group by coalesce(region_code, ''), coalesce(transformer_id, '')
