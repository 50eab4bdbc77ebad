-- Curves of meters as curves of the accounts that had them. A meter belongs to the
-- account of the day and follows a move; its last day, on which another one takes
-- its place, is kept apart. What belongs to no account has none here.
-- Grain: account_id, meter_id, date.
with
service as (
  select
    meter_id,
    account_id,
    valid_from,
    valid_to,
    coalesce(direction, 1) as direction,
    coalesce(direction, 1) * coalesce(multiplier, 1) as factor,
    lead(valid_from) over (partition by meter_id order by valid_from, account_id) as next_from
  from stg_meters
  -- What ends where it begins holds on no day, and ends nothing.
  where valid_to is null or valid_to > valid_from
)
select
  service.account_id,
  curve.account_id as meter_id,
  curve.date,
  curve.power_w,
  curve.reactive_var,
  curve.time_zone,
  curve.version,
  curve.is_restated,
  service.direction,
  service.factor,
  case
    when curve.date = service.valid_to then 'ends'
    when curve.date = service.valid_from then 'begins'
    else 'runs'
  end as day_of_service
from metered_load_curve as curve
left join service
  on service.meter_id = curve.account_id
  and curve.date >= service.valid_from
  and (service.valid_to is null or curve.date <= service.valid_to)
  and (service.next_from is null or curve.date < service.next_from)
