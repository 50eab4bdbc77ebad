//! Where accounts hang in the network: public transformers with some 170
//! dwellings each, feeders of 8 transformers, and customers' own transformers.

use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::account::Account;
use crate::generate::damage::{Flaw, missing, wrong};
use crate::generate::random::{Key, Stream};
use crate::generate::weather::REGIONS;
use crate::generate::write::{Row, decimals, texts};

/// Accounts of all kinds on two public transformers, of which 85 % are dwellings.
const ACCOUNTS_PER_PAIR: u64 = 400;
/// Fewest accounts on one of them.
const LEAST_ACCOUNTS: u64 = 60;
pub const TRANSFORMERS_PER_FEEDER: u64 = 8;

/// Ratings of public transformers, in kVA.
const RATINGS_KVA: [u32; 9] = [100, 160, 200, 250, 315, 400, 500, 630, 800];

/// Accounts on the first of a pair of public transformers.
fn split(pair: u64) -> u64 {
    LEAST_ACCOUNTS + Key::new(0, Stream::Network).with(pair).below(2, ACCOUNTS_PER_PAIR - 2 * LEAST_ACCOUNTS)
}

/// Number of the public transformer in whose area an account lies.
pub fn transformer_of(account: u64) -> u64 {
    let pair = account / ACCOUNTS_PER_PAIR;
    2 * pair + u64::from(account % ACCOUNTS_PER_PAIR >= split(pair))
}

/// Accounts in the area of a public transformer.
pub fn accounts_of(transformer: u64) -> Range<u64> {
    let pair = transformer / 2;
    let (first, middle) = (pair * ACCOUNTS_PER_PAIR, pair * ACCOUNTS_PER_PAIR + split(pair));
    if transformer.is_multiple_of(2) { first..middle } else { middle..first + ACCOUNTS_PER_PAIR }
}

/// Public transformers whose first account is among these.
pub fn transformers_of(accounts: &Range<u64>) -> impl Iterator<Item = u64> + use<> {
    let accounts = accounts.clone();
    let around = transformer_of(accounts.start)..=transformer_of(accounts.end);
    around.filter(move |transformer| accounts.contains(&accounts_of(*transformer).start))
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

/// Whether a dwelling is a house of its own, with a roof.
pub fn is_house(seed: u64, account: u64) -> bool {
    let key = Key::new(seed, Stream::Network).with(u64::MAX).with(account);
    match settlement(seed, transformer_of(account)) {
        "rural" => true,
        "suburban" => key.chance(0, 0.25),
        _ => key.chance(0, 0.03),
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
        // Planned with some reserve, which growth has eaten up here and there.
        let accounts = accounts_of(transformer);
        let need_kva = (accounts.end - accounts.start) as f64 * key.between(1, 1.9, 3.6);
        let rating = RATINGS_KVA.into_iter().find(|rating| f64::from(*rating) >= need_kva);
        let capacity_kva = rating.unwrap_or(RATINGS_KVA[RATINGS_KVA.len() - 1]);
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
        for transformer in 0..200 {
            let accounts = accounts_of(transformer);
            assert!((60..=340).contains(&(accounts.end - accounts.start)));
            assert_eq!((transformer_of(accounts.start), transformer_of(accounts.end - 1)), (transformer, transformer));
            assert_eq!(transformer_of(accounts.end), transformer + 1);
        }
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
        let feeders: Vec<String> = (0..32).map(|number| Transformer::public(1, number).feeder_id()).collect();
        for (number, feeder) in feeders.iter().enumerate() {
            assert_eq!(*feeder, format!("F{}00001", number % 4 + 1));
        }
    }
}
