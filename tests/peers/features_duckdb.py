#!/usr/bin/env python3
"""Independent oracle: feature tables and tags, worked out again from the raw sources.

Shares no code with the Rust side and no SQL with the project: it takes the contracts
(schemas/sources/*.toml) and, from sql/, only what comments, names and definitions mean.

    python3 features_duckdb.py LAKE OUT AS_OF      (Python 3.11, DuckDB 1.3 or later)

LAKE has sources/, OUT what kwhy published. Prints rows, columns and differences of each
table, the first five of these (worked out | published), and exits 1 where there is any.
  visible   records with time < AS_OF; states that held on the day before, the latest
            valid_from wins; of repeated keys the greatest row; no row in breach
  12 months 365 days that end the day before AS_OF; bills: 12 bill months
  energies  exact sums of mean watts, rounded once, half away from zero
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
DAY = """
create temp view point as select account_id, date, len(power_w) as n, generate_subscripts(power_w, 1) - 1 as i,
  unnest(power_w) as w from load_curve;
create temp table slot as  -- half hours, hours where curves are hourly
select account_id, date, slot, wh(upto, n) - wh(upto - watts, n) as energy
from (select *, sum(watts) over (partition by account_id, date order by slot) as upto
  from (select account_id, date, n, i * least(n, 48) // n as slot, sum(w) as watts from point group by all));
create temp table account_load_day as
with whole as (select account_id, date, any_value(n) as points, count(w) as valid_points, sum(w) as watts, max(w) as top,
    min(w) as bottom, arg_max(i * 1440 // n, w::bigint * 1000 - i) as peak_minute, total(w, i * 24 // n < 6) as night,
    total(w, i * 24 // n between 6 and 8) as morning, total(w, i * 24 // n between 11 and 13) as noon,
    total(w, i * 24 // n between 17 and 20) as evening, sum(case when w < 0 then -w when w >= 0 then 0 end) as fed
  from point group by all
), zero as (  -- in a run of zeros, position less rank stays the same
  select account_id, date, max(run) as run from (select account_id, date, count(*) as run from (
    select account_id, date, i - row_number() over (partition by account_id, date order by i) as island
    from point where w = 0) group by account_id, date, island) group by all
), listed as (
  select account_id, date, list_sort(list_filter(power_w, lambda w: w is not null))[1:len(power_w) // 8] as lowest,
    list_max(list_transform(range(1, len(power_w)), lambda k: abs(power_w[k + 1]::bigint - power_w[k]))) as ramp
  from load_curve
), halves as (select account_id, date, list(energy order by slot) as half_hour_wh from slot group by all)
select account_id, date, wh(watts, points) as energy_wh, top as max_demand_w, bottom as min_demand_w,
  half_away(list_sum(lowest), len(lowest)) as base_load_w, peak_minute,
  case when top > 0 then fraction(watts, valid_points * top::bigint) end as load_factor,
  wh(night, points) as night_wh, wh(morning, points) as morning_wh, wh(noon, points) as noon_wh,
  wh(evening, points) as evening_wh, fraction(night_wh, energy_wh) as night_share,
  fraction(morning_wh, energy_wh) as morning_share, fraction(noon_wh, energy_wh) as noon_share,
  fraction(evening_wh, energy_wh) as evening_share, least(ramp, 2147483647) as max_ramp_w,
  case when valid_points > 0 then coalesce(run, 0) * 1440 // points end as longest_zero_minutes,
  wh(fed, points) as backfeed_wh, points, valid_points, fraction(valid_points, points) as valid_share,
  case when valid_points > 0 then half_hour_wh end as half_hour_wh
from whole natural join listed natural join halves left join zero using (account_id, date);
"""
WINDOW = """
create temp table span as
select *, valid_points * 96 >= points * 87 as good, coalesce(is_workday, dayofweek(date) between 1 and 5) as works,
  min(len(half_hour_wh)) over (partition by account_id, window_days) as slots
from account_load_day left join calendar using (date), (values (7), (30), (90), (365)) as w(window_days)
where date between as_of() - window_days and as_of() - 1;
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
with curve as (
  select account_id, window_days, k, sum(e) as total,
    half_away(total(e, good and works), count(e) filter (good and works)) as workday,
    half_away(total(e, good and not works), count(e) filter (good and not works)) as restday
  from (
    select account_id, window_days, good, works, unnest(range(0, slots)) as k,
      unnest(case len(half_hour_wh) when slots then half_hour_wh else hours(half_hour_wh) end) as e
    from span) group by all
), curves as (
  select account_id, window_days, case when count(total) > 0 then list(total::bigint order by k) end as half_hour_wh,
    case when count(workday) > 0 then list(workday order by k) end as typical_workday_wh,
    case when count(restday) > 0 then list(restday order by k) end as typical_restday_wh
  from curve group by all
), figures as (
  select account_id, window_days, count(*) as days, tally(good) as valid_days,
    tally(good and works) as valid_workdays, sum(energy_wh) as energy_wh,
    total(energy_wh, good and works) as workday_energy_wh, total(energy_wh, good and not works) as restday_energy_wh,
    max(max_demand_w) as max_demand_w, min(min_demand_w) as min_demand_w,
    median(base_load_w) filter (good) as base_load_w, sum(valid_points * (1440 // points)) as known_minutes,
    sum(night_wh) as night_wh, sum(morning_wh) as morning_wh, sum(noon_wh) as noon_wh, sum(evening_wh) as evening_wh,
    sum(sharp) as sharp_wh, sum(peak) as peak_wh, sum(flat) as flat_wh, sum(valley) as valley_wh,
    sum(backfeed_wh) as backfeed_wh, tally(backfeed_wh > 0) as backfeed_days, tally(energy_wh = 0) as zero_days,
    max(max_ramp_w) as max_ramp_w, max(longest_zero_minutes) as longest_zero_minutes
  from span left join priced using (account_id, date) group by all
)
select *, fraction(energy_wh * 60, known_minutes * max_demand_w) as load_factor,
  (list_position(half_hour_wh, list_max(half_hour_wh)) - 1) * 1440 // len(half_hour_wh) as peak_minute
from figures natural join curves;
"""
BILL = """
create temp table account_bill as
with latest as (  -- the last month that was over ten days before the as-of
  select max(m) as m from range(as_of() - interval '3 months', as_of() + interval '1 day', interval '1 day') as r(m)
  where day(m) = 1 and m + interval '1 month' <= as_of() - interval '10 days'
), recent as (
  select *, datediff('month', bill_month, m) as age, age < 12 as y, y and month(bill_month) between 6 and 9 as summer,
    y and month(bill_month) in (11, 12, 1, 2) as winter, y and month(bill_month) in (4, 5, 10) as shoulder
  from bills, latest where age between 0 and 23
)
select account_id, tally(y) as bills_12m, tally(not y) as bills_previous_12m,
  total(energy_wh, y) as energy_12m_wh, total(energy_wh, not y) as energy_previous_12m_wh,
  total(energy_wh, age < 3) as energy_3m_wh, total(energy_wh, age = 0) as energy_last_month_wh,
  max(energy_wh) filter (y) as energy_max_month_wh, min(energy_wh) filter (y) as energy_min_month_wh,
  tally(y and energy_wh <= 1000) as zero_months_12m, total(energy_wh, summer) as energy_summer_wh,
  tally(summer) as bills_summer, total(energy_wh, winter) as energy_winter_wh, tally(winter) as bills_winter,
  total(energy_wh, shoulder) as energy_shoulder_wh, tally(shoulder) as bills_shoulder,
  total(sharp_wh, y) as sharp_12m_wh, total(peak_wh, y) as peak_12m_wh, total(flat_wh, y) as flat_12m_wh,
  total(valley_wh, y) as valley_12m_wh, max(max_demand_w) filter (y) as max_demand_12m_w,
  max(tier) filter (age = 0) as tier_last_month, tally(y and tier = 3) as tier3_months_12m,
  sum(amount_total_cny) filter (y) as amount_12m_cny, total(amount_energy_cny, y) as amount_energy_12m_cny,
  total(amount_capacity_cny, y) as amount_capacity_12m_cny,
  total(amount_power_factor_cny, y) as amount_power_factor_12m_cny from recent group by all;
"""
PAYMENT = """
create temp table account_payment as
with money as (
  select *, sum(amount_cny) over (partition by account_id, bill_month order by pay_date) as upto from payments
), settled as (  -- full_date: when what was paid for the month reached the bill
  select account_id, bill_month, due_date, any_value(issue_date) as issue_date,
    any_value(amount_total_cny) - coalesce(sum(amount_cny), 0) as open_cny, count(payment_id) as parts,
    min(pay_date) filter (upto >= amount_total_cny) as full_date
  from bills left join money using (account_id, bill_month) group by all
), due as (
  select *, is_year(due_date) as is_recent, due_date < as_of() and open_cny > 0 as is_open from settled
), habit as (
  select account_id, sum(n) as payments_12m, arg_max(channel, (n, -rank)) as main_channel,
    max(n) as most, coalesce(total(n, channel in ('app', 'wechat', 'alipay', 'bank_auto')), 0) as electronic
  from (select account_id, channel, count(*) as n, rank() over (partition by account_id order by channel) as rank
    from payments where is_year(pay_date) group by account_id, channel) group by all
)
select account_id, total(open_cny, is_open) as arrears_cny, tally(is_open) as arrears_bills,
  min(due_date) filter (is_open) as arrears_since, tally(is_recent) as due_bills_12m,
  tally(is_recent and full_date <= due_date) as on_time_bills_12m,
  tally(is_recent and (full_date is null or full_date > due_date)) as late_bills_12m,
  tally(is_recent and parts > 1) as split_bills_12m,
  median(full_date - issue_date) filter (is_recent) as days_to_pay, any_value(payments_12m) as payments_12m,
  any_value(main_channel) as main_channel, any_value(most) as main_channel_payments,
  any_value(electronic) as electronic_payments_12m from due left join habit using (account_id) group by account_id;
"""
OTHERS = """
create temp table account_device as select account_id, count(device_id) as devices, tally(device_type = 'pv') as pv_count,
  tally(device_type = 'ev_charger') as ev_charger_count, tally(device_type = 'heat_pump') as heat_pump_count,
  tally(device_type = 'storage') as storage_count, tally(device_type = 'transformer') as transformer_count,
  total(capacity_w, device_type = 'pv') as pv_capacity_w
from accounts left join devices using (account_id) group by all;
create temp table account_service as
with recent as (select *, is_year(created_date) as y from work_orders where created_date >= as_of() - 730)
select account_id, tally(y) as work_orders_12m, tally(y and kind = 'complaint') as complaints_12m,
  tally(kind = 'complaint') as complaints_24m, tally(y and kind = 'enquiry') as enquiries_12m,
  tally(y and kind = 'fault_report') as fault_reports_12m, tally(kind = 'application') as applications_24m,
  tally(kind = 'application' and topic = 'capacity') as capacity_applications_24m,
  tally(kind = 'application' and coalesce(closed_date >= as_of(), true)) as open_applications,
  tally(topic in ('pv', 'ev_charging')) as electrification_requests_24m,
  tally(y and channel in ('app', 'wechat')) as online_work_orders_12m, max(created_date) as last_work_order_date,
  first(topic order by created_date desc, work_order_id) filter (kind = 'complaint') as last_complaint_topic,
  sum(closed_date - created_date) filter (kind = 'complaint') as complaint_days_to_close,
  count(closed_date) filter (kind = 'complaint') as complaints_closed
from accounts left join recent using (account_id) group by all;
create temp table account_outage as
select account_id, count(outage_id) as outages_12m, tally(not is_planned) as unplanned_outages_12m,
  tally(end_at > start_at + interval '4 hours') as long_outages_12m,
  coalesce(sum(epoch(end_at - start_at)::bigint // 60), 0) as outage_minutes_12m
from accounts left join (select * from outages where start_at::date >= as_of() - 365) using (transformer_id)
where transformer_id is not null group by all;
"""
TAGS = """
create temp table customer_tags as
with bill as (
  select *, energy_summer_wh / bills_summer as summer, energy_winter_wh / bills_winter as winter,
    energy_shoulder_wh / bills_shoulder * 1.3 as high, case when bills_previous_12m >= 9 then
      fraction(energy_12m_wh * bills_previous_12m, energy_previous_12m_wh * bills_12m) end as growth
  from account_bill where bills_12m >= 9
), load as (
  select *, case when workday_energy_wh > 0 and restday_energy_wh >= 0 then  -- what is fed back is no use of power
    restday_energy_wh / (valid_days - valid_workdays) / (workday_energy_wh / valid_workdays) end as rest
  from account_load_window where window_days = 90 and valid_days >= 45
), pay as (select *, as_of() - arrears_since as age from account_payment where due_bills_12m >= 9)
select account_id, a.account_class, (as_of() - open_date) // 365 as tenure_years,
  half_away(energy_12m_wh, 1000) as energy_12m_kwh, growth - 1 as energy_yoy,
  case when growth >= 1.5 then 'surge' when growth >= 1.1 then 'up' when growth > 0.9 then 'flat'
    when growth > 0.5 then 'down' when growth >= 0 then 'plunge' end as usage_trend,
  case when summer >= high and winter >= high then 'double_peak' when summer >= high then 'summer_peak'
    when winter >= high then 'winter_peak' when bills_12m > 0 then 'flat' end as season_type,
  pv_count > 0 as has_pv, backfeed_days >= 3 as is_backfeeding, load.load_factor,
  fraction(evening_wh, energy_wh) as evening_share, peak_minute // 60 as peak_hour, case when rest < 0.6
    then 'workday_only' when rest > 1.2 then 'weekend_heavy' when rest is not null then 'seven_day' end as work_pattern,
  max_demand_w < 200 and energy_wh < 500 * days as is_vacant, fraction(on_time_bills_12m, due_bills_12m) as on_time_rate,
  case when age <= 30 then 'up_to_30' when age <= 60 then 'up_to_60' when age <= 90 then 'up_to_90'
    when age > 90 then 'over_90' when due_bills_12m > 0 then 'none' end as arrears_age,
  main_channel as main_pay_channel, electronic_payments_12m >= 0.8 * payments_12m as is_electronic_payer,
  last_complaint_topic, complaints_24m > 1 as is_repeat_complainer, long_outages_12m > 0 as has_long_outage,
  fraction((amount_12m_cny * 100)::bigint * 10, energy_12m_wh) as average_price_cny_kwh,
  tier_last_month as price_tier, fraction(sharp_12m_wh + peak_12m_wh, energy_12m_wh) as peak_period_share,
  valley_wh >= 0.5 * energy_wh and sharp_wh + peak_wh <= 0.25 * energy_wh as is_valley_user
from accounts as a left join bill using (account_id) left join load using (account_id) left join pay using (account_id)
left join account_device using (account_id) natural join account_service left join account_outage using (account_id);
"""


def take_in(db, lake, name):
    """The rows of a source that count, as a table of its name."""
    contract = tomllib.loads((CONTRACTS / f"{name}.toml").read_text())
    keep, begin = ["true"], contract.get("valid_from")
    for c in contract["column"]:
        n = c["name"]
        keep += [] if c.get("nullable") else [f"{n} is not null"]
        keep += [f"coalesce({n} >= {c['min']}, true)"] if "min" in c else []
        keep += [f"coalesce({n} <= {c['max']}, true)"] if "max" in c else []
        keep += [f"coalesce({n} in ({str(c['values'])[1:-1]}), true)"] if "values" in c else []
        keep += [f"len({n}) in (24, 48, 96, 288)"] if c["type"] == "curve" else []
    keep += [f"{contract['time']} < as_of()"] if "time" in contract else []
    if begin:
        keep += [f"coalesce({begin} < as_of(), true) and coalesce({contract['valid_to']} >= as_of(), true)"]
    columns = [c["name"] for c in contract["column"]]
    latest = ", ".join(f"{c} desc nulls last" for c in [begin] * bool(begin) + columns)
    thing = ", ".join(k for k in contract["key"] if k != begin)
    db.execute(f"""create temp table {name} as select {", ".join(columns)}
        from read_parquet('{lake}/{contract["files"][0]}', hive_types_autocast = true) where {" and ".join(keep)}
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
    for statements in (DAY, WINDOW, BILL, PAYMENT, OTHERS, TAGS):
        db.execute(statements)
    more_key = {"load_day": ["date"], "load_window": ["window_days"]}
    tables = "load_day load_window bill payment device service outage".split()
    found = [compare(db, Path(out), f"features/account_{t}", ["account_id"] + more_key.get(t, [])) for t in tables]
    found += [compare(db, Path(out), "marts/customer_tags", ["account_id"])]
    sys.exit(1 if any(found) else 0)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 4 else sys.exit(__doc__)
