//! `kwhy tags diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::util::display::array_value_to_string;
use clap::Args;
use datafusion::prelude::SessionContext;

use super::find;
use crate::cli::ProjectArgs;
use crate::cli::published::{Published, PublishedArgs};
use crate::cli::table::{plain, thousands};
use crate::engine::align::AlignTable;
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::project::model::{bind, parse_sql};
use crate::project::tag::{ALIGNED, Before, Tag, Wide};
use crate::project::{CUTS, PREVIOUS_TAGS, Project, SEGMENTS, STAGED, TAGS};
use crate::run::{as_of_sql, earlier_release, release_table};
use crate::state::Snapshot;
use crate::tags::{Catalogue, at, check};

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
        let compared = Compared::open(&project, &published, &names).await?;
        for tag in &changed {
            text.push_str(&compared.show(tag, &self.by).await?);
        }
        crate::cli::print(&text)
    }
}

/// The fingerprint of each tag of the release.
async fn released_versions(published: &Published) -> Result<BTreeMap<String, String>, Error> {
    let catalog = published.need("tag_catalog").await?;
    let sql = format!("select tag, fingerprint from tag_catalog where table_name = '{TAGS}'");
    let rows = published.query(&BTreeMap::from([("tag_catalog", &catalog)]), &sql).await?;
    let mut versions = BTreeMap::new();
    for batch in &rows {
        let (tags, prints) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        for row in 0..batch.num_rows() {
            // Behind the dash stand the cuts, which a definition does not change.
            let definition = prints.value(row).split('-').next().unwrap_or_default();
            versions.insert(tags.value(row).to_owned(), definition.to_owned());
        }
    }
    Ok(versions)
}

/// A session in which the release stands as `customer_tags`, and what the
/// project's definitions make of it as `changed_tags`.
struct Compared {
    context: SessionContext,
    has_segments: bool,
}

impl Compared {
    async fn open(project: &Project, published: &Published, names: &BTreeSet<&str>) -> Result<Self, Error> {
        let context = published.engine.planning()?;
        let failed = |source| Error::Query(Box::new(source));
        let add = |name: &str, table: &Snapshot| {
            context.register_table(name, Arc::new(Relation::of_table(name, table))).map(|_| ()).map_err(failed)
        };
        let as_of = published.release.as_of;
        let cuts = published.table(CUTS).await?;
        let earlier = match earlier_release(&published.engine, &published.out, as_of).await? {
            Some(earlier) => release_table(&published.out, &earlier, TAGS).await?,
            None => None,
        };
        let columns = |table: &Snapshot| -> BTreeSet<String> {
            table.schema.fields().iter().map(|field| field.name().clone()).collect()
        };
        let known = earlier.as_ref().map(columns).unwrap_or_default();
        let before = Before {
            tags: known
                .iter()
                .filter(|name| project.tags.get(name).is_some_and(Tag::has_hysteresis))
                .cloned()
                .collect(),
            cuts: cuts.as_ref().map(columns),
            columns: known,
            has_counts: false,
        };
        let present = present_sources(published).await?;
        let is_absent = |source: &str| !present.contains(source);
        let version = project.catalog_version();
        let wide = Wide { tags: &project.tags, is_absent: &is_absent, before: &before, catalog_version: &version };
        let compiled = wide.sql(&|tag| names.contains(tag.name.as_str()));
        let relation = compiled.wide.unwrap_or_default();

        add(TAGS, &published.need(TAGS).await?)?;
        let segments = published.table(SEGMENTS).await?;
        if let Some(segments) = &segments {
            add(SEGMENTS, segments)?;
        }
        if let Some(cuts) = &cuts {
            add(CUTS, cuts)?;
        }
        if let Some(earlier) = &earlier {
            add(PREVIOUS_TAGS, earlier)?;
        }
        for feature in project.tags.features() {
            let Some(table) = published.table(feature).await? else { continue };
            match feature.strip_prefix(STAGED).and_then(|source| project.contracts.get(source)) {
                None => add(feature, &table)?,
                // Of states those of the day before.
                Some(contract) => {
                    let rows = format!("{feature}__rows");
                    add(&rows, &table)?;
                    let seen = context.sql(&as_of_sql(&rows, &table, contract, as_of)).await.map_err(failed)?;
                    context.register_table(feature, seen.into_view()).map_err(failed)?;
                }
            }
        }
        let bound = async |sql: &str| {
            let statement = bind(parse_sql("sql/tags", sql)?, &|name| project.parameter(TAGS, name, as_of, &is_absent));
            context.state().statement_to_plan(statement).await.map_err(|source| match source.find_root() {
                datafusion::error::DataFusionError::Plan(message) if message.contains("not found") => Error::Usage {
                    message: format!("the release lacks a table: {message}"),
                    hint: "the project has feature tables that this release was not made with: run the job into another --out first".into(),
                },
                _ => failed(source),
            })
        };
        let mut parts = Vec::with_capacity(relation.parts.len());
        for (name, sql) in &relation.parts {
            parts.push((name.clone(), bound(sql).await?));
        }
        let levels: Vec<Vec<(String, String)>> = relation
            .levels
            .iter()
            .map(|level| level.iter().map(|(name, sql)| (name.clone(), at(sql, as_of))).collect())
            .collect();
        let aligned = AlignTable::new(&context.state(), parts, &levels).map_err(failed)?;
        context.register_table(ALIGNED, Arc::new(aligned)).map_err(failed)?;
        let plan = bound(&compiled.sql).await?;
        let rows = context.execute_logical_plan(plan).await.map_err(failed)?.cache().await.map_err(failed)?;
        context.register_table("changed_tags", rows.into_view()).map_err(failed)?;
        Ok(Self { context, has_segments: segments.is_some() })
    }

    async fn ask(&self, sql: &str) -> Result<Vec<RecordBatch>, Error> {
        let failed = |source| Error::Query(Box::new(source));
        self.context.sql(sql).await.map_err(failed)?.collect().await.map_err(failed)
    }

    async fn show(&self, tag: &Tag, by: &str) -> Result<String, Error> {
        let name = &tag.name;
        let from = format!(
            "(select old.account_id, cast(old.{name} as varchar) as before, cast(new.{name} as varchar) as after
              from {TAGS} as old join changed_tags as new on new.account_id = old.account_id)"
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

/// Sources that the lake had when the release was made.
async fn present_sources(published: &Published) -> Result<BTreeSet<String>, Error> {
    let audits = published.need("audit_result").await?;
    let rows = published.query(&BTreeMap::from([("audit_result", &audits)]), "select source from audit_result").await?;
    let texts = rows
        .iter()
        .flat_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>());
    Ok(texts.collect())
}
