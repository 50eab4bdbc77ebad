//! `kwhy sql`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use datafusion::prelude::SessionContext;

use super::TargetArgs;
use super::published::PublishedArgs;
use super::table::batches;
use crate::engine::Engine;
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::project::TAGS;
use crate::run::{Published, release_tables};
use crate::state::{BUCKET, Snapshot};

const MEMORY_BYTES: usize = 2 << 30;
/// Tags one below the other.
const LONG_TAGS: &str = "customer_tags_long";

/// Ask the published tables in SQL.
///
/// Sees the last release: marts and features by their names, staged sources as
/// stg_<source>, rows that broke a contract as quarantine_<source>, and every
/// function of kwhy; customer_tags_long has the tags one below the other.
/// Without a lake there are the functions alone.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kwhy sql --lake /data/lake -c 'select value, count(*) from customer_segments group by 1'\n  kwhy sql --lake /data/lake -c 'show tables'\n  kwhy sql -c 'select load_factor([100, 300, 200])'"
)]
pub struct Sql {
    /// The statement
    #[arg(
        short = 'c',
        long = "command",
        value_name = "SQL",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    command: Option<String>,

    /// A file with the statement
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    published: PublishedArgs,

    #[command(flatten)]
    target: TargetArgs,
}

impl Sql {
    pub async fn run(self) -> Result<(), Error> {
        let sql = match (&self.command, &self.file) {
            (Some(sql), _) => sql.clone(),
            (None, Some(file)) => {
                std::fs::read_to_string(file).map_err(|source| Error::Io { path: file.clone(), source })?
            }
            (None, None) => String::new(),
        };
        let target = self.target.target;
        let published = match self.published.folder()? {
            Some(folder) => Some(Published::open(&folder, target.clone()).await?),
            None => None,
        };
        let engine = match &published {
            Some(published) => published.engine.clone(),
            None => Engine::open(target, MEMORY_BYTES, None).await?,
        };
        let context = engine.analyst()?;
        let has_tables = published.is_some();
        let failed = |error| Error::Query(Box::new(error));
        if let Some(published) = &published {
            let mut named = table_names(&context, &sql);
            let is_long = named.remove(LONG_TAGS);
            named.extend(is_long.then(|| TAGS.to_owned()));
            let mut tables = tables(published, &|name| named.contains(name)).await?;
            // A question about the tables, or one that names what there is not.
            if named.is_empty() || tables.len() < named.len() {
                tables = self::tables(published, &|_| true).await?;
            }
            for (name, snapshot) in tables {
                let relation = Relation::of_table(&name, &snapshot);
                context.register_table(name.as_str(), Arc::new(relation)).map_err(failed)?;
            }
            if is_long {
                add_long_tags(&context).await?;
            }
        }
        let frame = context.sql_with_options(&sql, read_only()).await;
        let frame = frame.map_err(|error| match has_tables || !names_tables(&context, &sql) {
            true => failed(error),
            false => Error::Usage {
                message: error.to_string(),
                hint: "without a lake there are no tables: name one with --lake".into(),
            },
        })?;
        let rows = engine.collect(frame).await?;
        super::print(&batches(&rows)?)
    }
}

/// Tables of the release and quarantined rows, by the names that SQL has for them.
async fn tables(published: &Published, is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(String, Snapshot)>, Error> {
    let name = |source: &str| format!("quarantine_{source}");
    let mut tables = release_tables(&published.out, &published.release, is_wanted).await?;
    let quarantined = published.out.quarantine(&|source| is_wanted(&name(source))).await?;
    tables.extend(quarantined.into_iter().map(|(source, snapshot)| (name(&source), snapshot)));
    Ok(tables)
}

fn names_tables(context: &SessionContext, sql: &str) -> bool {
    !table_names(context, sql).is_empty()
}

/// Tables that a statement names, as far as it can be read.
fn table_names(context: &SessionContext, sql: &str) -> BTreeSet<String> {
    let state = context.state();
    let statement = state.sql_to_statement(sql, &state.config().options().sql_parser.dialect);
    let tables = statement.and_then(|statement| state.resolve_table_references(&statement));
    tables.unwrap_or_default().into_iter().map(|table| table.table().to_owned()).collect()
}

/// These tags one below the other: account, tag, value as text; what is unknown has
/// no row.
pub fn long_tags_sql(names: &[&str]) -> String {
    let record: Vec<String> = names.iter().map(|name| format!("'{name}', {name}")).collect();
    format!(
        "select account_id, as_of, entry['field'] as tag, entry['value'] as value
         from (select account_id, as_of, unnest(named_fields(named_struct({}))) as entry from {TAGS})",
        record.join(", ")
    )
}

/// The wide table of tags as a long one.
async fn add_long_tags(context: &SessionContext) -> Result<(), Error> {
    let failed = |error| Error::Query(Box::new(error));
    let wide = context.table(TAGS).await.map_err(failed)?;
    let is_tag = |name: &str| {
        !["account_id", "as_of", "catalog_version", BUCKET].contains(&name) && !name.starts_with("evidence_")
    };
    let names = wide.schema().fields().iter().map(|field| field.name().as_str()).filter(|name| is_tag(name));
    let names: Vec<&str> = names.collect();
    let long = context.sql(&long_tags_sql(&names)).await.map_err(failed)?.into_view();
    context.register_table(LONG_TAGS, long).map(|_| ()).map_err(failed)
}

/// Nothing that an analyst types changes a table or a file.
fn read_only() -> datafusion::execution::context::SQLOptions {
    datafusion::execution::context::SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
}
