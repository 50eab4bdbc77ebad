-- Curves of accounts, where the lake has those of their meters: added, or taken off
-- where a meter counts what is fed in. On the day on which meters take the place of
-- others, those that end stand where those that begin are silent. A day on which a
-- meter is in service and has not delivered is unknown. Grain: account_id, date.
with
part as (
  select
    account_id,
    date,
    direction,
    day_of_service,
    net_curves(power_w, factor) as power_w,
    net_curves(reactive_var, factor) as reactive_var,
    max(time_zone) as time_zone,
    max(version) as version,
    bool_or(is_restated) as is_restated
  from assigned_load_curve
  group by account_id, date, direction, day_of_service
),
-- A meter that ends without another one in its place has no part in the day.
place as (
  select
    account_id,
    date,
    settle_curves(power_w, case day_of_service when 'begins' then 2 else 1 end)['curve'] as power_w,
    settle_curves(reactive_var, case day_of_service when 'begins' then 2 else 1 end)['curve'] as reactive_var,
    max(time_zone) as time_zone,
    max(version) as version,
    bool_or(is_restated) as is_restated
  from part
  group by account_id, date, direction, day_of_service = 'runs'
  having count(*) filter (where day_of_service <> 'ends') > 0
),
netted as (
  select
    account_id,
    date,
    net_curves(power_w, 1) as power_w,
    net_curves(reactive_var, 1) as reactive_var,
    max(time_zone) as time_zone,
    max(version) as version,
    bool_or(is_restated) as is_restated
  from place
  group by account_id, date
),
silent as (
  select distinct netted.account_id, netted.date
  from netted
  join assigned_meter as meter
    on meter.account_id = netted.account_id
    and netted.date >= meter.valid_from
    and (meter.valid_to is null or netted.date < meter.valid_to)
  left join assigned_load_curve as curve
    on curve.account_id = netted.account_id
    and curve.meter_id = meter.meter_id
    and curve.date = netted.date
  where curve.meter_id is null
)
select netted.*
from netted
left join silent on silent.account_id = netted.account_id and silent.date = netted.date
where silent.account_id is null
