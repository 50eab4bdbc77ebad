//! Where accounts hang in the network: public transformers with some 200
//! dwellings each, feeders of 20 transformers, and customers' own transformers.

use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::account::Account;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::weather::REGIONS;
use crate::generate::write::{Row, decimals, texts};

/// Accounts of all kinds on a public transformer, of which 85 % are dwellings.
const ACCOUNTS_PER_TRANSFORMER: u64 = 235;
pub const TRANSFORMERS_PER_FEEDER: u64 = 20;

/// Number of the public transformer in whose area an account lies.
pub fn transformer_of(account: u64) -> u64 {
    account / ACCOUNTS_PER_TRANSFORMER
}

/// Public transformers whose first account is among these.
pub fn transformers_of(accounts: &Range<u64>) -> Range<u64> {
    accounts.start.div_ceil(ACCOUNTS_PER_TRANSFORMER)..accounts.end.div_ceil(ACCOUNTS_PER_TRANSFORMER)
}

/// Region of a public transformer. Neighbours lie in different regions, so
/// that a small lake has all of them.
pub fn region_of(transformer: u64) -> usize {
    (transformer % REGIONS.len() as u64) as usize
}

/// Number of the feeder of a public transformer, over all regions.
pub fn feeder_of(transformer: u64) -> u64 {
    let regions = REGIONS.len() as u64;
    transformer / regions / TRANSFORMERS_PER_FEEDER * regions + transformer % regions
}

/// The first public transformer of a feeder.
pub fn first_of(feeder: u64) -> u64 {
    let regions = REGIONS.len() as u64;
    feeder / regions * TRANSFORMERS_PER_FEEDER * regions + feeder % regions
}

/// Surroundings of a public transformer.
pub fn settlement(seed: u64, transformer: u64) -> &'static str {
    let key = Key::new(seed, Stream::Network).with(transformer);
    match key.below(0, 20) {
        0..11 => "urban",
        11..16 => "suburban",
        _ => "rural",
    }
}

/// A transformer: a public one, or a customer's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    Public { transformer: u64 },
    Private { account: u64 },
}

impl Node {
    /// The transformer that supplies an account.
    pub fn of(account: &Account) -> Self {
        Self::at(account.index, account.has_own_transformer())
    }

    /// The transformer that supplies the account of an index.
    pub fn at(index: u64, has_own: bool) -> Self {
        if has_own { Self::Private { account: index } } else { Self::Public { transformer: transformer_of(index) } }
    }

    /// The transformer's number in the lake.
    pub fn id(self) -> String {
        match self {
            Self::Public { transformer } => format!("T{:06}", transformer + 1),
            Self::Private { account } => format!("P{account:09}"),
        }
    }

    /// A number that no other transformer has.
    pub fn number(self) -> u64 {
        match self {
            Self::Public { transformer } => transformer << 1,
            Self::Private { account } => (account << 1) | 1,
        }
    }

    /// The public transformer in whose area the transformer stands.
    pub fn area(self) -> u64 {
        match self {
            Self::Public { transformer } => transformer,
            Self::Private { account } => transformer_of(account),
        }
    }
}

/// One row of the transformers.
pub struct Transformer {
    node: Node,
    capacity_kva: u32,
}

impl Transformer {
    /// A public transformer.
    pub fn public(seed: u64, transformer: u64) -> Self {
        let key = Key::new(seed, Stream::Network).with(transformer);
        let capacity_kva = match key.below(1, 20) {
            0 => 315,
            1..3 => 400,
            3..6 => 500,
            6..12 => 630,
            12..17 => 800,
            _ => 1_000,
        };
        Self { node: Node::Public { transformer }, capacity_kva }
    }

    /// A customer's own transformer.
    pub fn private(account: &Account) -> Self {
        let node = Node::Private { account: account.index };
        Self { node, capacity_kva: account.capacity_kva }
    }

    /// Rated power.
    #[cfg(test)]
    pub fn capacity_kva(&self) -> u32 {
        self.capacity_kva
    }

    fn feeder_id(&self) -> String {
        let area = self.node.area();
        let feeder = feeder_of(area) / REGIONS.len() as u64;
        format!("F{}{:05}", region_of(area) + 1, feeder + 1)
    }
}

impl Row for Transformer {
    const TABLE: &'static str = "transformers";
    const KEY: &'static [&'static str] = &["transformer_id"];
    const FLAWS: &'static [Flaw] = &[wrong("capacity_kva", "min", "-400"), missing("feeder_id")];
    const FLAWED: f64 = 0.004;
    const REPEATED: f64 = 0.002;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let regions = rows.iter().map(|row| REGIONS[region_of(row.node.area())]);
        let capacities = rows.iter().map(|row| Some(i128::from(row.capacity_kva) * 100));
        RecordBatch::try_from_iter_with_nullable([
            ("transformer_id", texts(rows.iter().map(|row| row.node.id())), false),
            ("feeder_id", texts(rows.iter().map(Self::feeder_id)), false),
            ("region_code", texts(regions), false),
            ("capacity_kva", decimals(capacities, 12, 2)?, false),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_accounts_share_out_the_transformers() {
        let chunks = [0..50_000, 50_000..100_000, 100_000..100_001];
        let all: Vec<u64> = chunks.iter().flat_map(transformers_of).collect();
        assert_eq!(all, (0..=transformer_of(100_000)).collect::<Vec<u64>>());
    }

    #[test]
    fn a_feeder_begins_with_its_first_transformer() {
        for transformer in 0..500 {
            let feeder = feeder_of(transformer);
            assert!(first_of(feeder) <= transformer && feeder_of(first_of(feeder)) == feeder);
        }
    }

    #[test]
    fn a_feeder_lies_in_one_region() {
        let feeders: Vec<String> = (0..80).map(|number| Transformer::public(1, number).feeder_id()).collect();
        for (number, feeder) in feeders.iter().enumerate() {
            assert_eq!(*feeder, format!("F{}00001", number % 4 + 1));
        }
    }
}
