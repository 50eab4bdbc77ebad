-- Readings from registers that count up, where the lake has those: what a register
-- has moved until it was read next. Grain: account_id, read_at, is_second_hour.
-- A register that shows less than before has begun anew at its rollover; where that
-- is not known, or the meter was changed, the interval is unknown. So is one that is
-- no 5, 15, 30 or 60 minutes long, and one that a register of the account misses
-- between its first and its last reading. The reading of the as-of's midnight ends
-- the day before it. Intervals are as long as they were, whatever the clock showed.
with
seen as (
  select
    account_id, register_id, meter_id, read_at, time_zone, is_second_hour, register_wh, rollover_wh,
    cast(coalesce(local_time(read_at, time_zone, 'UTC'), read_at) as bigint)
      + case
          when is_second_hour then (day_minutes(cast(read_at as date), time_zone) - 1440) * 60000000
          else 0
        end as micros,
    coalesce(multiplier, 1) as multiplier,
    coalesce(direction, 1) as direction
  from stg_load_register
  where read_at <= $as_of
),
step as (
  select
    account_id, register_id, read_at, time_zone, is_second_hour, micros, multiplier, direction, rollover_wh,
    lead(micros) over register - micros as passed_micros,
    lead(register_wh) over register - register_wh as moved_wh,
    lead(meter_id) over register is not distinct from meter_id as is_same_meter
  from seen
  window register as (partition by account_id, register_id order by micros)
),
interval_energy as (
  select
    account_id, register_id, read_at, time_zone, is_second_hour, micros, multiplier, direction,
    passed_micros / 60000000 as interval_minutes,
    passed_micros % 60000000 as rest_micros,
    case when moved_wh < 0 then moved_wh + rollover_wh else moved_wh end as energy_wh
  from step
  where is_same_meter
),
span as (
  select account_id, register_id, min(micros) as first_micros, max(micros) as last_micros
  from seen
  group by account_id, register_id
),
-- Each interval beside every register of its account: how many registers have the
-- interval, and for each of them how many should.
net as (
  select
    account_id, read_at, time_zone, is_second_hour, interval_minutes,
    sum(case when is_own then cast(direction * energy_wh as decimal(20, 0)) * multiplier end) as energy_wh,
    sum(case when is_own then 1 else 0 end) as registers,
    sum(case when first_micros <= micros and micros < last_micros then 1 else 0 end) as due
  from (
    select
      interval_energy.*, span.first_micros, span.last_micros,
      interval_energy.register_id = span.register_id as is_own
    from interval_energy
    join span on interval_energy.account_id = span.account_id
  )
  where energy_wh >= 0 and rest_micros = 0 and interval_minutes in (5, 15, 30, 60)
  group by account_id, read_at, time_zone, is_second_hour, interval_minutes
)
select
  account_id,
  read_at,
  cast(round(energy_wh * 60 / interval_minutes) as bigint) as power_w,
  cast(null as bigint) as reactive_var,
  interval_minutes,
  time_zone,
  is_second_hour,
  cast(null as bigint) as version,
  cast(null as boolean) as is_restated
from net
where due = registers * registers
