-- Load under each transformer on each of the last 90 days, per bucket of accounts:
-- what transformer_load_day adds up. Grain: transformer_id, date. The account hangs
-- on the transformer of the day before the as-of; days above what its connection can
-- carry do not count.
select
  account.transformer_id,
  load.date,
  count(*) as accounts,
  sum(load.energy_wh) as energy_wh,
  sum(load.backfeed_wh) as backfeed_wh,
  sum(load.energy_wh) filter (where account.phase = 'A') as phase_a_wh,
  sum(load.energy_wh) filter (where account.phase = 'B') as phase_b_wh,
  sum(load.energy_wh) filter (where account.phase = 'C') as phase_c_wh,
  sum(load.energy_wh) filter (where account.phase = 'ABC') as three_phase_wh,
  energy_curve_sum(load.half_hour_wh) as half_hour_wh
from account_load_day as load
join stg_accounts as account on account.account_id = load.account_id
left join account_load_exception as exception
  on exception.account_id = load.account_id and exception.date = load.date
where load.date >= cast($as_of as date) - interval '90 days'
  and account.transformer_id is not null
  and load.valid_points > 0
  and exception.is_over_limit is not true
group by account.transformer_id, load.date
