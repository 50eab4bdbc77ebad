-- Since when the present holder has the account. Grain: account_id, every
-- account. An account goes on when a flat is sold or let anew: what was sent,
-- asked, clicked or refused before the last completed transfer was somebody
-- else's, and must not speak for who lives there now. The features of contacts,
-- channels, campaigns and the app therefore begin with held_since; it is far in
-- the past where neither an opening nor a transfer is known.
with
transfer as (
  select
    account_id,
    max(completed_date) as last_transfer_date,
    count(*) filter (where completed_date >= cast($as_of as date) - interval '730 days') as transfers_24m
  from stg_applications
  where kind = 'transfer'
    and status = 'completed'
    and completed_date < $as_of
  group by account_id
)
select
  account.account_id,
  transfer.last_transfer_date,
  coalesce(transfer.transfers_24m, 0) as transfers_24m,
  greatest(account.open_date, transfer.last_transfer_date) as holder_since,
  coalesce(greatest(account.open_date, transfer.last_transfer_date), date '1900-01-01') as held_since
from stg_accounts as account
left join transfer on transfer.account_id = account.account_id
