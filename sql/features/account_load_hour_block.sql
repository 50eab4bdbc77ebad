-- Energy by parts of the day over the last 30, 90 and 365 days, and by kind of day.
-- Grain: account_id, window_days. Night is 0 to 6 h, morning 6 to 9, forenoon 9 to 11,
-- noon 11 to 14, afternoon 14 to 17, evening 17 to 21, late evening 21 to 24.
-- Every day with a reading counts; rest days are no public holidays.
with
length as (
  select unnest(make_array(30, 90, 365)) as window_days
)
select
  day.account_id,
  length.window_days,
  count(*) filter (where is_valid) as valid_days,
  count(*) filter (where is_valid and is_workday) as valid_workdays,
  count(*) filter (where is_valid and is_restday) as valid_restdays,
  sum(energy_wh) as energy_wh,
  sum(known_minutes) as known_minutes,
  sum(night_wh) as night_wh,
  sum(morning_wh) as morning_wh,
  sum(forenoon_wh) as forenoon_wh,
  sum(noon_wh) as noon_wh,
  sum(afternoon_wh) as afternoon_wh,
  sum(evening_wh) as evening_wh,
  sum(late_evening_wh) as late_evening_wh,
  sum(energy_wh) filter (where is_workday) as workday_wh,
  sum(night_wh) filter (where is_workday) as workday_night_wh,
  sum(morning_wh) filter (where is_workday) as workday_morning_wh,
  sum(forenoon_wh) filter (where is_workday) as workday_forenoon_wh,
  sum(noon_wh) filter (where is_workday) as workday_noon_wh,
  sum(afternoon_wh) filter (where is_workday) as workday_afternoon_wh,
  sum(evening_wh) filter (where is_workday) as workday_evening_wh,
  sum(late_evening_wh) filter (where is_workday) as workday_late_evening_wh,
  sum(energy_wh) filter (where is_restday) as restday_wh,
  sum(night_wh) filter (where is_restday) as restday_night_wh,
  sum(morning_wh) filter (where is_restday) as restday_morning_wh,
  sum(forenoon_wh) filter (where is_restday) as restday_forenoon_wh,
  sum(noon_wh) filter (where is_restday) as restday_noon_wh,
  sum(afternoon_wh) filter (where is_restday) as restday_afternoon_wh,
  sum(evening_wh) filter (where is_restday) as restday_evening_wh,
  sum(late_evening_wh) filter (where is_restday) as restday_late_evening_wh
from length
join account_load_day_context as day on day.date >= cast($as_of as date) - length.window_days
group by day.account_id, length.window_days
