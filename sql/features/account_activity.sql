-- When work is done: mean power by part of the day, on workdays, Saturdays and Sundays of
-- the last 90 days, holidays left out. Grain: account_id. Parts of the day are told apart
-- as tariff periods are, by a map of the half hours: 1 day (9 to 17 h), 2 late (18 to 22 h),
-- 4 night (0 to 5 h), 3 the rest.
with
part as (
  select
    array_concat(
      array_repeat(4, 10), array_repeat(3, 8), array_repeat(1, 16), array_repeat(3, 2), array_repeat(2, 8), array_repeat(3, 4)
    ) as part_of_half_hour
),
day as (
  select
    load.account_id,
    load.date,
    load.half_hour_wh,
    load.energy_wh,
    coalesce(calendar.is_workday, date_part('isodow', load.date) <= 5) as is_workday,
    calendar.holiday is not null as is_holiday,
    date_part('isodow', load.date) as weekday
  from account_load_day as load
  left join stg_calendar as calendar on calendar.date = load.date
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '90 days'
    and load.valid_share >= 0.90625
    and exception.is_over_limit is not true
),
typical as (
  select
    account_id,
    count(*) as valid_days,
    count(*) filter (where is_workday and weekday <= 5) as workdays,
    count(*) filter (where not is_workday and not is_holiday and weekday = 6) as saturdays,
    count(*) filter (where not is_workday and not is_holiday and weekday = 7) as sundays,
    energy_curve_mean(half_hour_wh) filter (where is_workday and weekday <= 5) as workday_wh,
    energy_curve_mean(half_hour_wh) filter (where not is_workday and not is_holiday and weekday = 6) as saturday_wh,
    energy_curve_mean(half_hour_wh) filter (where not is_workday and not is_holiday and weekday = 7) as sunday_wh
  from day
  group by account_id
),
parted as (
  select
    typical.*,
    energy_by_period(workday_wh, part.part_of_half_hour) as workday,
    energy_by_period(saturday_wh, part.part_of_half_hour) as saturday,
    energy_by_period(sunday_wh, part.part_of_half_hour) as sunday
  from typical
  cross join part
)
select
  parted.account_id,
  account.account_class,
  account.industry_code,
  account.contract_capacity_kva,
  valid_days,
  workdays,
  saturdays,
  sundays,
  workday['sharp_wh'] / 8 as workday_day_w,
  workday['peak_wh'] / 4 as workday_late_w,
  workday['valley_wh'] / 5 as workday_night_w,
  saturday['sharp_wh'] / 8 as saturday_day_w,
  saturday['valley_wh'] / 5 as saturday_night_w,
  sunday['sharp_wh'] / 8 as sunday_day_w,
  sunday['valley_wh'] / 5 as sunday_night_w,
  cast(load_factor(workday_wh) as decimal(9, 6)) as workday_evenness
from parted
join stg_accounts as account on account.account_id = parted.account_id
