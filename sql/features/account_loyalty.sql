-- What ties a customer to the utility: services in use, verdicts, years.
-- Grain: account_id, every account, since the present holder has it.
-- Services that the contract does not tell of are not counted as unused, but
-- not counted at all: known_services says how many are known.
with
voice as (
  select
    work_order.account_id,
    count(*) filter (where work_order.kind = 'praise') as praises_730d,
    count(*) filter (where work_order.kind = 'suggestion') as suggestions_730d,
    count(*) filter (where work_order.kind = 'complaint') as complaints_730d,
    count(work_order.satisfaction) as ratings_730d,
    sum(work_order.satisfaction) as satisfaction_sum_730d,
    first_value(work_order.satisfaction order by work_order.created_date desc, work_order.work_order_id desc) filter (where work_order.satisfaction is not null) as last_satisfaction
  from stg_work_orders as work_order
  join account_holder as holder on holder.account_id = work_order.account_id
  where work_order.created_date >= cast($as_of as date) - interval '730 days'
    and work_order.created_date >= holder.held_since
  group by work_order.account_id
),
service as (
  select
    account.account_id,
    case when account.is_app_bound then 1 when not account.is_app_bound then 0 end as app,
    case when account.is_wechat_bound then 1 when not account.is_wechat_bound then 0 end as wechat,
    case when account.invoice_mode in ('email', 'app') then 1 when account.invoice_mode is not null then 0 end as electronic_bill,
    case when account.is_autopay then 1 when not account.is_autopay then 0 end as autopay,
    case when app.e_invoices_365d > 0 then 1 else 0 end as e_invoice,
    case when tariff.kind = 'time_of_use' then 1 when tariff.kind is not null then 0 end as time_of_use
  from stg_accounts as account
  left join account_app as app on app.account_id = account.account_id
  left join stg_tariffs as tariff on tariff.tariff_code = account.tariff_code
)
select
  holder.account_id,
  holder.holder_since,
  coalesce(voice.praises_730d, 0) as praises_730d,
  coalesce(voice.suggestions_730d, 0) as suggestions_730d,
  coalesce(voice.complaints_730d, 0) as complaints_730d,
  coalesce(voice.ratings_730d, 0) as ratings_730d,
  voice.satisfaction_sum_730d,
  voice.last_satisfaction,
  coalesce(service.app, 0) + coalesce(service.wechat, 0) + coalesce(service.electronic_bill, 0)
    + coalesce(service.autopay, 0) + service.e_invoice + coalesce(service.time_of_use, 0) as services_in_use,
  case when service.app is not null then 1 else 0 end
    + case when service.wechat is not null then 1 else 0 end
    + case when service.electronic_bill is not null then 1 else 0 end
    + case when service.autopay is not null then 1 else 0 end
    + case when service.time_of_use is not null then 1 else 0 end as known_services
from account_holder as holder
left join voice on voice.account_id = holder.account_id
left join service on service.account_id = holder.account_id
