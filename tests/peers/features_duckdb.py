#!/usr/bin/env python3
"""Independent oracle: feature tables and tags, worked out again from the raw sources.

Shares no code with the Rust side and no SQL with the project: it takes the contracts
(schemas/sources/*.toml) and, from sql/, only what comments, names and definitions mean.

    python3 -m venv V && V/bin/pip install duckdb    (Python 3.11, DuckDB 1.3 or later)
    V/bin/python tests/peers/features_duckdb.py LAKE OUT AS_OF

LAKE has sources/, OUT what kwhy published of it for AS_OF (yyyy-mm-dd); both are only
read. Prints rows, columns and differences of each table, the first five of these (worked
out | published), and exits 1 where there is any.
  visible   records with time < AS_OF; states that held on the day before, the latest
            valid_from wins; of repeated keys the greatest row; no row in breach
  12 months 365 days that end the day before AS_OF; bills: 12 bill months
  energies  what is taken: exact sums of mean watts, negative ones as 0, rounded once,
            half away from zero; what is fed back is apart
  ratios    6 decimals, half away from zero, null where the divisor is 0
"""
import json
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import duckdb

CONTRACTS = Path(__file__).resolve().parents[2] / "schemas/sources"
SOURCES = "accounts bills calendar devices load_curve outages payments tariff_periods work_orders".split()

MACROS = """
create macro as_of() as getvariable('as_of');
create macro is_year(d) as d between as_of() - 365 and as_of() - 1;
create macro half_away(a, b) as cast(sign(a) * ((2 * abs(a::hugeint) + b) // (2 * b)) as bigint);
create macro wh(watts, points) as half_away(watts * 24, points);
create macro millionths(a, b) as half_away(a::hugeint * 1000000 * sign(b)::int, nullif(abs(b::hugeint), 0));
create macro fraction(a, b) as case when millionths(a, b) is not null then
  cast(greatest(least(millionths(a, b), 999999999), -999999999) * 0.000001::decimal(7, 6) as decimal(9, 6)) end;
create macro total(x, chosen) as sum(x) filter (chosen);
create macro tally(chosen) as count(*) filter (chosen);
create macro halves(c) as
  case len(c) when 48 then c else flatten(list_transform(c, lambda e: [e // 2 + e % 2, e // 2])) end;
create macro hours(c) as list_transform(range(0, 24), lambda k: list_sum(c[2 * k + 1:2 * k + 2]));
"""
# Rules of load days: one value for 12 hours, 20 times the third largest, gaps of an hour.
EDIT = """
create temp table raw_point as select account_id, date, len(power_w) as n, generate_subscripts(power_w, 1) - 1 as i,
  unnest(power_w) as w from load_curve;
create temp table hanging as  -- in a run of one value, position less rank stays the same
select account_id, date, i from (select *, count(*) over (partition by account_id, date, w, island) as run from (
  select *, i - row_number() over (partition by account_id, date, w order by i) as island from raw_point
  where w is not null)) where w <> 0 and run >= 720 * n // 1440;
create temp table unstuck as select p.*, h.i is not null as is_stuck, if(h.i is null, p.w, null) as kept
from raw_point as p left join hanging as h on h.account_id = p.account_id and h.date = p.date and h.i = p.i;
create temp table trusted as
select *, coalesce(third > 0 and abs(kept) > 20 * third::bigint, false) as is_spike, if(is_spike, null, kept) as sure
from unstuck left join (select account_id, date, list(abs(kept) order by abs(kept) desc)[3] as third
  from unstuck where kept is not null group by all) using (account_id, date);
create temp table edited as
with near as (
  select *, last_value(if(sure is null, null, {'i': i, 'w': sure}) ignore nulls) over earlier as a,
    first_value(if(sure is null, null, {'i': i, 'w': sure}) ignore nulls) over later as b
  from trusted window earlier as (partition by account_id, date order by i rows between unbounded preceding and 1 preceding),
    later as (partition by account_id, date order by i rows between 1 following and unbounded following)
), filled as (
  select *, case when sure is null and b.i - a.i - 1 <= (60 * n + 720) // 1440
    then half_away(a.w::bigint * (b.i - i) + b.w::bigint * (i - a.i), b.i - a.i) else sure end as w_edited from near
)
select account_id, date, list(w_edited::int order by i) as power_w, count(sure) as valid_points,
  count(w_edited) - count(sure) as estimated_points, tally(is_stuck) as stuck_points, tally(is_spike) as spike_points
from filled group by all;
"""
DAY = """
create temp view point as select account_id, date, len(power_w) as n, generate_subscripts(power_w, 1) - 1 as i,
  unnest(power_w) as w, case when w < 0 then 0 else w end as used from edited;  -- null stays null
create temp table slot as  -- half hours, hours where curves are hourly
select account_id, date, slot, wh(upto, n) - wh(upto - watts, n) as energy
from (select *, sum(watts) over (partition by account_id, date order by slot) as upto
  from (select account_id, date, n, i * least(n, 48) // n as slot, sum(used) as watts from point group by all));
create temp table account_load_day as
with whole as (select account_id, date, any_value(n) as points, count(w) as known_points, sum(used) as watts,
    max(w) as top, min(w) as bottom, arg_max(i * 1440 // n, w::bigint * 1000 - i) as peak_minute,
    total(used, i * 24 // n < 6) as night, total(used, i * 24 // n between 6 and 8) as morning,
    total(used, i * 24 // n between 11 and 13) as noon, total(used, i * 24 // n between 17 and 20) as evening,
    sum(used - w) as fed from point group by all
), zero as (  -- in a run of zeros, position less rank stays the same
  select account_id, date, max(run) as run from (select account_id, date, count(*) as run from (
    select account_id, date, i - row_number() over (partition by account_id, date order by i) as island
    from point where w = 0) group by account_id, date, island) group by all
), listed as (
  select account_id, date, list_sort([greatest(w, 0) for w in power_w if w is not null])[1:len(power_w) // 8] as lowest,
    list_max(list_transform(range(1, len(power_w)), lambda k: abs(power_w[k + 1]::bigint - power_w[k]))) as ramp,
    valid_points, estimated_points, stuck_points, spike_points
  from edited
), induced as (
  select account_id, date, wh(list_sum([greatest(q, 0) for q in reactive_var if q is not null]),
    len(reactive_var)) as reactive_varh from load_curve
), halves as (select account_id, date, list(energy order by slot) as half_hour_wh from slot group by all)
select account_id, date, wh(watts, points) as energy_wh, top as max_demand_w, bottom as min_demand_w,
  half_away(list_sum(lowest), len(lowest)) as base_load_w, peak_minute,
  case when top > 0 then fraction(watts, known_points * top::bigint) end as load_factor,
  wh(night, points) as night_wh, wh(morning, points) as morning_wh, wh(noon, points) as noon_wh,
  wh(evening, points) as evening_wh, fraction(night_wh, energy_wh) as night_share,
  fraction(morning_wh, energy_wh) as morning_share, fraction(noon_wh, energy_wh) as noon_share,
  fraction(evening_wh, energy_wh) as evening_share, if(ramp > 2147483647, 2147483647, ramp) as max_ramp_w,
  case when known_points > 0 then coalesce(run, 0) * 1440 // points end as longest_zero_minutes,
  wh(fed, points) as backfeed_wh, 1440 as day_minutes, points, valid_points, estimated_points, stuck_points, spike_points,
  fraction(valid_points, points) as valid_share, fraction(estimated_points, points) as estimated_share,
  reactive_varh, null::boolean as is_restated,
  case when known_points > 0 then half_hour_wh end as half_hour_wh
from whole natural join listed natural join halves natural join induced left join zero using (account_id, date);
create temp table account_load_exception as
with seen as (
  select d.account_id, d.date, max_demand_w, backfeed_wh, longest_zero_minutes,
    max_demand_w > nullif(contract_capacity_kva, 0) * 3000 as is_over_limit,
    backfeed_wh >= 100 and d.account_id not in (select account_id from devices where device_type in ('pv', 'storage'))
      as is_backfeed_unregistered,
    longest_zero_minutes >= 1440 and not exists (from outages as o where o.transformer_id = a.transformer_id
      and d.date between o.start_at::date and coalesce(o.end_at, as_of())::date) as is_zero_without_outage
  from account_load_day as d join accounts as a using (account_id)
)
from seen where is_over_limit or is_backfeed_unregistered or is_zero_without_outage;
"""
WINDOW = """
create temp table span as
select *, valid_points * 96 >= points * 87 as good, coalesce(is_workday, dayofweek(date) between 1 and 5) as works,
  not works and holiday is null as rests
from account_load_day left join calendar using (date), (values (7), (30), (90), (365)) as w(window_days)
where date between as_of() - window_days and as_of() - 1
  and (account_id, date) not in (select (account_id, date) from account_load_exception where is_over_limit);
create temp table priced as  -- energy of each day by period of the tariff of today
with half as (
  select account_id, date, unnest(range(0, 48)) as h, unnest(halves(half_hour_wh)) as energy from account_load_day
), map as (  -- a month counts where each half hour begins in one period
  select *, count(*) over (partition by tariff_code, month) as covered
  from tariff_periods join range(0, 48) as half(h) on h * 30 between start_minute and end_minute - 1
)
select account_id, date, coalesce(total(energy, period = 'sharp'), 0) as sharp,
  coalesce(total(energy, period = 'peak'), 0) as peak, coalesce(total(energy, period = 'flat'), 0) as flat,
  coalesce(total(energy, period = 'valley'), 0) as valley
from half join accounts using (account_id) join map using (tariff_code, h)
where map.month = month(date) and covered = 48 group by all having count(energy) > 0;
create temp table account_load_window as
with chosen as (  -- hourly, where one of the days is
  select account_id, window_days, kind, half_hour_wh as day,
    min(len(day)) over (partition by account_id, window_days, kind) as slots
  from span, (values ('day'), ('workday'), ('restday')) as kinds(kind)
  where case kind when 'day' then true when 'workday' then good and works else good and rests end
), curve as (
  select account_id, window_days, kind, k, sum(e)::bigint as total, half_away(sum(e), count(e)) as mean
  from (select *, unnest(range(0, slots)) as k, unnest(case len(day) when slots then day else hours(day) end) as e
    from chosen) group by all
), curves as (
  select account_id, window_days, list(total order by k) filter (kind = 'day') as half_hour_wh,
    list(mean order by k) filter (kind = 'workday') as typical_workday_wh,
    list(mean order by k) filter (kind = 'restday') as typical_restday_wh from curve group by all
), figures as (
  select account_id, window_days, count(energy_wh) as days, tally(good) as valid_days,
    tally(good and works) as valid_workdays, tally(good and rests) as valid_restdays, sum(energy_wh) as energy_wh,
    total(energy_wh, good and works) as workday_energy_wh, total(energy_wh, good and rests) as restday_energy_wh,
    max(max_demand_w) as max_demand_w, min(min_demand_w) as min_demand_w,
    median(base_load_w) filter (good) as base_load_w, sum((valid_points + estimated_points) * (1440 // points)) as known_minutes,
    sum(estimated_points * (1440 // points)) as estimated_minutes,
    tally((account_id, date) in (select (account_id, date) from account_load_exception where is_backfeed_unregistered))
      as unregistered_backfeed_days,
    sum(night_wh) as night_wh, sum(morning_wh) as morning_wh, sum(noon_wh) as noon_wh, sum(evening_wh) as evening_wh,
    sum(sharp) as sharp_wh, sum(peak) as peak_wh, sum(flat) as flat_wh, sum(valley) as valley_wh,
    sum(backfeed_wh) as backfeed_wh, tally(backfeed_wh >= 100) as backfeed_days, tally(energy_wh = 0) as zero_days,
    max(max_ramp_w) as max_ramp_w, max(longest_zero_minutes) as longest_zero_minutes
  from span left join priced using (account_id, date) group by all
)
select *, fraction(estimated_minutes, known_minutes) as estimated_share,
  case when max_demand_w > 0 then fraction(energy_wh * 60, known_minutes * max_demand_w) end as load_factor,
  (list_position(half_hour_wh, list_max(half_hour_wh)) - 1) * 1440 // len(half_hour_wh) as peak_minute
from figures natural left join curves;
"""
BILL = """
create temp table account_bill as
with latest as (  -- the last month that was over ten days before the as-of
  select max(m) as m from range(as_of() - interval '3 months', as_of() + interval '1 day', interval '1 day') as r(m)
  where day(m) = 1 and m + interval '1 month' <= as_of() - interval '10 days'
), recent as (
  select b.*, datediff('month', b.bill_month, m) as age, month(b.bill_month) between 6 and 9 as summer,
    month(b.bill_month) in (11, 12, 1, 2) as winter, month(b.bill_month) in (4, 5, 10) as shoulder,
    old.energy_wh as before, before is not null as paired
  from latest cross join bills as b left join bills as old
    on old.account_id = b.account_id and old.bill_month = b.bill_month - interval '1 year'
  where age between 0 and 11
)
select account_id, count(*) as bills_12m, tally(paired) as paired_bills_12m, sum(energy_wh) as energy_12m_wh,
  total(energy_wh, paired) as energy_paired_wh, sum(before) as energy_paired_before_wh,
  total(energy_wh, age < 3) as energy_3m_wh, total(energy_wh, age = 0) as energy_last_month_wh,
  max(energy_wh) as energy_max_month_wh, min(energy_wh) as energy_min_month_wh,
  tally(energy_wh <= 1000) as zero_months_12m, total(energy_wh, summer) as energy_summer_wh,
  tally(summer) as bills_summer, total(energy_wh, winter) as energy_winter_wh, tally(winter) as bills_winter,
  total(energy_wh, shoulder) as energy_shoulder_wh, tally(shoulder) as bills_shoulder,
  sum(sharp_wh) as sharp_12m_wh, sum(peak_wh) as peak_12m_wh, sum(flat_wh) as flat_12m_wh,
  sum(valley_wh) as valley_12m_wh, max(max_demand_w) as max_demand_12m_w, max(tier) as highest_tier_12m,
  tally(tier = 3) as tier3_months_12m, sum(amount_total_cny) as amount_12m_cny,
  sum(amount_energy_cny) as amount_energy_12m_cny, sum(amount_capacity_cny) as amount_capacity_12m_cny,
  sum(amount_power_factor_cny) as amount_power_factor_12m_cny from recent group by all;
"""
PAYMENT = """
create temp table account_payment as
with money as (
  select *, sum(amount_cny) over (partition by account_id, bill_month order by pay_date) as upto from payments
), settled as (  -- full_date: when what was paid for the month reached the bill
  select account_id, bill_month, due_date, any_value(issue_date) as issue_date,
    any_value(amount_total_cny) - coalesce(sum(amount_cny), 0) as open_cny, count(payment_id) as parts,
    min(pay_date) filter (upto >= amount_total_cny) as full_date, any_value(amount_total_cny) <= 0 as is_free
  from bills left join money using (account_id, bill_month) where due_date < as_of() group by all
), due as (
  select *, is_year(due_date) as is_recent, open_cny > 0 as is_open,
    is_free or coalesce(full_date <= due_date, false) as on_time from settled
), habit as (
  select account_id, sum(n) as payments_12m, arg_max(channel, (n, -rank)) as main_channel,
    max(n) as most, coalesce(total(n, channel in ('app', 'wechat', 'alipay', 'bank_auto')), 0) as electronic
  from (select account_id, channel, count(*) as n, rank() over (partition by account_id order by channel) as rank
    from payments where is_year(pay_date) group by account_id, channel) group by all
)
select account_id, count(*) as due_bills, total(open_cny, is_open) as arrears_cny, tally(is_open) as arrears_bills,
  min(due_date) filter (is_open) as arrears_since, tally(is_recent) as due_bills_12m,
  tally(is_recent and on_time) as on_time_bills_12m,
  tally(is_recent and not on_time) as late_bills_12m,
  tally(is_recent and parts > 1) as split_bills_12m,
  median(full_date - issue_date) filter (is_recent) as days_to_pay, any_value(payments_12m) as payments_12m,
  any_value(main_channel) as main_channel, any_value(most) as main_channel_payments,
  any_value(electronic) as electronic_payments_12m from due left join habit using (account_id) group by account_id;
"""
OTHERS = """
create temp table account_device as
select account_id, count(device_id) as devices, tally(device_type = 'pv') as pv_count,
  tally(device_type = 'ev_charger') as ev_charger_count, tally(device_type = 'heat_pump') as heat_pump_count,
  tally(device_type = 'storage') as storage_count, tally(device_type = 'transformer') as transformer_count,
  total(capacity_w, device_type = 'pv') as pv_capacity_w
from accounts left join devices using (account_id) group by all;
create temp table account_service as
with recent as (select *, is_year(created_date) as y, case when closed_date < as_of() then closed_date end as closed
  from work_orders where created_date >= as_of() - 730)
select account_id, tally(y) as work_orders_12m, tally(y and kind = 'complaint') as complaints_12m,
  tally(kind = 'complaint') as complaints_24m, tally(y and kind = 'enquiry') as enquiries_12m,
  tally(y and kind = 'fault_report') as fault_reports_12m, tally(kind = 'application') as applications_24m,
  tally(kind = 'application' and topic = 'capacity') as capacity_applications_24m,
  tally(kind = 'application' and closed is null) as open_applications,
  tally(kind in ('enquiry', 'application') and topic in ('pv', 'ev_charging')) as electrification_requests_24m,
  tally(y and channel in ('app', 'wechat')) as online_work_orders_12m, max(created_date) as last_work_order_date,
  first(topic order by created_date desc, work_order_id desc) filter (kind = 'complaint') as last_complaint_topic,
  total(closed - created_date, kind = 'complaint') as complaint_days_to_close_24m,
  count(closed) filter (kind = 'complaint') as complaints_closed_24m
from accounts left join recent using (account_id) group by all;
create temp table account_outage as
select account_id, count(outage_id) as outages_12m, tally(not is_planned) as unplanned_outages_12m,
  tally(until > start_at + interval '4 hours') as long_outages_12m,
  coalesce(sum(greatest(epoch(until - start_at)::bigint, 0) // 60), 0) as outage_minutes_12m
from accounts left join (select *, least(coalesce(end_at, as_of()), as_of()) as until
  from outages where start_at::date >= as_of() - 365) using (transformer_id)
where transformer_id is not null group by all;
"""
TAGS = """
create temp table customer_tags as
with bill as (
  select *, energy_shoulder_wh * 1.3 / bills_shoulder as high, energy_summer_wh / bills_summer >= high as hot,
    energy_winter_wh / bills_winter >= high as cold, energy_paired_before_wh::bigint as before,
    paired_bills_12m >= 9 and before > 0 as compared
  from account_bill where bills_12m >= 9
), load as (
  select *, case when workday_energy_wh > 0 then
    restday_energy_wh / valid_restdays / (workday_energy_wh / valid_workdays) end as rest
  from account_load_window where window_days = 90 and valid_days >= 45
), due as (select *, as_of() - arrears_since as age from account_payment where due_bills > 0),
pay as (select * from account_payment where due_bills_12m >= 9)
select account_id, a.account_class, (as_of() - open_date) // 365 as tenure_years,
  open_date >= as_of() - 365 as is_new_account, half_away(energy_12m_wh, 1000) as energy_12m_kwh,
  case when compared then fraction(energy_paired_wh - before, before) end as energy_yoy,
  case when not compared then null when energy_paired_wh >= 1.5 * before then 'surge'
    when energy_paired_wh >= 1.1 * before then 'up' when energy_paired_wh > 0.9 * before then 'flat'
    when energy_paired_wh > 0.5 * before then 'down' when compared then 'plunge' end as usage_trend,
  case when high > 0 and hot is not null and cold is not null then
    case when hot and cold then 'double_peak' when hot then 'summer_peak' when cold then 'winter_peak' else 'flat' end
  end as season_type,
  pv_count > 0 as has_pv, backfeed_days >= 3 as is_backfeeding, load.load_factor,
  fraction(evening_wh, energy_wh) as evening_share,
  energy_wh > 0 and night_wh >= 0.4 * energy_wh as is_night_heavy, peak_minute // 60 as peak_hour, case when rest < 0.6
    then 'workday_only' when rest > 1.2 then 'weekend_heavy' when rest is not null then 'seven_day' end as work_pattern,
  max_demand_w < 200 and energy_wh < 500 * days and backfeed_days < 3 as is_vacant,
  fraction(pay.on_time_bills_12m, pay.due_bills_12m) as on_time_rate,
  case when age <= 30 then 'up_to_30' when age <= 60 then 'up_to_60' when age <= 90 then 'up_to_90'
    when age > 90 then 'over_90' when due.due_bills > 0 then 'none' end as arrears_age,
  case when due.due_bills > 0 then coalesce(due.arrears_cny, 0) end as arrears_cny,
  pay.main_channel as main_pay_channel, pay.electronic_payments_12m >= 0.8 * pay.payments_12m as is_electronic_payer,
  last_complaint_topic, complaints_24m > 1 as is_repeat_complainer, long_outages_12m > 0 as has_long_outage,
  fraction((amount_12m_cny * 100)::bigint * 10, energy_12m_wh) as average_price_cny_kwh,
  highest_tier_12m as price_tier, fraction((coalesce(amount_capacity_12m_cny, 0) * 100)::bigint,
    (amount_12m_cny * 100)::bigint) as capacity_charge_share,
  fraction(coalesce(sharp_12m_wh, 0) + coalesce(peak_12m_wh, 0), energy_12m_wh) as peak_period_share, case when
    valley_wh is not null then energy_wh > 0 and valley_wh >= 0.5 * energy_wh and sharp_wh + peak_wh <= 0.25 * energy_wh
  end as is_valley_user
from accounts as a left join bill using (account_id) left join load using (account_id) left join due using (account_id)
left join pay using (account_id) left join account_device using (account_id)
natural join account_service left join account_outage using (account_id);
"""


def take_in(db, lake, name):
    """The rows of a source that count, as a table of its name."""
    contract = tomllib.loads((CONTRACTS / f"{name}.toml").read_text())
    files = f"read_parquet('{lake}/{contract['files'][0]}', hive_types_autocast = true)"
    there = {row[0] for row in db.execute(f"describe from {files}").fetchall()}  # nullable ones may be missing
    found = [c for c in contract["column"] if c["name"] in there]
    keep, begin = ["true"], contract.get("valid_from")
    for c in found:
        n = c["name"]
        keep += [] if c.get("nullable") else [f"{n} is not null"]
        keep += [f"coalesce({n} >= {c['min']}, true)"] if "min" in c else []
        keep += [f"coalesce({n} <= {c['max']}, true)"] if "max" in c else []
        keep += [f"coalesce({n} in ({str(c['values'])[1:-1]}), true)"] if "values" in c else []
        keep += [f"coalesce(len({n}) in (24, 48, 96, 288), true)"] if c["type"] == "curve" else []
    keep += [f"{contract['time']} < as_of()"] if "time" in contract else []
    if begin:
        keep += [f"coalesce({contract['valid_to']} >= {begin}, true)"]
        keep += [f"coalesce({begin} < as_of(), true) and coalesce({contract['valid_to']} >= as_of(), true)"]
    columns = [c["name"] for c in found]
    latest = ", ".join(f"{c} desc nulls last" for c in [begin] * bool(begin) + columns)
    thing = ", ".join(k for k in contract["key"] if k != begin)
    db.execute(f"""create temp table {name} as select {", ".join(columns)}
        from {files} where {" and ".join(keep)}
        qualify row_number() over (partition by {thing} order by {latest}) = 1""")


def active_files(table):
    """Files that the Delta log has added and not removed since."""
    files = {}
    for log in sorted(table.glob("_delta_log/*.json")):
        for action in map(json.loads, log.read_text().splitlines()):
            if path := action.get("add", action.get("remove", {})).get("path"):
                files[path] = "add" in action
    return [str(table / unquote(path)) for path, is_active in files.items() if is_active]


def compare(db, out, name, key):
    """Prints and counts the differences of a table."""
    table, keys = name.split("/")[1], ", ".join(key)
    db.execute(f"""create or replace temp view published as
        select * from read_parquet({active_files(out / name)}, hive_partitioning = false)""")
    ours, theirs = ({r[0] for r in db.execute(f"describe {t}").fetchall()} for t in (table, "published"))
    unmatched = ours - theirs if table == "customer_tags" else ours ^ theirs  # of the tags, these are some
    sizes = [db.execute(f"select count(*), count(distinct ({keys})) from {t}").fetchone() for t in (table, "published")]
    found = [("column", c) for c in unmatched] + [("rows, keys", *sizes)] * (len({*sizes[0], *sizes[1]}) > 1)
    for c in sorted(ours & theirs - set(key)):
        found += db.execute(f"""select '{c}', {keys}, o.{c}, p.{c} from {table} as o
            full join published as p using ({keys}) where o.{c} is distinct from p.{c} order by all""").fetchall()
    print(f"{table}: {sizes[1][0]} rows, {len(ours & theirs)} columns, {len(found)} differences",
          *(" | ".join(map(str, difference)) for difference in found[:5]), sep="\n    ", flush=True)
    return len(found)


def main(lake, out, as_of):
    db = duckdb.connect(config={"threads": 1, "memory_limit": "3GB"})
    db.execute(f"set variable as_of = date '{as_of}'")
    db.execute(MACROS)
    for name in SOURCES:
        take_in(db, lake, name)
    for statements in (EDIT, DAY, WINDOW, BILL, PAYMENT, OTHERS, TAGS):
        db.execute(statements)
    more_key = {"load_day": ["date"], "load_exception": ["date"], "load_window": ["window_days"]}
    tables = "load_day load_exception load_window bill payment device service outage".split()
    found = [compare(db, Path(out), f"features/account_{t}", ["account_id"] + more_key.get(t, [])) for t in tables]
    found += [compare(db, Path(out), "marts/customer_tags", ["account_id"])]
    sys.exit(1 if any(found) else 0)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 4 else sys.exit(__doc__)
