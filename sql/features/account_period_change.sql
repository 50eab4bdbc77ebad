-- Energy by tariff period of the last 12 months beside the 12 before, over the
-- months that were billed by period in both years. Grain: account_id.
with
bill as (
  select
    *,
    coalesce(sharp_wh, 0) + coalesce(peak_wh, 0) + coalesce(valley_wh, 0) > 0 as is_by_period
  from account_bill_month
)
select
  now.account_id,
  count(*) as paired_bills,
  sum(now.energy_wh) as period_energy_wh,
  sum(coalesce(now.sharp_wh, 0)) as sharp_wh,
  sum(coalesce(now.peak_wh, 0)) as peak_wh,
  sum(coalesce(now.flat_wh, 0)) as flat_wh,
  sum(coalesce(now.valley_wh, 0)) as valley_wh,
  sum(before.energy_wh) as period_energy_before_wh,
  sum(coalesce(before.sharp_wh, 0)) as sharp_before_wh,
  sum(coalesce(before.peak_wh, 0)) as peak_before_wh,
  sum(coalesce(before.flat_wh, 0)) as flat_before_wh,
  sum(coalesce(before.valley_wh, 0)) as valley_before_wh
from bill as now
join bill as before
  on before.account_id = now.account_id
  and before.months_ago = now.months_ago + 12
  and before.is_by_period
where now.months_ago < 12
  and now.is_by_period
group by now.account_id
