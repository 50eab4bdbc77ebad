-- The meter in service on the day before the as-of, and how often it was changed.
-- Grain: account_id, accounts that ever had a meter. Of several meters the one installed
-- last stands.
with
meter as (
  select
    *,
    valid_to is null or valid_to >= $as_of as is_in_service
  from assigned_meter
  where valid_from < $as_of
)
select
  account_id,
  count(*) filter (where is_in_service) as meters,
  max(valid_from) filter (where is_in_service) as meter_date,
  max(coalesce(multiplier, 1)) filter (where is_in_service) as multiplier,
  -- The first meter of an account is no change.
  count(*) - 1 as meter_changes,
  count(*) filter (where valid_from >= cast($as_of as date) - interval '365 days') as meters_365d
from meter
group by account_id
