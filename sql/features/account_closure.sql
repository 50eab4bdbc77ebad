-- Whether use has broken off: the last 14 days against the 60 before them, and
-- against the best quarter of the year before. Grain: account_id, accounts with a
-- load curve in 14 days or in the year before. Public holidays are left out on both
-- sides: a works' holiday week is no closure. An application to suspend or to close
-- the supply explains what the load shows.
with
day as (
  select
    load.account_id,
    load.date,
    load.energy_wh,
    cast($as_of as date) - load.date as days_ago
  from account_load_day as load
  left join stg_calendar as calendar on calendar.date = load.date
  where load.date >= cast($as_of as date) - interval '395 days'
    and load.energy_wh is not null
    and calendar.holiday is null
),
load as (
  select
    account_id,
    count(*) filter (where days_ago <= 14) as days_14d,
    sum(energy_wh) filter (where days_ago <= 14) as energy_14d_wh,
    count(*) filter (where days_ago between 15 and 74) as days_60d,
    sum(energy_wh) filter (where days_ago between 15 and 74) as energy_60d_wh,
    count(*) filter (where days_ago <= 30) as days_30d,
    sum(energy_wh) filter (where days_ago <= 30) as energy_30d_wh,
    count(*) filter (where days_ago between 366 and 395) as days_30d_year_before,
    sum(energy_wh) filter (where days_ago between 366 and 395) as energy_30d_year_before_wh,
    greatest(
      case when count(*) filter (where days_ago between 15 and 104) >= 45 then sum(energy_wh) filter (where days_ago between 15 and 104) / count(*) filter (where days_ago between 15 and 104) end,
      case when count(*) filter (where days_ago between 105 and 194) >= 45 then sum(energy_wh) filter (where days_ago between 105 and 194) / count(*) filter (where days_ago between 105 and 194) end,
      case when count(*) filter (where days_ago between 195 and 284) >= 45 then sum(energy_wh) filter (where days_ago between 195 and 284) / count(*) filter (where days_ago between 195 and 284) end,
      case when count(*) filter (where days_ago between 285 and 374) >= 45 then sum(energy_wh) filter (where days_ago between 285 and 374) / count(*) filter (where days_ago between 285 and 374) end
    ) as best_quarter_day_wh
  from day
  group by account_id
),
-- The last day on which more was used than $active_percent percent of the best quarter's mean day.
active as (
  select
    day.account_id,
    max(day.date) as last_active_date
  from day
  join load on load.account_id = day.account_id
  where day.energy_wh * 100 > load.best_quarter_day_wh * $active_percent
  group by day.account_id
),
application as (
  select
    account_id,
    max(created_date) as applied_date
  from stg_applications
  where kind in ('suspend', 'close')
    and status in ('open', 'completed')
    and created_date >= cast($as_of as date) - interval '12 months'
  group by account_id
)
select
  load.*,
  active.last_active_date,
  application.applied_date,
  account.account_class,
  account.account_class <> 'residential' as is_business
from load
join stg_accounts as account on account.account_id = load.account_id
left join active on active.account_id = load.account_id
left join application on application.account_id = load.account_id
