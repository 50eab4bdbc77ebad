//! `kwhy demo`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::progress::Reporter;
use super::table::{plain, thousands};
use super::{ProjectArgs, absolute, generate, run};
use crate::engine::relation::Relation;
use crate::engine::{Engine, Target};
use crate::error::Error;
use crate::generate::Options;
use crate::lake::Output;
use crate::run::{Request, Summary, release_tables};

/// Make a lake, run the daily job, show what came out.
#[derive(Args, Debug)]
pub struct Demo {
    /// Number of accounts
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    accounts: u64,

    /// Days of load curves
    #[arg(long, value_name = "D", default_value_t = 90)]
    days: u32,

    /// Seed of everything that is random
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// The lake folder; must not hold sources yet [default: a folder kwhy-demo
    /// in the system's temporary folder, made anew]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    project: ProjectArgs,
}

impl Demo {
    pub async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let lake = match &self.out {
            Some(out) => absolute(out)?,
            None => fresh_folder()?,
        };
        let end = super::parse_date("2026-03-01").map_err(|message| Error::Usage { message, hint: String::new() })?;
        super::print(&format!(
            "1. A lake of {} accounts and {} days of load curves\n\n",
            thousands(self.accounts),
            self.days
        ))?;
        let start = std::time::Instant::now();
        let options = Options {
            accounts: self.accounts,
            days: self.days,
            months: 24,
            seed: self.seed,
            out: lake.clone(),
            end,
            threads: generate::cores(),
        };
        let made = generate::make(options).await?;
        super::print(&format!("{}\n", generate::show(&made, start.elapsed().as_secs_f64())))?;

        super::print("2. The daily job, and models of segments (kwhy run refit)\n\n")?;
        let request = Request {
            job: "refit".into(),
            lake: lake.clone(),
            out: None,
            as_of: end,
            target: Target::Local,
            buckets: None,
            parallel: None,
            accept: Vec::new(),
        };
        let summary = crate::run::run(project, &request, Arc::new(Reporter::default())).await?;
        super::print(&format!("{}\n", run::show(&summary)))?;

        super::print("3. Segments\n\n")?;
        super::print(&format!("{}\n", segments(&summary).await?))?;
        super::print("Try next:\n")?;
        let lake = lake.display();
        super::print(&format!("  kwhy sql --lake {lake} -c 'show tables'\n"))?;
        super::print(&format!("  kwhy sql --lake {lake} -c 'select * from tag_catalog'\n"))?;
        super::print(&format!(
            "  kwhy sql --lake {lake} -c 'select value, count(*), sum(energy_12m_kwh) from customer_segments join customer_tags using (account_id) group by 1 order by 1'\n"
        ))?;
        super::print(&format!("  kwhy segments show global --lake {lake}\n"))?;
        super::print(&format!("  kwhy run daily --lake {lake} --as-of {end}     (again: nothing to do)\n"))?;
        Ok(())
    }
}

/// A demo folder of our own; an earlier one is replaced.
fn fresh_folder() -> Result<PathBuf, Error> {
    let path = std::env::temp_dir().join("kwhy-demo");
    match std::fs::remove_dir_all(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error::Io { path, source }),
    }
    Ok(path)
}

/// Sizes and shares of all segments.
async fn segments(summary: &Summary) -> Result<String, Error> {
    let engine = Engine::open(Target::Local, 256 << 20, None).await?;
    let out = Output::open(&summary.out)?;
    let tables = release_tables(&out, &summary.release, &|_| true).await?;
    let relations = tables.iter().map(|(name, snapshot)| Relation::of_table(name, snapshot)).collect();
    let sql = "select segmentation, segment, accounts, segment_share, energy_share, amount_share from segment_profile where attribute = 'all' order by segmentation, accounts desc, segment";
    let rows = engine.query(relations, sql).await?;
    let shown = super::table::batches(&rows)?;
    Ok(if shown.is_empty() { plain(&["no segments"], &[], &[]) } else { shown })
}
