-- Accounts by customer, per bucket. Grain: customer_id.
-- Buckets go by account, and the accounts of one customer lie in many: what each
-- bucket knows of a customer is added up in customer_account.
select
  account.customer_id,
  count(*) as accounts,
  count(*) filter (where account.account_class = 'residential') as residential_accounts,
  min(account.region_code) as first_region,
  max(account.region_code) as last_region,
  min(account.open_date) as first_open_date,
  sum(account.contract_capacity_kva) as contract_capacity_kva,
  count(*) filter (where account.is_autopay) as autopay_accounts,
  count(*) filter (where account.is_app_bound or account.is_wechat_bound) as online_accounts,
  count(bill.bills_12m) as billed_accounts,
  sum(bill.energy_12m_wh) as energy_12m_wh,
  max(bill.energy_12m_wh) as largest_energy_12m_wh,
  sum(bill.amount_12m_cny) as amount_12m_cny,
  count(*) filter (where bill.zero_months_12m >= 6) as idle_accounts,
  count(*) filter (where payment.arrears_bills > 0) as arrears_accounts,
  sum(payment.arrears_cny) as arrears_cny
from stg_accounts as account
left join account_bill as bill on bill.account_id = account.account_id
left join account_payment as payment on payment.account_id = account.account_id
where account.customer_id is not null
group by account.customer_id
