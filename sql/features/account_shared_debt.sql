-- What the holder of an account owes for other accounts of theirs, where it has been
-- owed for long. Grain: account_id, accounts whose customer is known.
select
  account.account_id,
  coalesce(total.accounts, 0) - case when arrears.own_arrears_days >= $days then 1 else 0 end as other_debt_accounts,
  coalesce(total.arrears_cny, 0)
    - case when arrears.own_arrears_days >= $days then arrears.arrears_cny - arrears.former_holder_cny else 0 end as other_debt_cny
from stg_accounts as account
left join customer_debt_total as total on total.customer_id = account.customer_id
left join account_arrears as arrears on arrears.account_id = account.account_id
where account.customer_id is not null
