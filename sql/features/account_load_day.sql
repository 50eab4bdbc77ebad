-- What one day's load curve says. Grain: account_id, date.
-- Everything that needs the full resolution is worked out here, once. Energy is
-- what is taken from the grid; what is fed back stands in backfeed_wh.
with
curve as (
  select account_id, date, load_day(power_w) as load, energy_wh(reactive_var) as reactive_varh from stg_load_curve
)
select
  account_id,
  date,
  load['energy_wh'] as energy_wh,
  load['max_demand_w'] as max_demand_w,
  load['min_demand_w'] as min_demand_w,
  load['base_load_w'] as base_load_w,
  load['peak_minute'] as peak_minute,
  load['load_factor'] as load_factor,
  load['night_wh'] as night_wh,
  load['morning_wh'] as morning_wh,
  load['noon_wh'] as noon_wh,
  load['evening_wh'] as evening_wh,
  ratio(load['night_wh'], load['energy_wh']) as night_share,
  ratio(load['morning_wh'], load['energy_wh']) as morning_share,
  ratio(load['noon_wh'], load['energy_wh']) as noon_share,
  ratio(load['evening_wh'], load['energy_wh']) as evening_share,
  load['max_ramp_w'] as max_ramp_w,
  load['longest_zero_minutes'] as longest_zero_minutes,
  load['backfeed_wh'] as backfeed_wh,
  load['points'] as points,
  load['valid_points'] as valid_points,
  ratio(load['valid_points'], load['points']) as valid_share,
  load['half_hour_wh'] as half_hour_wh,
  reactive_varh
from curve
