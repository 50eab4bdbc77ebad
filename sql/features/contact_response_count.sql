-- Contacts that arrived, and that led to what they were for, in 730 days, per bucket.
-- Grain: account_class, kind, channel. See contact_response_rate.sql.
with
contact as (
  select
    contact.*,
    contact.outcome = 'responded' and coalesce(contact.responded_at, contact.contacted_at) < $as_of as is_responded,
    contact.converted_date is not null and contact.converted_date < $as_of as is_converted
  from stg_contacts as contact
  where contact.contacted_at >= cast($as_of as date) - interval '730 days'
    and contact.outcome in ('delivered', 'opened', 'responded', 'unsubscribed')
    and contact.channel is not null
)
select
  account.account_class,
  contact.kind,
  contact.channel,
  count(*) as delivered,
  count(*) filter (where contact.is_responded) as responded,
  count(*) filter (where contact.is_converted) as converted
from contact
join stg_accounts as account on account.account_id = contact.account_id
group by account.account_class, contact.kind, contact.channel
