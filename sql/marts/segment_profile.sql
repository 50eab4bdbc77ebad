-- Who is in a segment, against the population. Grain: segmentation, segment,
-- attribute, value; a value that no account of the segment has is of 0 accounts. The
-- attribute `all` has the segment's size; an over-index of 1 means as common as among
-- all accounts of the segmentation. How far the segment is from the others there:
-- z_score in standard deviations, p_value the chance of that or more. Energy and money
-- are those of whole segments: they stand beside `all` alone, means over the accounts
-- of which they are known. A segmentation says nothing of a sensitive attribute where
-- one of its figures would be of fewer than $least_sensitive_accounts accounts, but not
-- of none: nor do its other figures then, from which that one could be worked out.
-- Each segmentation is judged by itself: figures of two of them may tell more.
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
    sum(energy_accounts) as energy_accounts,
    sum(amount_cny) as amount_cny,
    sum(amount_accounts) as amount_accounts
  from segment_count
  group by as_of, segmentation, segment, attribute, value, is_sensitive
),
withheld as (
  select distinct segmentation, attribute
  from part
  where is_sensitive and accounts < $least_sensitive_accounts
),
segment as (
  select as_of, segmentation, segment, accounts as segment_accounts
  from part
  where attribute = 'all'
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
counted as (
  select
    segment.as_of,
    segment.segmentation,
    segment.segment,
    segment.segment_accounts,
    everyone.all_accounts,
    population.attribute,
    population.value,
    population.population_accounts,
    population.population_energy_kwh,
    population.population_amount_cny,
    coalesce(part.accounts, 0) as accounts,
    part.energy_kwh,
    part.energy_accounts,
    part.amount_cny,
    part.amount_accounts
  from segment
  join everyone on everyone.segmentation = segment.segmentation
  join population on population.segmentation = segment.segmentation
  left join part
    on part.segmentation = segment.segmentation
    and part.segment = segment.segment
    and part.attribute = population.attribute
    and part.value = population.value
),
compared as (
  select
    *,
    over_index(
      accounts,
      segment_accounts,
      population_accounts - accounts,
      all_accounts - segment_accounts
    ) as against_others
  from counted
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
  energy_kwh / nullif(energy_accounts, 0) as mean_energy_kwh,
  ratio(energy_kwh, population_energy_kwh) as energy_share,
  amount_cny,
  cast(amount_cny / nullif(amount_accounts, 0) as decimal(18, 2)) as mean_amount_cny,
  ratio(amount_cny, population_amount_cny) as amount_share
from compared
where not exists (
  select 1
  from withheld
  where withheld.segmentation = compared.segmentation and withheld.attribute = compared.attribute
)
