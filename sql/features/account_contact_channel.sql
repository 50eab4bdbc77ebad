-- Whether a channel reaches the customer, and how likely it leads anywhere.
-- Grain: account_id, channel; every account has a row for each of the six.
-- A channel has means where the contract has what it needs: a mobile number for
-- SMS, a number for calls, the binding for app and WeChat, an address for
-- letters and visits; unknown where the contract has no number at all. It is
-- dead once the last $tries attempts all bounced.
-- The expected rate of conversion is the account's own of 730 days, with
-- $pseudo_contacts more contacts at the rate of its class (contact_response_rate):
-- one success is no habit yet. Conversions count, not answers: most calls are
-- answered and few letters are, but that says little of what is done then.
with
channel as (
  select unnest(make_array('app_push', 'wechat', 'sms', 'call', 'letter', 'visit')) as channel
),
line as (
  select
    account_id,
    account_class,
    is_app_bound,
    is_wechat_bound,
    address,
    -- In China numbers of mobiles have 11 digits and begin with 13 to 19.
    phone is not null as has_number,
    normalise_phone(phone, '86') is not null as is_number,
    coalesce(normalise_phone(phone, '86') ~ '^\+861[3-9][0-9]{9}$', false) as is_mobile
  from stg_accounts
),
means as (
  select
    line.account_id,
    line.account_class,
    channel.channel,
    case channel.channel
      when 'app_push' then line.is_app_bound
      when 'wechat' then line.is_wechat_bound
      when 'sms' then case when line.has_number then line.is_mobile end
      when 'call' then case when line.has_number then line.is_number end
      else case when line.address is not null then true end
    end as has_means,
    case channel.channel
      when 'app_push' then 1 when 'wechat' then 2 when 'sms' then 3 when 'call' then 4 when 'letter' then 5 else 6
    end as cost_rank
  from line
  cross join channel
),
attempt as (
  select
    contact.account_id,
    contact.channel,
    contact.kind,
    cast(contact.contacted_at as date) as date,
    contact.outcome = 'undelivered' as is_undelivered,
    contact.converted_date is not null and contact.converted_date < $as_of as is_converted,
    row_number() over (
      partition by contact.account_id, contact.channel
      order by contact.contacted_at desc, contact.contact_id desc
    ) as place
  from stg_contacts as contact
  join account_holder as holder on holder.account_id = contact.account_id
  where contact.contacted_at >= cast($as_of as date) - interval '730 days'
    and contact.contacted_at >= holder.held_since
    and contact.outcome <> 'held_out'
    and contact.channel is not null
),
tried as (
  select
    account_id,
    channel,
    count(*) as attempts_730d,
    count(*) filter (where is_undelivered) as undelivered_730d,
    count(*) filter (where place <= $tries) as last_attempts,
    count(*) filter (where place <= $tries and is_undelivered) as last_undelivered,
    count(*) filter (where kind = 'marketing' and not is_undelivered) as marketing_delivered_730d,
    count(*) filter (where kind = 'marketing' and not is_undelivered and is_converted) as conversions_730d,
    max(date) filter (where not is_undelivered) as last_delivered_date
  from attempt
  group by account_id, channel
),
known as (
  select
    means.*,
    coalesce(tried.attempts_730d, 0) as attempts_730d,
    coalesce(tried.undelivered_730d, 0) as undelivered_730d,
    coalesce(tried.last_attempts, 0) as last_attempts,
    coalesce(tried.last_undelivered, 0) as last_undelivered,
    coalesce(tried.marketing_delivered_730d, 0) as marketing_delivered_730d,
    coalesce(tried.conversions_730d, 0) as conversions_730d,
    tried.last_delivered_date
  from means
  left join tried
    on tried.account_id = means.account_id
    and tried.channel = means.channel
)
select
  known.account_id,
  known.channel,
  known.cost_rank,
  known.has_means,
  known.attempts_730d,
  known.undelivered_730d,
  known.last_attempts,
  known.last_undelivered,
  case
    when not known.has_means then false
    when known.last_attempts >= $tries and known.last_undelivered = known.last_attempts then false
    when known.has_means or known.last_delivered_date is not null then true
  end as is_reachable,
  known.last_delivered_date,
  known.marketing_delivered_730d,
  known.conversions_730d,
  ratio(
    known.conversions_730d * expected.delivered + $pseudo_contacts * expected.converted,
    (known.marketing_delivered_730d + $pseudo_contacts) * expected.delivered
  ) as expected_conversion_rate
from known
left join contact_response_rate as expected
  on expected.account_class = known.account_class
  and expected.channel = known.channel
  and expected.kind = 'marketing'
