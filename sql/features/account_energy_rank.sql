-- The account's energy of 12 months beside that of its class and region.
-- Grain: account_id, accounts with nine bills of twelve.
select
  bill.account_id,
  bill.bills_12m,
  bill.energy_12m_wh,
  cut.class_accounts,
  cut.class_energy_wh,
  cut.region_energy_wh,
  cut.pareto_least_kwh
from account_bill as bill
join energy_cut as cut
  on cut.region_code = bill.region_code
  and cut.account_class = bill.account_class
where bill.bills_12m >= 9
