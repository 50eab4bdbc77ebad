-- Interruptions of supply that began in the last 90, 365 and 730 days, planned and
-- not. Time without supply counts once where two interruptions overlap.
-- Grain: account_id, window_days, every account that hangs on a known transformer.
with
length as (
  select unnest(make_array(90, 365, 730)) as window_days
),
windowed as (
  select
    outage.account_id,
    length.window_days,
    count(*) as outages,
    count(*) filter (where is_planned) as planned_outages,
    count(*) filter (where not is_planned) as unplanned_outages,
    count(*) filter (where level = 'feeder') as feeder_outages,
    count(*) filter (where seconds > $long_hours * 3600) as long_outages,
    count(*) filter (where is_evening) as evening_outages,
    count(*) filter (where is_night) as night_outages,
    count(*) filter (where is_daytime) as daytime_outages,
    count(*) filter (where date_part('month', start_at) between 6 and 9) as summer_outages,
    count(*) filter (where date_part('month', start_at) in (12, 1, 2)) as winter_outages,
    count(*) filter (where cause = 'weather') as weather_outages,
    count(*) filter (where cause = 'equipment') as equipment_outages,
    count(*) filter (where cause = 'overload') as overload_outages,
    count(*) filter (where cause = 'third_party') as third_party_outages,
    count(*) filter (where cause = 'animals') as animals_outages,
    most_frequent(cause) filter (where not is_planned)['value'] as main_unplanned_cause,
    sum(seconds_counted / 60) as outage_minutes,
    sum(seconds / 60) filter (where is_planned) as planned_minutes,
    sum(seconds / 60) filter (where not is_planned) as unplanned_minutes,
    max(seconds / 60) as longest_minutes,
    count(seconds) > 0 as is_timed
  from length
  join account_interruption as outage on outage.start_at >= cast($as_of as date) - length.window_days
  group by outage.account_id, length.window_days
)
select
  account.account_id,
  length.window_days,
  coalesce(windowed.outages, 0) as outages,
  coalesce(windowed.planned_outages, 0) as planned_outages,
  coalesce(windowed.unplanned_outages, 0) as unplanned_outages,
  coalesce(windowed.feeder_outages, 0) as feeder_outages,
  coalesce(windowed.long_outages, 0) as long_outages,
  coalesce(windowed.evening_outages, 0) as evening_outages,
  coalesce(windowed.night_outages, 0) as night_outages,
  coalesce(windowed.daytime_outages, 0) as daytime_outages,
  coalesce(windowed.summer_outages, 0) as summer_outages,
  coalesce(windowed.winter_outages, 0) as winter_outages,
  coalesce(windowed.weather_outages, 0) as weather_outages,
  coalesce(windowed.equipment_outages, 0) as equipment_outages,
  coalesce(windowed.overload_outages, 0) as overload_outages,
  coalesce(windowed.third_party_outages, 0) as third_party_outages,
  coalesce(windowed.animals_outages, 0) as animals_outages,
  windowed.main_unplanned_cause,
  -- Unknown where there were interruptions and the end of none was recorded.
  case when coalesce(windowed.is_timed, true) then coalesce(windowed.outage_minutes, 0) end as outage_minutes,
  case when coalesce(windowed.is_timed, true) then coalesce(windowed.planned_minutes, 0) end as planned_minutes,
  case when coalesce(windowed.is_timed, true) then coalesce(windowed.unplanned_minutes, 0) end as unplanned_minutes,
  case when coalesce(windowed.is_timed, true) then coalesce(windowed.longest_minutes, 0) end as longest_minutes
from stg_accounts as account
cross join length
left join windowed
  on windowed.account_id = account.account_id
  and windowed.window_days = length.window_days
where account.transformer_id is not null
