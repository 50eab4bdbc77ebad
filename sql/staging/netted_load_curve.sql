-- Curves of accounts, where the lake has those of their meters: added, or taken off
-- where a meter counts what is fed in. A day that one of the meters misses between
-- two others of its own is unknown. Grain: account_id, date.
with
gap as (
  select account_id, previous_date, date as next_date
  from assigned_load_curve
  where date > previous_date + interval '1 day'
),
incomplete as (
  select distinct curve.account_id, curve.date
  from assigned_load_curve as curve
  join gap
    on gap.account_id = curve.account_id
    and curve.date > gap.previous_date
    and curve.date < gap.next_date
),
netted as (
  select
    account_id,
    date,
    net_curves(power_w, factor, is_partial) as power_w,
    net_curves(reactive_var, factor, is_partial) as reactive_var,
    max(time_zone) as time_zone,
    max(version) as version,
    bool_or(is_restated) as is_restated
  from assigned_load_curve
  group by account_id, date
)
select netted.*
from netted
left join incomplete on incomplete.account_id = netted.account_id and incomplete.date = netted.date
where incomplete.account_id is null
