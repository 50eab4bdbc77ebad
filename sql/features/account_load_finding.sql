-- What the curves say against the meter or the account: readings that hang, spikes, gaps,
-- demand above the connection, nothing taken although there was no outage, and a level
-- that changed for good. Grain: account_id, accounts with a delivered day in 365.
with
day as (
  select
    load.account_id,
    load.date,
    load.energy_wh,
    load.valid_share,
    load.stuck_points,
    load.spike_points,
    load.estimated_points,
    load.points,
    load.valid_points,
    load.is_restated,
    coalesce(exception.is_over_limit, false) as is_over_limit,
    case when $has_outages then coalesce(exception.is_zero_without_outage, false) end as is_zero_without_outage,
    load.date >= cast($as_of as date) - interval '30 days' as is_30d,
    load.date >= cast($as_of as date) - interval '90 days' as is_90d,
    load.date >= cast($as_of as date) - interval '180 days' as is_180d
  from account_load_day as load
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '365 days'
),
summed as (
  select
    account_id,
    count(*) as days_365d,
    count(*) filter (where is_30d) as days_30d,
    count(*) filter (where is_90d) as days_90d,
    max(date) as last_date,
    count(*) filter (where stuck_points > 0 and is_90d) as stuck_days_90d,
    count(*) filter (where spike_points > 0 and is_90d) as spike_days_90d,
    count(*) filter (where is_over_limit and is_90d) as over_limit_days_90d,
    case when $has_outages then count(*) filter (where is_zero_without_outage) end as unexplained_zero_days_365d,
    case when $has_outages then count(*) filter (where is_zero_without_outage and is_90d) end as unexplained_zero_days_90d,
    count(*) filter (where valid_share >= 0.90625 and is_180d) as level_days,
    level_shift(date, energy_wh) filter (where valid_share >= 0.90625 and is_180d and not is_over_limit) as shift
  from day
  group by account_id
)
select
  account_id,
  days_365d,
  days_30d,
  days_90d,
  last_date,
  stuck_days_90d,
  spike_days_90d,
  over_limit_days_90d,
  unexplained_zero_days_365d,
  unexplained_zero_days_90d,
  level_days,
  shift['at'] as level_date,
  cast(round(shift['before']) as bigint) as level_before_wh,
  cast(round(shift['after']) as bigint) as level_after_wh,
  cast(shift['explained_share'] as decimal(9, 6)) as level_explained_share
from summed
