-- The period of each half hour of a day, by tariff and month: 1 sharp, 2 peak,
-- 3 flat, 4 valley, by the period in which it begins. Grain: tariff_code, month.
with
half_hour as (
  select unnest(range(0, 48)) as slot
),
coded as (
  select
    period.tariff_code,
    period.month,
    half_hour.slot,
    case period.period when 'sharp' then 1 when 'peak' then 2 when 'flat' then 3 else 4 end as code
  from stg_tariff_periods as period
  join half_hour
    on half_hour.slot * 30 >= period.start_minute
    and half_hour.slot * 30 < period.end_minute
)
select
  tariff_code,
  month,
  array_agg(code order by slot) as period_of_half_hour
from coded
group by tariff_code, month
having count(*) = 48
