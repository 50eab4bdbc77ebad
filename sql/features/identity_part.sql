-- By what a customer may be found twice, per bucket. Grain: kind, identity, customer_id.
-- An identity is a phone, a name with a phone, or a name with an address, each in its
-- normal form; a remark in brackets at the end of a name is left out. They are hashed so
-- that the tables made of them hold no names: the key is no secret, and the tables
-- are no safer than stg_accounts. An account without a customer is one of its own.
with
account as (
  select
    coalesce(customer_id, account_id) as customer_id,
    normalise_name(regexp_replace(customer_name, '[（(][^（）()]*[）)]$', '')) as name,
    normalise_phone(phone, '86') as phone,
    normalise_address(address) as address
  from stg_accounts
),
kind as (
  select unnest(make_array('phone', 'name_phone', 'address')) as kind
),
identity as (
  select
    account.customer_id,
    kind.kind,
    case kind.kind
      when 'phone' then account.phone
      when 'name_phone' then account.name || '|' || account.phone
      else account.address
    end as text
  from account
  cross join kind
)
select
  kind,
  pseudonym(text, 'kwhy identity') as identity,
  customer_id,
  count(*) as accounts
from identity
where text is not null
group by kind, text, customer_id
