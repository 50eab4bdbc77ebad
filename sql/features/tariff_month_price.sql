-- What a kilowatt-hour costs in each period of the day, by tariff and month.
-- Grain: tariff_code, month. A period that the month does not have is null.
-- The price of even use is what a load costs that is the same all day long: the
-- yardstick for how well the periods are used. A table of 12 rows per tariff, so
-- that what comes after need not know how the day is cut.
with
period as (
  select
    tariff_code,
    month,
    period,
    sum(end_minute - start_minute) as minutes,
    max(price_cny_kwh) as price_cny_kwh,
    sum((end_minute - start_minute) * price_cny_kwh) as minute_cny
  from stg_tariff_periods
  group by tariff_code, month, period
)
select
  tariff_code,
  month,
  count(*) as periods,
  max(price_cny_kwh) filter (where period = 'sharp') as sharp_price_cny_kwh,
  max(price_cny_kwh) filter (where period = 'peak') as peak_price_cny_kwh,
  max(price_cny_kwh) filter (where period = 'flat') as flat_price_cny_kwh,
  max(price_cny_kwh) filter (where period = 'valley') as valley_price_cny_kwh,
  max(price_cny_kwh) as highest_price_cny_kwh,
  min(price_cny_kwh) as lowest_price_cny_kwh,
  coalesce(sum(minutes) filter (where period in ('sharp', 'peak')), 0) as peak_minutes,
  coalesce(sum(minutes) filter (where period = 'valley'), 0) as valley_minutes,
  -- Over the minutes of the day: who needs their mean divides by 1440, last of all.
  sum(minute_cny) as minute_prices_cny_kwh,
  ratio(sum(minute_cny), 1440) as even_price_cny_kwh
from period
group by tariff_code, month
having sum(minutes) = 1440
