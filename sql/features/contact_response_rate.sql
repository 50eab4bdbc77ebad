-- How often contacts of a kind are answered, and lead to what they are for, on a
-- channel, by class of use: what to expect of an account before its own history
-- is known. Classes with less than $least_contacts stand back behind all classes
-- together. Grain: account_class, kind, channel.
with
class as (
  select
    account_class,
    kind,
    channel,
    sum(delivered) as delivered,
    sum(responded) as responded,
    sum(converted) as converted
  from contact_response_count
  group by account_class, kind, channel
),
everyone as (
  select
    kind,
    channel,
    sum(delivered) as delivered,
    sum(responded) as responded,
    sum(converted) as converted
  from class
  group by kind, channel
),
account_class as (
  select distinct account_class from class
)
select
  account_class.account_class,
  everyone.kind,
  everyone.channel,
  case when class.delivered >= $least_contacts then class.delivered else everyone.delivered end as delivered,
  case when class.delivered >= $least_contacts then class.responded else everyone.responded end as responded,
  case when class.delivered >= $least_contacts then class.converted else everyone.converted end as converted
from account_class
cross join everyone
left join class
  on class.account_class = account_class.account_class
  and class.kind = everyone.kind
  and class.channel = everyone.channel
