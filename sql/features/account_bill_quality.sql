-- How good the bills of the account are, and whether they agree with the load curves.
-- Grain: account_id, every account. The last month is the one that ended at least ten
-- days before the as-of. A month is expected from the first whole month after the
-- account was opened. Bills and curves are compared in months of which the curve knows
-- at least 95 % of the time, days above what the connection carries left out.
with
last as (
  select date_trunc('month', cast($as_of as date) - interval '10 days') - interval '1 month' as bill_month
),
expected as (
  select
    account.account_id,
    least(
      12,
      greatest(
        0,
        coalesce(
          cast(
            (date_part('year', last.bill_month) - date_part('year', account.open_date)) * 12
              + date_part('month', last.bill_month) - date_part('month', account.open_date) as bigint
          ),
          12
        )
      )
    ) as expected_bills_12m
  from stg_accounts as account
  cross join last
),
metered as (
  select
    load.account_id,
    date_trunc('month', load.date) as bill_month,
    sum(load.energy_wh) as load_wh,
    sum((load.valid_points + load.estimated_points) * (load.day_minutes / load.points)) as known_minutes
  from account_load_day as load
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '430 days'
    and exception.is_over_limit is not true
  group by load.account_id, date_trunc('month', load.date)
),
billed as (
  select
    *,
    (cast(bill_month + interval '1 month' as date) - cast(bill_month as date)) * 1440 as month_minutes
  from stg_bills
),
bill as (
  select
    bill.*,
    bill.bill_month = last.bill_month as is_last,
    bill.bill_month > last.bill_month - interval '12 months' as is_12m,
    -- A month lasts from its first day to that of the next. The little that the curve
    -- does not know of it is taken to be like the rest.
    case
      when metered.known_minutes * 100 >= bill.month_minutes * 95
      then cast(cast(metered.load_wh as decimal(38, 0)) * bill.month_minutes / metered.known_minutes as bigint)
    end as load_wh,
    lag(bill.bill_month) over (partition by bill.account_id order by bill.bill_month) as previous_month,
    lag(bill.tariff_code) over (partition by bill.account_id order by bill.bill_month) as previous_tariff,
    bill.sharp_wh is not null or bill.peak_wh is not null or bill.flat_wh is not null or bill.valley_wh is not null as has_periods,
    coalesce(bill.sharp_wh, 0) + coalesce(bill.peak_wh, 0) + coalesce(bill.flat_wh, 0) + coalesce(bill.valley_wh, 0) as periods_wh
  from billed as bill
  cross join last
  left join metered
    on metered.account_id = bill.account_id
    and metered.bill_month = bill.bill_month
  where bill.bill_month <= last.bill_month
    and bill.bill_month > last.bill_month - interval '24 months'
),
judged as (
  select
    account_id,
    count(*) as bills_24m,
    count(*) filter (where is_12m) as bills_12m,
    max(issue_date) as last_issue_date,
    max(
      (date_part('year', bill_month) - date_part('year', previous_month)) * 12
        + date_part('month', bill_month) - date_part('month', previous_month) - 1
    ) filter (where is_12m) as longest_gap_months,
    count(*) filter (where is_12m and tariff_code <> previous_tariff) as tariff_changes_12m,
    count(*) filter (where is_12m and has_periods) as bills_with_periods_12m,
    count(*) filter (where is_12m and has_periods and abs(energy_wh - periods_wh) > 1000) as period_mismatch_bills_12m,
    max(issue_date - cast(bill_month + interval '1 month' as date)) filter (where is_12m) as slowest_issue_days,
    max(energy_wh) filter (where is_last) as last_energy_wh,
    max(load_wh) filter (where is_last) as last_load_wh,
    count(load_wh) filter (where is_12m) as compared_bills_12m,
    sum(energy_wh) filter (where is_12m and load_wh is not null) as compared_energy_wh,
    sum(load_wh) filter (where is_12m) as compared_load_wh,
    -- More than 5 % and more than 5 kWh apart.
    count(*) filter (
      where is_12m
        and abs(energy_wh - load_wh) * 100 > energy_wh * 5
        and abs(energy_wh - load_wh) > 5000
    ) as differing_bills_12m
  from bill
  group by account_id
)
select
  expected.account_id,
  expected.expected_bills_12m,
  coalesce(judged.bills_12m, 0) as bills_12m,
  coalesce(judged.bills_24m, 0) as bills_24m,
  greatest(expected.expected_bills_12m - coalesce(judged.bills_12m, 0), 0) as missing_bills_12m,
  judged.last_issue_date,
  cast(judged.longest_gap_months as bigint) as longest_gap_months,
  judged.tariff_changes_12m,
  judged.bills_with_periods_12m,
  judged.period_mismatch_bills_12m,
  judged.slowest_issue_days,
  judged.last_energy_wh,
  judged.last_load_wh,
  judged.compared_bills_12m,
  judged.compared_energy_wh,
  judged.compared_load_wh,
  judged.differing_bills_12m
from expected
left join judged on judged.account_id = expected.account_id
