-- Which load shapes an account has, how often, and when others, over the last 365
-- days. Grain: account_id. Shares are of days with a shape; a season counts with 14 of
-- them, workdays and rest days with 5 each.
with
day as (
  select
    shape.account_id,
    shape.shape,
    shape.kind,
    coalesce(calendar.is_workday, date_part('isodow', shape.date) <= 5) as is_workday,
    date_part('month', shape.date) in (6, 7, 8, 9) as is_summer,
    date_part('month', shape.date) in (12, 1, 2) as is_winter
  from account_load_shape_day as shape
  left join stg_calendar as calendar on calendar.date = shape.date
  where shape.date >= cast($as_of as date) - interval '365 days'
),
used as (
  select
    account_id,
    count(*) as shape_days,
    count(*) filter (where is_workday) as workdays,
    count(*) filter (where not is_workday) as restdays,
    count(*) filter (where is_summer) as summer_days,
    count(*) filter (where is_winter) as winter_days,
    count(distinct shape) as shapes,
    most_frequent(shape) as main_shape,
    most_frequent(kind) as main_kind,
    most_frequent(kind) filter (where is_workday) as workday_kind,
    most_frequent(kind) filter (where not is_workday) as restday_kind,
    most_frequent(kind) filter (where is_summer) as summer_kind,
    most_frequent(kind) filter (where is_winter) as winter_kind,
    category_entropy(shape) as entropy
  from day
  group by account_id
)
select
  account_id,
  shape_days,
  shapes,
  cast(main_shape['value'] as int) as main_shape,
  main_shape['share'] as main_shape_share,
  main_kind['value'] as main_kind,
  main_kind['share'] as main_kind_share,
  case when workdays >= 5 then workday_kind['value'] end as workday_kind,
  case when restdays >= 5 then restday_kind['value'] end as restday_kind,
  case when summer_days >= 14 then summer_kind['value'] end as summer_kind,
  case when winter_days >= 14 then winter_kind['value'] end as winter_kind,
  cast(entropy as decimal(9, 6)) as shape_entropy
from used
