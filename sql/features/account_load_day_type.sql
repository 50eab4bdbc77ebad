-- The days of the last 365 by kind: workdays, rest days, public holidays, hot and cold
-- days, days of the week, summer and winter. Grain: account_id. Valid days count. Rest
-- days are neither workdays nor holidays; hot and cold days may be of any other kind.
-- Mondays to Fridays are workdays, Saturdays and Sundays rest days.
-- The last Spring Festival is held against the workdays from 30 to 10 days before it.
with
festival_day as (
  select
    account_id,
    max(date) as last_date
  from account_load_day_context
  where is_spring_festival
  group by account_id
),
festival as (
  select
    day.account_id,
    min(day.date) as first_date
  from account_load_day_context as day
  join festival_day on festival_day.account_id = day.account_id
  where day.is_spring_festival
    and day.date > festival_day.last_date - 20
  group by day.account_id
),
around as (
  select
    day.account_id,
    count(*) filter (where day.is_spring_festival and day.date >= festival.first_date) as festival_days,
    sum(energy_wh) filter (where day.is_spring_festival and day.date >= festival.first_date) as festival_wh,
    count(*) filter (where day.is_workday and day.date < festival.first_date) as before_festival_days,
    sum(energy_wh) filter (where day.is_workday and day.date < festival.first_date) as before_festival_wh
  from account_load_day_context as day
  join festival on festival.account_id = day.account_id
  where day.is_valid
    and day.date >= festival.first_date - 30
    and day.date < festival.first_date + 20
    and not day.date between festival.first_date - 9 and festival.first_date - 1
  group by day.account_id
),
kind as (
  select
    account_id,
    count(*) as valid_days,
    sum(energy_wh) as energy_wh,
    count(*) filter (where is_workday) as workday_days,
    sum(energy_wh) filter (where is_workday) as workday_wh,
    sum(max_demand_w) filter (where is_workday) as workday_peak_sum_w,
    sum(base_load_w) filter (where is_workday) as workday_base_sum_w,
    count(*) filter (where weekday = 6 and is_restday) as saturday_days,
    sum(energy_wh) filter (where weekday = 6 and is_restday) as saturday_wh,
    count(*) filter (where weekday = 7 and is_restday) as sunday_days,
    sum(energy_wh) filter (where weekday = 7 and is_restday) as sunday_wh,
    count(*) filter (where is_restday) as restday_days,
    sum(energy_wh) filter (where is_restday) as restday_wh,
    sum(max_demand_w) filter (where is_restday) as restday_peak_sum_w,
    count(*) filter (where is_holiday) as holiday_days,
    sum(energy_wh) filter (where is_holiday) as holiday_wh,
    sum(max_demand_w) filter (where is_holiday) as holiday_peak_sum_w,
    sum(base_load_w) filter (where is_holiday) as holiday_base_sum_w,
    count(*) filter (where is_hot) as hot_days,
    sum(energy_wh) filter (where is_hot) as hot_wh,
    max(max_demand_w) filter (where is_hot) as hot_max_demand_w,
    sum(night_wh) filter (where is_hot) as hot_night_wh,
    count(*) filter (where is_cold) as cold_days,
    sum(energy_wh) filter (where is_cold) as cold_wh,
    max(max_demand_w) filter (where is_cold) as cold_max_demand_w,
    sum(night_wh) filter (where is_cold) as cold_night_wh,
    count(*) filter (where weekday = 1 and is_workday) as monday_days,
    sum(energy_wh) filter (where weekday = 1 and is_workday) as monday_wh,
    count(*) filter (where weekday = 2 and is_workday) as tuesday_days,
    sum(energy_wh) filter (where weekday = 2 and is_workday) as tuesday_wh,
    count(*) filter (where weekday = 3 and is_workday) as wednesday_days,
    sum(energy_wh) filter (where weekday = 3 and is_workday) as wednesday_wh,
    count(*) filter (where weekday = 4 and is_workday) as thursday_days,
    sum(energy_wh) filter (where weekday = 4 and is_workday) as thursday_wh,
    count(*) filter (where weekday = 5 and is_workday) as friday_days,
    sum(energy_wh) filter (where weekday = 5 and is_workday) as friday_wh,
    count(*) filter (where date_part('month', date) in (6, 7, 8, 9)) as summer_days,
    sum(energy_wh) filter (where date_part('month', date) in (6, 7, 8, 9)) as summer_wh,
    max(max_demand_w) filter (where date_part('month', date) in (6, 7, 8, 9)) as summer_max_demand_w,
    sum(night_wh) filter (where date_part('month', date) in (6, 7, 8, 9)) as summer_night_wh,
    sum(noon_wh) filter (where date_part('month', date) in (6, 7, 8, 9)) as summer_noon_wh,
    sum(evening_wh) filter (where date_part('month', date) in (6, 7, 8, 9)) as summer_evening_wh,
    count(*) filter (where date_part('month', date) in (11, 12, 1, 2)) as winter_days,
    sum(energy_wh) filter (where date_part('month', date) in (11, 12, 1, 2)) as winter_wh,
    max(max_demand_w) filter (where date_part('month', date) in (11, 12, 1, 2)) as winter_max_demand_w,
    sum(night_wh) filter (where date_part('month', date) in (11, 12, 1, 2)) as winter_night_wh,
    sum(noon_wh) filter (where date_part('month', date) in (11, 12, 1, 2)) as winter_noon_wh,
    sum(evening_wh) filter (where date_part('month', date) in (11, 12, 1, 2)) as winter_evening_wh
  from account_load_day_context
  where is_valid
    and date >= cast($as_of as date) - interval '365 days'
  group by account_id
)
select
  kind.*,
  around.festival_days,
  around.festival_wh,
  around.before_festival_days,
  around.before_festival_wh
from kind
left join around on around.account_id = kind.account_id
