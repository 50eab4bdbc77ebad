//! `kwhy generate`.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::NaiveDate;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};

use super::table::thousands;
use super::{absolute, parse_date};
use crate::error::Error;
use crate::generate::{GenerateError, Options, Summary, generate};

/// Make a lake of made-up customers.
///
/// Households as London's live, shops, offices, factories, farms and more under a
/// provincial utility's tariffs: load curves of 96 points a day, bills that are
/// the sums of the curves, payments from punctual to never, outages, complaints,
/// campaigns with hold-outs, people who move, and rows that are broken the way
/// real ones are. What was planted lies in _truth, where no job reads it. The
/// same seed gives the same bytes on any machine, and an account is the same in a
/// lake of any size.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kwhy generate --accounts 10000 --days 90 --out /tmp/lake")]
pub struct Generate {
    /// Number of accounts
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub accounts: u64,

    /// Days of load curves before --end
    #[arg(long, value_name = "D", default_value_t = 90)]
    pub days: u32,

    /// Months of bills, payments, work orders and all else before --end
    #[arg(long, value_name = "M", default_value_t = 24)]
    pub months: u32,

    /// Seed of everything that is random
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// First day after the last curve: the natural --as-of of a run
    #[arg(long, value_name = "DATE", value_parser = parse_date, default_value = "2026-03-01")]
    pub end: NaiveDate,

    /// The lake folder, new or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

impl Generate {
    pub async fn run(self) -> Result<(), Error> {
        let out = absolute(&self.out)?;
        let start = std::time::Instant::now();
        let summary = make(Options {
            accounts: self.accounts,
            days: self.days,
            months: self.months,
            seed: self.seed,
            out: out.clone(),
            end: self.end,
            threads: cores(),
        })
        .await?;
        let shown = show(&summary, start.elapsed().as_secs_f64());
        super::print(&format!("{shown} lake in {}, as of {}\n", out.display(), self.end))
    }
}

/// Tells the thread that makes a lake when nobody waits for it any more.
#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

/// Makes the lake on a thread that may block, and stops that when the caller is
/// stopped.
pub async fn make(options: Options) -> Result<Summary, Error> {
    let guard = StopOnDrop::default();
    let is_stopped = Arc::clone(&guard.0);
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let work = move || {
        generate(&options, &|done, total| {
            bar.set_length(total);
            bar.set_position(done);
            if is_stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    };
    let made = tokio::task::spawn_blocking(work).await;
    Ok(made.map_err(|error| GenerateError::Broken { message: error.to_string() })??)
}

pub fn show(summary: &Summary, seconds: f64) -> String {
    let rows: Vec<Vec<String>> =
        summary.rows.iter().map(|(table, rows)| vec![(*table).to_owned(), thousands(*rows)]).collect();
    let table = super::table::plain(&["table", "rows"], &rows, &[1]);
    format!(
        "{table}\n {} readings, {} MiB in {seconds:.1} s\n",
        thousands(summary.readings),
        thousands(summary.bytes >> 20)
    )
}
