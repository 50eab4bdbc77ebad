//! `kwhy audience`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use clap::Args;

use super::export::export;
use super::published::PublishedArgs;
use super::table::{batches, thousands};
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::project::diagnostic::did_you_mean;
use crate::project::model::quoted;
use crate::project::tag::columns_of_condition;
use crate::project::{SEGMENTS, TAGS};
use crate::state::BUCKET;

/// Accounts that are shown of an audience.
const EXAMPLES: usize = 10;

/// Find the accounts that a condition over tags and segments holds for.
///
/// Shows how many there are and the first of them; with --to all are written.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kwhy audience \"is_night_heavy and value in ('a', 'b') and arrears_cny = 0\" --lake /data/lake\n  kwhy audience \"has_pv\" --lake /data/lake --to pv.csv"
)]
pub struct Audience {
    /// A condition in SQL over the columns of customer_tags and customer_segments
    condition: String,

    /// Only count
    #[arg(long, conflicts_with = "to")]
    count: bool,

    /// Write account_id and the columns of the condition to this file, whose name
    /// ends in .csv or .parquet
    #[arg(long = "to", value_name = "FILE")]
    to: Option<PathBuf>,

    #[command(flatten)]
    published: PublishedArgs,
}

impl Audience {
    pub async fn run(self) -> Result<(), Error> {
        let published = self.published.open().await?;
        let tags = published.need(TAGS).await?;
        let columns = columns_of_condition(&self.condition).map_err(|message| Error::Usage {
            message: format!("the condition cannot be read: {message}"),
            hint: "such as: is_night_heavy and energy_12m_kwh > 1000".into(),
        })?;
        let has = |column: &String| tags.schema.index_of(column).is_ok();
        let segments = match columns.iter().all(has) {
            true => None,
            false => published.table(SEGMENTS).await?,
        };
        let known: BTreeSet<&str> = [Some(&tags), segments.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(|table| table.schema.fields().iter().map(|field| field.name().as_str()))
            .filter(|name| *name != BUCKET)
            .collect();
        if let Some(unknown) = columns.iter().find(|column| !known.contains(column.as_str())) {
            let hint = match did_you_mean(unknown, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "kwhy tags list shows all tags; a text stands in single quotes".to_owned(),
            };
            return Err(Error::Usage { message: format!("no tag or segmentation is called `{unknown}`"), hint });
        }
        let context = published.engine.analyst()?;
        let failed = |error| Error::Query(Box::new(error));
        let asked: Vec<&str> = columns.iter().map(String::as_str).chain(["account_id"]).collect();
        let relation = |name, table| Arc::new(Relation::of_table(name, table).only(&|name| asked.contains(&name)));
        context.register_table(TAGS, relation(TAGS, &tags)).map_err(failed)?;
        let from = match &segments {
            None => TAGS.to_owned(),
            Some(segments) => {
                context.register_table(SEGMENTS, relation(SEGMENTS, segments)).map_err(failed)?;
                let wanted = columns.iter().filter(|column| !has(column)).map(|column| format!("s.{}", quoted(column)));
                let wanted: Vec<String> = wanted.collect();
                format!(
                    "(select t.*, {} from {TAGS} as t join {SEGMENTS} as s on s.account_id = t.account_id)",
                    wanted.join(", ")
                )
            }
        };
        let ask = async |sql: String| {
            let frame = context.sql(&sql).await.map_err(failed)?;
            Ok::<_, Error>(published.engine.collect(frame).await?)
        };
        let condition = &self.condition;
        let total = tags.rows();
        let start = Instant::now();
        let count = ask(format!("select count(*) from {from} where {condition}")).await?;
        tracing::debug!(ms = start.elapsed().as_millis(), "counted");
        let count = count.first().map_or(0, |batch| batch.column(0).as_primitive::<Int64Type>().value(0)) as u64;
        if self.count {
            return super::print(&format!("{count}\n"));
        }
        let shown: Vec<String> = std::iter::once("account_id".to_owned())
            .chain(columns.iter().filter(|column| *column != "account_id").map(|column| quoted(column)))
            .collect();
        let select = format!("select {} from {from} where {condition} order by account_id", shown.join(", "));
        if let Some(path) = &self.to {
            let rows = export(context.sql(&select).await.map_err(failed)?, path).await?;
            return super::print(&format!("{} accounts in {}\n", thousands(rows), path.display()));
        }
        let share = if total == 0 { 0.0 } else { count as f64 * 100.0 / total as f64 };
        let first = ask(format!("{select} limit {EXAMPLES}")).await?;
        let mut text = format!("{} of {} accounts, {share:.1} %\n", thousands(count), thousands(total));
        if count > 0 {
            text.push('\n');
            text.push_str(&batches(&first)?);
        }
        if count > EXAMPLES as u64 {
            text.push_str(" …\n");
        }
        super::print(&text)
    }
}
