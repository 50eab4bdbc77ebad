//! What became of the rows of each source, counted and held against each other.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::{Build, Ready};
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::plan::{Step, Work};
use crate::project::contract::IS_RESTATED;
use crate::project::model::Folds;
use crate::run::ledger::Ledger;
use crate::state::{FileKind, PinnedFile, Snapshot, Source};

/// What became of the rows of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub source: String,
    pub rows_in: u64,
    pub published: u64,
    pub quarantined: u64,
    /// Dropped by the rule that one key has one row.
    pub duplicates: u64,
    /// The table of which rows came with other values before, and how many: see
    /// `version` in contracts.
    pub restated: Option<(String, u64)>,
    /// Columns of the contract that the lake does not have, as `table.column`.
    pub absent_columns: Vec<String>,
}

impl Build<'_> {
    /// Adds a step's rows to the audit of its source, those of units that
    /// stood already as the ledger remembers them.
    pub(super) async fn audit(&mut self, ready: &Ready<'_>, ledger: &Ledger) -> Result<(), Error> {
        let step = ready.step;
        let settles = step
            .inputs
            .iter()
            .find_map(|input| self.plan.steps.iter().find(|other| other.is_landing && other.name == *input));
        let source = match (&step.work, settles) {
            (Work::Files { source }, _) => source.clone(),
            (_, Some(Step { work: Work::Files { source }, .. })) => source.clone(),
            _ => return Ok(()),
        };
        let folded = match (&step.folds, self.tables.get(&step.name)) {
            (Some(folds), Some(table)) => Some(self.folded(folds, &step.name, table).await?),
            _ => None,
        };
        let restated = match self.tables.get(&step.name).filter(|_| !step.is_landing) {
            Some(table) if table.schema.index_of(IS_RESTATED).is_ok() => {
                let sql = format!("select count(*) filter (where {IS_RESTATED}) from {}", step.name);
                Some((step.name.clone(), self.counts(&step.name, table, &sql).await?[0]))
            }
            _ => None,
        };
        let absent_columns = self.sources.found.get(&source).map(|source| source.absent_columns().collect());
        let audit = self.audits.entry(source.clone()).or_insert(Audit {
            source,
            absent_columns: absent_columns.unwrap_or_default(),
            rows_in: 0,
            published: 0,
            quarantined: 0,
            duplicates: 0,
            restated: None,
        });
        audit.restated = restated.or(audit.restated.take());
        for record in ready.units.iter().filter_map(|unit| ledger.known(&unit.id)) {
            audit.rows_in += record.rows_in;
            audit.quarantined += record.quarantined;
            audit.duplicates += record.duplicates;
        }
        if let Some((delivered, distinct)) = folded {
            audit.published = distinct;
            audit.duplicates += delivered - distinct;
        } else if !step.is_landing {
            audit.published = self.tables.get(&step.name).map_or(0, |snapshot| snapshot.rows());
        }
        if step.has_snapshots {
            // Rows of one state are told as one.
            let landed = step.inputs.iter().filter_map(|name| self.tables.get(name)).map(Snapshot::rows);
            audit.duplicates += landed.sum::<u64>().saturating_sub(audit.published);
        }
        Ok(())
    }

    /// Delivered rows behind the rows of a table, and those of them that
    /// repeated no other one.
    async fn folded(&self, folds: &Folds, name: &str, table: &Snapshot) -> Result<(u64, u64), Error> {
        let sql = format!(
            "select coalesce(sum({}), 0) as delivered, coalesce(sum({}), 0) as distinct_rows from {name}",
            folds.delivered, folds.distinct
        );
        let counts = self.counts(name, table, &sql).await?;
        Ok((counts[0], counts[1]))
    }

    /// The one row of counts that SQL over a table gives.
    async fn counts(&self, name: &str, table: &Snapshot, sql: &str) -> Result<Vec<u64>, Error> {
        let batches = self.engine.query(vec![Relation::of_table(name, table)], sql).await?;
        let columns = batches.iter().flat_map(RecordBatch::columns);
        Ok(columns.map(|column| column.as_primitive::<Int64Type>().values().iter().sum::<i64>() as u64).collect())
    }

    /// Rows in = published + quarantined + filtered, for every source, and no
    /// row that a file's footer promised is missing. Readers of text give every
    /// record back or fail; a text without any is a delivery that went wrong.
    pub(super) fn check_conservation(&self) -> Result<(), Error> {
        for audit in self.audits.values() {
            let source = self.sources.found.get(&audit.source);
            if let (0, Some(Source { kind: FileKind::Delimited(_), contract, files, .. })) = (audit.rows_in, source)
                && !contract.may_be_empty
            {
                let file = files.first().map(PinnedFile::shown).unwrap_or_default();
                return Err(Error::NoRows { table: audit.source.clone(), file, contract: contract.file.clone() });
            }
            if audit.rows_in > 0 && audit.quarantined == audit.rows_in {
                return Err(Error::NothingFits { table: audit.source.clone(), rows: audit.rows_in });
            }
            let promised = source.and_then(Source::promised_rows);
            let is_whole = promised.is_none_or(|rows: u64| rows == audit.rows_in);
            if audit.rows_in != audit.published + audit.quarantined + audit.duplicates || !is_whole {
                return Err(Error::Conservation {
                    table: audit.source.clone(),
                    rows_in: promised.unwrap_or(audit.rows_in),
                    published: audit.published,
                    quarantined: audit.quarantined,
                    duplicates: audit.duplicates,
                });
            }
        }
        Ok(())
    }
}
