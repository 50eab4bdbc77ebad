-- Bills of the last 24 complete months, each beside the same month a year before
-- and beside what the price list says of it. Grain: account_id, bill_month.
-- The last month is the one that ended at least ten days before the as-of: its
-- bills have been issued. months_ago is 0 for it, 1 for the one before.
-- The price list is the one of today: where it is absent, or has no periods of the
-- tariff, the listed charges are unknown. Tiers count from January on, so they need
-- every bill of the calendar year up to the month. What even use would have cost is
-- the month's energy at the mean price of all minutes of its day.
with
last as (
  select date_trunc('month', cast($as_of as date) - interval '10 days') - interval '1 month' as last_month
),
running as (
  select
    bill.*,
    cast(date_part('month', bill.bill_month) as int) as month,
    cast(
      (date_part('year', last.last_month) - date_part('year', bill.bill_month)) * 12
      + date_part('month', last.last_month) - date_part('month', bill.bill_month)
    as int) as months_ago,
    count(*) over this_year as bills_this_year,
    sum(bill.energy_wh) over this_year - bill.energy_wh as energy_this_year_before_wh
  from stg_bills as bill
  cross join last
  where bill.bill_month <= last.last_month
  window this_year as (
    partition by bill.account_id, date_part('year', bill.bill_month)
    order by bill.bill_month
    rows between unbounded preceding and current row
  )
),
listed as (
  select
    bill.*,
    case when bill.bills_this_year = bill.month then bill.energy_this_year_before_wh end as year_to_date_wh,
    before.energy_wh as energy_year_before_wh,
    before.amount_total_cny as amount_year_before_cny,
    before.max_demand_w as max_demand_year_before_w,
    price.periods,
    price.minute_prices_cny_kwh,
    price.sharp_price_cny_kwh,
    price.peak_price_cny_kwh,
    price.flat_price_cny_kwh,
    price.valley_price_cny_kwh,
    {
      seasons: [{
        sharp: price.sharp_price_cny_kwh,
        peak: price.peak_price_cny_kwh,
        flat: price.flat_price_cny_kwh,
        valley: price.valley_price_cny_kwh
      }],
      tiers: case
        when tariff.tier2_surcharge_cny_kwh is not null then [
          { above_kwh: tariff.tier1_limit_kwh, surcharge: tariff.tier2_surcharge_cny_kwh },
          { above_kwh: tariff.tier2_limit_kwh, surcharge: tariff.tier3_surcharge_cny_kwh }
        ]
      end,
      tier_period: 'year'
    } as terms
  from running as bill
  left join stg_bills as before
    on before.account_id = bill.account_id
    and before.bill_month = bill.bill_month - interval '12 months'
  left join stg_tariffs as tariff on tariff.tariff_code = bill.tariff_code
  left join tariff_month_price as price
    on price.tariff_code = bill.tariff_code
    and price.month = bill.month
  where bill.months_ago < 24
),
priced as (
  select
    *,
    monthly_bill(
      terms,
      {
        month: bill_month,
        sharp_wh: sharp_wh,
        peak_wh: peak_wh,
        flat_wh: flat_wh,
        valley_wh: valley_wh,
        year_to_date_wh: year_to_date_wh
      }
    ) as list_bill,
    tier_distance(terms, { flat_wh: energy_wh, year_to_date_wh: year_to_date_wh }) as tier_distance
  from listed
)
select
  account_id,
  bill_month,
  month,
  months_ago,
  tariff_code,
  energy_wh,
  energy_year_before_wh,
  amount_total_cny,
  amount_year_before_cny,
  amount_energy_cny,
  amount_capacity_cny,
  amount_power_factor_cny,
  periods,
  sharp_wh,
  peak_wh,
  flat_wh,
  valley_wh,
  max_demand_w,
  max_demand_year_before_w,
  power_factor,
  tier,
  year_to_date_wh,
  tier_distance['tier'] as list_tier,
  tier_distance['to_next_wh'] as to_next_tier_wh,
  list_bill['energy_charge'] as list_energy_cny,
  list_bill['tier_charge'] as list_tier_cny,
  case when list_bill['energy_charge'] is not null then cast(cast(sharp_wh as decimal(18, 0)) * coalesce(sharp_price_cny_kwh, 0) / 1000 as decimal(14, 2)) end as list_sharp_cny,
  case when list_bill['energy_charge'] is not null then cast(cast(peak_wh as decimal(18, 0)) * coalesce(peak_price_cny_kwh, 0) / 1000 as decimal(14, 2)) end as list_peak_cny,
  case when list_bill['energy_charge'] is not null then cast(cast(flat_wh as decimal(18, 0)) * coalesce(flat_price_cny_kwh, 0) / 1000 as decimal(14, 2)) end as list_flat_cny,
  case when list_bill['energy_charge'] is not null then cast(cast(valley_wh as decimal(18, 0)) * coalesce(valley_price_cny_kwh, 0) / 1000 as decimal(14, 2)) end as list_valley_cny,
  cast(cast(energy_wh as decimal(18, 0)) * minute_prices_cny_kwh / (1440 * 1000) as decimal(14, 2)) as list_even_cny
from priced
