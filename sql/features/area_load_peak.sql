-- The days on which a feeder or a region has its highest load, and when on the day.
-- Grain: area_kind, area, date: the 20 days of the highest half hour of the last 365,
-- and the ten such workdays. One half hour a day: a heat wave has many high hours, but
-- only so many days. Where a load is known by the hour only, it is the hour.
with
peak as (
  select
    day.area_kind,
    day.area,
    day.date,
    coalesce(calendar.is_workday, date_part('isodow', day.date) <= 5) as is_workday,
    time_of_peak(half_hour_wh) as peak_minute,
    array_max(half_hour_wh) * cast(array_length(half_hour_wh) as bigint) / 24 as peak_w
  from area_load_day as day
  left join stg_calendar as calendar on calendar.date = day.date
),
ranked as (
  select
    *,
    row_number() over (partition by area_kind, area order by peak_w desc, date) as peak_rank,
    row_number() over (partition by area_kind, area, is_workday order by peak_w desc, date) as kind_rank
  from peak
)
select
  area_kind,
  area,
  date,
  peak_minute,
  peak_w,
  peak_rank <= $peak_days as is_peak_day,
  is_workday and kind_rank <= $response_days as is_response_day
from ranked
where peak_rank <= $peak_days
  or (is_workday and kind_rank <= $response_days)
