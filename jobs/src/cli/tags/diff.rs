//! `kwhy tags diff`.

use std::collections::BTreeSet;
use std::fmt::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::util::display::array_value_to_string;
use clap::Args;
use datafusion::prelude::SessionContext;

use super::find;
use crate::cli::ProjectArgs;
use crate::cli::published::PublishedArgs;
use crate::cli::table::{plain, thousands};
use crate::error::Error;
use crate::project::tag::Tag;
use crate::project::{SEGMENTS, TAGS};
use crate::run::compare::{CHANGED_TAGS, compared, released_versions};
use crate::tags::{Catalogue, check};

/// Changes of a tag that are shown.
const MOST_CHANGES: usize = 8;

/// Show what changed definitions do to a release, before anything is published.
///
/// Computes the tags whose definitions are not those of the release, over its
/// feature tables, and compares them account by account. Nothing is written.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kwhy tags diff --project mine --lake /data/lake")]
pub struct Diff {
    /// Only these tags [default: all whose definition is another one]
    tags: Vec<String>,

    /// The segmentation by which changes are counted
    #[arg(long, value_name = "SEGMENTATION", default_value = "use_class")]
    by: String,

    #[command(flatten)]
    project: ProjectArgs,

    #[command(flatten)]
    published: PublishedArgs,
}

impl Diff {
    pub async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        for name in &self.tags {
            find(&project, name)?;
        }
        let catalogue = Catalogue::open(&project).await?;
        check(&catalogue)?;
        let published = self.published.open().await?;
        let released = released_versions(&published).await?;
        let versions = project.tag_versions();
        let is_wanted = |tag: &Tag| self.tags.is_empty() || self.tags.contains(&tag.name);
        let mine: Vec<&Tag> = project.tags.tags.iter().filter(|tag| !tag.is_sensitive() && is_wanted(tag)).collect();
        let added: Vec<&str> =
            mine.iter().filter(|tag| !released.contains_key(&tag.name)).map(|tag| tag.name.as_str()).collect();
        let removed: Vec<&str> = released
            .keys()
            .filter(|name| self.tags.is_empty() && project.tags.get(name).is_none())
            .map(String::as_str)
            .collect();
        let changed: Vec<&Tag> = mine
            .iter()
            .copied()
            .filter(|tag| released.get(&tag.name).is_some_and(|version| *version != versions[tag.name.as_str()]))
            .collect();
        let mut text = String::new();
        for (what, names) in [("new", &added), ("gone", &removed)] {
            if !names.is_empty() {
                let _ = writeln!(text, "{what}: {}", names.join(", "));
            }
        }
        let names: BTreeSet<&str> = changed.iter().map(|tag| tag.name.as_str()).collect();
        if names.is_empty() {
            text.push_str("no definition is another one than in the release\n");
            return crate::cli::print(&text);
        }
        let compared = Compared {
            context: compared(&project, &published, &names).await?,
            has_segments: published.table(SEGMENTS).await?.is_some(),
        };
        for tag in &changed {
            text.push_str(&compared.show(tag, &self.by).await?);
        }
        crate::cli::print(&text)
    }
}

/// The release beside what other definitions make of it.
struct Compared {
    context: SessionContext,
    has_segments: bool,
}

impl Compared {
    async fn ask(&self, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let failed = |source| Error::Query(Box::new(source));
        self.context.sql(sql).await.map_err(failed)?.collect().await.map_err(failed)
    }

    async fn show(&self, tag: &Tag, by: &str) -> Result<String, Error> {
        let name = &tag.name;
        let from = format!(
            "(select old.account_id, cast(old.{name} as varchar) as before, cast(new.{name} as varchar) as after
              from {TAGS} as old join {CHANGED_TAGS} as new on new.account_id = old.account_id)"
        );
        let counts = self
            .ask(&format!("select count(*), count(*) filter (where before is distinct from after) from {from}"))
            .await?;
        let count = |column: usize| counts[0].column(column).as_primitive::<Int64Type>().value(0).max(0) as u64;
        let (all, changed) = (count(0), count(1));
        let mut text = format!("\n{name}: {} of {} accounts change\n", thousands(changed), thousands(all));
        if changed == 0 {
            return Ok(text);
        }
        let shown = |rows: &[RecordBatch]| -> Vec<Vec<String>> {
            let cell = |batch: &RecordBatch, column: usize, row: usize| match batch.column(column).is_null(row) {
                true => "unknown".to_owned(),
                false => array_value_to_string(batch.column(column), row).unwrap_or_default(),
            };
            let row = |batch: &RecordBatch, row: usize| {
                (0..batch.num_columns()).map(|column| cell(batch, column, row)).collect()
            };
            rows.iter()
                .flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at)).collect::<Vec<_>>())
                .collect()
        };
        let sql = format!(
            "select before, after, count(*) as accounts from {from} where before is distinct from after
             group by 1, 2 order by 3 desc, 1, 2 limit {MOST_CHANGES}"
        );
        text.push_str(&plain(&["before", "after", "accounts"], &shown(&self.ask(&sql).await?), &[2]));
        if self.has_segments {
            let sql = format!(
                "select segment.{by}, count(*) filter (where before is distinct from after) as changed, count(*) as accounts
                 from {from} as value join {SEGMENTS} as segment on segment.account_id = value.account_id
                 group by 1 order by 2 desc, 1"
            );
            text.push('\n');
            text.push_str(&plain(&[by, "changed", "accounts"], &shown(&self.ask(&sql).await?), &[1, 2]));
        }
        Ok(text)
    }
}
