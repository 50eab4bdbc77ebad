-- Load of feeders and regions, as far as accounts with load curves make it up: the part
-- of one bucket. Grain: area_kind, area, date, the last 365 days.
-- Accounts hang where they hung on the day before the as-of. Days above what the
-- connection can carry are left out.
with
kind as (
  select unnest(make_array('feeder', 'region')) as area_kind
),
place as (
  select
    account.account_id,
    kind.area_kind,
    case kind.area_kind when 'feeder' then transformer.feeder_id else account.region_code end as area
  from stg_accounts as account
  cross join kind
  left join stg_transformers as transformer on transformer.transformer_id = account.transformer_id
)
select
  place.area_kind,
  place.area,
  load.date,
  count(*) as accounts,
  energy_curve_sum(load.half_hour_wh) as half_hour_wh
from account_load_day as load
join place on place.account_id = load.account_id
left join account_load_exception as exception
  on exception.account_id = load.account_id
  and exception.date = load.date
where load.date >= cast($as_of as date) - interval '365 days'
  and place.area is not null
  and exception.is_over_limit is not true
group by place.area_kind, place.area, load.date
