-- Load of feeders and regions by day. Grain: area_kind, area, date.
select
  area_kind,
  area,
  date,
  energy_curve_sum(half_hour_wh) as half_hour_wh
from area_load_part
group by area_kind, area, date
