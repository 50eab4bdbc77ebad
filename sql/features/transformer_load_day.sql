-- Load under each transformer, day by day: the sum of the curves of its accounts.
-- Losses and street lights without a meter are not in it. Grain: transformer_id, date.
with
total as (
  select
    transformer_id,
    date,
    sum(accounts) as accounts,
    sum(energy_wh) as energy_wh,
    sum(backfeed_wh) as backfeed_wh,
    sum(phase_a_wh) as phase_a_wh,
    sum(phase_b_wh) as phase_b_wh,
    sum(phase_c_wh) as phase_c_wh,
    sum(three_phase_wh) as three_phase_wh,
    energy_curve_sum(half_hour_wh) as half_hour_wh
  from transformer_load_part
  group by transformer_id, date
)
select
  total.*,
  cast(cardinality(total.half_hour_wh) as bigint) as slots,
  array_max(total.half_hour_wh) * cast(cardinality(total.half_hour_wh) as bigint) / 24 as max_demand_w,
  time_of_peak(total.half_hour_wh) as peak_minute,
  -- On a day on which many accounts did not deliver, the sum says little.
  total.accounts * 100 >= account.accounts * $complete_percent as is_complete
from total
join transformer_account as account on account.transformer_id = total.transformer_id
