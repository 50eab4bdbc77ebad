-- Meters by the accounts that had them: from a first day to the first day after.
-- Grain: account_id, meter_id, valid_from.
select
  account_id,
  meter_id,
  multiplier,
  valid_from,
  -- The next account has the meter from its first day on.
  least(valid_to, lead(valid_from) over (partition by meter_id order by valid_from, account_id)) as valid_to
from stg_meters
-- What ends where it begins holds on no day, and ends nothing.
where valid_to is null or valid_to > valid_from
