-- How good the load data of the account are, over 7, 30, 90 and 365 days.
-- Grain: account_id, window_days, every account. A day is expected from the day on which
-- the account was opened; it is missing where no curve or one without a single
-- measured point came. Points that were edited away (a meter that hangs, spikes) count
-- as not measured. A day is valid from 87 of 96 points on.
with
length as (
  select unnest(make_array(7, 30, 90, 365)) as window_days
),
expected as (
  select
    account.account_id,
    account.contract_capacity_kva,
    length.window_days,
    greatest(least(length.window_days, coalesce(cast($as_of as date) - account.open_date, length.window_days)), 0) as expected_days
  from stg_accounts as account
  cross join length
),
day as (
  select
    load.account_id,
    load.date,
    load.points,
    load.valid_points,
    load.estimated_points,
    load.stuck_points,
    load.spike_points,
    load.day_minutes,
    load.valid_share >= 0.90625 as is_valid,
    exception.is_over_limit,
    exception.is_zero_without_outage,
    load.date - lag(load.date) over (partition by load.account_id order by load.date) - 1 as missing_before
  from account_load_day as load
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '365 days'
    and load.valid_points > 0
),
windowed as (
  select
    day.account_id,
    length.window_days,
    count(*) as delivered_days,
    count(*) filter (where is_valid) as valid_days,
    sum(valid_points * (day_minutes / points)) as measured_minutes,
    sum(estimated_points * (day_minutes / points)) as estimated_minutes,
    count(*) filter (where stuck_points > 0) as stuck_days,
    count(*) filter (where spike_points > 0) as spike_days,
    count(*) filter (where valid_points < points) as gap_days,
    count(*) filter (where is_over_limit) as over_limit_days,
    count(*) filter (where is_zero_without_outage) as zero_without_outage_days,
    min(date) as first_date,
    max(date) as last_date,
    -- A gap that began before the window counts from the window's first day on.
    max(case when missing_before > 0 then least(missing_before, date - (cast($as_of as date) - length.window_days)) end) as longest_gap_days,
    max(day_minutes / points) as interval_minutes
  from length
  join day on day.date >= cast($as_of as date) - length.window_days
  group by day.account_id, length.window_days
)
select
  expected.account_id,
  expected.window_days,
  expected.contract_capacity_kva,
  expected.expected_days,
  expected.expected_days * 1440 as expected_minutes,
  coalesce(windowed.delivered_days, 0) as delivered_days,
  greatest(expected.expected_days - coalesce(windowed.delivered_days, 0), 0) as missing_days,
  coalesce(windowed.valid_days, 0) as valid_days,
  coalesce(windowed.measured_minutes, 0) as measured_minutes,
  coalesce(windowed.estimated_minutes, 0) as estimated_minutes,
  windowed.stuck_days,
  windowed.spike_days,
  windowed.gap_days,
  windowed.over_limit_days,
  case when $has_outages then windowed.zero_without_outage_days end as zero_without_outage_days,
  windowed.last_date,
  -- At the beginning, between two days, or up to the as-of, whichever is longest.
  greatest(
    coalesce(windowed.longest_gap_days, 0),
    coalesce(windowed.first_date - (cast($as_of as date) - expected.expected_days), expected.expected_days),
    coalesce(cast($as_of as date) - windowed.last_date - 1, expected.expected_days),
    0
  ) as longest_gap_days,
  windowed.interval_minutes
from expected
left join windowed
  on windowed.account_id = expected.account_id
  and windowed.window_days = expected.window_days
