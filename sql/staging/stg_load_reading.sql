-- Readings from registers that count up, where the lake has those: what a register
-- has moved until it was read next. Grain: account_id, read_at.
-- A register that shows less than before has begun anew at its rollover; where that
-- is not known, or the meter was changed, the interval is unknown. So is one that is
-- no 5, 15, 30 or 60 minutes long, and one that a register of the account misses
-- between its first and its last reading. The reading of the as-of's midnight ends
-- the day before it.
with
seen as (
  select
    account_id, register_id, meter_id, read_at, register_wh, rollover_wh,
    coalesce(multiplier, 1) as multiplier,
    coalesce(direction, 1) as direction
  from stg_load_register
  where read_at <= $as_of
),
step as (
  select
    account_id, register_id, read_at, multiplier, direction, rollover_wh,
    lead(read_at) over register as next_at,
    lead(register_wh) over register - register_wh as moved_wh,
    lead(meter_id) over register is not distinct from meter_id as is_same_meter
  from seen
  window register as (partition by account_id, register_id order by read_at)
),
interval_energy as (
  select
    account_id, register_id, read_at, multiplier, direction,
    (cast(next_at as bigint) - cast(read_at as bigint)) / 60000000 as interval_minutes,
    (cast(next_at as bigint) - cast(read_at as bigint)) % 60000000 as rest_micros,
    case when moved_wh < 0 then moved_wh + rollover_wh else moved_wh end as energy_wh
  from step
  where is_same_meter
),
span as (
  select account_id, register_id, min(read_at) as first_at, max(read_at) as last_at
  from seen
  group by account_id, register_id
),
-- Each interval beside every register of its account: how many registers have the
-- interval, and for each of them how many should.
net as (
  select
    account_id, read_at, interval_minutes,
    sum(case when is_own then cast(direction * energy_wh as decimal(20, 0)) * multiplier end) as energy_wh,
    sum(case when is_own then 1 else 0 end) as registers,
    sum(case when first_at <= read_at and read_at < last_at then 1 else 0 end) as due
  from (
    select
      interval_energy.*, span.first_at, span.last_at,
      interval_energy.register_id = span.register_id as is_own
    from interval_energy
    join span on interval_energy.account_id = span.account_id
  )
  where energy_wh >= 0 and rest_micros = 0 and interval_minutes in (5, 15, 30, 60)
  group by account_id, read_at, interval_minutes
)
select
  account_id,
  read_at,
  cast(round(energy_wh * 60 / interval_minutes) as bigint) as power_w,
  cast(null as bigint) as reactive_var,
  interval_minutes,
  cast(null as varchar) as time_zone,
  cast(null as boolean) as is_second_hour,
  cast(null as bigint) as version
from net
where due = registers * registers
