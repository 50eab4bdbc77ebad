-- Curves of meters as curves of the accounts that had them. A meter belongs to the
-- account of the day: it follows a move, and where it is taken out its last day still
-- counts, in part, as does its first. What belongs to no account has none here.
-- Grain: account_id, meter_id, date.
with
service as (
  select
    meter_id,
    account_id,
    valid_from,
    valid_to,
    coalesce(direction, 1) * coalesce(multiplier, 1) as factor,
    lead(valid_from) over (partition by meter_id order by valid_from, account_id) as next_from
  from stg_meters
),
-- Another account has the meter from the next one's first day on.
assigned as (
  select
    service.account_id,
    curve.account_id as meter_id,
    curve.date,
    curve.power_w,
    curve.reactive_var,
    curve.time_zone,
    curve.version,
    curve.is_restated,
    service.factor,
    curve.date = service.valid_from or curve.date = service.valid_to as is_partial
  from metered_load_curve as curve
  left join service
    on service.meter_id = curve.account_id
    and curve.date >= service.valid_from
    and (service.valid_to is null or curve.date <= service.valid_to)
    and (service.next_from is null or curve.date < service.next_from)
)
select
  *,
  lag(date) over (partition by account_id, meter_id order by date) as previous_date
from assigned
