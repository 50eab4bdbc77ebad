//! `kwhy tags export`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::export::export;
use crate::cli::published::PublishedArgs;
use crate::cli::sql::long_tags_sql;
use crate::cli::table::thousands;
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::project::TAGS;
use crate::project::diagnostic::did_you_mean;

/// Write chosen tags of a release to a file, one below the other.
///
/// The columns are account_id, as_of, tag and value as text; what is unknown has no
/// row. Rows are in the order of accounts.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kwhy tags export is_in_arrears energy_12m_kwh --lake /data/lake --to tags.parquet")]
pub struct Export {
    #[arg(required = true)]
    tags: Vec<String>,

    /// The file; its name ends in .csv or .parquet
    #[arg(long = "to", value_name = "FILE")]
    to: PathBuf,

    #[command(flatten)]
    published: PublishedArgs,
}

impl Export {
    pub async fn run(self) -> Result<(), Error> {
        let published = self.published.open().await?;
        let table = published.need(TAGS).await?;
        let known = || table.schema.fields().iter().map(|field| field.name().as_str());
        if let Some(unknown) = self.tags.iter().find(|tag| !known().any(|name| name == *tag)) {
            let hint = match did_you_mean(unknown, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "kwhy tags list shows all tags".to_owned(),
            };
            return Err(Error::Usage { message: format!("the release has no tag `{unknown}`"), hint });
        }
        let failed = |error| Error::Query(Box::new(error));
        let context = published.engine.analyst()?;
        let names: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        let asked: Vec<&str> = names.iter().copied().chain(["account_id", "as_of"]).collect();
        context
            .register_table(TAGS, Arc::new(Relation::of_table(TAGS, &table).only(&|name| asked.contains(&name))))
            .map_err(failed)?;
        let sql = format!("select * from ({}) as tags order by account_id, tag", long_tags_sql(&names));
        let rows = export(context.sql(&sql).await.map_err(failed)?, &self.to).await?;
        crate::cli::print(&format!("{} rows in {}\n", thousands(rows), self.to.display()))
    }
}
