-- Supply, growth and load of each region. Grain: region_code. Accounts and energy sold
-- go by the region of the account, load and transformers by that of the transformer.
with
member as (
  select
    region_code,
    count(*) as transformers,
    count(*) filter (where heavy_days > 0) as heavy_transformers,
    count(*) filter (where days > 0) as loaded_transformers,
    sum(capacity_kva) as capacity_kva,
    sum(accounts) as connected_accounts
  from transformer_load
  where region_code is not null
  group by region_code
),
day as (
  select
    member.region_code,
    day.date,
    sum(day.accounts) as accounts,
    sum(day.energy_wh) as energy_wh,
    energy_curve_sum(day.half_hour_wh) as half_hour_wh
  from transformer_load_day as day
  join transformer_load as member on member.transformer_id = day.transformer_id
  where member.region_code is not null
  group by member.region_code, day.date
),
measured as (
  select
    day.*,
    array_max(day.half_hour_wh) * cast(cardinality(day.half_hour_wh) as bigint) / 24 as max_demand_w,
    time_of_peak(day.half_hour_wh) as peak_minute
  from day
  join member on member.region_code = day.region_code
  where day.accounts * 100 >= member.connected_accounts * $complete_percent
),
total as (
  select
    region_code,
    count(*) as days,
    sum(energy_wh) as load_energy_wh,
    max(max_demand_w) as max_demand_w,
    first_value(date order by max_demand_w desc, date) as peak_date,
    cast(most_frequent(peak_minute / 60)['value'] as bigint) as peak_hour
  from measured
  group by region_code
)
select
  account.*,
  member.transformers,
  member.heavy_transformers,
  member.loaded_transformers,
  member.capacity_kva,
  coalesce(total.days, 0) as days,
  total.load_energy_wh,
  total.max_demand_w,
  total.peak_date,
  total.peak_hour
from region_account as account
left join member on member.region_code = account.region_code
left join total on total.region_code = account.region_code
