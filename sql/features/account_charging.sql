-- Sustained loads of the last 90 days, as of a charging car: how many days had one, when
-- it began, how large and how constant it was. Only blocks of $charge_minutes or more
-- count as charging: kitchens and water heaters rarely last so long. A block at minute 0
-- goes on from the day before and says nothing about when it began.
-- At low voltage a block is that of the day's curve; at medium and high voltage, where a
-- car does not show, one of $block_percent of the contract capacity in its half hours.
-- Grain: account_id.
with
seen as (
  select
    load.account_id,
    load.date,
    load.valid_share >= 0.90625 as is_valid,
    account.account_class,
    account.tariff_code,
    account.voltage_class in ('mv10', 'mv20_35', 'hv110plus') as is_large,
    -- A list of watt-hours in half hours has half the watts; of whole hours all.
    case when curve_points(load.half_hour_wh) >= 46 then 2 else 1 end as per_hour,
    cast(account.contract_capacity_kva * 10 * $block_percent as bigint) as large_block_w,
    load.half_hour_wh,
    load.block_start_minute,
    load.block_minutes,
    load.block_w,
    load.block_wh
  from account_load_day as load
  left join stg_accounts as account on account.account_id = load.account_id
  where load.date >= cast($as_of as date) - interval '365 days'
),
large as (
  select
    *,
    case when is_large then load_block(half_hour_wh, large_block_w / per_hour, $block_minutes) end as large_block
  from seen
),
block as (
  select
    account_id,
    date,
    is_valid,
    account_class,
    tariff_code,
    case when is_large then large_block['start_minute'] else block_start_minute end as block_start_minute,
    case when is_large then large_block['minutes'] else block_minutes end as block_minutes,
    case when is_large then large_block['level_w'] * per_hour else block_w end as block_w,
    case when is_large then large_block['energy_wh'] * per_hour else block_wh end as block_wh
  from large
),
day as (
  select
    block.account_id,
    block.date,
    block.is_valid,
    block.block_start_minute,
    block.block_minutes,
    block.block_w,
    block.block_wh,
    block.account_class,
    block.date >= cast($as_of as date) - interval '90 days' as is_90d,
    block.date >= cast($as_of as date) - interval '30 days' as is_30d,
    block.block_minutes >= $charge_minutes as is_long,
    date_part('isodow', block.date) >= 6 as is_weekend,
    map.period_of_half_hour[block.block_start_minute / 30 + 1] as period,
    array_has(map.period_of_half_hour, 4) as has_valley
  from block
  left join tariff_period_map as map
    on map.tariff_code = block.tariff_code
    and map.month = date_part('month', block.date)
),
summed as (
  select
    account_id,
    max(account_class) as account_class,
    count(*) filter (where is_90d and is_valid) as valid_days,
    count(*) filter (where is_90d and is_long) as block_days,
    count(*) filter (where is_90d and is_long and (block_start_minute >= 17 * 60 or block_start_minute < 6 * 60)) as night_block_days,
    count(*) filter (where is_90d and is_long and block_start_minute >= 17 * 60 and block_start_minute < 22 * 60) as evening_start_days,
    count(*) filter (
      where is_90d and is_long and (block_start_minute >= 22 * 60 or (block_start_minute > 0 and block_start_minute < 6 * 60))
    ) as late_start_days,
    count(*) filter (where is_90d and is_long and block_start_minute >= 6 * 60 and block_start_minute < 17 * 60) as day_start_days,
    count(*) filter (where is_90d and is_long and block_start_minute > 0) as known_start_days,
    count(*) filter (where is_90d and is_long and block_start_minute > 0 and period = 4) as valley_start_days,
    count(*) filter (where is_90d and is_long and block_start_minute > 0 and period is not null) as priced_start_days,
    case when $has_tariff_periods then count(*) filter (where is_90d and is_long and has_valley) end as priced_valley_days,
    count(*) filter (where is_90d and is_long and is_weekend) as weekend_block_days,
    cast(round(exact_median(block_w) filter (where is_90d and is_long)) as bigint) as block_w,
    cast(round(median_deviation(block_w) filter (where is_90d and is_long)) as bigint) as block_deviation_w,
    cast(round(exact_median(block_minutes) filter (where is_90d and is_long)) as bigint) as block_minutes,
    coalesce(sum(block_wh) filter (where is_90d and is_long), 0) as block_wh,
    -- Any block of an hour: what a new machine would bring.
    count(*) filter (where is_30d and block_w is not null) as recent_block_days,
    count(*) filter (where is_90d and not is_30d and block_w is not null) as earlier_block_days,
    count(*) filter (where is_90d and not is_30d and is_valid) as earlier_valid_days,
    cast(round(exact_median(block_w) filter (where is_30d)) as bigint) as recent_block_w,
    cast(round(median_deviation(block_w) filter (where is_30d)) as bigint) as recent_deviation_w
  from day
  group by account_id
)
-- A home with a charging car: often enough in the evening or at night, and of nearly the
-- same power each time. What a car charges is told of these alone.
select
  *,
  coalesce(
    account_class = 'residential'
      and night_block_days * 90 >= valid_days * $charge_nights
      and block_deviation_w * 100 <= block_w * $charge_spread_percent,
    false
  ) as is_charging
from summed
