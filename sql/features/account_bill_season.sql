-- Bills of the last 12 complete months by season: summer is June to September,
-- winter November to February, shoulder April, May and October. March belongs to
-- none: in some years it is heated, in others not. Grain: account_id, season.
-- Beside each season stand the shoulder months and the whole year, because a
-- season says something only against those.
with
bill as (
  select
    *,
    case
      when month in (6, 7, 8, 9) then 'summer'
      when month in (11, 12, 1, 2) then 'winter'
      when month in (4, 5, 10) then 'shoulder'
    end as season
  from account_bill_month
  where months_ago < 12
),
year as (
  select
    account_id,
    count(*) as year_bills,
    sum(energy_wh) as year_energy_wh,
    count(*) filter (where season = 'shoulder') as shoulder_bills,
    sum(energy_wh) filter (where season = 'shoulder') as shoulder_energy_wh
  from bill
  group by account_id
),
season as (
  select
    account_id,
    season,
    count(*) as bills,
    sum(energy_wh) as energy_wh,
    sum(amount_total_cny) as amount_cny,
    max(energy_wh) as energy_max_month_wh,
    max(max_demand_w) as max_demand_w,
    count(energy_year_before_wh) as paired_bills,
    sum(energy_wh) filter (where energy_year_before_wh is not null) as paired_energy_wh,
    sum(energy_year_before_wh) as paired_energy_before_wh
  from bill
  where season is not null
  group by account_id, season
)
select
  season.*,
  year.year_bills,
  year.year_energy_wh,
  year.shoulder_bills,
  year.shoulder_energy_wh
from season
join year on year.account_id = season.account_id
