-- The customer behind the account, with all accounts of theirs. Grain: account_id,
-- every account whose customer is known. A customer with one account is that account.
select
  account.account_id,
  account.customer_id,
  coalesce(customer.accounts, 1) as accounts,
  coalesce(customer.residential_accounts, case when account.account_class = 'residential' then 1 else 0 end) as residential_accounts,
  coalesce(customer.has_several_regions, false) as has_several_regions,
  coalesce(customer.first_open_date, account.open_date) as first_open_date,
  account.open_date,
  case when customer.customer_id is null then account.contract_capacity_kva else customer.contract_capacity_kva end as contract_capacity_kva,
  coalesce(customer.autopay_accounts, case when account.is_autopay then 1 else 0 end) as autopay_accounts,
  coalesce(customer.online_accounts, case when account.is_app_bound or account.is_wechat_bound then 1 else 0 end) as online_accounts,
  coalesce(customer.billed_accounts, case when bill.bills_12m > 0 then 1 else 0 end) as billed_accounts,
  bill.energy_12m_wh as own_energy_12m_wh,
  coalesce(customer.energy_12m_wh, bill.energy_12m_wh) as energy_12m_wh,
  coalesce(customer.largest_energy_12m_wh, bill.energy_12m_wh) as largest_energy_12m_wh,
  coalesce(customer.amount_12m_cny, bill.amount_12m_cny) as amount_12m_cny,
  coalesce(customer.idle_accounts, case when bill.zero_months_12m >= 6 then 1 else 0 end) as idle_accounts,
  coalesce(payment.arrears_bills, 0) as own_arrears_bills,
  coalesce(customer.arrears_accounts, case when payment.arrears_bills > 0 then 1 else 0 end) as arrears_accounts,
  coalesce(customer.arrears_cny, payment.arrears_cny, 0) as arrears_cny
from stg_accounts as account
left join customer_account as customer on customer.customer_id = account.customer_id
left join account_bill as bill on bill.account_id = account.account_id
left join account_payment as payment on payment.account_id = account.account_id
where account.customer_id is not null
