//! `kwhy run`.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::NaiveDate;
use clap::Args;

use super::progress::Reporter;
use super::table::{plain, thousands};
use super::{ProjectArgs, TargetArgs, absolute, parse_date};
use crate::error::Error;
use crate::run::{Request, Summary};

/// Run a job of the project: from a lake to a published release.
///
/// Reads the lake's sources through their contracts, computes features, tags
/// and segments, and publishes them together as one release. Safe to repeat:
/// what stands already is not computed again, and a run that is stopped leaves
/// the last release as it was.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kwhy run daily --lake /data/lake --as-of 2026-02-01")]
pub struct Run {
    /// The job: the name of a file in jobs/
    job: String,

    /// Folder with sources/<table>/…
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,

    /// Folder for everything that kwhy makes [default: <lake>/kwhy]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The day that the result is as of: only what happened before it counts
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    as_of: NaiveDate,

    /// Buckets of accounts, a power of two, fixed by the first run of an
    /// output folder [default: one per 32,768 accounts]
    #[arg(long, value_name = "N")]
    buckets: Option<u32>,

    /// Units side by side [default: one more than cores, on a cluster as many as its cores]
    #[arg(long, value_name = "N")]
    parallel: Option<usize>,

    /// Publish although a gate is broken, such as global.least_agreement; may be
    /// given several times
    #[arg(long, value_name = "GATE")]
    accept: Vec<String>,

    #[command(flatten)]
    project: ProjectArgs,

    #[command(flatten)]
    target: TargetArgs,
}

impl Run {
    pub async fn run(self) -> Result<(), Error> {
        let request = Request {
            job: self.job,
            lake: absolute(&self.lake)?,
            out: self.out.as_deref().map(absolute).transpose()?,
            as_of: self.as_of,
            target: self.target.target,
            buckets: self.buckets,
            parallel: self.parallel,
            accept: self.accept,
        };
        let summary = crate::run::run(self.project.open()?, &request, Arc::new(Reporter::default())).await?;
        super::print(&show(&summary))
    }
}

/// What a run did, for a person.
pub fn show(summary: &Summary) -> String {
    let mut text = String::new();
    let audits: Vec<Vec<String>> = summary
        .audits
        .iter()
        .map(|audit| {
            let counts = [audit.rows_in, audit.published, audit.quarantined, audit.duplicates].map(thousands);
            std::iter::once(audit.source.clone()).chain(counts).collect()
        })
        .collect();
    text.push_str(&plain(&["source", "rows in", "published", "quarantined", "repeated"], &audits, &[1, 2, 3, 4]));
    let restated = summary.audits.iter().filter_map(|audit| audit.restated.as_ref()).filter(|(_, rows)| *rows > 0);
    let restated: Vec<_> = restated.map(|(table, rows)| format!("{} of {table}", thousands(*rows))).collect();
    if !restated.is_empty() {
        let _ = writeln!(text, " rows that correct earlier deliveries: {}", restated.join(", "));
    }
    let told = [
        ("not in the lake", &summary.absent),
        ("not read by this job", &summary.unread),
        ("segmentations without a model (kwhy run refit fits them)", &summary.without_model),
        ("segmentations for which the lake has too little", &summary.left_out),
        (
            "segmentations whose groups depend on who is in the sample (least agreement of bootstraps)",
            &summary.unsteady,
        ),
    ];
    for (what, tables) in told {
        if !tables.is_empty() {
            let _ = writeln!(text, " {what}: {}", tables.join(", "));
        }
    }
    text.push('\n');
    let phases: Vec<Vec<String>> = summary
        .phases
        .iter()
        .map(|cost| {
            let peak = cost.peak_mib.map_or_else(|| "-".to_owned(), thousands);
            vec![
                cost.phase.label().to_owned(),
                cost.units.to_string(),
                cost.skipped.to_string(),
                format!("{:.2}", cost.seconds),
                peak,
            ]
        })
        .collect();
    text.push_str(&plain(&["step", "units", "stood", "seconds", "peak MiB"], &phases, &[1, 2, 3, 4]));
    let _ = match summary.tables.get(crate::project::TAGS) {
        Some(accounts) => {
            writeln!(text, "\n {} accounts x {} tags in {:.1} s", thousands(*accounts), summary.tags, summary.seconds)
        }
        None => writeln!(text, "\n {} tables in {:.1} s", summary.tables.len(), summary.seconds),
    };
    let (number, as_of, out) = (summary.release.number, summary.release.as_of, summary.out.display());
    let _ = match summary.is_new {
        true => writeln!(text, " release {number} as of {as_of} in {out}"),
        false => writeln!(text, " nothing to do: release {number} as of {as_of} stands in {out}"),
    };
    text
}
