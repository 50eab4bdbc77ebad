-- Bills of the last 1, 3, 6, 12 and 24 complete months, beside the same months a
-- year before and beside as many months just before. Grain: account_id, window_months.
-- "paired" sums take only months that were billed in both years, so that a move
-- into the premises does not look like growth. "before" columns are null for
-- 24 months, because bills are kept for as long.
with
length as (
  select unnest(make_array(1, 3, 6, 12, 24)) as window_months
),
bill as (
  select
    month.*,
    length.window_months,
    month.months_ago < length.window_months as is_now,
    month.energy_year_before_wh is not null as is_paired,
    -- By the price list the tariff has several periods, or else the bill has energy in
    -- another one than the flat: a list of one price may say 0 of the others.
    coalesce(month.sharp_wh, month.peak_wh, month.flat_wh, month.valley_wh) is not null
      and (
        coalesce(month.periods, 1) > 1
        or coalesce(month.sharp_wh, 0) + coalesce(month.peak_wh, 0) + coalesce(month.valley_wh, 0) > 0
      ) as is_by_period
  from length
  join account_bill_month as month on month.months_ago < length.window_months * 2
)
select
  account_id,
  window_months,
  count(*) filter (where is_now) as bills,
  sum(energy_wh) filter (where is_now) as energy_wh,
  sum(amount_total_cny) filter (where is_now) as amount_cny,
  sum(amount_energy_cny) filter (where is_now) as amount_energy_cny,
  sum(amount_capacity_cny) filter (where is_now) as amount_capacity_cny,
  sum(amount_power_factor_cny) filter (where is_now) as amount_power_factor_cny,
  count(*) filter (where is_now and energy_wh <= $zero_wh) as zero_bills,
  count(*) filter (where is_now and is_paired) as paired_bills,
  sum(energy_wh) filter (where is_now and is_paired) as paired_energy_wh,
  sum(energy_year_before_wh) filter (where is_now) as paired_energy_before_wh,
  sum(amount_total_cny) filter (where is_now and is_paired) as paired_amount_cny,
  sum(amount_year_before_cny) filter (where is_now) as paired_amount_before_cny,
  case when window_months < 24 then count(*) filter (where not is_now) end as bills_before,
  case when window_months < 24 then sum(energy_wh) filter (where not is_now) end as energy_before_wh,
  case when window_months < 24 then sum(amount_total_cny) filter (where not is_now) end as amount_before_cny,
  count(*) filter (where is_now and is_by_period) as period_bills,
  sum(energy_wh) filter (where is_now and is_by_period) as period_energy_wh,
  sum(coalesce(sharp_wh, 0)) filter (where is_now and is_by_period) as sharp_wh,
  sum(coalesce(peak_wh, 0)) filter (where is_now and is_by_period) as peak_wh,
  sum(coalesce(flat_wh, 0)) filter (where is_now and is_by_period) as flat_wh,
  sum(coalesce(valley_wh, 0)) filter (where is_now and is_by_period) as valley_wh,
  count(*) filter (where is_now and is_by_period and list_energy_cny is not null) as priced_bills,
  sum(energy_wh) filter (where is_now and is_by_period and list_energy_cny is not null) as priced_energy_wh,
  sum(list_energy_cny) filter (where is_now and is_by_period) as list_energy_cny,
  sum(list_sharp_cny) filter (where is_now and is_by_period) as list_sharp_cny,
  sum(list_peak_cny) filter (where is_now and is_by_period) as list_peak_cny,
  sum(list_flat_cny) filter (where is_now and is_by_period) as list_flat_cny,
  sum(list_valley_cny) filter (where is_now and is_by_period) as list_valley_cny,
  sum(list_even_cny) filter (where is_now and is_by_period and list_energy_cny is not null) as list_even_cny
from bill
group by account_id, window_months
