-- Who is in a segment, against the population. Grain: segmentation, segment,
-- attribute, value. The attribute `all` has the segment's size; an over-index
-- of 1 means as common as among all accounts of the segmentation. How far the
-- segment is from the others there: z_score in standard deviations, p_value the
-- chance of that or more. Energy and money are those of whole segments: they stand
-- beside `all` alone. A segmentation says nothing of a sensitive attribute where one of
-- its figures would be of fewer than $least_sensitive_accounts accounts: nor do the other
-- figures then, from which that one could be worked out.
with
part as (
  select
    as_of,
    segmentation,
    segment,
    attribute,
    value,
    is_sensitive,
    sum(accounts) as accounts,
    sum(energy_kwh) as energy_kwh,
    sum(amount_cny) as amount_cny
  from segment_count
  group by as_of, segmentation, segment, attribute, value, is_sensitive
),
withheld as (
  select distinct segmentation, attribute
  from part
  where is_sensitive and accounts < $least_sensitive_accounts
),
segment as (
  select segmentation, segment, accounts as segment_accounts from part where attribute = 'all'
),
population as (
  select
    segmentation,
    attribute,
    value,
    sum(accounts) as population_accounts,
    sum(energy_kwh) as population_energy_kwh,
    sum(amount_cny) as population_amount_cny
  from part
  group by segmentation, attribute, value
),
everyone as (
  select segmentation, population_accounts as all_accounts from population where attribute = 'all'
),
compared as (
  select
    part.*,
    segment.segment_accounts,
    everyone.all_accounts,
    population.population_accounts,
    population.population_energy_kwh,
    population.population_amount_cny,
    over_index(
      part.accounts,
      segment.segment_accounts,
      population.population_accounts - part.accounts,
      everyone.all_accounts - segment.segment_accounts
    ) as against_others
  from part
  join segment on segment.segmentation = part.segmentation and segment.segment = part.segment
  join everyone on everyone.segmentation = part.segmentation
  join population
    on population.segmentation = part.segmentation
    and population.attribute = part.attribute
    and population.value = part.value
)
select
  as_of,
  segmentation,
  segment,
  attribute,
  value,
  accounts,
  ratio(segment_accounts, all_accounts) as segment_share,
  ratio(accounts, segment_accounts) as value_share,
  ratio(population_accounts, all_accounts) as population_share,
  ratio(accounts * all_accounts, segment_accounts * population_accounts) as over_index,
  against_others['z'] as z_score,
  against_others['p_value'] as p_value,
  energy_kwh,
  energy_kwh / accounts as mean_energy_kwh,
  ratio(energy_kwh, population_energy_kwh) as energy_share,
  amount_cny,
  cast(amount_cny / accounts as decimal(18, 2)) as mean_amount_cny,
  ratio(amount_cny, population_amount_cny) as amount_share
from compared
where not exists (
  select 1
  from withheld
  where withheld.segmentation = compared.segmentation and withheld.attribute = compared.attribute
)
