-- Customers with two accounts or more. Grain: customer_id. Most customers have one
-- account, and account_customer knows that account as well as anything here would:
-- leaving them out keeps the table small enough to stand beside every bucket.
select
  customer_id,
  sum(accounts) as accounts,
  sum(residential_accounts) as residential_accounts,
  min(first_region) is distinct from max(last_region) as has_several_regions,
  min(first_open_date) as first_open_date,
  sum(contract_capacity_kva) as contract_capacity_kva,
  sum(autopay_accounts) as autopay_accounts,
  sum(online_accounts) as online_accounts,
  sum(billed_accounts) as billed_accounts,
  sum(energy_12m_wh) as energy_12m_wh,
  max(largest_energy_12m_wh) as largest_energy_12m_wh,
  sum(amount_12m_cny) as amount_12m_cny,
  sum(idle_accounts) as idle_accounts,
  sum(arrears_accounts) as arrears_accounts,
  sum(arrears_cny) as arrears_cny
from customer_account_part
group by customer_id
having sum(accounts) >= 2
