-- Prices of a tariff's periods, as means over the months that have them, and the hours of
-- a day that are cheap. Grain: tariff_code, tariffs with periods of more than one price.
with
month_price as (
  select
    tariff_code,
    month,
    max(price_cny_kwh) filter (where period = 'sharp') as sharp_cny_kwh,
    max(price_cny_kwh) filter (where period = 'peak') as peak_cny_kwh,
    max(price_cny_kwh) filter (where period = 'valley') as valley_cny_kwh,
    sum(end_minute - start_minute) filter (where period = 'valley') as valley_minutes
  from stg_tariff_periods
  group by tariff_code, month
)
select
  tariff_code,
  cast(sum(sharp_cny_kwh) / nullif(count(sharp_cny_kwh), 0) as decimal(9, 4)) as sharp_cny_kwh,
  cast(sum(peak_cny_kwh) / nullif(count(peak_cny_kwh), 0) as decimal(9, 4)) as peak_cny_kwh,
  cast(sum(valley_cny_kwh) / count(valley_cny_kwh) as decimal(9, 4)) as valley_cny_kwh,
  sum(valley_minutes) / count(valley_minutes) as valley_minutes
from month_price
group by tariff_code
having count(valley_cny_kwh) > 0 and count(peak_cny_kwh) > 0
