-- The account's own tariff beside the cheapest that is open to it. Grain: account_id.
-- Only tariffs that could be priced over the same months are compared. The cheapest
-- may be the own one, which wins where costs are equal.
with
own as (
  select * from account_tariff_option where is_own
),
compared as (
  select
    option.account_id,
    count(*) as options,
    first_value(option.tariff_code order by option.cost_cny, option.is_own desc, option.tariff_code) as cheapest_tariff_code,
    min(option.cost_cny) as cheapest_cny,
    max(option.cost_cny) as dearest_cny,
    min(option.cost_cny) filter (where option.periods >= 2) as cheapest_tou_cny,
    min(option.cost_cny) filter (where option.periods = 1) as cheapest_single_cny
  from account_tariff_option as option
  join own on own.account_id = option.account_id and own.months = option.months
  where option.cost_cny is not null
  group by option.account_id
)
select
  own.account_id,
  own.tariff_code,
  own.kind,
  own.periods,
  own.months,
  own.energy_wh,
  own.cost_cny,
  own.shift_saving_cny,
  compared.options,
  compared.cheapest_tariff_code,
  compared.cheapest_cny,
  compared.dearest_cny,
  compared.cheapest_tou_cny,
  compared.cheapest_single_cny
from own
join compared on compared.account_id = own.account_id
where own.cost_cny is not null
