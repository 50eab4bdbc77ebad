-- Least yearly revenue of each value tier. Grain: one row. Tier A is the
-- smallest set of largest accounts that brings half of the revenue; B, C and D
-- bring it to 70, 85 and 95 %.
with
bin as (
  select
    revenue_cny,
    sum(amount_cny) as amount_cny
  from revenue_histogram
  group by revenue_cny
),
ranked as (
  select
    revenue_cny,
    sum(amount_cny) over (order by revenue_cny desc) - amount_cny as above_cny,
    sum(amount_cny) over () as total_cny
  from bin
)
select
  1 as cut,
  min(revenue_cny) filter (where above_cny * 100 < total_cny * 50) as tier_a_min_cny,
  min(revenue_cny) filter (where above_cny * 100 < total_cny * 70) as tier_b_min_cny,
  min(revenue_cny) filter (where above_cny * 100 < total_cny * 85) as tier_c_min_cny,
  min(revenue_cny) filter (where above_cny * 100 < total_cny * 95) as tier_d_min_cny
from ranked
