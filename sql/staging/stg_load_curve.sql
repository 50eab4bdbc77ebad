-- Curves from long readings, where the lake has those. Grain: account_id, date.
-- Of several readings of one interval that of the latest version stands, the larger
-- where they have none. A day with intervals of two lengths, as when a meter is
-- changed, takes the shorter one. Days on which the clock is changed have 23 or 25
-- hours. Readings beyond the points that are known in the end repeated others (of a
-- day with two lengths at least so many).
with
settled as (
  select
    account_id,
    date,
    max(time_zone) as time_zone,
    max(version) as version,
    settle_curves(power_w, version) filter (where not coalesce(is_second_hour, false)) as power,
    settle_curves(power_w, version) filter (where coalesce(is_second_hour, false)) as power_again,
    settle_curves(reactive_var, version) filter (where not coalesce(is_second_hour, false)) as reactive,
    settle_curves(reactive_var, version) filter (where coalesce(is_second_hour, false)) as reactive_again,
    bool_or(is_restated) as is_restated,
    sum(readings) as readings
  from landed_load_curve
  group by account_id, date
),
day as (
  select
    account_id,
    date,
    elapsed_curve(power['curve'], power_again['curve'], date, time_zone) as power_w,
    elapsed_curve(reactive['curve'], reactive_again['curve'], date, time_zone) as reactive_var,
    time_zone,
    version,
    case
      when version is not null
        then coalesce(power['restated_points'], 0) + coalesce(power_again['restated_points'], 0) > 0
          or coalesce(is_restated, false)
    end as is_restated,
    readings
  from settled
)
select *, least(readings, known_points(power_w)) as distinct_readings from day
