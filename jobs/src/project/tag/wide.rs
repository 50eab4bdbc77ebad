//! A wide relation: parts that are read once each, sides that are taken from them,
//! and expressions over all their columns.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::expression::{at, columns_of, with_values};
use super::{Body, Evidence, Tag};
use crate::project::model::quoted;

/// What rows of all tables are found by.
pub(super) const KEY: &str = "account_id";

/// The relation that the parts of a compiled model are aligned into.
pub const ALIGNED: &str = "aligned";

/// A model whose SQL sees one wide relation, [`ALIGNED`], made of parts.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    pub sql: String,
    pub wide: Option<WideRelation>,
}

/// Parts, of which the first has the rows of the result, the others what they know
/// of them. Over their columns, level by level, columns by their expressions:
/// thousands of them, which a planner would turn over as many times as it has
/// rules.
#[derive(Clone, Debug, Default)]
pub struct WideRelation {
    pub parts: Vec<Part>,
    pub levels: Vec<Vec<(String, String)>>,
}

/// A query, read once, and what is taken from its rows.
#[derive(Clone, Debug)]
pub struct Part {
    pub name: String,
    pub sql: String,
    /// None of the first part, which is taken as it is.
    pub sides: Vec<Side>,
}

/// Some rows of a part, at most one per account, and some of its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    pub name: String,
    /// The column that says which rows; all of them where there is none.
    pub when: Option<String>,
    pub columns: Vec<String>,
}

impl Side {
    /// The column of the wide relation that says whether there is a row.
    pub fn flag(&self) -> String {
        format!("{}__there", self.name)
    }

    /// What a column is called in the wide relation.
    pub fn column(&self, name: &str) -> String {
        format!("{}__{name}", self.name)
    }
}

impl WideRelation {
    /// With the date put into its levels; that of its parts is a parameter.
    pub fn at(&self, as_of: NaiveDate) -> Self {
        let dated = |(name, sql): &(String, String)| (name.clone(), at(sql, as_of));
        let levels = self.levels.iter().map(|level| level.iter().map(dated).collect());
        Self { parts: self.parts.clone(), levels: levels.collect() }
    }

    /// All that rows depend on besides the SQL of the parts.
    pub fn recipe(&self) -> String {
        let sides: Vec<&[Side]> = self.parts.iter().map(|part| &*part.sides).collect();
        format!("{sides:?}\n{:?}\n", self.levels)
    }
}

impl From<String> for Compiled {
    fn from(sql: String) -> Self {
        Self { sql, wide: None }
    }
}

/// A feature table, and which of its rows.
pub(super) type Scan<'a> = (&'a str, Option<&'a str>);

/// What is read of every feature table, and of which of its rows.
pub(super) struct Scans<'a>(pub(super) BTreeMap<Scan<'a>, BTreeSet<String>>);

impl<'a> Scans<'a> {
    pub(super) fn of(tags: &[&'a Tag], evidence: &[&'a Evidence]) -> Self {
        let mut scans: BTreeMap<Scan<'a>, BTreeSet<String>> = BTreeMap::new();
        for evidence in evidence {
            scans.entry(scan_of_evidence(evidence)).or_default().extend(columns_of(&evidence.when));
        }
        for tag in tags.iter().filter(|tag| !tag.is_over_tags()) {
            let columns = scans.entry(scan_of(tag)).or_default();
            if let Body::Sql(expression) = &tag.body {
                columns.extend(expression.columns.iter().cloned());
            }
        }
        // The key is that of the base.
        scans.values_mut().for_each(|columns| {
            columns.remove(KEY);
        });
        Self(scans)
    }

    /// One part per feature table.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for feature in self.0.keys().map(|scan| scan.0).collect::<BTreeSet<_>>() {
            let mut columns: BTreeSet<&String> = BTreeSet::new();
            let mut slices = String::new();
            let mut sides = Vec::new();
            for (scan, read) in self.0.iter().filter(|(scan, _)| scan.0 == feature) {
                let Some(mut side) = self.side(*scan) else { continue };
                if let Some(slice) = scan.1 {
                    let flag = format!("slice__{}", sides.len() + 1);
                    let _ = write!(slices, ",\n  ({slice}) as {flag}");
                    side.when = Some(flag);
                }
                columns.extend(read);
                sides.push(side);
            }
            let columns: String = columns.into_iter().map(|column| format!(",\n  {}", quoted(column))).collect();
            let sql = format!("select\n  {KEY}{slices}{columns}\nfrom {feature}");
            parts.push(Part { name: feature.to_owned(), sql, sides });
        }
        parts
    }

    /// What the wide relation has of it; none of the base.
    pub(super) fn side(&self, scan: Scan<'_>) -> Option<Side> {
        let columns = self.0.get(&scan)?;
        let index = self.0.keys().filter(|other| other.0 == scan.0).position(|other| *other == scan)?;
        let name = format!("{}__{}", scan.0, index + 1);
        Some(Side { name, when: None, columns: columns.iter().cloned().collect() })
    }

    /// An expression over a feature table as one over the wide relation.
    pub(super) fn placed(&self, scan: Scan<'_>, sql: &str) -> String {
        let Some(side) = self.side(scan) else { return sql.to_owned() };
        let names = side.columns.iter().map(|column| (column.clone(), quoted(&side.column(column))));
        with_values(sql, &names.collect())
    }
}

pub(super) fn scan_of(tag: &Tag) -> Scan<'_> {
    (&tag.feature, tag.slice.as_deref())
}

pub(super) fn scan_of_evidence(evidence: &Evidence) -> Scan<'_> {
    (&evidence.feature, evidence.slice.as_deref())
}
