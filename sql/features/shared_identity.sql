-- Phones, names with phones, and addresses that several customers have.
-- Grain: kind, identity.
select
  kind,
  identity,
  count(distinct customer_id) as customers,
  sum(accounts) as accounts
from identity_part
group by kind, identity
having count(distinct customer_id) >= 2
