//! How far features and groups have moved since the release before: in the driver, on
//! the samples of both.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, RecordBatch, StringArray};
use arrow::datatypes::Date32Type;

use super::Build;
use super::fit::{Chosen, read};
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::project::segment::{Segmentation, fitted};
use crate::project::{PREVIOUS_SAMPLE, PREVIOUS_SEGMENTS, SEGMENT_SAMPLE, SEGMENTS};
use crate::run::models::{made, millionths};
use crate::segment::drift::{Drift, Side, drift};

/// What stands for all accounts in a column of groups.
const ALL: &str = "all";

/// A sample of a release, and the groups of its accounts.
type Accounts = (Chosen, Vec<Option<String>>);

impl Build<'_> {
    /// `segment_drift`; without rows where there is nothing to compare with.
    pub(super) async fn drift(&self) -> Result<RecordBatch, Error> {
        let before = self.accounts(PREVIOUS_SAMPLE, PREVIOUS_SEGMENTS).await?;
        let now = self.accounts(SEGMENT_SAMPLE, SEGMENTS).await?;
        let mut rows: Vec<(&Segmentation, Drift)> = Vec::new();
        for (segmentation, fitting) in fitted(&self.project.segmentations) {
            let (Some(before), Some(now)) = (before.get(&segmentation.name), now.get(&segmentation.name)) else {
                continue;
            };
            if [before, now].iter().all(|(chosen, _)| !chosen.sample.weights.is_empty()) {
                let found = drift(&fitting.balanced.features, &side(before), &side(now));
                rows.extend(found.into_iter().map(|drift| (segmentation, drift)));
            }
        }
        let day = Date32Type::from_naive_date(self.plan.as_of);
        let text = |of: &dyn Fn(&(&Segmentation, Drift)) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
        };
        made(vec![
            ("as_of", Arc::new(Date32Array::from_iter_values(rows.iter().map(|_| day)))),
            ("segmentation", text(&|(segmentation, _)| segmentation.name.clone())),
            ("feature", text(&|(_, drift)| drift.feature.clone())),
            ("segment", text(&|(_, drift)| drift.group.clone().unwrap_or_else(|| ALL.to_owned()))),
            ("shift", millionths(rows.iter().map(|(_, drift)| drift.shift), 18)),
            ("stability", millionths(rows.iter().map(|(_, drift)| drift.stability), 18)),
        ])
    }

    /// The accounts of a sample by segmentation, as far as both tables are there.
    async fn accounts(&self, sample: &str, segments: &str) -> Result<BTreeMap<String, Accounts>, Error> {
        let (Some(table), Some(groups)) = (self.tables.get(sample), self.tables.get(segments)) else {
            return Ok(BTreeMap::new());
        };
        let mut chosen = read(self.engine, sample, table, &self.project.segmentations).await?;
        let mut found = BTreeMap::new();
        for (Segmentation { name, .. }, _) in fitted(&self.project.segmentations) {
            let Some(accounts) = chosen.remove(name).filter(|_| groups.schema.field_with_name(name).is_ok()) else {
                continue;
            };
            let sql = format!(
                "select segments.{name} from {sample} as sample join {segments} as segments on segments.account_id = sample.account_id \
                 where sample.segmentation = '{name}' order by sample.place, sample.account_id"
            );
            let relations = vec![Relation::of_table(sample, table), Relation::of_table(segments, groups)];
            let mut codes = Vec::with_capacity(accounts.sample.weights.len());
            for batch in &self.engine.query(relations, &sql).await? {
                let column = batch.column(0).as_string::<i32>();
                codes.extend(column.iter().map(|code| code.map(str::to_owned)));
            }
            // Samples that were chosen by another definition were not read.
            if codes.len() == accounts.sample.weights.len() {
                found.insert(name.clone(), (accounts, codes));
            }
        }
        Ok(found)
    }
}

fn side((chosen, groups): &Accounts) -> Side<'_> {
    Side { features: &chosen.sample.features, weights: &chosen.sample.weights, groups }
}
