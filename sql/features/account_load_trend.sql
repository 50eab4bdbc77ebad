-- How the load changes: the latest days against those before them, and against the same
-- days a year before. Grain: account_id. Valid days count; sums go with the number of
-- days, so that a mean can be taken of each. "before" is the time of the same length
-- that ends where the latest begins (of 28 days for the latest 7); "year_before" are
-- the same days of the year before, and holidays that move with the moon move in them.
-- Weeks are counted back from the as-of; those with five valid days count.
with
day as (
  select
    account_id,
    date,
    energy_wh,
    max_demand_w,
    base_load_w,
    night_wh,
    evening_wh,
    noon_wh,
    cast($as_of as date) - date as age
  from account_load_day_context
  where is_valid
),
latest as (
  select
    account_id,
    count(*) filter (where age <= 7) as days_7d,
    sum(energy_wh) filter (where age <= 7) as energy_7d_wh,
    sum(max_demand_w) filter (where age <= 7) as peak_7d_sum_w,
    count(*) filter (where age between 8 and 35) as days_before_7d,
    sum(energy_wh) filter (where age between 8 and 35) as energy_before_7d_wh,
    sum(max_demand_w) filter (where age between 8 and 35) as peak_before_7d_sum_w,
    count(*) filter (where age <= 30) as days_30d,
    sum(energy_wh) filter (where age <= 30) as energy_30d_wh,
    sum(max_demand_w) filter (where age <= 30) as peak_30d_sum_w,
    sum(base_load_w) filter (where age <= 30) as base_30d_sum_w,
    sum(night_wh) filter (where age <= 30) as night_30d_wh,
    sum(noon_wh) filter (where age <= 30) as noon_30d_wh,
    sum(evening_wh) filter (where age <= 30) as evening_30d_wh,
    count(*) filter (where age between 31 and 60) as days_before_30d,
    sum(energy_wh) filter (where age between 31 and 60) as energy_before_30d_wh,
    sum(max_demand_w) filter (where age between 31 and 60) as peak_before_30d_sum_w,
    sum(base_load_w) filter (where age between 31 and 60) as base_before_30d_sum_w,
    count(*) filter (where age between 366 and 395) as days_year_before_30d,
    sum(energy_wh) filter (where age between 366 and 395) as energy_year_before_30d_wh,
    sum(max_demand_w) filter (where age between 366 and 395) as peak_year_before_30d_sum_w,
    sum(base_load_w) filter (where age between 366 and 395) as base_year_before_30d_sum_w,
    sum(night_wh) filter (where age between 366 and 395) as night_year_before_30d_wh,
    sum(noon_wh) filter (where age between 366 and 395) as noon_year_before_30d_wh,
    sum(evening_wh) filter (where age between 366 and 395) as evening_year_before_30d_wh,
    count(*) filter (where age <= 90) as days_90d,
    sum(energy_wh) filter (where age <= 90) as energy_90d_wh,
    sum(max_demand_w) filter (where age <= 90) as peak_90d_sum_w,
    sum(base_load_w) filter (where age <= 90) as base_90d_sum_w,
    count(*) filter (where age between 91 and 180) as days_before_90d,
    sum(energy_wh) filter (where age between 91 and 180) as energy_before_90d_wh,
    sum(max_demand_w) filter (where age between 91 and 180) as peak_before_90d_sum_w,
    sum(base_load_w) filter (where age between 91 and 180) as base_before_90d_sum_w,
    level_shift(date, energy_wh) filter (where age <= 180) as step,
    count(*) filter (where age <= 180) as days_180d
  from day
  group by account_id
),
week as (
  select
    account_id,
    (age - 1) / 7 as weeks_ago,
    sum(energy_wh) / count(*) as day_wh
  from day
  where age <= 182
  group by account_id, (age - 1) / 7
  having count(*) >= 5
),
weekly as (
  select
    account_id,
    count(*) filter (where weeks_ago < 13) as weeks_13w,
    mann_kendall(-weeks_ago, day_wh) filter (where weeks_ago < 13) as trend_13w,
    theil_sen_slope(-weeks_ago, day_wh) filter (where weeks_ago < 13) as slope_13w,
    median(day_wh) filter (where weeks_ago < 13) as week_13w_wh,
    count(*) as weeks_26w,
    mann_kendall(-weeks_ago, day_wh) as trend_26w,
    theil_sen_slope(-weeks_ago, day_wh) as slope_26w,
    median(day_wh) as week_26w_wh
  from week
  group by account_id
),
-- Two years, of which the lake may have but one.
year as (
  select
    account_id,
    count(*) filter (where is_latest) as days_365d,
    count(*) filter (where not is_latest) as days_year_before,
    cast(round(percentile_cont(0.95) within group (order by max_demand_w) filter (where is_latest)) as bigint) as soft_max_365d_w,
    cast(round(percentile_cont(0.95) within group (order by max_demand_w) filter (where not is_latest)) as bigint) as soft_max_year_before_w
  from (
    select
      load.account_id,
      load.max_demand_w,
      load.date >= cast($as_of as date) - interval '365 days' as is_latest
    from account_load_day as load
    left join account_load_exception as exception
      on exception.account_id = load.account_id
      and exception.date = load.date
    where load.date >= cast($as_of as date) - interval '730 days'
      and load.valid_share >= 0.90625
      and exception.is_over_limit is not true
  )
  group by account_id
)
select
  latest.account_id,
  days_7d,
  energy_7d_wh,
  peak_7d_sum_w,
  days_before_7d,
  energy_before_7d_wh,
  peak_before_7d_sum_w,
  days_30d,
  energy_30d_wh,
  peak_30d_sum_w,
  base_30d_sum_w,
  night_30d_wh,
  noon_30d_wh,
  evening_30d_wh,
  days_before_30d,
  energy_before_30d_wh,
  peak_before_30d_sum_w,
  base_before_30d_sum_w,
  days_year_before_30d,
  energy_year_before_30d_wh,
  peak_year_before_30d_sum_w,
  base_year_before_30d_sum_w,
  night_year_before_30d_wh,
  noon_year_before_30d_wh,
  evening_year_before_30d_wh,
  days_90d,
  energy_90d_wh,
  peak_90d_sum_w,
  base_90d_sum_w,
  days_before_90d,
  energy_before_90d_wh,
  peak_before_90d_sum_w,
  base_before_90d_sum_w,
  days_180d,
  step['at'] as step_date,
  cast(round(step['before']) as bigint) as step_before_wh,
  cast(round(step['after']) as bigint) as step_after_wh,
  cast(step['explained_share'] as decimal(9, 6)) as step_explained,
  weeks_13w,
  trend_13w,
  cast(round(slope_13w) as bigint) as slope_13w_wh,
  cast(round(week_13w_wh) as bigint) as week_13w_wh,
  weeks_26w,
  trend_26w,
  cast(round(slope_26w) as bigint) as slope_26w_wh,
  cast(round(week_26w_wh) as bigint) as week_26w_wh,
  days_365d,
  days_year_before,
  soft_max_365d_w,
  soft_max_year_before_w
from latest
left join weekly on weekly.account_id = latest.account_id
left join year on year.account_id = latest.account_id
