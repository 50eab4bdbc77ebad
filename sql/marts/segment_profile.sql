-- Who is in a segment, against the population. Grain: segmentation, segment,
-- attribute, value. The attribute `all` has the segment's size; an over-index
-- of 1 means as common as in the population. Energy and money are those of whole
-- segments: they stand beside `all` alone.
with
part as (
  select
    as_of,
    segmentation,
    segment,
    attribute,
    value,
    sum(accounts) as accounts,
    sum(energy_kwh) as energy_kwh,
    sum(amount_cny) as amount_cny
  from segment_count
  group by as_of, segmentation, segment, attribute, value
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
)
select
  part.as_of,
  part.segmentation,
  part.segment,
  part.attribute,
  part.value,
  part.accounts,
  ratio(segment.segment_accounts, everyone.all_accounts) as segment_share,
  ratio(part.accounts, segment.segment_accounts) as value_share,
  ratio(population.population_accounts, everyone.all_accounts) as population_share,
  ratio(part.accounts * everyone.all_accounts, segment.segment_accounts * population.population_accounts) as over_index,
  part.energy_kwh,
  part.energy_kwh / part.accounts as mean_energy_kwh,
  ratio(part.energy_kwh, population.population_energy_kwh) as energy_share,
  part.amount_cny,
  cast(part.amount_cny / part.accounts as decimal(18, 2)) as mean_amount_cny,
  ratio(part.amount_cny, population.population_amount_cny) as amount_share
from part
join segment on segment.segmentation = part.segmentation and segment.segment = part.segment
join everyone on everyone.segmentation = part.segmentation
join population
  on population.segmentation = part.segmentation
  and population.attribute = part.attribute
  and population.value = part.value
