-- The tariff of the account: its terms today, and when it last changed by the
-- bills. Grain: account_id, accounts with a tariff. Prices are those of the list over
-- all months of the year; the spread of a tariff of one price is 0.
with
terms as (
  select
    tariff_code,
    max(periods) as periods,
    count(sharp_price_cny_kwh) as sharp_months,
    max(highest_price_cny_kwh) as highest_price_cny_kwh,
    min(lowest_price_cny_kwh) as lowest_price_cny_kwh,
    sum(minute_prices_cny_kwh) as minute_prices_cny_kwh,
    count(*) as price_months,
    sum(peak_minutes) as peak_minutes,
    sum(valley_minutes) as valley_minutes
  from tariff_month_price
  group by tariff_code
),
bill as (
  select
    *,
    first_value(tariff_code) over (partition by account_id order by months_ago) as last_tariff_code
  from account_bill_month
  where tariff_code is not null
),
billed as (
  select
    account_id,
    count(*) as tariff_bills_24m,
    max(last_tariff_code) as billed_tariff_code,
    min(months_ago) as last_bill_months_ago,
    count(distinct tariff_code) as tariffs_24m,
    min(months_ago) filter (where tariff_code <> last_tariff_code) as other_tariff_months_ago,
    first_value(tariff_code order by months_ago) filter (where tariff_code <> last_tariff_code) as previous_tariff_code
  from bill
  group by account_id
)
select
  account.account_id,
  account.account_class,
  account.tariff_code,
  account.demand_mode,
  account.is_market,
  account.contract_capacity_kva,
  tariff.kind,
  tariff.name,
  tariff.name_zh,
  tariff.tier1_limit_kwh,
  tariff.tier2_limit_kwh,
  tariff.tier2_surcharge_cny_kwh,
  tariff.tier3_surcharge_cny_kwh,
  tariff.capacity_price_cny_kva,
  tariff.demand_price_cny_kw,
  tariff.power_factor_standard,
  terms.periods,
  terms.sharp_months,
  terms.highest_price_cny_kwh,
  terms.lowest_price_cny_kwh,
  ratio(terms.minute_prices_cny_kwh, terms.price_months * 1440) as even_price_cny_kwh,
  ratio(terms.peak_minutes, terms.price_months * 60) as peak_hours,
  ratio(terms.valley_minutes, terms.price_months * 60) as valley_hours,
  billed.tariff_bills_24m,
  billed.billed_tariff_code,
  billed.last_bill_months_ago,
  billed.tariffs_24m,
  billed.other_tariff_months_ago,
  billed.previous_tariff_code
from stg_accounts as account
left join stg_tariffs as tariff on tariff.tariff_code = account.tariff_code
left join terms on terms.tariff_code = account.tariff_code
left join billed on billed.account_id = account.account_id
where account.tariff_code is not null
