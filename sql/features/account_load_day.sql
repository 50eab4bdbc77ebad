-- What one day's load curve says. Grain: account_id, date.
-- Everything that needs the full resolution is worked out here, once, on the
-- edited curve: what a hanging meter shows and spikes are unknown, and short gaps
-- are bridged by straight lines. The points of each kind stand on the row; valid
-- points are those that were measured. Energy is what is taken from the grid; what
-- is fed back stands in backfeed_wh. Days on which the clock is changed have 23 or 25
-- hours, and their hours are those of the clock.
with
delivered as (
  select
    account_id,
    date,
    power_w,
    reactive_var,
    time_zone,
    is_restated,
    coalesce(day_minutes(date, time_zone), 1440) as day_minutes,
    coalesce(day_minutes(date, time_zone), 1440) / curve_points(power_w) as interval_minutes
  from stg_load_curve
),
unstuck as (
  select *, reject_stuck(power_w, $stuck_minutes / interval_minutes) as unstuck_w from delivered
),
trusted as (
  select *, reject_spikes(unstuck_w, $spike_times) as trusted_w from unstuck
),
edited as (
  select *, fill_gaps(trusted_w, $gap_minutes / interval_minutes) as edited_w from trusted
),
curve as (
  select
    account_id,
    date,
    day_minutes,
    load_day(edited_w, date, time_zone) as load,
    -- What charges, heats or runs for long shows in what was measured.
    load_block(unstuck_w, $block_w, $block_minutes) as block,
    switch_ons(unstuck_w, $step_w) as switch_ons,
    known_points(power_w) - known_points(unstuck_w) as stuck_points,
    known_points(unstuck_w) - known_points(trusted_w) as spike_points,
    known_points(trusted_w) as valid_points,
    known_points(edited_w) - known_points(trusted_w) as estimated_points,
    energy_wh(reactive_var, day_minutes / curve_points(reactive_var)) as reactive_varh,
    is_restated
  from edited
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
  day_minutes,
  load['points'] as points,
  valid_points,
  estimated_points,
  stuck_points,
  spike_points,
  ratio(valid_points, load['points']) as valid_share,
  ratio(estimated_points, load['points']) as estimated_share,
  block['start_minute'] as block_start_minute,
  block['minutes'] as block_minutes,
  block['level_w'] as block_w,
  block['energy_wh'] as block_wh,
  switch_ons,
  load['half_hour_wh'] as half_hour_wh,
  reactive_varh,
  is_restated
from curve
