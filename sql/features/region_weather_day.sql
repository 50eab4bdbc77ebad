-- Weather of the last 365 days by region, with what it takes to judge a day: the
-- normal temperature of that time of year, and whether the day was one of the hottest
-- or coldest tenth. Normal is the mean over all years that the lake has, of seven days
-- either side. Grain: region_code, date.
with
weather as (
  select
    region_code,
    date,
    -- Where only the extremes of a day are known, their middle is its mean.
    cast(coalesce(temperature_mean_c, (temperature_min_c + temperature_max_c) / 2) as decimal(5, 2)) as temperature_mean_c,
    cast(date_part('doy', date) as bigint) as day_of_year
  from stg_weather
  where coalesce(temperature_mean_c, (temperature_min_c + temperature_max_c) / 2) is not null
),
-- The days of a year are a ring: the week before January is the end of December.
of_year as (
  select
    region_code,
    day_of_year,
    sum(temperature_mean_c) as sum_c,
    count(*) as days
  from weather
  group by region_code, day_of_year
),
turn as (
  select unnest(make_array(-366, 0, 366)) as shift
),
ring as (
  select
    of_year.region_code,
    of_year.day_of_year + turn.shift as day_of_year,
    of_year.sum_c,
    of_year.days
  from of_year
  cross join turn
),
normal as (
  select
    region_code,
    day_of_year,
    sum(sum_c) over near as sum_c,
    sum(days) over near as days
  from ring
  window near as (partition by region_code order by day_of_year range between 7 preceding and 7 following)
),
recent as (
  select
    *,
    row_number() over (partition by region_code order by temperature_mean_c desc, date) as heat_rank,
    row_number() over (partition by region_code order by temperature_mean_c, date) as cold_rank,
    count(*) over (partition by region_code) as days
  from weather
  where date >= cast($as_of as date) - interval '365 days'
)
select
  recent.region_code,
  recent.date,
  recent.temperature_mean_c,
  cast(cast(normal.sum_c as decimal(18, 4)) / normal.days as decimal(7, 2)) as normal_c,
  recent.heat_rank * 10 <= recent.days as is_hot,
  recent.cold_rank * 10 <= recent.days as is_cold,
  recent.temperature_mean_c between $mild_from_c and $mild_to_c as is_mild
from recent
join normal
  on normal.region_code = recent.region_code
  and normal.day_of_year = recent.day_of_year
