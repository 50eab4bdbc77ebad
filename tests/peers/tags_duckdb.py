#!/usr/bin/env python3
"""Independent oracle of tags: what they are by definition, worked out from the raw sources.

Shares no code and no SQL with the project: each tag below is written from what
`kwhy tags show TAG` says of it, over the Parquet files of the lake as they lie there
(schemas/sources/*.toml says which rows count). Nothing that kwhy derived is read but what
it is compared with.

    python3 -m venv V && V/bin/pip install duckdb    (Python 3.11, DuckDB 1.3 or later)
    V/bin/python tests/peers/tags_duckdb.py LAKE OUT AS_OF

LAKE has sources/, OUT what kwhy published of it for AS_OF (yyyy-mm-dd) in its first run (a
later one knows who had a tag before); both are only read. KWHY_SCHEMAS names the folder
schemas/ where this program lies elsewhere. Prints for each tag the accounts compared, how
many of them have a value, and the differences (account: worked out | published | reason),
and exits 1 where there are any.
  visible   records with time < AS_OF, states that held on the day before, no row in breach
  12 months 365 days that end the day before AS_OF; of bills 12 months up to the last that
            was over ten days before AS_OF
  evidence  where it is missing the tag is null and evidence_<name> gives the reason; where it
            is there that column is null. Both are held against EVIDENCE
  equal     numbers to half of the last decimal published, or to a third column `room`, where
            parts of a day leave half a watt-hour each
  load      whole watt-hours of what is taken, a day and a part of the day each rounded;
            days are edited as README.md says, and those beyond 3 times the contract capacity
            left out
  holder    habits of paying, contacts, campaigns and the app count from the present holder
            on; arrears, reminders and service are the account's
  tiers     between the exact quantiles next to a cut, of which three digits are kept
"""
import json
import os
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import duckdb

SCHEMAS = Path(os.environ.get("KWHY_SCHEMAS", Path(__file__).resolve().parents[2] / "schemas"))
SOURCES = """accounts app_events applications bills calendar campaigns contacts devices load_curve meter_events meters
outages payments tariff_periods tariffs transformers weather work_orders""".split()

MACROS = """
create macro as_of() as getvariable('as_of');
create macro is_year(d) as d::date between as_of() - 365 and as_of() - 1;
create macro is_two_years(d) as d::date between as_of() - 730 and as_of() - 1;
create macro ago(d) as as_of() - d::date;
create macro ratio(a, b) as a::double / nullif(b::double, 0);
create macro kwh(wh) as (wh::hugeint + 500) // 1000;
create macro wh(watts) as (watts::bigint + 2) // 4;  -- of quarters, none negative: half away from zero
create macro upto(p, q) as wh(coalesce(list_sum(p[1:q]), 0));  -- parts of a day: what is up to their end less their begin
create macro tally(chosen) as count(*) filter (chosen);
create macro total(x, chosen) as sum(x) filter (chosen);
"""

BASE = """
create table bill_24m as  -- age: whole months before the last that counts
with latest as (
  select max(m) as m from range(as_of() - interval '3 months', as_of() + interval '1 day', interval '1 day') as r(m)
  where day(m) = 1 and m + interval '1 month' <= as_of() - interval '10 days'
)
select b.*, datediff('month', b.bill_month, m) as age, month(bill_month) between 6 and 9 as summer,
  month(bill_month) in (11, 12, 1, 2) as winter, month(bill_month) in (4, 5, 10) as shoulder,
  tariff_code in (select tariff_code from tariff_periods group by tariff_code having count(distinct period) > 1) as has_periods,
  coalesce(sharp_wh, 0) + coalesce(peak_wh, 0) + coalesce(flat_wh, 0) + coalesce(valley_wh, 0) as periods_wh
from latest cross join bills as b where age between 0 and 23 semi_join_accounts;
create view bill_12m as from bill_24m where age < 12;
create view bill_pair as  -- a bill of 12 months with that of the same month a year before
select b.*, old.energy_wh as energy_before, old.amount_total_cny as amount_before, old.max_demand_w as demand_before
from bill_12m as b join bill_24m as old on old.account_id = b.account_id and old.age = b.age + 12;
create table held as  -- since when the present holder has the account
with transfer as (select account_id, max(completed_date) as transfer_date from applications
  where kind = 'transfer' and status = 'completed' and completed_date < as_of() group by 1)
select account_id, open_date, transfer_date, coalesce(greatest(open_date, transfer_date), date '1900-01-01') as since
from accounts left join transfer using (account_id);
create table due as  -- bills past their due date; full_date: when what was paid for the month reached the bill
with money as (
  select *, sum(amount_cny) over (partition by account_id, bill_month order by pay_date) as upto from payments
), settled as (
  select account_id, bill_month, b.issue_date, b.due_date, b.amount_total_cny as amount, count(payment_id) as parts,
    coalesce(sum(amount_cny), 0) as paid_cny, coalesce(total(amount_cny, pay_date <= b.due_date), 0) as in_time_cny,
    min(pay_date) filter (upto >= b.amount_total_cny) as paid_date, bool_or(coalesce(channel = 'bank_auto', false)) as is_debited
  from bills as b left join money using (account_id, bill_month) where b.due_date < as_of()
    and account_id in (select account_id from accounts)
  group by account_id, bill_month, b.issue_date, b.due_date, b.amount_total_cny
)
select *, amount - paid_cny as open_cny, if(amount <= 0, due_date, paid_date) as full_date,
  coalesce(full_date <= due_date, false) as on_time, coalesce(full_date, as_of()) - due_date as late_days,
  coalesce(transfer_date >= bill_month + interval '1 month', false) as is_former from settled join held using (account_id);
-- Habits are those of the present holder, and bills of 0 ask for no payment.
create view due_12m as from due where is_year(due_date) and not is_former and amount > 0;
create view due_24m as from due where due_date >= as_of() - interval '24 months' and not is_former and amount > 0;
create view pay as select payments.* from payments join bills using (account_id, bill_month) join held using (account_id)
where not coalesce(transfer_date >= bill_month + interval '1 month', false);
create table pay_day as select distinct account_id, pay_date from pay where is_year(pay_date);
create view wo as select *, is_year(created_date) as y, case when closed_date < as_of() then closed_date end as closed
from work_orders where is_two_years(created_date) and account_id in (select account_id from accounts);
create table off as  -- interruptions of a minute or more, by account; is_known: its end was recorded
select account_id, o.*, least(coalesce(end_at, as_of()), as_of()) as until, end_at is not null as is_known
from accounts join outages as o using (transformer_id)
where coalesce(end_at >= start_at + interval '1 minute', true) and coalesce(start_at >= open_date, true);
create view event as select *, is_year(start_at) as y, case when end_at < as_of() then epoch(end_at - start_at) // 60 end as minutes
from meter_events where account_id in (select account_id from accounts);
create view touch as select *, outcome in ('delivered', 'opened', 'responded', 'unsubscribed') as arrived,
  outcome in ('opened', 'responded') or outcome = 'unsubscribed' as opened
from contacts join held using (account_id) where contacted_at >= since;
create view reminder as from contacts join held using (account_id)
where kind = 'dunning' and contacted_at >= since;
create view app as select *, event_at::date as date, hour(event_at) as h from app_events
join held using (account_id) where event_at >= since;
create view done as select *, completed_date < as_of() and status = 'completed' as is_done,
  case when status = 'open' or completed_date >= as_of() then true else false end as is_open
from applications where account_id in (select account_id from accounts);
create table period as  -- what a quarter of the day costs, month by month
select tariff_code, month, q, period, price_cny_kwh as price from tariff_periods, range(0, 96) as r(q)
where q * 15 >= start_minute and q * 15 < end_minute;
create table year_bill as select account_id, count(*) as bills, sum(energy_wh) as energy,
  sum(amount_total_cny) as amount from bill_12m group by 1;
""".replace("semi_join_accounts", "and account_id in (select account_id from accounts)")

# A value other than 0 for 12 hours, one or two points of more than 20 times the third largest; gaps of an hour.
LOAD = """
create table suspect as
with seen as (
  select account_id, date, power_w as c, list_count(c) as known, list_max(c) as hi, list_min(c) as lo,
    case when known >= 3 then list_reverse_sort(if(lo < 0 or known < len(c),
      list_transform(list_filter(c, lambda x: x is not null), lambda x: abs(x)), c))[3] end as third
  from load_curve where account_id in (select account_id from accounts)
)
select account_id, date, c, known from seen where known < len(c)
  or greatest(hi, -lo) > 20 * third::bigint and third > 0 or len(list_distinct(c)) <= len(c) // 2 + 1 and hi <> 0;
create table edit as
with point as (select account_id, date, unnest(c) as w, generate_subscripts(c, 1) as i from suspect),
island as (
  select *, i - row_number() over (partition by account_id, date, w order by i) as k from point where w <> 0
), hung as (
  select account_id, date, unnest(list(i)) as i from island group by account_id, date, w, k having count(*) >= 48
), kept as (
  select p.*, if(h.i is null, w, null) as v from point as p left join hung as h using (account_id, date, i)
), third as (
  select account_id, date, list(abs(v) order by abs(v) desc)[3]::bigint as third from kept where v is not null group by all
), sure as (
  select account_id, date, i, if(coalesce(third > 0 and abs(v) > 20 * third, false), null, v) as s
  from kept left join third using (account_id, date)
), near as (
  select *, last_value(if(s is null, null, i) ignore nulls) over b as i0, last_value(s ignore nulls) over b as s0,
    first_value(if(s is null, null, i) ignore nulls) over e as i1, first_value(s ignore nulls) over e as s1 from sure
  window b as (partition by account_id, date order by i rows between unbounded preceding and 1 preceding),
    e as (partition by account_id, date order by i rows between 1 following and unbounded following)
)
select account_id, date, count(s) as measured, list(coalesce(s, case when i1 - i0 <= 5 then
    round((s0::bigint * (i1 - i) + s1::bigint * (i - i0)) / (i1 - i0))::int end) order by i) as w from near group by all;
create table day_all as
with edited as (
  select account_id, date, coalesce(e.w, power_w) as w, coalesce(measured, 96) as measured,
    if(list_min(coalesce(e.w, power_w)) < 0, list_transform(coalesce(e.w, power_w), lambda x: greatest(x, 0)),
      coalesce(e.w, power_w)) as p
  from load_curve left join edit as e using (account_id, date)
  where account_id in (select account_id from accounts) and date >= as_of() - 400
)
select d.* exclude (p), measured >= 87 as valid, list_max(w) as top, list_min(w) as bottom, list_count(w) * 15 as minutes,
  wh(list_sum(p)) as energy, upto(p, 24) as night,
  upto(p, 68) - upto(p, 36) as daytime, upto(p, 60) - upto(p, 36) as sunny,
  if(bottom < 0, wh(list_sum(p) - list_sum(w)), 0) as fed, list_position(w, top) - 1 as peak_quarter,
  round(list_sum(list_sort(list_filter(p, lambda x: x is not null))[1:12]) / 12) as lowest,
  coalesce(is_workday, isodow(date) < 6) as works, not works and holiday is null as rests, holiday is not null as is_holiday,
  contract_capacity_kva * 1000 as capacity_w, region_code, tariff_code, p, account_class
from edited as d join accounts using (account_id) left join calendar using (date)
;
create view day as from day_all where not coalesce(top > 3 * nullif(capacity_w, 0), false);
create view day_30d as from day where ago(date) <= 30 and date < as_of();
create view day_90d as from day where ago(date) <= 90 and date < as_of();
create view day_own as select day.* from day join held using (account_id)  -- of the present holder
where ago(date) <= 365 and coalesce(date >= transfer_date, true);
create view day_365d as from day where ago(date) <= 365 and date < as_of();
"""

# name: reason where it is missing, accounts for which it is there
EVIDENCE = {
    "registered": ("unregistered", "select account_id from accounts"),
    "open_date_known": ("unknown", "select account_id from accounts where open_date is not null"),
    "lifecycle_known": ("unregistered", "select account_id from accounts"),
    "household": ("not_residential", "select account_id from accounts where account_class = 'residential'"),
    "industry_known": ("no_industry", """select account_id from accounts
        where industry_code is not null and account_class <> 'residential'"""),
    "capacity_known": ("no_capacity", "select account_id from accounts where contract_capacity_kva is not null"),
    "applications_delivered": ("unknown", "select account_id from accounts"),
    "account_applications_known": ("unknown", "select account_id from accounts"),
    "account_history_known": ("unknown", "select account_id from accounts"),
    "bills_delivered": ("unknown", "select account_id from accounts"),
    "billed": ("no_bill", "select account_id from bill_24m"),
    "bills_12m": ("too_few_bills", "select account_id from year_bill where bills >= 9"),
    "bills_24m": ("too_few_bills", """select account_id from year_bill where bills >= 9
        and account_id in (select account_id from bill_pair group by 1 having count(*) >= 9)"""),
    "months_billed_1m": ("too_few_bills", "select account_id from bill_12m where age = 0"),
    "months_billed_3m": ("too_few_bills", "select account_id from bill_12m where age < 3 group by 1 having count(*) = 3"),
    "months_paired_3m": ("too_few_bills", "select account_id from bill_pair where age < 3 group by 1 having count(*) = 3"),
    "summer_level": ("too_few_bills", """select account_id from bill_12m group by 1
        having tally(summer) >= 3 and tally(shoulder) >= 2"""),
    "periods_12m": ("no_periods_or_too_few_bills", """select account_id from bill_12m
        where has_periods group by 1 having count(*) >= 9"""),
    "tiers_billed": ("not_tiered_or_too_few_bills", """select account_id from bill_12m
        group by 1 having count(*) >= 9 and count(tier) > 0"""),
    "tier_pair_known": ("not_tiered_or_too_few_bills", "select account_id from bill_24m group by 1 having count(tier) = 24"),
    "power_factor_billed": ("too_few_bills", """select account_id from bill_12m
        group by 1 having count(power_factor) >= 9"""),
    "power_factor_standard": ("too_few_bills", """select account_id from bill_12m join accounts as a using (account_id)
        join tariffs as t on t.tariff_code = a.tariff_code
        group by 1 having count(power_factor) >= 9 and count(power_factor_standard) > 0"""),
    "demand_billed": ("demand_not_billed", "select account_id from bill_12m group by 1 having count(max_demand_w) >= 9"),
    "demand_paired": ("demand_not_billed", """select account_id from bill_24m group by 1
        having count(max_demand_w) filter (age < 12) >= 9 and count(max_demand_w) filter (age >= 12) >= 9"""),
    "capacity_billed": ("too_few_bills", """select account_id from year_bill join accounts using (account_id)
        where bills >= 9 and contract_capacity_kva is not null"""),
    "tariff_periods_listed": ("unknown", """select account_id from accounts
        where tariff_code in (select tariff_code from tariff_periods)"""),
    "tariff_billed": ("too_few_bills", "select account_id from bill_24m group by 1 having count(tariff_code) >= 12"),
    "bills_due": ("no_bill_due", "select account_id from due"),
    "payments_12m": ("too_few_bills", "select account_id from due_12m group by 1 having count(*) >= 9"),
    "bills_due_12m": ("too_few_bills", "select account_id from due_12m group by 1 having count(*) >= 9"),
    "bills_due_24m": ("too_few_bills", "select account_id from due_24m group by 1 having count(*) >= 18"),
    "credit_known": ("too_few_bills", "select account_id from due_12m group by 1 having count(*) >= 6"),
    "payments_made": ("too_few_payments", "select account_id from pay where is_year(pay_date) group by 1 having count(*) >= 3"),
    "payments_both_years": ("too_few_payments", """select account_id from pay where is_two_years(pay_date) group by 1
        having tally(is_year(pay_date)) >= 3 and tally(not is_year(pay_date)) >= 3"""),
    "paid_once": ("never_paid", "select account_id from pay_day"),
    "paid_ever": ("never_paid", "select account_id from payments"),
    "pay_days": ("too_few_payments", "select account_id from pay_day group by 1 having count(*) >= 6"),
    "contacts_known": ("unknown", "select account_id from accounts"),
    "contact_history_known": ("unknown", "select account_id from accounts"),
    "dunned_12m": ("too_few_reminders", """select account_id from reminder
        where is_year(contacted_at) group by 1 having count(*) >= 2"""),
    "late_paid_12m": ("no_late_bill", "select account_id from due_12m where full_date > due_date"),
    "customer_known": ("no_customer", "select account_id from accounts where customer_id is not null"),
    "customer_portfolio_known": ("no_customer", "select account_id from accounts where customer_id is not null"),
    "customer_payments": ("no_customer", "select account_id from accounts where customer_id is not null"),
    "several_accounts": ("single_account", """select account_id from accounts
        qualify customer_id is not null and count(*) over (partition by customer_id) >= 2"""),
    "work_orders_known": ("unknown", "select account_id from accounts"),
    "asked_24m": ("no_work_order", "select account_id from wo"),
    "rated_24m": ("never_rated", "select account_id from wo where satisfaction is not null"),
    "bill_reactions_known": ("too_few_bills", """select account_id from bills where is_year(issue_date)
        group by 1 having count(*) >= 9"""),
    "outages_known": ("unknown", "select account_id from accounts where transformer_id is not null"),
    "meter_events_known": ("unknown", "select account_id from accounts"),
    "meters_known": ("no_meter", """select account_id from meters  -- in service
        where valid_from < as_of() and coalesce(valid_to >= as_of(), true)"""),
    "tried_sms": ("too_few_contacts", """select account_id from touch where channel = 'sms' and outcome <> 'held_out'
        and is_two_years(contacted_at) group by 1 having count(*) >= 3"""),
    "messages_24m": ("too_few_contacts", """select account_id from touch where channel in ('sms', 'app_push', 'wechat')
        and arrived and is_two_years(contacted_at) group by 1 having count(*) >= 2"""),
    "responses_24m": ("too_few_responses", """select account_id from touch
        where outcome = 'responded' and responded_at < as_of() and channel <> 'letter' and is_two_years(contacted_at) group by 1 having count(*) >= 2"""),
    "campaigns_known": ("unknown", "select account_id from accounts"),
    "campaigned_24m": ("never_contacted", """select account_id from touch
        where campaign_id is not null and arrived and is_two_years(contacted_at)"""),
    "app_known": ("unknown", "select account_id from accounts"),
    "app_active_4d": ("too_few_days", "select account_id from app where is_year(date) group by 1 having count(distinct date) >= 4"),
    "devices_known": ("unknown", "select account_id from accounts"),
    "transformer_registered": ("transformer_unknown", """select account_id from accounts
        where transformer_id in (select transformer_id from transformers)"""),
    "transformer_known": ("unknown", "select account_id from accounts where transformer_id is not null"),
    "transformer_crowd": ("too_few_accounts", """select account_id from accounts
        qualify transformer_id is not null and count(*) over (partition by transformer_id) >= 10"""),
    "transformer_growth": ("too_few_accounts_or_bills", """select account_id from accounts
        qualify transformer_id is not null and count(*) over (partition by transformer_id) >= 10"""),
    "region_bills": ("too_few_bills", """select account_id from accounts left join year_bill using (account_id)
        qualify count(bills) over (partition by region_code) >= 30"""),
    "load_expected": ("too_new", "select account_id from accounts where coalesce(open_date <= as_of() - 7, true)"),
    "load_seen": ("no_load", "select account_id from day_all where measured > 0 and ago(date) between 1 and 365"),
    "load_limit_known": ("no_load_or_no_capacity", """select account_id from day_all
        where measured > 0 and ago(date) between 1 and 365 and capacity_w > 0"""),
    "load_30d": ("too_few_days", "select account_id from day_30d group by 1 having tally(valid) >= 20"),
    "load_90d": ("too_few_days", "select account_id from day_90d group by 1 having tally(valid) >= 45"),
    "load_365d": ("too_few_days", "select account_id from day_365d group by 1 having tally(valid) >= 270"),
    "load_workdays_90d": ("too_few_days", """select account_id from day_90d
        group by 1 having tally(valid and works) >= 20 and tally(valid and rests) >= 8"""),
    "load_day_kinds": ("too_few_days", """select account_id from day_365d
        group by 1 having tally(valid and works) >= 120 and tally(valid and rests) >= 40"""),
    "load_hot_days": ("too_few_hot_days", """select account_id from day_365d join weather using (region_code, date)
        where valid and temperature_mean_c >= 28 group by 1 having count(*) >= 10"""),
    "load_year_before_30d": ("too_few_days", """select account_id from day where valid group by 1
        having tally(ago(date) between 1 and 30) >= 20 and tally(ago(date) between 366 and 395) >= 20"""),
    "load_capacity_30d": ("too_few_days_or_no_capacity", """select account_id from day_30d
        where capacity_w > 0 group by 1 having tally(valid) >= 20"""),
    "two_periods_90d": ("too_few_days_or_one_price", """select account_id from day_90d
        where tariff_code in (select tariff_code from period group by 1 having count(distinct period) >= 2)
        group by 1 having tally(valid) >= 45"""),
    "potential_365d": ("too_few_days", "select account_id from day_365d group by 1 having tally(valid) >= 180"),
    "generation_90d": ("too_few_days", "select account_id from day_90d group by 1 having tally(valid) >= 45"),
    "applications_known": ("unknown", "select account_id from accounts"),
    "weather_365d": ("too_few_days", """select account_id from day_own join weather using (region_code, date) where valid and works
        group by 1 having count(*) >= 120"""),
}
# category: tag: evidence, select of account and value, value of accounts that it does not name, margin
TAGS = {
    "attribute": {
        "importance_level": ("registered", "select account_id, coalesce(importance_level, 'none') from accounts"),
        "is_market_customer": ("registered", "select account_id, is_market from accounts"),
    },
    "tenure": {
        "tenure_years": ("open_date_known", "select account_id, datesub('year', open_date, as_of()) from accounts"),
        "account_status": ("account_history_known", """
            with state as (select account_id, valid_from,
                max(completed_date) filter (is_done and kind = 'close') as closed, bool_or(is_open and kind = 'close') as closing,
                max(completed_date) filter (is_done and kind = 'suspend') as suspended,
                max(completed_date) filter (is_done and kind = 'resume') as resumed
                from accounts left join done using (account_id) group by all)
            select account_id, case when closed >= valid_from then 'closed' when closing then 'closing'
                when suspended >= valid_from and coalesce(resumed < suspended, true) then 'suspended' else 'active' end
            from state"""),
    },
    "lifecycle": {
        "days_since_transfer": ("account_applications_known", """
            select account_id, ago(max(completed_date)) from done where is_done and kind = 'transfer' group by 1"""),
        "holder_years": ("lifecycle_known", """
            select account_id, ago(greatest(open_date, max(completed_date) filter (is_done and kind = 'transfer'))) // 365
            from accounts left join done using (account_id) group by account_id, open_date"""),
        "has_expanded_24m": ("account_applications_known", """
            select account_id, true from done where is_done and is_two_years(completed_date)
                and kind in ('increase_capacity', 'pv', 'storage', 'ev_charger')""", False),
    },
    "industry": {
        "economic_sector": ("industry_known", """
            select account_id, case when industry_code[2:3] in ('05', '11', '43') then 'tertiary'
                when industry_code[1] = 'A' then 'primary' when industry_code[1] in ('B', 'C', 'D', 'E') then 'secondary'
                else 'tertiary' end from accounts"""),
        "is_energy_intensive": ("industry_known", """
            select account_id, industry_code[2:3] in ('25', '26', '30', '31', '32', '44') from accounts"""),
    },
    "master_data": {
        "profile_completeness": ("registered", """
            with field as (select account_id, unnest([customer_id, customer_name, phone, address, voltage_class,
                contract_capacity_kva::text, region_code, urban_rural, transformer_id, phase, tariff_code, open_date::text]
                || case when account_class <> 'residential' then [industry_code] else [] end
                || case when kind = 'two_part' then [demand_mode] else [] end) as x
                from accounts left join tariffs using (tariff_code))
            select account_id, ratio(tally(coalesce(trim(x), '') <> ''), count(*)) from field group by 1"""),
        "is_industry_mismatched": ("industry_known", """
            select account_id, case account_class when 'agricultural' then industry_code[1] <> 'A'
                when 'industrial' then industry_code[1] not in ('B', 'C', 'D', 'E')
                else industry_code[1] in ('A', 'B', 'C') end from accounts"""),
    },
    "contract_capacity": {
        "capacity_band": ("capacity_known", """
            select account_id, case when contract_capacity_kva >= 5000 then 'over_5000'
                when contract_capacity_kva >= 1000 then '1000_to_5000' when contract_capacity_kva >= 315 then '315_to_1000'
                when contract_capacity_kva >= 100 then '100_to_315' when contract_capacity_kva >= 20 then '20_to_100'
                else 'under_20' end from accounts"""),
        "days_since_capacity_change": ("applications_delivered", """
            select account_id, ago(max(completed_date)) from done
            where is_done and kind in ('increase_capacity', 'decrease_capacity', 'suspend', 'resume') group by 1"""),
        "pending_application_days": ("applications_delivered", """
            select account_id, ago(min(created_date)) from done where is_open group by 1"""),
        "pending_load_kva": ("applications_delivered", """
            select account_id, sum(coalesce(capacity_kva, 0)) from done
            where is_open and kind in ('increase_capacity', 'ev_charger') group by 1""", 0),
    },
    "bill_level": {
        "amount_12m_cny": ("bills_12m", "select account_id, sum(amount_total_cny) from bill_12m group by 1"),
        "max_bill_month": ("bills_12m", """
            select account_id, month(arg_max(bill_month, (amount_total_cny, age))) from bill_12m group by 1"""),
    },
    "bill_structure": {
        "capacity_charge_share": ("bills_12m", """
            select account_id, ratio(coalesce(sum(amount_capacity_cny), 0), sum(amount_total_cny)) from bill_12m group by 1"""),
        "other_charge_share": ("bills_12m", """
            select account_id, ratio(sum(amount_total_cny) - sum(amount_energy_cny) - coalesce(sum(amount_capacity_cny), 0)
                - coalesce(sum(amount_power_factor_cny), 0), sum(amount_total_cny)) from bill_12m group by 1"""),
    },
    "bill_trend": {
        "amount_yoy_3m": ("months_paired_3m", """
            select account_id, ratio(sum(amount_total_cny), sum(amount_before)) - 1 from bill_pair where age < 3 group by 1"""),
        "bill_jumps_12m": ("bills_24m", """
            select account_id, count(*) from bill_pair where amount_total_cny >= 1.5 * amount_before
                and amount_total_cny >= amount_before + 100 group by 1""", 0),
        "bill_volatility": ("bills_12m", """
            select account_id, ratio(stddev_pop(amount_total_cny), avg(amount_total_cny)) from bill_12m group by 1"""),
    },
    "bill_quality": {
        "bill_stale_days": ("billed", """
            select account_id, ago(max(issue_date)) from bill_24m group by 1"""),
        "missing_bill_months_12m": ("bills_delivered", """
            with month as (select unnest(range(12)) as age, bill_month
                from (select max(bill_month) as last from bill_24m where age = 0), lateral (select last) as x(bill_month)),
            wanted as (select account_id, age from accounts, month
                where coalesce(bill_month - to_months(age) >= open_date, true))
            select account_id, count(*) from wanted anti join bill_24m using (account_id, age) group by 1""", 0),
        "billed_tariff_changes_12m": ("billed", """
            with turn as (select account_id, age,
                tariff_code <> lag(tariff_code) over (partition by account_id order by bill_month) as is_new from bill_24m)
            select account_id, count(*) from turn where is_new and age < 12 group by 1""", 0),
    },
    "consumption_level": {
        "energy_12m_kwh": ("bills_12m", "select account_id, kwh(sum(energy_wh)) from bill_12m group by 1"),
        "energy_3m_kwh": ("months_billed_3m", "select account_id, kwh(sum(energy_wh)) from bill_12m where age < 3 group by 1"),
        "energy_month_median_kwh": ("bills_12m", """
            select account_id, round(median(energy_wh) / 1000) from bill_12m group by 1"""),
    },
    "consumption_stability": {
        "energy_cv_12m": ("bills_12m", """
            select account_id, ratio(stddev_pop(energy_wh), avg(energy_wh)) from bill_12m group by 1"""),
        "top_3_months_share": ("bills_12m", """
            select account_id, ratio(list_sum(list(energy_wh order by energy_wh desc)[1:3]), sum(energy_wh))
            from bill_12m group by 1"""),
    },
    "consumption_trend": {
        "energy_yoy_3m": ("months_paired_3m", """
            select account_id, ratio(sum(energy_wh), sum(energy_before)) - 1 from bill_pair where age < 3 group by 1"""),
        "months_above_12m": ("bills_24m", """
            select account_id, tally(energy_wh > energy_before) from bill_pair group by 1""", 0),
        "months_below_running": ("bills_24m", """
            with latest as (select b.account_id, b.age, row_number() over (partition by account_id order by b.age) as n,
                coalesce(b.energy_wh < p.energy_before, false) as below
                from bill_12m as b left join bill_pair as p using (account_id, age))
            select account_id, coalesce(min(n) filter (not below), max(n) + 1) - 1 from latest group by 1"""),
        "usage_trend": ("bills_24m", """
            with year as (select account_id, ratio(sum(energy_wh), sum(energy_before)) as x from bill_pair group by 1)
            select account_id, case when x >= 1.5 then 'surge' when x >= 1.1 then 'up' when x > 0.9 then 'flat'
                when x > 0.5 then 'down' when x is not null then 'plunge' end from year"""),
    },
    "low_use": {
        "zero_months_12m": ("bills_12m", "select account_id, tally(energy_wh <= 1000) from bill_12m group by 1"),
        "zero_months_longest": ("bills_12m", """
            with run as (select account_id, energy_wh <= 1000 as is_zero, row_number() over (partition by account_id order by age)
                - row_number() over (partition by account_id, energy_wh <= 1000 order by age) as island from bill_24m)
            select account_id, max(n) from (select account_id, count(*) as n from run where is_zero group by account_id, island)
            group by 1""", 0),
    },
    "season": {
        "summer_ratio": ("summer_level", """
            select account_id, ratio(avg(energy_wh) filter (summer), avg(energy_wh) filter (shoulder)) from bill_12m group by 1"""),
        "season_type": ("bills_12m", """
            with mean as (select account_id, total(energy_wh, summer) as s, tally(summer) as ns, total(energy_wh, winter) as w,
                tally(winter) as nw, total(energy_wh, shoulder) as m, tally(shoulder) as nm from bill_12m group by 1),
            high as (select account_id, s * nm * 10 >= m * ns * 13 as hot, w * nm * 10 >= m * nw * 13 as cold from mean
                where m > 0 and ns > 0 and nw > 0)
            select account_id, case when hot and cold then 'double_peak' when hot then 'summer_peak'
                when cold then 'winter_peak' else 'flat' end from high"""),
    },
    "price": {
        "average_price_cny_kwh": ("bills_12m", """
            select account_id, ratio(sum(amount_total_cny) * 1000, sum(energy_wh)) from bill_12m group by 1"""),
        "average_price_yoy_12m": ("bills_24m", """
            select account_id, ratio(ratio(sum(amount_total_cny), sum(energy_wh)), ratio(sum(amount_before), sum(energy_before))) - 1
            from bill_pair group by 1"""),
    },
    "price_tier": {
        "price_tier": ("bills_12m", "select account_id, max(tier) from bill_12m group by 1"),
        "tier3_months_12m": ("tiers_billed", "select account_id, tally(tier = 3) from bill_12m group by 1"),
        "tier_move": ("tier_pair_known", """
            select account_id, case sign(max(tier) filter (age < 12) - max(tier) filter (age >= 12))
                when 1 then 'up' when -1 then 'down' else 'same' end from bill_24m group by 1"""),
    },
    "period_energy": {
        "peak_energy_share_12m": ("periods_12m", """
            select account_id, ratio(coalesce(sum(peak_wh), 0), sum(periods_wh)) from bill_12m where has_periods group by 1"""),
        "main_bill_period": ("periods_12m", """
            with year as (select account_id, coalesce(sum(sharp_wh), 0) + coalesce(sum(peak_wh), 0) as p,
                coalesce(sum(flat_wh), 0) as f, coalesce(sum(valley_wh), 0) as v from bill_12m where has_periods group by 1)
            select account_id, case when p + f + v = 0 then null when p >= f and p >= v then 'peak'
                when v >= f then 'valley' else 'flat' end from year"""),
    },
    "power_factor": {
        "power_factor_12m": ("power_factor_billed", """
            select account_id, ratio(sum(power_factor * energy_wh::double), total(energy_wh, power_factor is not null))
            from bill_12m group by 1"""),
        "below_standard_months_12m": ("power_factor_standard", """
            select account_id, tally(power_factor < power_factor_standard) from bill_12m
            join (select account_id, power_factor_standard from accounts join tariffs using (tariff_code)) using (account_id)
            group by 1"""),
        "power_factor_status": ("power_factor_billed", """
            with year as (select account_id, sum(amount_power_factor_cny) as x, sum(amount_total_cny) as a
                from bill_12m where amount_power_factor_cny is not null group by 1)
            select account_id, case when x * 1000 < -a then 'reward' when x * 1000 > a then 'penalty' else 'standard' end
            from year"""),
    },
    "capacity_use": {
        "full_load_hours_month": ("capacity_billed", """
            select account_id, ratio(energy, contract_capacity_kva * 1000 * bills) from year_bill join accounts using (account_id)"""),
        "has_260_hours": ("months_billed_1m", """
            select account_id, energy_wh >= contract_capacity_kva * 260000 from bill_12m join accounts using (account_id)
            where age = 0 and contract_capacity_kva > 0"""),
    },
    "demand_charge": {
        "billed_demand_yoy": ("demand_paired", """
            select account_id, ratio(max(max_demand_w) filter (age < 12), max(max_demand_w) filter (age >= 12)) - 1
            from bill_24m group by 1"""),
        "billed_load_factor_12m": ("demand_billed", """
            select account_id, ratio(sum(energy_wh), sum(max_demand_w * day(last_day(bill_month)) * 24))
            from bill_12m where max_demand_w is not null group by 1"""),
    },
    "tariff": {
        "tariff_even_price_cny_kwh": ("tariff_periods_listed", """
            with month as (select tariff_code, month, avg(price) as x from period group by all)
            select account_id, avg(x) from accounts join month using (tariff_code) group by 1"""),
        "tariff_valley_hours": ("tariff_periods_listed", """
            with month as (select tariff_code, month, tally(period = 'valley') / 4 as h from period group by all)
            select account_id, avg(h) from accounts join month using (tariff_code) group by 1"""),
        "previous_tariff_code": ("tariff_billed", """
            with last as (select account_id, arg_min(tariff_code, age) as now from bill_24m where tariff_code is not null group by 1)
            select account_id, arg_min(tariff_code, age) from bill_24m join last using (account_id)
            where tariff_code <> now group by 1"""),
    },
    "payment_delay": {
        "days_to_pay": ("payments_12m", """
            select account_id, median(full_date - issue_date) from due_12m where full_date is not null and amount > 0 group by 1"""),
        "collection_12m_days": ("bills_due_12m", """
            select account_id, ratio(sum(amount * (full_date - issue_date)), sum(amount))
            from due_12m where full_date is not null and amount > 0 group by 1"""),
        "longest_delay_24m_days": ("bills_due_24m", """
            select account_id, max(greatest(late_days, 0)) from due_24m group by 1"""),
    },
    "punctuality": {
        "on_time_rate": ("payments_12m", "select account_id, ratio(tally(on_time), count(*)) from due_12m group by 1"),
        "on_time_amount_rate_12m": ("bills_due_12m", """
            select account_id, ratio(sum(in_time_cny), sum(amount)) from due_12m group by 1"""),
        "longest_late_streak_24m": ("payments_12m", """
            with run as (select account_id, on_time, row_number() over (partition by account_id order by bill_month)
                - row_number() over (partition by account_id, on_time order by bill_month) as island from due_24m)
            select account_id, max(n) from (select account_id, count(*) as n from run where not on_time group by account_id, island)
            group by 1""", 0),
        "payer_type": ("payments_12m", """
            with habit as (select account_id, tally(ago(due_date) > 273) as earlier,
                tally(ago(due_date) > 273 and not on_time) as earlier_late, tally(ago(due_date) <= 90 and not on_time) as late_3m,
                tally(ago(due_date) <= 182 and late_days >= 20) as long_6m, tally(is_year(due_date)) as n,
                tally(is_year(due_date) and is_debited) as debited, tally(is_year(due_date) and parts > 1) as split,
                tally(is_year(due_date) and late_days >= 20) as long, tally(is_year(due_date) and not on_time) as late,
                median(due_date - full_date) filter (is_year(due_date)) as before from due_24m group by 1)
            select account_id, case when earlier >= 6 and earlier_late * 10 <= earlier and (late_3m >= 2 or long_6m >= 2)
                then 'worsening' when debited * 10 >= n * 8 then 'direct_debit' when split * 2 >= n then 'instalments'
                when long * 2 >= n then 'chronic' when late * 10 >= n * 3 then 'forgetful' when before <= 5 then 'on_due_date'
                else 'prompt' end from habit"""),
    },
    "payment_channel": {
        "main_pay_channel": ("payments_made", """
            with habit as (select account_id, channel, count(*) as n, max(pay_date) as last from pay
                where is_year(pay_date) group by all)
            select account_id, arg_max(channel, (n, last)) from habit group by 1"""),
        "wallet_payment_share": ("payments_made", """
            select account_id, ratio(tally(channel in ('wechat', 'alipay')), count(*)) from pay where is_year(pay_date) group by 1"""),
    },
    "channel_change": {
        "main_pay_channel_before": ("payments_both_years", """
            with habit as (select account_id, channel, count(*) as n, max(pay_date) as last from pay
                where is_two_years(pay_date) and not is_year(pay_date) group by all)
            select account_id, arg_max(channel, (n, last)) from habit group by 1"""),
    },
    "payment_amount": {
        "bundled_pay_days_12m": ("paid_once", """
            select account_id, count(*) from (select account_id, pay_date from pay where is_year(pay_date)
                group by all having count(distinct bill_month) >= 2) group by 1""", 0),
        "split_bills_12m": ("payments_12m", "select account_id, tally(parts >= 2) from due_12m group by 1"),
        "last_payment_cny": ("paid_once", """
            select account_id, arg_max(x, pay_date) from (select account_id, pay_date, sum(amount_cny) as x from pay
                where is_year(pay_date) group by all) group by 1"""),
    },
    "payment_day": {
        "days_between_payments": ("pay_days", """
            select account_id, median(n) from (select account_id,
                pay_date - lag(pay_date) over (partition by account_id order by pay_date) as n from pay_day) group by 1"""),
        "pay_part_of_month": ("pay_days", """
            select account_id, case when tally(day(pay_date) <= 10) * 10 >= count(*) * 6 then 'early'
                when tally(day(pay_date) between 11 and 20) * 10 >= count(*) * 6 then 'middle'
                when tally(day(pay_date) > 20) * 10 >= count(*) * 6 then 'late' else 'mixed' end from pay_day group by 1"""),
    },
    "direct_debit": {
        "missed_debits_12m": ("payments_12m", """
            with span as (select *, min(bill_month) filter (is_debited) over (partition by account_id) as a,
                max(bill_month) filter (is_debited) over (partition by account_id) as b from due_12m)
            select account_id, tally(not is_debited and bill_month between a and b) from span where a is not null group by 1"""),
    },
    "arrears": {
        "arrears_cny": ("bills_due", "select account_id, sum(open_cny) from due where open_cny > 0 group by 1", 0),
        "arrears_to_60d_cny": ("bills_due", """
            select account_id, sum(open_cny) from due where open_cny > 0 and ago(due_date) between 31 and 60 group by 1""", 0),
        "arrears_age": ("bills_due", """
            with age as (select account_id, ago(min(due_date)) as d from due where open_cny > 0 group by 1)
            select account_id, case when d <= 30 then 'up_to_30' when d <= 60 then 'up_to_60' when d <= 90 then 'up_to_90'
                else 'over_90' end from age""", "none"),
    },
    "arrears_history": {
        "arrears_max_12m_cny": ("bills_due", """
            with stand as (select account_id, (as_of() - to_months(k))::date as d from accounts, range(0, 12) as r(k)),
            owed as (select s.account_id, d, b.bill_month, b.amount_total_cny
                - coalesce(sum(p.amount_cny) filter (p.pay_date < d), 0) as x
                from stand as s join bills as b on b.account_id = s.account_id and b.due_date < d
                left join payments as p on p.account_id = b.account_id and p.bill_month = b.bill_month
                group by s.account_id, d, b.bill_month, b.amount_total_cny)
            select account_id, max(x) from (select account_id, d, sum(x) as x from owed where x > 0 group by all) group by 1""", 0),
        "late_spells_24m": ("bills_due_24m", """
            with turn as (select account_id, not on_time and
                coalesce(lag(on_time) over (partition by account_id order by bill_month), true) as begins from due_24m)
            select account_id, tally(begins) from turn group by 1"""),
        "overdue_30d_bills_24m": ("bills_due_24m", "select account_id, tally(late_days > 30) from due_24m group by 1"),
    },
    "arrears_risk": {
        "other_accounts_debt_cny": ("customer_known", """
            with owed as (select customer_id, account_id, total(open_cny, open_cny > 0) as x from accounts
                join (from due where not is_former) using (account_id)
                group by all having bool_or(open_cny > 0 and ago(due_date) >= 30))
            select a.account_id, sum(x) from accounts as a join owed as o on o.customer_id = a.customer_id
                and o.account_id <> a.account_id group by 1""", 0),
    },
    "receivables": {
        "not_due_cny": ("bills_due", """
            with open as (select account_id, bill_month, b.amount_total_cny - coalesce(sum(amount_cny), 0) as x
                from bills as b left join payments using (account_id, bill_month) where b.due_date >= as_of()
                group by account_id, bill_month, b.amount_total_cny)
            select account_id, sum(x) from open where x > 0 group by 1""", 0),
        "late_fee_estimate_12m_cny": ("bills_due_12m", """
            select account_id, sum(amount * greatest(late_days, 0)) / 1000 from due_12m group by 1"""),
    },
    "credit": {
        "credit_score": ("credit_known", """
            with cut as (select account_id, count(*) as n from off join due using (account_id) where cause = 'non_payment'
                and is_two_years(start_at) and due_date < start_at::date and coalesce(full_date > start_at::date, true) group by 1),
            of as (select account_id, tally(is_year(due_date)) as n, tally(is_year(due_date) and not on_time) as late,
                least(tally(late_days > 30), 6) as long, least(coalesce(ago(min(due_date) filter (open_cny > 0)), 0), 90) as d,
                coalesce(any_value(cut.n), 0) > 0 as is_cut from due_24m left join cut using (account_id) group by 1)
            select account_id, -- eighteenths of n, so that halves are exact
                (2 * (1800 * n - 540 * late - 90 * long * n - 5 * d * n - 270 * is_cut::int * n) + 18 * n) // (36 * n)
            from of where n > 0"""),
    },
    "dunning": {
        "dunnings_12m": ("contacts_known", """
            select account_id, count(*) from reminder where is_year(contacted_at) group by 1""", 0),
        "highest_dunning_step_12m": ("contacts_known", """
            select account_id, case when bool_or(channel = 'visit') then 'visit' when bool_or(channel = 'call') then 'call'
                else 'message' end from reminder where is_year(contacted_at) group by 1""", "none"),
    },
    "dunning_response": {
        "dunning_effect_rate": ("dunned_12m", """
            select account_id, ratio(tally(exists (from payments as p where p.account_id = t.account_id
                and p.pay_date - t.contacted_at::date between 0 and 7)), count(*))
            from reminder as t where is_year(contacted_at) group by 1"""),
        "paid_unasked_share": ("late_paid_12m", """
            with late as (select account_id, exists (from reminder as t where t.account_id = d.account_id
                and t.contacted_at::date > d.due_date and t.contacted_at::date <= d.full_date) as asked
                from due_12m as d where full_date > due_date)
            select account_id, ratio(tally(not asked), count(*)) from late group by 1"""),
    },
    "rfm": {
        "rfm_recency": ("paid_ever", """
            with last as (select account_id, ago(max(pay_date)) as d from payments group by 1)
            select account_id, 5 - (d > 35)::int - (d > 65)::int - (d > 95)::int - (d > 185)::int from last"""),
        "rfm_frequency": ("payments_12m", """
            with rate as (select account_id, tally(on_time) as k, count(*) as n from due_12m group by 1)
            select account_id, 1 + (k = n)::int + (k * 10 >= n * 9)::int + (k * 4 >= n * 3)::int + (k * 2 >= n)::int from rate"""),
    },
    "customer_portfolio": {
        "accounts_per_customer": ("customer_portfolio_known", """
            select account_id, count(*) over (partition by customer_id) from accounts where customer_id is not null"""),
        "has_home_and_business": ("customer_portfolio_known", """
            select account_id, bool_or(account_class = 'residential') over c and bool_or(account_class <> 'residential') over c
            from accounts where customer_id is not null window c as (partition by customer_id)"""),
        "share_of_customer_energy": ("several_accounts", """
            select account_id, ratio(energy, sum(energy) over (partition by customer_id))
            from accounts left join year_bill using (account_id) where customer_id is not null"""),
        "customer_accounts_in_arrears": ("customer_payments", """
            select account_id, tally(account_id in (select account_id from due where open_cny > 0)) over (partition by customer_id)
            from accounts where customer_id is not null"""),
    },
    "network_position": {
        "region_path": ("transformer_known", """
            select account_id, concat_ws('/', a.region_code, feeder_id, transformer_id)
            from accounts as a left join transformers using (transformer_id)"""),
        "share_of_transformer_capacity": ("transformer_registered", """
            select account_id, ratio(contract_capacity_kva, capacity_kva) from accounts join transformers using (transformer_id)"""),
    },
    "transformer_customers": {
        "transformer_residential_share": ("transformer_crowd", """
            select account_id, ratio(tally(account_class = 'residential') over t, count(*) over t) from accounts
            window t as (partition by transformer_id)"""),
    },
    "transformer_headroom": {
        "transformer_contracted_share": ("transformer_registered", """
            select account_id, ratio(sum(contract_capacity_kva) over (partition by transformer_id), capacity_kva)
            from accounts join transformers using (transformer_id)"""),
        "transformer_energy_growth_12m": ("transformer_growth", """
            with grown as (select transformer_id, ratio(sum(energy_wh), sum(energy_before)) - 1 as x
                from bill_pair join accounts using (account_id) group by 1)
            select account_id, x from accounts join grown using (transformer_id)"""),
    },
    "region_customers": {
        "region_accounts": ("registered", "select account_id, count(*) over (partition by region_code) from accounts"),
        "region_residential_share": ("registered", """
            select account_id, ratio(tally(account_class = 'residential') over r, count(*) over r) from accounts
            window r as (partition by region_code)"""),
    },
    "region_energy": {
        "region_mean_home_kwh": ("region_bills", """
            with home as (select region_code, sum(energy) / count(*) / 1000 as x from accounts join year_bill using (account_id)
                where account_class = 'residential' and bills >= 9 group by 1)
            select account_id, floor(x) from accounts join home using (region_code)"""),
        "region_average_price_cny_kwh": ("region_bills", """
            with price as (select region_code, ratio(sum(amount) * 1000, sum(energy)) as x
                from accounts join year_bill using (account_id) where bills >= 9 group by 1)
            select account_id, x from accounts join price using (region_code)"""),
    },
    "service_demand": {
        "work_orders_12m": ("work_orders_known", "select account_id, tally(y) from wo group by 1", 0),
        "most_work_orders_90d": ("work_orders_known", """
            select account_id, max(n) from (select account_id, count(*) over (partition by account_id order by created_date
                range between interval 89 days preceding and current row) as n from wo where y) group by 1""", 0),
        "work_order_trend": ("work_orders_known", """
            select account_id, case when tally(y) = 0 then 'stopped' when tally(not y) = 0 then 'new'
                when tally(y) > tally(not y) then 'rising' when tally(y) < tally(not y) then 'falling' else 'steady' end
            from wo group by 1""", "none"),
    },
    "service_topic": {
        "main_topic_24m": ("work_orders_known", """
            select account_id, first(topic order by n desc, topic) from (select account_id, topic, count(*) as n from wo group by all)
            group by 1"""),
        "appeal_topics_24m": ("work_orders_known", """
            select account_id, count(distinct topic) from wo where kind in ('complaint', 'fault_report') group by 1""", 0),
    },
    "complaint": {
        "complaints_24m": ("work_orders_known", "select account_id, tally(kind = 'complaint') from wo group by 1", 0),
        "is_repeat_appellant": ("work_orders_known", """
            with ask as (select account_id, topic, y, created_date
                - lag(created_date) over (partition by account_id, topic order by created_date, work_order_id) as gap
                from wo where kind in ('complaint', 'enquiry', 'fault_report')),
            burst as (select account_id, count(*) over (partition by account_id order by created_date
                range between interval 89 days preceding and current row) as n from wo where y)
            select account_id, true from (select account_id from ask where y and gap <= 30
                union select account_id from burst where n >= 4)""", False),
    },
    "order_handling": {
        "in_time_share_24m": ("asked_24m", """
            with judged as (select account_id, closed, coalesce(closed, as_of()) - created_date >
                case kind when 'complaint' then 7 when 'fault_report' then 1 when 'application' then 30 else 5 end as late from wo)
            select account_id, ratio(tally(not late), count(*)) from judged where closed is not null or late group by 1"""),
        "oldest_open_order_days": ("work_orders_known", """
            select account_id, ago(min(created_date)) from work_orders where coalesce(closed_date >= as_of(), true) group by 1"""),
    },
    "satisfaction": {
        "satisfaction_24m": ("rated_24m", """
            select account_id, avg(satisfaction) from wo where satisfaction is not null group by 1"""),
        "satisfaction_change": ("rated_24m", """
            select account_id, case sign(arg_max(satisfaction, (created_date, work_order_id)) - avg(satisfaction))
                when 1 then 'better' when -1 then 'worse' else 'same' end
            from wo where satisfaction is not null group by 1 having count(*) >= 2"""),
        "low_ratings_24m": ("work_orders_known", "select account_id, tally(satisfaction <= 2) from wo group by 1", 0),
    },
    "enquiry": {
        "main_enquiry_topic_12m": ("work_orders_known", """
            select account_id, first(topic order by n desc, topic) from (select account_id, topic, count(*) as n from wo
                where y and kind = 'enquiry' group by all) group by 1"""),
        "bill_answers_12m": ("bill_reactions_known", """
            select account_id, tally(exists (from work_orders as w where w.account_id = b.account_id and topic = 'billing'
                and kind in ('enquiry', 'complaint') and w.created_date - b.issue_date between 0 and 15))
            from bills as b where is_year(issue_date) group by 1"""),
    },
    "outage": {
        "outages_12m": ("outages_known", "select account_id, tally(is_year(start_at)) from off group by 1", 0),
        "outage_hours_12m": ("outages_known", """
            with told as (select account_id, start_at, until, max(until) over (partition by account_id order by start_at, until
                rows between unbounded preceding and 1 preceding) as upto from off where is_year(start_at) and is_known)
            select account_id, sum(greatest(epoch(until - greatest(start_at, coalesce(upto, start_at))), 0)) / 3600
            from told group by 1""", 0),
        "main_fault_cause_24m": ("outages_known", """
            select account_id, first(cause order by n desc, cause) from (select account_id, cause, count(*) as n from off
                where is_two_years(start_at) and not is_planned and cause is not null group by all) group by 1"""),
    },
    "outage_experience": {
        "most_outages_60d": ("outages_known", """
            with near as (select account_id, start_at, count(*) over (partition by account_id order by start_at
                range between interval 60 days preceding and current row) as n from off)
            select account_id, max(n) from near where is_year(start_at) group by 1""", 0),
        "evening_outages_12m": ("outages_known", """
            select account_id, tally(exists (from range(0, 30) as r(k)
                where start_at < start_at::date + to_days(k::int) + interval 22 hours
                and coalesce(end_at, start_at) > start_at::date + to_days(k::int) + interval 18 hours))
            from off where is_year(start_at) group by 1""", 0),
    },
    "voltage_quality": {
        "undervoltage_days_12m": ("meter_events_known", """
            select account_id, count(*) from (select account_id, start_at::date as d from event where y and kind = 'undervoltage'
                group by all having sum(minutes) >= 60) group by 1""", 0),
        "evening_undervoltage_days_90d": ("meter_events_known", """
            select account_id, count(distinct start_at::date) from event where kind = 'undervoltage' and ago(start_at) between 1 and 90
                and hour(start_at) between 17 and 21 group by 1""", 0),
        "lowest_voltage_12m_v": ("meter_events_known", """
            select account_id, min(voltage_v) from event join accounts using (account_id) where y and kind = 'undervoltage'
                and voltage_class in ('lv220', 'lv380') group by 1"""),
    },
    "electrical_safety": {
        "safety_alarm": ("meter_events_known", """
            select account_id, case when count(distinct kind) = 2 then 'both' else any_value(kind) end from event
            where y and kind in ('residual_current', 'overload') group by 1""", "none"),
    },
    "meter_condition": {
        "power_off_events_12m": ("meter_events_known", "select account_id, tally(y and kind = 'power_off') from event group by 1", 0),
    },
    "metering": {
        "meter_changes": ("meters_known", """
            select account_id, count(distinct valid_from) - 1 from meters where valid_from < as_of()
                and coalesce(direction, 1) = 1 group by 1"""),
        "meter_age_years": ("meters_known", """
            select account_id, ago(max(valid_from)) // 365 from meters where valid_from < as_of() group by 1"""),
    },
    "contact_frequency": {
        "contacts_365d": ("contact_history_known", """
            select account_id, tally(arrived and is_year(contacted_at)) from touch group by 1""", 0),
        "contact_intensity": ("contact_history_known", """
            with year as (select account_id, count(*) as n from touch where arrived and is_year(contacted_at) group by 1)
            select account_id, case when n < 4 then 'low' when n < 12 then 'medium' else 'high' end from year""", "none"),
    },
    "contact_reach": {
        "sms_delivery_rate_24m": ("tried_sms", """
            select account_id, ratio(tally(arrived), count(*)) from touch where channel = 'sms' and outcome <> 'held_out'
                and is_two_years(contacted_at) group by 1"""),
    },
    "contact_response": {
        "message_open_rate_24m": ("messages_24m", """
            select account_id, ratio(tally(opened), count(*)) from touch where channel in ('sms', 'app_push', 'wechat')
                and arrived and is_two_years(contacted_at) group by 1"""),
        "response_delay_h": ("responses_24m", """
            select account_id, median(epoch(responded_at - contacted_at) / 3600) from touch
                where outcome = 'responded' and responded_at < as_of() and channel <> 'letter' and is_two_years(contacted_at) group by 1"""),
    },
    "contact_consent": {
        "is_contact_capped": ("contact_history_known", """
            select account_id, tally(ago(contacted_at) <= 30) >= 2 or min(ago(contacted_at)) < 7 from touch
            where kind = 'marketing' and arrived group by 1""", False),
    },
    "campaign": {
        "last_campaign_id": ("campaigns_known", """
            select account_id, arg_max(campaign_id, (contacted_at, contact_id)) from touch
            where campaign_id is not null and arrived and is_two_years(contacted_at) group by 1"""),
        "held_out_campaigns_24m": ("campaigns_known", """
            select account_id, count(distinct campaign_id) from touch where outcome = 'held_out' and is_two_years(contacted_at)
            group by 1""", 0),
        "campaign_cost_24m_cny": ("campaigns_known", """
            select account_id, coalesce(sum(contact_cost_cny), 0) from touch join campaigns using (campaign_id)
            where outcome <> 'held_out' and is_two_years(contacted_at) group by 1""", 0),
        "conversion_rate_24m": ("campaigned_24m", """
            select account_id, ratio(count(distinct campaign_id) filter (converted_date < as_of()), count(distinct campaign_id))
            from touch where campaign_id is not null and arrived and is_two_years(contacted_at) group by 1"""),
    },
    "app_use": {
        "app_trend": ("app_known", """
            with use as (select account_id, count(distinct date) filter (ago(date) <= 90) as n,
                count(distinct date) filter (ago(date) between 91 and 180) as b from app group by 1)
            select account_id, case when n = 0 and b = 0 then 'inactive' when n = 0 then 'stopped' when b = 0 then 'started'
                when n >= 2 * b then 'rising' when 2 * n <= b then 'falling' else 'stable' end from use""", "inactive"),
        "app_evening_share": ("app_active_4d", """
            with part as (select distinct account_id, date, case when h < 6 or h >= 22 then 'night' when h < 11 then 'morning'
                when h < 14 then 'noon' when h < 18 then 'afternoon' else 'evening' end as part from app where is_year(date))
            select account_id, ratio(tally(part = 'evening'), count(*)) from part group by 1"""),
        "bill_view_months_12m": ("app_known", """
            select account_id, count(distinct date_trunc('month', date)) from app where event = 'view_bill'
                and date >= date_trunc('month', as_of()) - interval 12 months and date < date_trunc('month', as_of()) group by 1""", 0),
    },
    "app_interest": {
        "last_search_topic": ("app_known", """
            select account_id, arg_max(topic, (event_at, event_id)) from app where event = 'search' and is_year(date) group by 1"""),
        "is_saving_searcher": ("app_known", """
            select account_id, true from app where event = 'search' and is_year(date) and topic in ('tariff', 'tou')""", False),
    },
    "digital_service": {
        "digital_binding": ("registered", """
            select account_id, case when is_app_bound and is_wechat_bound then 'both' when is_app_bound and not is_wechat_bound
                then 'app' when is_wechat_bound and not is_app_bound then 'wechat'
                when not is_app_bound and not is_wechat_bound then 'none' end from accounts"""),
    },
    "device_register": {
        "device_mix": ("devices_known", """
            with mix as (select account_id, list_sort(list(distinct device_type)) as m from devices
                where device_type <> 'transformer' group by 1)
            select account_id, case when m = ['pv'] then 'pv' when m = ['pv', 'storage'] then 'pv_storage'
                when m = ['ev_charger', 'pv'] then 'pv_ev' when m = ['ev_charger'] then 'ev'
                when m = ['heat_pump'] then 'heat_pump' else 'several' end from mix""", "none"),
        "device_count": ("devices_known", "select account_id, count(*) from devices group by 1", 0),
    },
    "device_size": {
        "pv_contract_ratio": ("devices_known", """
            select account_id, ratio(sum(capacity_w), contract_capacity_kva * 1000) from devices join accounts using (account_id)
            where device_type = 'pv' group by account_id, contract_capacity_kva"""),
        "ev_charger_class": ("devices_known", """
            with big as (select account_id, max(capacity_w) as w from devices where device_type = 'ev_charger' group by 1)
            select account_id, case when w < 8000 then 'single_phase' when w < 30000 then 'three_phase' when w is not null
                then 'fast' end from big""", "none"),
    },
    "device_age": {
        "oldest_device_years": ("devices_known", "select account_id, ago(min(installed_date)) // 365 from devices group by 1"),
        "is_new_ev_charger": ("devices_known", """
            select account_id, ago(min(installed_date)) <= 365 from devices where device_type = 'ev_charger' group by 1""", False),
    },
    "load_coverage": {
        "valid_load_days_90d": ("load_expected", """
            select account_id, tally(valid) from day_all where ago(date) between 1 and 90 group by 1""", 0),
        "last_load_date": ("load_seen", "select account_id, max(date) from day_all where measured > 0 and date < as_of() group by 1"),
    },
    "load_faults": {
        "load_gap_days_90d": ("load_seen", """
            select account_id, count(*) from day_all where ago(date) between 1 and 90 and measured < 96 group by 1""", 0),
    },
    "load_level": {
        "energy_90d_kwh": ("load_90d", "select account_id, kwh(sum(energy)) from day_90d group by 1"),
        "mean_load_90d_w": ("load_90d", "select account_id, round(sum(energy) * 60 / sum(minutes)) from day_90d group by 1"),
        "day_energy_max_365d_kwh": ("load_365d", "select account_id, max(energy) / 1000 from day_365d where valid group by 1"),
    },
    "peak_demand": {
        "max_demand_w": ("load_90d", "select account_id, max(top) from day_90d group by 1"),
        "max_demand_date": ("load_365d", "select account_id, arg_max(date, (top, ago(date))) from day_365d group by 1"),
        "day_peak_90d_w": ("load_90d", "select account_id, round(avg(top)) from day_90d where valid group by 1"),
    },
    "load_evenness": {
        "load_factor": ("load_90d", "select account_id, ratio(sum(energy) * 60, sum(minutes) * max(top)) from day_90d group by 1"),
        "peak_valley_difference_w": ("load_90d", """
            select account_id, round(median(greatest(top, 0) - greatest(bottom, 0))) from day_90d where valid group by 1"""),
    },
    "base_load": {
        "base_load_w": ("load_90d", "select account_id, round(median(lowest)) from day_90d where valid group by 1"),
    },
    "load_time_of_day": {
        "daytime_share": ("load_90d", """
            select account_id, ratio(sum(daytime), sum(energy)), ratio(count(*) * 1.5, sum(energy)) from day_90d group by 1""",
            None, "room"),
        "night_share": ("load_90d", "select account_id, ratio(sum(night), sum(energy)) from day_90d group by 1"),
        "evening_peak_days_share": ("load_90d", """
            select account_id, ratio(tally(peak_quarter >= 68), count(*)) from day_90d where valid group by 1"""),
    },
    "load_day_type": {
        "weekend_ratio": ("load_workdays_90d", """
            select account_id, ratio(avg(energy) filter (rests), avg(energy) filter (works)) from day_90d where valid group by 1"""),
        "restday_energy_kwh": ("load_day_kinds", """
            select account_id, avg(energy) / 1000 from day_365d where valid and rests group by 1"""),
        "busiest_weekday": ("load_day_kinds", """
            with mean as (select account_id, isodow(date) as d, sum(energy) // count(*) as x from day_365d
                where valid and if(isodow(date) < 6, works, rests) group by all)
            select account_id, list_element(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
                first(d order by x desc, d)) from mean group by 1 having count(*) = 7 and max(x) > 0"""),
    },
    "load_hot_cold": {
        "hot_day_energy_kwh": ("load_hot_days", """
            select account_id, avg(energy) / 1000 from day_365d join weather using (region_code, date)
            where valid and temperature_mean_c >= 28 group by 1"""),
    },
    "load_trend": {
        "energy_change_year_30d": ("load_year_before_30d", """
            select account_id, ratio(avg(energy) filter (ago(date) between 1 and 30),
                avg(energy) filter (ago(date) between 366 and 395)) - 1 from day where valid group by 1"""),
    },
    "load_regularity": {
        "day_energy_variation_90d": ("load_90d", """
            select account_id, ratio(stddev_pop(energy), avg(energy)) from day_90d where valid group by 1"""),
    },
    "load_ramp": {
        "max_ramp_30d_w": ("load_30d", """
            select account_id, max(list_max(list_transform(range(1, 96), lambda k: abs(w[k + 1]::bigint - w[k])))) from day_30d group by 1"""),
    },
    "connection_loading": {
        "overload_days_30d": ("load_capacity_30d", "select account_id, tally(valid and top > capacity_w) from day_30d group by 1", 0),
    },
    "load_by_period": {
        "valley_share_90d": ("two_periods_90d", """
            select account_id, ratio(coalesce(sum(cheap), 0), (select sum(energy) from day_90d as e where e.account_id = d.account_id))
            from (select account_id, upto(p, end_minute // 15) - upto(p, start_minute // 15) as cheap from day_90d as d
                join tariff_periods as t on t.tariff_code = d.tariff_code and t.month = month(date) and period = 'valley') as d
            group by 1"""),
    },
    "own_generation": {
        "backfeed_days_90d": ("generation_90d", "select account_id, tally(fed >= 100) from day_90d group by 1"),
        "noon_free_days_90d": ("generation_90d", """
            select account_id, tally(list_count(w[45:56]) > 0 and wh(list_sum(p[45:56])) = 0) from day_90d group by 1"""),
    },
    "generation_potential": {
        "sunny_hours_share": ("potential_365d", "select account_id, ratio(sum(sunny), sum(energy)) from day_365d group by 1"),
    },
    "idle_load": {
        "idle_days_30d": ("load_30d", "select account_id, tally(energy < 200 and fed = 0) from day_30d group by 1"),
    },
}
TAGS |= {
    "closure_risk": {
        "has_closure_application": ("applications_known", """
            select account_id, true from done where kind in ('suspend', 'close') and is_year(created_date)
                and (is_open or is_done)""", False),
    },
    "retention": {
        "requested_capacity_kva": ("account_applications_known", """
            select account_id, max(capacity_kva) from done where is_open and kind in ('new_connection', 'increase_capacity')
            group by 1"""),
    },
    "feeder_load": {
        "feeder_transformers": ("transformer_registered", """
            select account_id, n from accounts join (select *, count(*) over (partition by feeder_id) as n from transformers)
            using (transformer_id)"""),
    },
    "eligibility": {
        "is_load_data_ok": ("registered", """
            select account_id, tally(valid) >= 45 from day_all where ago(date) between 1 and 90 group by 1""", False),
    },
    "load_anomaly": {
        "impossible_load_days_90d": ("load_limit_known", """
            select account_id, count(*) from day_all where ago(date) between 1 and 90 and top > 3 * capacity_w and capacity_w > 0
            group by 1""", 0),
    },
    "curve_finding": {
        "is_reverse_power": ("generation_90d", """
            select account_id, bool_or(fed >= 100) and account_id not in (select account_id from devices
                where device_type in ('pv', 'storage')) from day_90d group by 1"""),
    },
    "efficiency_potential": {
        "is_headroom_short": ("potential_365d", """
            select account_id, account_class = 'residential' and max(top) + 7000 > any_value(capacity_w) from day_365d
            group by account_id, account_class"""),
    },
    "weather_response": {
        "peak_temperature_c": ("weather_365d", """
            select account_id, arg_max(temperature_mean_c, (top, ago(date))) from day_own
            join weather using (region_code, date) where valid group by 1"""),
    },
}
# category: tag: evidence, value, tiers, levels of peers, the widest first
TIERS = {
    "consumption_level": {
        "energy_tier": ("bills_12m", "energy_12m_kwh", 5, ["account_class", "voltage_class", "region_code"]),
    },
    "bill_level": {"amount_class_tier": ("bills_12m", "amount_12m_cny", 10, ["account_class"])},
    "season": {"summer_ratio_tier": ("summer_level", "summer_ratio", 5, ["account_class", "voltage_class", "region_code"])},
    "payment_delay": {"days_to_pay_tier": ("payments_12m", "days_to_pay", 5, ["account_class", "voltage_class", "region_code"])},
    "rfm": {"rfm_monetary": ("bills_12m", "amount_12m_cny", 5, ["account_class"])},
    "load_level": {"mean_load_tier": ("load_90d", "mean_load_90d_w", 5, ["account_class", "voltage_class", "region_code"])},
}


def take_in(db, lake, name):
    """The rows of a source that count, as a table of its name."""
    contract = tomllib.loads((SCHEMAS / f"sources/{name}.toml").read_text())
    files = f"read_parquet('{lake}/{contract['files'][0]}', hive_types_autocast = true)"
    there = dict(db.execute(f"select column_name, column_type from (describe from {files})").fetchall())
    found = [c for c in contract["column"] if c["name"] in there]
    keep, begin, end, picked = ["true"], contract.get("valid_from"), contract.get("valid_to"), []
    for c in found:
        n, is_text = c["name"], there[c["name"]] == "VARCHAR"
        timed = c["type"] if is_text and c["type"] in ("date", "timestamp") else None
        picked += [f"try_cast({n} as {timed}) as {n}" if timed else n]
        keep += [f"({n} is null or try_cast({n} as {timed}) is not null)"] if timed else []
        keep += [] if c.get("nullable") else [f"{n} is not null"]
        keep += [f"coalesce({n} >= {c['min']}, true)"] if "min" in c else []
        keep += [f"coalesce({n} <= {c['max']}, true)"] if "max" in c else []
        keep += [f"coalesce({n} in ({str(c['values'])[1:-1]}), true)"] if "values" in c else []
        keep += [f"coalesce(len({n}) in (24, 48, 96, 288), true)"] if c["type"] == "curve" else []
    keep += [f"coalesce({end} >= {begin}, true)"] if begin else []
    seen = f"{contract['time']} < as_of()" if "time" in contract else "true"
    if begin and not contract.get("history"):
        seen = f"coalesce({begin} < as_of(), true) and coalesce({end} >= as_of(), true)"
    distinct = "" if name == "load_curve" else "distinct"  # rows are repeated whole; curves by account and day
    once = "qualify row_number() over (partition by account_id, date) = 1" if name == "load_curve" else ""
    db.execute(f"""create table {name} as with sound as (select {distinct} {", ".join(picked)} from {files}
        where {" and ".join(keep)}) from sound where {seen} {once}""")
    key = ", ".join(k for k in contract["key"] if k != begin or contract.get("history"))
    if db.execute(f"select 1 from {name} group by {key} having count(*) > 1 limit 1").fetchall():
        sys.exit(f"{name}: rows of one key differ; which of them stays is not known here")


def active_files(table):
    """Files that the Delta log has added and not removed since."""
    files = {}
    for log in sorted(table.glob("_delta_log/*.json")):
        for action in map(json.loads, log.read_text().splitlines()):
            if path := action.get("add", action.get("remove", {})).get("path"):
                files[path] = "add" in action
    return [str(table / unquote(path)) for path, is_active in files.items() if is_active]


def literal(value):
    return "null" if value is None else f"'{value}'" if isinstance(value, str) else str(value).lower()


def compare(db, types, tag, evidence, select, default=None, margin=None):
    """Accounts compared, those with a value, and what differs: account, worked out, published, reason."""
    reason, there = EVIDENCE[evidence]
    if not {tag, f"evidence_{evidence}"} <= types.keys():
        print(f"  {tag:32} is not published")
        return 1
    kind = types[tag]
    is_number = kind.startswith(("DECIMAL", "BIGINT", "INTEGER", "DOUBLE"))
    if margin is None:
        scale = int(kind[:-1].split(",")[1]) if kind.startswith("DECIMAL") else 0
        margin = 0.5000001 * 10 ** -scale if scale else 1e-9
    columns, room = ("account_id, v, room", "room") if margin == "room" else ("account_id, v", "null as room")
    margin = "room + 0.0000005" if margin == "room" else margin
    same = f"abs(greatest(least(mine::double, 999.999999), -999.999999) - found::double) <= {margin}" \
        if kind == "DECIMAL(9,6)" else f"abs(mine::double - found::double) <= {margin}"
    equal = f"coalesce({same}, mine is null and found is null)" if is_number else "mine is not distinct from found"
    db.execute(f"""create or replace temp table verdict as
        with worked as (select distinct * from ({select}) as x({columns})), there(account_id) as (select distinct * from ({there}))
        select a.account_id, case when t.account_id is not null then
            case when w.account_id is null then {literal(default)} else w.v end end as mine, p.{tag} as found,
          p.evidence_{evidence} as why, t.account_id is not null as held, {room}
        from accounts as a full join published as p using (account_id) left join worked as w using (account_id)
        left join there as t using (account_id)""")
    return report(db, tag, f"({equal}) and (why is null) = held and coalesce(why in ('no_rows', '{reason}'), true)")


def compare_tier(db, tag, evidence, value, count, levels):
    """The same for tiers: the lowest and the highest that exact quantiles and three digits leave room for."""
    select = next(tags[value][:3] for tags in TAGS.values() if value in tags)
    groups = [levels[:n] for n in range(len(levels), -1, -1)]
    sizes = ", ".join(f"count(v) over (partition by {', '.join(g) or 'true'}) as n{len(g)}" for g in groups)
    group = " ".join(f"when n{len(g)} >= 30 then concat_ws('/', '{len(g)}', {', '.join(g) or 'null'})" for g in groups)
    reason, there = EVIDENCE[evidence]
    members = " union all ".join(  # a group counts all of its accounts, also those whose own group is narrower
        f"select concat_ws('/', '{len(g)}', {', '.join(g) or 'null'}) as peers, v from worked where v is not null" for g in groups)
    db.execute(f"""create or replace temp table verdict as
        with value(account_id, v) as (select distinct * from ({select[1]})),
        worked as (select a.*, v::double as v, {sizes} from accounts as a left join (from value
          where account_id in ({EVIDENCE[select[0]][1]})) using (account_id)),
        grouped as (select peers, list(v order by v) as vs, len(vs) as n from ({members}) group by peers),
        cut as (select peers, k, vs[greatest(n * k // {count}, 1)] as low, vs[least(n * k // {count} + 1, n)] as high
          from grouped, range(1, {count}) as r(k)),
        mine as (select account_id, any_value(v) as v, 1 + tally(v > high + abs(high) * 0.01) as least,
          1 + tally(v >= low - abs(low) * 0.01) as most
          from (select account_id, v, case {group} end as peers from worked where v is not null) join cut using (peers) group by 1)
        select account_id, case when t.account_id is not null then least || ' to ' || most end as mine, {tag} as found,
          p.evidence_{evidence} as why, t.account_id is not null as held, least, most
        from published as p left join mine using (account_id)
        left join (select distinct * from ({there})) as t(account_id) using (account_id)""")
    return report(db, tag, "coalesce(found between least and most, found is null and mine is null) and (why is null) = held")


def report(db, tag, right):
    """Prints the line of a tag and what differs, and counts it."""
    compared, known, wrong = db.execute(f"""select count(*), count(mine), count(*) filter (not ({right})) from verdict""").fetchone()
    print(f"  {tag:32} {compared:6} {known:6} {wrong:6}")
    for row in db.execute(f"select account_id, mine, found, why from verdict where not ({right}) order by 1 limit 5").fetchall():
        print("     ", " | ".join(map(str, row)))
    sys.stdout.flush()
    return wrong


def main(lake, out, as_of):
    db = duckdb.connect(config={"threads": 2, "memory_limit": "6GB"})
    db.execute(f"set variable as_of = date '{as_of}'")
    db.execute(MACROS)
    for name in SOURCES:
        take_in(db, lake, name)
    db.execute(BASE)
    db.execute(LOAD)
    db.execute(f"""create view published as
        select * from read_parquet({active_files(Path(out) / "marts/customer_tags")}, hive_partitioning = false)""")
    types = dict(db.execute("select column_name, column_type from (describe published)").fetchall())
    print(f"  {'tag':32} {'compared':>6} {'known':>5} {'differ':>6}")
    count = wrong = 0
    for category in TAGS:
        print(category)
        for tag, how in TAGS[category].items():
            count, wrong = count + 1, wrong + compare(db, types, tag, *how)
        for tag, how in TIERS.get(category, {}).items():
            count, wrong = count + 1, wrong + compare_tier(db, tag, *how)
    print(f"{count} tags of {len(TAGS)} categories, {wrong} differences")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 4 else sys.exit(__doc__)
