//! The rows of the accounts table: who is supplied where, and on which terms.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::account::{Account, account_id, customer_of};
use super::network::{Node, settlement, transformer_of};
use super::payment::Payer;
use super::tariff::Tariff;
use super::weather::REGIONS;
use super::world::World;
use super::write::{Row, dates, decimals, flags, opt_dates, opt_texts, texts};

/// One row of the accounts: an account and a period of validity.
pub struct ContractRow {
    account: Account,
    customer: u64,
    industry_code: Option<&'static str>,
    settlement: &'static str,
    tariff: Tariff,
    capacity_kva: u32,
    valid_from: i32,
    valid_to: Option<i32>,
}

/// The rows of an account, oldest first.
pub fn contracts_of(world: &World, account: &Account) -> Vec<ContractRow> {
    let row = |tariff, capacity_kva, valid_from, valid_to| ContractRow {
        account: *account,
        customer: customer_of(world.seed, account.index),
        industry_code: account.industry_code(world.seed),
        settlement: settlement(world.seed, transformer_of(account.index)),
        tariff,
        capacity_kva,
        valid_from,
        valid_to,
    };
    let (tariff, capacity_kva, opened) = (account.tariff, account.capacity_kva, account.opened);
    match account.former {
        Some(former) => vec![
            row(former.tariff, former.capacity_kva, opened, Some(former.until)),
            row(tariff, capacity_kva, former.until, None),
        ],
        None => vec![row(tariff, capacity_kva, opened, None)],
    }
}

impl Row for ContractRow {
    const TABLE: &'static str = "accounts";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let accounts = || rows.iter().map(|row| &row.account);
        let capacities = rows.iter().map(|row| Some(i128::from(row.capacity_kva) * 100));
        let autopay = accounts().map(|account| account.payer == Payer::Autopay);
        RecordBatch::try_from_iter_with_nullable([
            ("account_id", texts(accounts().map(Account::id)), false),
            ("customer_id", texts(rows.iter().map(|row| format!("C{}", account_id(row.customer)))), true),
            ("account_class", texts(accounts().map(|account| account.archetype.traits().class)), false),
            ("industry_code", opt_texts(rows.iter().map(|row| row.industry_code)), true),
            ("voltage_class", texts(accounts().map(Account::voltage_class)), true),
            ("contract_capacity_kva", decimals(capacities, 12, 2)?, true),
            ("region_code", texts(accounts().map(|account| REGIONS[account.region])), true),
            ("urban_rural", texts(rows.iter().map(|row| row.settlement)), true),
            ("transformer_id", texts(accounts().map(|account| Node::of(account).id())), true),
            ("tariff_code", texts(rows.iter().map(|row| row.tariff.code())), true),
            ("is_autopay", flags(autopay), true),
            ("open_date", dates(accounts().map(|account| account.opened)), true),
            ("valid_from", dates(rows.iter().map(|row| row.valid_from)), true),
            ("valid_to", opt_dates(rows.iter().map(|row| row.valid_to)), true),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn validity_has_no_gap() {
        let world = world(5);
        let mut changed = 0;
        for index in 0..3_000 {
            let account = Account::draw(&world, index);
            let rows = contracts_of(&world, &account);
            assert_eq!(rows[0].valid_from, account.opened);
            assert_eq!(rows[rows.len() - 1].valid_to, None);
            if let [older, current] = rows.as_slice() {
                assert_eq!(older.valid_to, Some(current.valid_from));
                assert!(older.valid_from < current.valid_from);
                changed += 1;
            }
        }
        assert!((5..80).contains(&changed), "{changed}");
    }
}
