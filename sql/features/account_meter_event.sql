-- What the account's meter reported of itself in the last 30, 90 and 365 days:
-- voltage, power lost, covers, clocks, current. An event belongs to the day on which
-- it began. Grain: account_id, window_days, every account: no event is a finding too.
with
length as (
  select unnest(make_array(30, 90, 365)) as window_days
),
-- Somebody from the utility may have opened the meter: orders on the meter, on the
-- connection or of a fault, and applications.
visit as (
  select distinct event.account_id, event.event_id
  from stg_meter_events as event
  join stg_work_orders as work_order
    on work_order.account_id = event.account_id
    and work_order.created_date <= cast(event.start_at as date)
    and coalesce(work_order.closed_date, $as_of) >= cast(event.start_at as date) - $visit_days
  where event.kind = 'cover_open'
    and (work_order.kind in ('application', 'fault_report') or work_order.topic in ('metering', 'connection'))
),
event as (
  select
    event.account_id,
    event.event_id,
    event.kind,
    cast(event.start_at as date) as date,
    date_part('hour', event.start_at) as hour,
    case
      when event.end_at < $as_of then greatest(cast(date_part('epoch', event.end_at - event.start_at) as bigint), 0) / 60
    end as minutes,
    -- Volts compare with 220 V only where the meter sits on low voltage.
    case when account.voltage_class in ('lv220', 'lv380') then event.voltage_v end as voltage_v,
    event.kind = 'cover_open' and visit.event_id is null as is_unattended
  from stg_meter_events as event
  join stg_accounts as account on account.account_id = event.account_id
  left join visit on visit.account_id = event.account_id and visit.event_id = event.event_id
  where event.start_at >= cast($as_of as date) - interval '365 days'
),
day as (
  select
    account_id,
    date,
    count(*) as events,
    count(*) filter (where kind = 'undervoltage') as undervoltage_events,
    count(*) filter (where kind = 'overvoltage') as overvoltage_events,
    count(*) filter (where kind = 'power_off') as power_off_events,
    count(*) filter (where kind = 'cover_open') as cover_open_events,
    count(*) filter (where kind = 'clock_error') as clock_error_events,
    count(*) filter (where kind = 'residual_current') as residual_current_events,
    count(*) filter (where kind = 'overload') as overload_events,
    sum(minutes) filter (where kind = 'undervoltage') as undervoltage_minutes,
    sum(minutes) filter (where kind = 'overvoltage') as overvoltage_minutes,
    count(*) filter (where kind = 'undervoltage' and hour between 17 and 21) as evening_undervoltage_events,
    count(*) filter (where kind = 'overvoltage' and hour between 10 and 14) as midday_overvoltage_events,
    count(*) filter (where kind = 'undervoltage' and voltage_v < $deep_v) as deep_undervoltage_events,
    count(*) filter (where kind = 'cover_open' and (hour < 6 or hour >= 22)) as night_cover_open_events,
    count(*) filter (where is_unattended) as unattended_cover_open_events,
    min(voltage_v) filter (where kind = 'undervoltage') as lowest_voltage_v,
    max(voltage_v) filter (where kind = 'overvoltage') as highest_voltage_v
  from event
  group by account_id, date
),
windowed as (
  select
    day.account_id,
    length.window_days,
    sum(events) as events,
    sum(undervoltage_events) as undervoltage_events,
    sum(overvoltage_events) as overvoltage_events,
    sum(power_off_events) as power_off_events,
    sum(cover_open_events) as cover_open_events,
    sum(clock_error_events) as clock_error_events,
    sum(residual_current_events) as residual_current_events,
    sum(overload_events) as overload_events,
    sum(undervoltage_minutes) as undervoltage_minutes,
    sum(overvoltage_minutes) as overvoltage_minutes,
    -- A day counts where it adds up to an hour: short dips do not.
    count(*) filter (where undervoltage_minutes >= $least_minutes) as undervoltage_days,
    count(*) filter (where overvoltage_minutes >= $least_minutes) as overvoltage_days,
    count(*) filter (where evening_undervoltage_events > 0) as evening_undervoltage_days,
    count(*) filter (where midday_overvoltage_events > 0) as midday_overvoltage_days,
    sum(deep_undervoltage_events) as deep_undervoltage_events,
    sum(night_cover_open_events) as night_cover_open_events,
    sum(unattended_cover_open_events) as unattended_cover_open_events,
    min(lowest_voltage_v) as lowest_voltage_v,
    max(highest_voltage_v) as highest_voltage_v,
    max(date) filter (where undervoltage_events > 0) as last_undervoltage_date,
    max(date) filter (where overvoltage_events > 0) as last_overvoltage_date,
    max(date) filter (where cover_open_events > 0) as last_cover_open_date,
    max(date) filter (where clock_error_events > 0) as last_clock_error_date,
    max(date) filter (where residual_current_events > 0) as last_residual_current_date
  from length
  join day on day.date >= cast($as_of as date) - length.window_days
  group by day.account_id, length.window_days
),
-- The window of the same length before it, as far as it lies within the year.
before as (
  select
    day.account_id,
    length.window_days,
    count(*) filter (where undervoltage_minutes >= $least_minutes) as undervoltage_days_before,
    count(*) filter (where overvoltage_minutes >= $least_minutes) as overvoltage_days_before
  from length
  join day
    on day.date < cast($as_of as date) - length.window_days
    and day.date >= cast($as_of as date) - 2 * length.window_days
  where length.window_days < 365
  group by day.account_id, length.window_days
)
select
  account.account_id,
  length.window_days,
  coalesce(windowed.events, 0) as events,
  coalesce(windowed.undervoltage_events, 0) as undervoltage_events,
  coalesce(windowed.overvoltage_events, 0) as overvoltage_events,
  coalesce(windowed.power_off_events, 0) as power_off_events,
  coalesce(windowed.cover_open_events, 0) as cover_open_events,
  coalesce(windowed.clock_error_events, 0) as clock_error_events,
  coalesce(windowed.residual_current_events, 0) as residual_current_events,
  coalesce(windowed.overload_events, 0) as overload_events,
  coalesce(windowed.undervoltage_minutes, 0) as undervoltage_minutes,
  coalesce(windowed.overvoltage_minutes, 0) as overvoltage_minutes,
  coalesce(windowed.undervoltage_days, 0) as undervoltage_days,
  coalesce(windowed.overvoltage_days, 0) as overvoltage_days,
  coalesce(windowed.evening_undervoltage_days, 0) as evening_undervoltage_days,
  coalesce(windowed.midday_overvoltage_days, 0) as midday_overvoltage_days,
  coalesce(windowed.deep_undervoltage_events, 0) as deep_undervoltage_events,
  coalesce(windowed.night_cover_open_events, 0) as night_cover_open_events,
  case when $has_work_orders then coalesce(windowed.unattended_cover_open_events, 0) end as unattended_cover_open_events,
  windowed.lowest_voltage_v,
  windowed.highest_voltage_v,
  windowed.last_undervoltage_date,
  windowed.last_overvoltage_date,
  windowed.last_cover_open_date,
  windowed.last_clock_error_date,
  windowed.last_residual_current_date,
  case when length.window_days < 365 then coalesce(before.undervoltage_days_before, 0) end as undervoltage_days_before,
  case when length.window_days < 365 then coalesce(before.overvoltage_days_before, 0) end as overvoltage_days_before
from stg_accounts as account
cross join length
left join windowed
  on windowed.account_id = account.account_id
  and windowed.window_days = length.window_days
left join before
  on before.account_id = account.account_id
  and before.window_days = length.window_days
