-- On which days of the last 365 somebody was there, by what the account itself takes on
-- a usual day. A day is quiet where less than $quiet_percent percent of the account's
-- median day was taken and nothing was fed back; it is busy where something of half a
-- kilowatt or more was switched on. Valid days only. Quiet days in a row are a spell; a
-- day that was not delivered does not end one. Grain: account_id.
with
usual as (
  select
    account_id,
    cast(exact_median(energy_wh) as bigint) as median_day_wh
  from account_load_day
  where date >= cast($as_of as date) - interval '365 days'
    and valid_share >= 0.90625
  group by account_id
),
day as (
  select
    load.account_id,
    load.date,
    load.energy_wh,
    load.max_demand_w,
    usual.median_day_wh,
    load.energy_wh * 100 < usual.median_day_wh * $quiet_percent and load.backfeed_wh < 100 as is_quiet,
    load.switch_ons > 0 as is_busy,
    date_part('isodow', load.date) >= 6 as is_weekend,
    calendar.holiday in ('Spring Festival', 'National Day') as is_long_holiday,
    date_part('month', load.date) in (7, 8) as is_summer,
    load.date >= cast($as_of as date) - interval '30 days' as is_30d,
    load.date >= cast($as_of as date) - interval '90 days' as is_90d
  from account_load_day as load
  join usual on usual.account_id = load.account_id
  left join stg_calendar as calendar on calendar.date = load.date
  where load.date >= cast($as_of as date) - interval '365 days'
    and load.valid_share >= 0.90625
),
-- Days of one spell share the number of days before them that were not quiet.
numbered as (
  select
    *,
    sum(case when is_quiet then 0 else 1 end) over (
      partition by account_id order by date rows between unbounded preceding and current row
    ) as spell
  from day
),
spell as (
  select
    account_id,
    spell,
    count(*) as days,
    max(date) as last_date
  from numbered
  where is_quiet
  group by account_id, spell
),
spells as (
  select
    account_id,
    count(*) filter (where days >= $spell_days) as spells,
    sum(days) filter (where days >= $spell_days) as spell_days,
    max(last_date) filter (where days >= $spell_days) as last_spell_date
  from spell
  group by account_id
),
summed as (
  select
    account_id,
    max(median_day_wh) as median_day_wh,
    count(*) as days,
    count(*) filter (where is_30d) as days_30d,
    count(*) filter (where is_90d) as days_90d,
    count(*) filter (where is_quiet) as quiet_days,
    run_lengths(date, is_quiet) as quiet_runs,
    count(*) filter (where is_busy) as busy_days,
    count(*) filter (where is_busy and is_30d) as busy_days_30d,
    count(*) filter (where is_busy and is_90d) as busy_days_90d,
    count(*) filter (where is_weekend) as weekend_days,
    count(*) filter (where is_weekend and is_busy) as busy_weekend_days,
    count(*) filter (where is_long_holiday) as holiday_days,
    count(*) filter (where is_long_holiday and is_quiet) as quiet_holiday_days,
    count(*) filter (where is_summer) as summer_days,
    count(*) filter (where is_summer and is_quiet) as quiet_summer_days,
    sum(energy_wh) as energy_365d_wh,
    sum(energy_wh) filter (where is_30d) as energy_30d_wh,
    sum(energy_wh) filter (where is_90d) as energy_90d_wh,
    max(max_demand_w) filter (where is_90d) as max_demand_90d_w
  from day
  group by account_id
)
select
  summed.account_id,
  account.account_class,
  median_day_wh,
  days,
  days_30d,
  days_90d,
  quiet_days,
  quiet_runs['longest'] as longest_quiet_days,
  quiet_runs['latest'] as current_quiet_days,
  coalesce(spells.spells, 0) as quiet_spells,
  coalesce(spells.spell_days, 0) as quiet_spell_days,
  spells.last_spell_date,
  busy_days,
  busy_days_30d,
  busy_days_90d,
  weekend_days,
  busy_weekend_days,
  holiday_days,
  quiet_holiday_days,
  summer_days,
  quiet_summer_days,
  energy_365d_wh,
  energy_30d_wh,
  energy_90d_wh,
  max_demand_90d_w
from summed
join stg_accounts as account on account.account_id = summed.account_id
left join spells on spells.account_id = summed.account_id
