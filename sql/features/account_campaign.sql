-- Campaigns that addressed the account, and what came of them in 730 days.
-- Grain: account_id, every account. Campaigns count, not contacts. A conversion
-- is aided where a contact of the campaign had arrived, and unaided where the
-- customer was held out or could not be reached: what would have happened anyway.
-- A campaign's effect is watched for $watch_days more after its end.
with
contact as (
  select
    contact.account_id,
    contact.campaign_id,
    campaign.product,
    contact.contact_id,
    contact.contacted_at,
    contact.channel,
    contact.is_holdout is true or contact.outcome = 'held_out' as is_held_out,
    contact.outcome not in ('held_out', 'undelivered') as is_delivered,
    case when contact.converted_date < $as_of then contact.converted_date end as converted_date,
    campaign.contact_cost_cny,
    coalesce(campaign.end_date, campaign.start_date) + cast($watch_days as bigint) >= cast($as_of as date) as is_watched
  from stg_contacts as contact
  left join stg_campaigns as campaign on campaign.campaign_id = contact.campaign_id
  join account_holder as holder on holder.account_id = contact.account_id
  where contact.kind = 'marketing'
    and contact.campaign_id is not null
    and contact.contacted_at >= cast($as_of as date) - interval '730 days'
    and contact.contacted_at >= holder.held_since
),
campaign as (
  select
    account_id,
    campaign_id,
    product,
    bool_or(is_held_out) as is_held_out,
    bool_or(is_delivered) as is_delivered,
    bool_or(is_watched) as is_watched,
    count(*) filter (where not is_held_out) as attempts,
    min(contacted_at) as first_contacted_at,
    max(contacted_at) filter (where is_delivered) as last_delivered_at,
    min(converted_date) as converted_date,
    first_value(channel order by contacted_at desc, contact_id desc) filter (where is_delivered) as last_channel,
    max(contact_cost_cny) as contact_cost_cny
  from contact
  group by account_id, campaign_id, product
),
summed as (
  select
    account_id,
    count(*) filter (where not is_held_out) as campaigns_730d,
    count(*) filter (where is_delivered) as delivered_campaigns_730d,
    count(*) filter (where is_held_out) as held_out_campaigns_730d,
    count(converted_date) filter (where not is_held_out) as conversions_730d,
    count(converted_date) filter (where is_delivered) as aided_conversions_730d,
    count(converted_date) filter (where not is_delivered) as unaided_conversions_730d,
    bool_or(is_watched and is_held_out) as is_held_out_now,
    first_value(campaign_id order by last_delivered_at desc, campaign_id desc) filter (where is_delivered) as last_campaign_id,
    first_value(product order by last_delivered_at desc, campaign_id desc) filter (where is_delivered and product is not null) as last_product,
    cast(max(last_delivered_at) as date) as last_delivered_date,
    first_value(product order by converted_date desc, campaign_id desc) filter (where converted_date is not null and not is_held_out and product is not null) as last_converted_product,
    first_value(last_channel order by converted_date desc, campaign_id desc) filter (where converted_date is not null and is_delivered) as last_converted_channel,
    max(converted_date) filter (where not is_held_out) as last_converted_date,
    cast(
      median(converted_date - cast(first_contacted_at as date)) filter (where converted_date is not null and is_delivered) as decimal(9, 1)
    ) as days_to_convert,
    sum(attempts * contact_cost_cny) as contact_cost_730d_cny
  from campaign
  group by account_id
),
product as (
  select
    account_id,
    count(*) filter (where status = 'converted' and converted_date >= cast($as_of as date) - interval '730 days' and is_in_use is not null) as kept_or_dropped,
    count(*) filter (where status = 'converted' and converted_date >= cast($as_of as date) - interval '730 days' and not is_in_use) as dropped
  from account_campaign_product
  group by account_id
)
select
  holder.account_id,
  coalesce(summed.campaigns_730d, 0) as campaigns_730d,
  coalesce(summed.delivered_campaigns_730d, 0) as delivered_campaigns_730d,
  coalesce(summed.held_out_campaigns_730d, 0) as held_out_campaigns_730d,
  coalesce(summed.conversions_730d, 0) as conversions_730d,
  coalesce(summed.aided_conversions_730d, 0) as aided_conversions_730d,
  coalesce(summed.unaided_conversions_730d, 0) as unaided_conversions_730d,
  coalesce(summed.is_held_out_now, false) as is_held_out_now,
  summed.last_campaign_id,
  summed.last_product,
  summed.last_delivered_date,
  summed.last_converted_product,
  summed.last_converted_channel,
  summed.last_converted_date,
  summed.days_to_convert,
  coalesce(summed.contact_cost_730d_cny, 0) as contact_cost_730d_cny,
  coalesce(product.kept_or_dropped, 0) as checked_conversions_730d,
  coalesce(product.dropped, 0) as dropped_conversions_730d
from account_holder as holder
left join summed on summed.account_id = holder.account_id
left join product on product.account_id = holder.account_id
