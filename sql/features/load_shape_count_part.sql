-- Account-days of each bucket whose shape can tell something: known, and of more
-- energy than what is left on in an empty home.
select count(*) as days
from account_load_day
where valid_share >= 0.90625
  and energy_wh >= $least_day_wh
  and date >= cast($as_of as date) - interval '365 days'
