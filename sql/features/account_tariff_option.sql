-- What the last 12 bill months would have cost under each tariff that is open to
-- the account, its own among them, without any change of habits.
-- Grain: account_id, tariff_code. A tariff is open where enough accounts of the class
-- and voltage hold it, at contract capacities below and above this one. A month's energy is that of its bill, split over
-- the periods of the tariff as the month's load curve is; a month without half of
-- its days valid is left out, under all tariffs alike. Prices are those of today's
-- list. The power factor adjustment is left out: it would be the same percentage.
-- A two-part tariff that is not the account's own is taken in its cheaper way of
-- billing the demand; where the contract names the demand, the measured one stands in.
with
chosen as (
  select
    account.account_id,
    account.tariff_code = tariff.tariff_code as is_own,
    account.demand_mode,
    account.contract_capacity_kva,
    tariff.*
  from stg_accounts as account
  join tariff_access as access
    on access.account_class = account.account_class
    and access.voltage_class = coalesce(account.voltage_class, 'unknown')
  join stg_tariffs as tariff on tariff.tariff_code = access.tariff_code
  where access.tariff_code = account.tariff_code
    or (
      access.accounts >= $least_accounts
      and account.contract_capacity_kva between access.least_capacity_kva and access.greatest_capacity_kva
    )
),
month as (
  select
    bill.account_id,
    bill.bill_month,
    bill.month,
    bill.energy_wh,
    bill.year_to_date_wh,
    coalesce(bill.max_demand_w, load.max_demand_w) as demand_w,
    load.energy_wh as load_wh,
    load.half_hour_wh
  from account_bill_month as bill
  join account_load_month as load
    on load.account_id = bill.account_id
    and load.load_month = bill.bill_month
  where bill.months_ago < 12
    and load.valid_days >= $least_days
    and load.energy_wh > 0
),
split as (
  select
    chosen.*,
    month.bill_month,
    month.energy_wh,
    month.year_to_date_wh,
    month.demand_w,
    month.load_wh,
    cast(month.energy_wh as decimal(38, 0)) as exact_wh,
    energy_by_period(month.half_hour_wh, map.period_of_half_hour) as period,
    price.periods,
    {
      seasons: [{
        sharp: price.sharp_price_cny_kwh,
        peak: price.peak_price_cny_kwh,
        flat: price.flat_price_cny_kwh,
        valley: price.valley_price_cny_kwh
      }],
      tiers: case
        when chosen.tier2_surcharge_cny_kwh is not null then [
          { above_kwh: chosen.tier1_limit_kwh, surcharge: chosen.tier2_surcharge_cny_kwh },
          { above_kwh: chosen.tier2_limit_kwh, surcharge: chosen.tier3_surcharge_cny_kwh }
        ]
      end,
      tier_period: 'year'
    } as terms
  from chosen
  join month on month.account_id = chosen.account_id
  join tariff_period_map as map
    on map.tariff_code = chosen.tariff_code and map.month = month.month
  join tariff_month_price as price
    on price.tariff_code = chosen.tariff_code and price.month = month.month
),
scaled as (
  select
    *,
    {
      month: bill_month,
      sharp_wh: cast(round(exact_wh * period['sharp_wh'] / load_wh) as bigint),
      peak_wh: cast(round(exact_wh * period['peak_wh'] / load_wh) as bigint),
      flat_wh: cast(round(exact_wh * period['flat_wh'] / load_wh) as bigint),
      valley_wh: cast(round(exact_wh * period['valley_wh'] / load_wh) as bigint),
      year_to_date_wh: year_to_date_wh
    } as usage
  from split
),
billed as (
  select
    *,
    monthly_bill(terms, usage)['total'] as energy_cny,
    shift_saving(terms, usage, 'sharp', 'valley', usage['sharp_wh'] * $shift_percent / 100)
      + shift_saving(terms, usage, 'peak', 'valley', usage['peak_wh'] * $shift_percent / 100) as shift_saving_cny
  from scaled
),
summed as (
  select
    account_id,
    tariff_code,
    is_own,
    kind,
    max(periods) as periods,
    demand_mode,
    count(energy_cny) as months,
    sum(energy_wh) filter (where energy_cny is not null) as energy_wh,
    sum(energy_cny) as energy_cny,
    sum(shift_saving_cny) as shift_saving_cny,
    cast(sum(demand_price_cny_kw * demand_w / 1000) filter (where energy_cny is not null) as decimal(14, 2)) as demand_cny,
    cast(sum(capacity_price_cny_kva * contract_capacity_kva) filter (where energy_cny is not null) as decimal(14, 2)) as capacity_cny
  from billed
  group by account_id, tariff_code, is_own, kind, demand_mode
)
select
  account_id,
  tariff_code,
  is_own,
  kind,
  periods,
  months,
  energy_wh,
  energy_cny,
  shift_saving_cny,
  case
    when kind <> 'two_part' then energy_cny
    when is_own and demand_mode = 'capacity' then energy_cny + capacity_cny
    when is_own then energy_cny + demand_cny
    else energy_cny + least(capacity_cny, demand_cny)
  end as cost_cny
from summed
where months > 0
