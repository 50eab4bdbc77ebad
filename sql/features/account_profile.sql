-- How complete and how plausible the account's master data are, and what has become of
-- the account. Grain: account_id, every account. Each class of use has its mandatory
-- fields; a blank text counts as missing.
with
account as (
  select
    account.*,
    account.account_class = 'residential' as is_residential,
    nullif(trim(account.customer_name), '') as name,
    nullif(trim(account.phone), '') as written_phone,
    nullif(trim(account.address), '') as written_address,
    normalise_phone(account.phone, '86') as dial_phone,
    tariff.name as tariff_name,
    tariff.name_zh as tariff_name_zh,
    tariff.kind as tariff_kind
  from stg_accounts as account
  left join stg_tariffs as tariff on tariff.tariff_code = account.tariff_code
),
-- One row per account, with what the field check asks for.
checked as (
  select
    *,
    pseudonym(dial_phone, 'kwhy identity') as phone_identity,
    pseudonym(
      normalise_name(regexp_replace(customer_name, '[（(][^（）()]*[）)]$', '')) || '|' || dial_phone,
      'kwhy identity'
    ) as name_phone_identity,
    pseudonym(normalise_address(address), 'kwhy identity') as address_identity,
    case when customer_id is null then 1 else 0 end
      + case when name is null then 1 else 0 end
      + case when written_phone is null then 1 else 0 end
      + case when written_address is null then 1 else 0 end
      + case when voltage_class is null then 1 else 0 end
      + case when contract_capacity_kva is null then 1 else 0 end
      + case when region_code is null then 1 else 0 end
      + case when urban_rural is null then 1 else 0 end
      + case when transformer_id is null then 1 else 0 end
      + case when phase is null then 1 else 0 end
      + case when tariff_code is null then 1 else 0 end
      + case when open_date is null then 1 else 0 end
      + case when not is_residential and industry_code is null then 1 else 0 end
      + case when tariff_kind = 'two_part' and demand_mode is null then 1 else 0 end as missing_fields,
    12
      + case when is_residential then 0 else 1 end
      + case when tariff_kind = 'two_part' then 1 else 0 end as mandatory_fields
  from account
),
-- What was applied for and done, or is still under way.
application as (
  select
    account_id,
    max(completed_date) filter (where status = 'completed' and kind = 'suspend' and completed_date < $as_of) as suspended_date,
    max(completed_date) filter (where status = 'completed' and kind = 'resume' and completed_date < $as_of) as resumed_date,
    max(completed_date) filter (where status = 'completed' and kind = 'close' and completed_date < $as_of) as closed_date,
    max(completed_date) filter (where status = 'completed' and kind = 'transfer' and completed_date < $as_of) as transferred_date,
    max(created_date) filter (where status = 'open' and kind = 'close') as closing_date
  from stg_applications
  group by account_id
),
-- Meters by account: stg_meters lies in buckets of meters.
meter as (
  select account_id, count(distinct meter_id) as meters
  from assigned_meter
  where valid_to is null or valid_to >= $as_of
  group by account_id
)
select
  checked.account_id,
  checked.account_class,
  checked.mandatory_fields,
  checked.missing_fields,
  checked.written_phone is null as is_phone_missing,
  checked.written_address is null as is_address_missing,
  checked.transformer_id is null as is_transformer_missing,
  checked.contract_capacity_kva is null or checked.contract_capacity_kva = 0 as is_capacity_missing,
  case when not checked.is_residential then checked.industry_code is null end as is_industry_missing,
  case when checked.is_residential then checked.household_size is null end as is_household_size_missing,
  case
    when checked.name is null then null
    when regexp_like(checked.name, '公司|集团|工厂|厂$|商店|饭店|酒店|超市|合作社') then 'company'
    when regexp_like(checked.name, '学校|医院|管理所|委员会|政府|中心|大学|幼儿园|局$|支行|银行') then 'institution'
    when regexp_like(lower(checked.name), '(^|[^a-z])(ltd|limited|inc|corp|company|gmbh|plc|llc)([^a-z]|$)') then 'company'
    else 'person'
  end as name_kind,
  checked.tariff_name,
  checked.tariff_name_zh,
  checked.valid_from,
  case when checked.dial_phone is not null then coalesce(phone.customers, 1) end as phone_customers,
  case when checked.name_phone_identity is not null then coalesce(name_phone.customers, 1) end as name_phone_customers,
  case when checked.address_identity is not null then coalesce(address.customers, 1) end as address_customers,
  application.suspended_date,
  application.resumed_date,
  application.closed_date,
  application.transferred_date,
  application.closing_date,
  case when $has_meters then coalesce(meter.meters, 0) end as meters
from checked
left join shared_identity as phone on phone.kind = 'phone' and phone.identity = checked.phone_identity
left join shared_identity as name_phone on name_phone.kind = 'name_phone' and name_phone.identity = checked.name_phone_identity
left join shared_identity as address on address.kind = 'address' and address.identity = checked.address_identity
left join application on application.account_id = checked.account_id
left join meter on meter.account_id = checked.account_id
