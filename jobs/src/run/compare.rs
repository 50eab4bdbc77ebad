//! What other definitions of tags would make of a release, without writing
//! anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use datafusion::prelude::SessionContext;

use super::{Published, as_of_sql, earlier_release, release_table};
use crate::engine::align::AlignTable;
use crate::engine::relation::Relation;
use crate::engine::session;
use crate::error::Error;
use crate::project::model::{bind, parse_sql};
use crate::project::tag::{ALIGNED, Before, Tag, Wide};
use crate::project::{CUTS, PREVIOUS_TAGS, Project, SEGMENTS, STAGED, TAGS};
use crate::state::{Area, Snapshot};

/// The table that [`compared`] makes.
pub const CHANGED_TAGS: &str = "changed_tags";

/// The fingerprint of each tag of the release.
pub async fn released_versions(published: &Published) -> Result<BTreeMap<String, String>, Error> {
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

/// A session in which the release stands as `customer_tags` (and its segments as
/// `customer_segments`), and what the project's definitions of the tags named make
/// of its feature tables as `changed_tags`.
pub async fn compared(
    project: &Project,
    published: &Published,
    names: &BTreeSet<&str>,
) -> Result<SessionContext, Error> {
    let context = published.engine.planning()?;
    let failed = |source| Error::Query(Box::new(source));
    let add = |name: &str, table: &Snapshot| {
        context.register_table(name, Arc::new(Relation::of_table(name, table))).map(|_| ()).map_err(failed)
    };
    let as_of = published.release.as_of;
    let cuts = published.table(CUTS).await?;
    let earlier = match earlier_release(&published.engine, &published.out, as_of, Area::Marts, TAGS).await? {
        Some(earlier) => release_table(&published.out, &earlier, TAGS).await?,
        None => None,
    };
    let columns = |table: &Snapshot| -> BTreeSet<String> {
        table.schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    let known = earlier.as_ref().map(columns).unwrap_or_default();
    let before = Before {
        tags: known.iter().filter(|name| project.tags.get(name).is_some_and(Tag::has_hysteresis)).cloned().collect(),
        cuts: cuts.as_ref().map(columns),
        columns: known,
        segments: BTreeSet::new(),
        has_counts: false,
    };
    let (present, absent) = sources_of(published).await?;
    let is_absent = |source: &str| {
        let table = source.split_once('.').map_or(source, |(table, _)| table);
        !present.contains(table) || absent.contains(source)
    };
    let version = project.catalog_version();
    let wide = Wide { tags: &project.tags, is_absent: &is_absent, before: &before, catalog_version: &version };
    let compiled = wide.sql(&|tag| names.contains(tag.name.as_str()));
    let relation = compiled.wide.unwrap_or_default().at(as_of);

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
        session::plan(&context.state(), statement).await.map_err(|source| match source.find_root() {
            datafusion::error::DataFusionError::Plan(message) if message.contains("not found") => Error::Usage {
                message: format!("the release lacks a table: {message}"),
                hint: "the project has feature tables that this release was not made with: run the job into another --out first".into(),
            },
            _ => failed(source),
        })
    };
    let mut plans = Vec::with_capacity(relation.parts.len());
    for part in &relation.parts {
        plans.push(bound(&part.sql).await?);
    }
    let aligned = AlignTable::new(&context.state(), &relation, plans).map_err(failed)?;
    context.register_table(ALIGNED, Arc::new(aligned)).map_err(failed)?;
    let plan = bound(&compiled.sql).await?;
    let rows = context.execute_logical_plan(plan).await.map_err(failed)?.cache().await.map_err(failed)?;
    context.register_table(CHANGED_TAGS, rows.into_view()).map_err(failed)?;
    Ok(context)
}

/// Sources that the lake had when the release was made, and columns of these that
/// it lacked.
async fn sources_of(published: &Published) -> Result<(BTreeSet<String>, BTreeSet<String>), Error> {
    let audits = published.need("audit_result").await?;
    let sql = "select source, absent_columns from audit_result";
    let rows = published.query(&BTreeMap::from([("audit_result", &audits)]), sql).await?;
    let (mut present, mut absent) = (BTreeSet::new(), BTreeSet::new());
    for batch in &rows {
        present.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
        let lists = batch.column(1).as_string::<i32>().iter().flatten();
        absent.extend(lists.flat_map(|list| list.split(", ")).map(str::to_owned));
    }
    Ok((present, absent))
}
