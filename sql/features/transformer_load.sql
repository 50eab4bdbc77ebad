-- How hard each transformer works, over the complete days of the last 90.
-- Grain: transformer_id, every transformer of the register and every one that an
-- account names. Its rating in watts is its capacity at the usual power factor.
-- Demand that is passed 0.5 % of the time stands for the peak: one odd half hour
-- moves the maximum, not this. Heavy and overloaded are said of loads that last.
with
rated as (
  select
    transformer_id,
    feeder_id,
    region_code,
    capacity_kva,
    cast(capacity_kva * 10 * $power_factor_percent as bigint) as rated_w
  from stg_transformers
),
day as (
  select
    day.*,
    rated.rated_w,
    curve_from_w(day.half_hour_wh) as slot_wh,
    24 * 60 / day.slots as slot_minutes,
    max(day.slots) over (partition by day.transformer_id) as most_slots,
    rated.rated_w * $heavy_percent / 100 * 24 / day.slots as heavy_slot_wh,
    rated.rated_w * $overload_percent / 100 * 24 / day.slots as overload_slot_wh
  from transformer_load_day as day
  left join rated on rated.transformer_id = day.transformer_id
  where day.is_complete
),
judged as (
  select
    *,
    longest_above_minutes(slot_wh, heavy_slot_wh, slot_minutes) as heavy_minutes,
    longest_above_minutes(slot_wh, overload_slot_wh, slot_minutes) as overload_minutes
  from day
  -- Days of another resolution have other peaks.
  where slots = most_slots
),
total as (
  select
    transformer_id,
    count(*) as days,
    max(slots) as slots,
    sum(energy_wh) as energy_wh,
    sum(backfeed_wh) as backfeed_wh,
    max(max_demand_w) as max_demand_w,
    first_value(date order by max_demand_w desc, date) as peak_date,
    cast(most_frequent(peak_minute / 60)['value'] as bigint) as peak_hour,
    load_duration_curve(slot_wh, 200) as duration_wh,
    energy_curve_sum(half_hour_wh) as half_hour_wh,
    case when max(rated_w) > 0 then count(*) filter (where heavy_minutes >= $lasting_minutes) end as heavy_days,
    case when max(rated_w) > 0 then count(*) filter (where overload_minutes >= $lasting_minutes) end as overload_days,
    max(heavy_minutes) as longest_heavy_minutes,
    max(overload_minutes) as longest_overload_minutes,
    sum(phase_a_wh) as phase_a_wh,
    sum(phase_b_wh) as phase_b_wh,
    sum(phase_c_wh) as phase_c_wh,
    sum(three_phase_wh) as three_phase_wh
  from judged
  group by transformer_id
)
select
  coalesce(account.transformer_id, rated.transformer_id) as transformer_id,
  rated.feeder_id,
  rated.region_code,
  rated.capacity_kva,
  rated.rated_w,
  account.accounts,
  account.residential_accounts,
  account.commercial_accounts,
  account.industrial_accounts,
  account.single_phase_accounts,
  account.new_accounts,
  account.idle_accounts,
  account.due_accounts,
  account.arrears_accounts,
  account.online_accounts,
  account.contract_capacity_kva,
  account.billed_accounts,
  account.energy_12m_wh,
  account.residential_billed_accounts,
  account.residential_energy_12m_wh,
  account.energy_paired_wh,
  account.energy_paired_before_wh,
  account.energy_3m_wh,
  account.energy_3m_before_wh,
  account.pv_accounts,
  account.pv_capacity_w,
  account.ev_accounts,
  account.residential_ev_accounts,
  account.heat_pump_accounts,
  account.storage_accounts,
  account.complaints_12m,
  account.settlement,
  coalesce(total.days, 0) as days,
  total.energy_wh,
  total.backfeed_wh,
  total.max_demand_w,
  total.peak_date,
  total.peak_hour,
  total.half_hour_wh,
  time_of_peak(total.half_hour_wh) as peak_minute,
  cast(total.duration_wh[2] as bigint) * total.slots / 24 as high_demand_w,
  cast(total.duration_wh[191] as bigint) * total.slots / 24 as low_demand_w,
  total.heavy_days,
  total.overload_days,
  total.longest_heavy_minutes,
  total.longest_overload_minutes,
  total.phase_a_wh,
  total.phase_b_wh,
  total.phase_c_wh,
  total.three_phase_wh
from transformer_account as account
full join rated on rated.transformer_id = account.transformer_id
left join total on total.transformer_id = coalesce(account.transformer_id, rated.transformer_id)
