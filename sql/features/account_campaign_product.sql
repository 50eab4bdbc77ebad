-- How far each account came with each product that campaigns offered.
-- Grain: account_id, product; every account has a row for every product, because
-- not to have been asked is a finding too. Of several contacts the furthest step
-- counts; who did it without being asked, held out or unreached, has converted
-- too and need not be asked again.
-- is_in_use is what the contract says today, where it says so.
with
product as (
  select distinct product from stg_campaigns
),
contact as (
  select
    contact.account_id,
    campaign.product,
    contact.contacted_at,
    contact.is_holdout is true or contact.outcome = 'held_out' as is_held_out,
    contact.outcome not in ('held_out', 'undelivered') as is_delivered,
    contact.outcome = 'responded' and coalesce(contact.responded_at, contact.contacted_at) < $as_of as is_responded,
    contact.outcome = 'unsubscribed' and coalesce(contact.responded_at, contact.contacted_at) < $as_of as is_unsubscribed,
    case when contact.converted_date < $as_of then contact.converted_date end as converted_date
  from stg_contacts as contact
  join stg_campaigns as campaign on campaign.campaign_id = contact.campaign_id
  join account_holder as holder on holder.account_id = contact.account_id
  where contact.contacted_at >= holder.held_since
),
offered as (
  select
    account_id,
    product,
    count(*) filter (where not is_held_out) as offers,
    bool_or(is_held_out) as is_held_out,
    bool_or(is_delivered) as is_delivered,
    bool_or(is_responded) as is_responded,
    bool_or(is_unsubscribed) as is_unsubscribed,
    max(converted_date) as converted_date
  from contact
  group by account_id, product
)
select
  account.account_id,
  product.product,
  offered.converted_date,
  case
    when offered.account_id is null then 'not_addressed'
    when offered.converted_date is not null then 'converted'
    when offered.is_unsubscribed then 'unsubscribed'
    when offered.is_responded then 'responded'
    when offered.is_delivered then 'delivered'
    when offered.offers > 0 then 'undelivered'
    else 'held_out'
  end as status,
  case product.product
    when 'electronic_bill' then account.invoice_mode in ('email', 'app')
    when 'autopay' then account.is_autopay
    when 'app' then account.is_app_bound
    when 'time_of_use' then tariff.kind = 'time_of_use'
  end as is_in_use
from stg_accounts as account
cross join product
left join offered
  on offered.account_id = account.account_id
  and offered.product = product.product
left join stg_tariffs as tariff on tariff.tariff_code = account.tariff_code
