-- Customers who owe something for at least $days days, per bucket of their accounts.
-- Grain: customer_id. Debts of former holders are not theirs.
select
  account.customer_id,
  count(*) as accounts,
  sum(arrears.arrears_cny - arrears.former_holder_cny) as arrears_cny,
  max(arrears.own_arrears_days) as arrears_days
from account_arrears as arrears
join stg_accounts as account on account.account_id = arrears.account_id
where arrears.own_arrears_days >= $days
  and account.customer_id is not null
group by account.customer_id
