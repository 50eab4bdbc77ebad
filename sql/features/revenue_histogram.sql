-- Accounts and revenue by size of revenue, per bucket. Grain: revenue_cny.
-- Revenue is cut to three significant digits: a cut table needs no more, and
-- the histogram stays small however many accounts there are.
with
account as (
  select
    amount_12m_cny,
    cast(floor(amount_12m_cny) as bigint) as whole_cny
  from customer_tags
  where amount_12m_cny > 0
)
select
  case
    when whole_cny < 1000 then whole_cny
    when whole_cny < 10000 then whole_cny / 10 * 10
    when whole_cny < 100000 then whole_cny / 100 * 100
    when whole_cny < 1000000 then whole_cny / 1000 * 1000
    when whole_cny < 10000000 then whole_cny / 10000 * 10000
    when whole_cny < 100000000 then whole_cny / 100000 * 100000
    else whole_cny / 1000000 * 1000000
  end as revenue_cny,
  count(*) as accounts,
  sum(amount_12m_cny) as amount_cny
from account
group by 1
