-- How the contract capacity is used, and what was applied for. Grain: account_id,
-- every account. A month's demand is that of its bill; where the bill has none,
-- the highest interval of the month's load curve, if half of its days are valid.
-- Demand is power and capacity is apparent power: the tags put an assumed power
-- factor between the two. A day is over capacity where a whole half hour was above
-- it, as the mean of two quarters. The demand of the 99th day of 100 leaves out the
-- 1 % of days with the highest maximum, which a fault or a start-up may have made.
-- An application is pending until the day it was completed.
with
month as (
  select
    bill.account_id,
    bill.months_ago,
    bill.month,
    bill.energy_wh,
    bill.max_demand_w is not null as is_billed,
    coalesce(bill.max_demand_w, case when load.valid_days >= $least_days then load.max_demand_w end) as demand_w
  from account_bill_month as bill
  left join account_load_month as load
    on load.account_id = bill.account_id and load.load_month = bill.bill_month
  where bill.months_ago < 12
),
used as (
  select
    month.account_id,
    count(*) as bills_12m,
    sum(month.energy_wh) as energy_12m_wh,
    sum(month.energy_wh) filter (where month.months_ago = 0) as energy_last_month_wh,
    -- Hours of use per kVA: watt-hours over volt-amperes.
    count(*) filter (where month.energy_wh >= account.contract_capacity_kva * 1000 * $relief_hours) as relief_months_12m,
    count(month.demand_w) as demand_months_12m,
    count(month.demand_w) filter (where month.is_billed) as billed_demand_months_12m,
    max(month.demand_w) as demand_max_12m_w,
    min(month.demand_w) as demand_min_12m_w,
    cast(exact_median(month.demand_w) as bigint) as demand_median_12m_w,
    count(month.demand_w) filter (where month.months_ago < 6) as demand_months_6m,
    max(month.demand_w) filter (where month.months_ago < 6) as demand_max_6m_w,
    max(month.demand_w) filter (where month.month in (6, 7, 8, 9)) as demand_max_summer_w,
    max(month.demand_w) filter (where month.month in (11, 12, 1, 2)) as demand_max_winter_w,
    count(*) filter (where month.demand_w * 100 > account.contract_capacity_kva * 1000 * $power_factor_percent) as over_months_12m
  from month
  join stg_accounts as account on account.account_id = month.account_id
  group by month.account_id
),
day as (
  select
    load.account_id,
    load.date >= cast($as_of as date) - interval '90 days' as is_90d,
    load.max_demand_w,
    -- Half hours of 30 minutes, or hours where the source has no more.
    cast(max_demand_w(load.half_hour_wh) as bigint) * (case when curve_points(load.half_hour_wh) >= 46 then 2 else 1 end) as half_hour_demand_w
  from account_load_day as load
  left join account_load_exception as exception
    on exception.account_id = load.account_id and exception.date = load.date
  where load.date >= cast($as_of as date) - interval '365 days'
    and exception.is_over_limit is not true
    and load.energy_wh is not null
),
loaded as (
  select
    day.account_id,
    count(*) as days_365d,
    count(*) filter (where is_90d) as days_90d,
    count(*) filter (where is_90d and half_hour_demand_w * 100 > account.contract_capacity_kva * 1000 * $over_percent) as over_days_90d,
    cast(exact_quantile(day.max_demand_w, 0.99) as bigint) as demand_99_365d_w
  from day
  join stg_accounts as account on account.account_id = day.account_id
  group by day.account_id
),
applied as (
  select
    account_id,
    kind,
    capacity_kva,
    created_date,
    case when completed_date < $as_of then completed_date end as known_completed_date,
    created_date >= cast($as_of as date) - interval '24 months' as is_applied_24m,
    completed_date < $as_of and completed_date >= cast($as_of as date) - interval '24 months' and status in ('completed', 'open') as is_completed_24m,
    status in ('completed', 'open') and (completed_date is null or completed_date >= $as_of) as is_pending
  from stg_applications
),
application as (
  select
    account_id,
    count(*) filter (where kind = 'increase_capacity' and is_completed_24m) as increases_24m,
    count(*) filter (where kind = 'decrease_capacity' and is_completed_24m) as decreases_24m,
    count(*) filter (where kind = 'suspend' and is_completed_24m) as suspensions_24m,
    count(*) filter (where kind = 'resume' and is_completed_24m) as resumptions_24m,
    count(*) filter (where kind in ('increase_capacity', 'decrease_capacity', 'suspend', 'resume') and is_applied_24m) as capacity_applications_24m,
    max(known_completed_date) filter (where kind in ('increase_capacity', 'decrease_capacity', 'suspend', 'resume')) as last_capacity_change_date,
    sum(capacity_kva) filter (where kind = 'increase_capacity' and is_pending) as pending_increase_kva,
    sum(capacity_kva) filter (where kind in ('increase_capacity', 'ev_charger') and is_pending) as pending_load_kva,
    count(*) filter (where kind in ('increase_capacity', 'decrease_capacity', 'suspend', 'resume') and is_pending) as pending_capacity_applications,
    count(*) filter (where kind = 'change_tariff' and is_completed_24m) as tariff_changes_24m,
    count(*) filter (where kind = 'change_tariff' and is_pending) as pending_tariff_changes,
    count(*) filter (where is_pending) as pending_applications,
    min(created_date) filter (where is_pending) as pending_since
  from applied
  group by account_id
)
select
  account.account_id,
  account.account_class,
  account.voltage_class,
  account.contract_capacity_kva,
  cast(account.contract_capacity_kva * 1000 as bigint) as contract_capacity_va,
  used.bills_12m,
  used.energy_12m_wh,
  used.energy_last_month_wh,
  used.relief_months_12m,
  used.demand_months_12m,
  used.billed_demand_months_12m,
  used.demand_max_12m_w,
  used.demand_min_12m_w,
  used.demand_median_12m_w,
  used.demand_months_6m,
  used.demand_max_6m_w,
  used.demand_max_summer_w,
  used.demand_max_winter_w,
  used.over_months_12m,
  loaded.days_365d,
  loaded.days_90d,
  loaded.over_days_90d,
  loaded.demand_99_365d_w,
  coalesce(application.increases_24m, 0) as increases_24m,
  coalesce(application.decreases_24m, 0) as decreases_24m,
  coalesce(application.suspensions_24m, 0) as suspensions_24m,
  coalesce(application.resumptions_24m, 0) as resumptions_24m,
  coalesce(application.capacity_applications_24m, 0) as capacity_applications_24m,
  application.last_capacity_change_date,
  coalesce(application.pending_increase_kva, 0) as pending_increase_kva,
  coalesce(application.pending_load_kva, 0) as pending_load_kva,
  coalesce(application.pending_capacity_applications, 0) as pending_capacity_applications,
  coalesce(application.tariff_changes_24m, 0) as tariff_changes_24m,
  coalesce(application.pending_tariff_changes, 0) as pending_tariff_changes,
  coalesce(application.pending_applications, 0) as pending_applications,
  application.pending_since
from stg_accounts as account
left join used on used.account_id = account.account_id
left join loaded on loaded.account_id = account.account_id
left join application on application.account_id = account.account_id
