-- Customers who owe something for long, over all their accounts. Grain: customer_id.
select
  customer_id,
  sum(accounts) as accounts,
  sum(arrears_cny) as arrears_cny,
  max(arrears_days) as arrears_days
from customer_debt_part
group by customer_id
