-- What an account takes while its feeder and its region have their highest load: mean
-- power in that half hour of the peak days of the last 365. Grain: account_id.
-- Days on which the account's own load is not known at that time do not count.
with
place as (
  select
    account.account_id,
    transformer.feeder_id,
    account.region_code
  from stg_accounts as account
  left join stg_transformers as transformer on transformer.transformer_id = account.transformer_id
),
day as (
  select
    load.account_id,
    load.date,
    load.half_hour_wh,
    cast(array_length(load.half_hour_wh) as bigint) as slots,
    place.feeder_id,
    place.region_code
  from account_load_day as load
  join place on place.account_id = load.account_id
  left join account_load_exception as exception
    on exception.account_id = load.account_id
    and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '365 days'
    and exception.is_over_limit is not true
),
met as (
  select
    day.account_id,
    feeder.is_peak_day as is_feeder_peak_day,
    feeder.peak_w as feeder_w,
    cast(half_hour_wh[feeder.peak_minute * slots / 1440 + 1] as bigint) * slots / 24 as feeder_load_w,
    region.is_peak_day as is_region_peak_day,
    region.is_response_day,
    region.peak_w as region_w,
    cast(half_hour_wh[region.peak_minute * slots / 1440 + 1] as bigint) * slots / 24 as region_load_w
  from day
  left join area_load_peak as feeder
    on feeder.area_kind = 'feeder'
    and feeder.area = day.feeder_id
    and feeder.date = day.date
  left join area_load_peak as region
    on region.area_kind = 'region'
    and region.area = day.region_code
    and region.date = day.date
  where feeder.area is not null
    or region.area is not null
),
summed as (
  select
    account_id,
    count(feeder_load_w) filter (where is_feeder_peak_day) as feeder_peak_days,
    sum(feeder_load_w) filter (where is_feeder_peak_day) as feeder_peak_sum_w,
    sum(feeder_w) filter (where is_feeder_peak_day and feeder_load_w is not null) as feeder_sum_w,
    count(region_load_w) filter (where is_region_peak_day) as region_peak_days,
    sum(region_load_w) filter (where is_region_peak_day) as region_peak_sum_w,
    sum(region_w) filter (where is_region_peak_day and region_load_w is not null) as region_sum_w,
    count(region_load_w) filter (where is_response_day) as response_days,
    sum(region_load_w) filter (where is_response_day) as response_sum_w
  from met
  group by account_id
)
select
  summed.*,
  case when feeder_peak_days > 0 then feeder_peak_sum_w / feeder_peak_days end as feeder_peak_w,
  case when region_peak_days > 0 then region_peak_sum_w / region_peak_days end as region_peak_w,
  case when response_days > 0 then response_sum_w / response_days end as response_peak_w,
  year.max_demand_w,
  year.load_factor,
  quarter.base_load_w,
  quarter.soft_max_w
from summed
join account_load_level as year on year.account_id = summed.account_id and year.window_days = 365
left join account_load_level as quarter on quarter.account_id = summed.account_id and quarter.window_days = 90
