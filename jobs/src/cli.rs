//! The command line: what was typed, what it means, and how it ends.

mod audience;
mod cluster;
mod demo;
mod export;
mod functions;
mod generate;
mod progress;
mod published;
mod run;
mod segments;
mod sources;
mod sql;
mod table;
mod tags;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::engine::Target;
use crate::error::Error;
use crate::project::diagnostic::Mistakes;
use crate::project::{Project, ProjectError};

/// Plans and expressions recurse; Ballista's own processes use as much.
const STACK_BYTES: usize = 32 << 20;

/// How long work that was stopped may take to clean up.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

const EXIT_CODES: &str = "Exit codes:
  0    done, or nothing to do
  1    failed: data or job
  2    wrong usage or project files
  3    retryable: cluster, storage or lease not to be had
  4    a limit was reached: memory, disk
  130  interrupted: stopped cleanly, nothing half-published
  143  terminated: the same";

/// From a power utility's data lake to customer tags and segments.
///
/// kwhy reads bills, load curves, payments, tariffs, devices and work orders
/// as Parquet or CSV, describes every account by tags, sorts all accounts into
/// segments, and publishes both as Delta tables. The same binary runs
/// everything in one process or on a Ballista cluster, with the same result.
#[derive(Parser, Debug)]
#[command(name = "kwhy", version, after_help = EXIT_CODES)]
struct Cli {
    /// How log lines are written (to standard error)
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a lake, run the daily job, show what came out
    Demo(demo::Demo),
    Run(run::Run),
    /// Look at source tables and hold a lake against their contracts
    #[command(subcommand)]
    Sources(sources::Sources),
    Sql(sql::Sql),
    /// Print the functions that kwhy adds to SQL
    Functions(functions::Functions),
    Generate(generate::Generate),
    /// Look at tags, check them, ask why an account has one
    #[command(subcommand)]
    Tags(tags::Tags),
    Audience(audience::Audience),
    /// Look at segments, and ask why an account is in one
    #[command(subcommand)]
    Segments(segments::Segments),
    /// Start the processes of a Ballista cluster
    #[command(subcommand)]
    Cluster(cluster::Cluster),
}

/// Where the project lies.
#[derive(Args, Debug)]
struct ProjectArgs {
    /// Project folder with sql/, schemas/ and jobs/
    ///
    /// Without it: the nearest one above the working folder, else the one
    /// built into the program.
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
}

impl ProjectArgs {
    fn open(&self) -> Result<Project, Error> {
        Ok(Project::open(self.project.as_deref())?)
    }

    /// As far as it can be read, with the mistakes in it.
    fn open_partly(&self) -> Result<(Project, Mistakes), Error> {
        Ok(Project::open_partly(self.project.as_deref())?)
    }
}

/// Where units and queries run.
#[derive(Args, Debug)]
struct TargetArgs {
    /// `local`, or a Ballista scheduler as df://HOST:PORT
    #[arg(long, value_name = "TARGET", default_value = "local", value_parser = parse_target)]
    target: Target,
}

fn parse_target(text: &str) -> Result<Target, String> {
    match text.strip_prefix("df://") {
        None if text == "local" => Ok(Target::Local),
        Some(address)
            if address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) =>
        {
            Ok(Target::Cluster(address.to_owned()))
        }
        _ => Err("takes `local` or df://HOST:PORT".to_owned()),
    }
}

fn parse_date(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "takes a date such as 2026-01-31".to_owned())
}

/// An absolute path of something that may not exist yet.
fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// Runs the program and gives its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    init_logs(cli.log_format);
    // Planning recurses on this thread too: it gets the stack of the others.
    let main =
        std::thread::Builder::new().name("main".to_owned()).stack_size(STACK_BYTES).spawn(move || run(cli.command));
    match main.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(error))) => {
            report(&error);
            ExitCode::from(error.exit_code())
        }
        // A panic has said what it was already.
        Ok(Err(_)) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            ExitCode::from(1)
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    let runtime = runtime.map_err(|source| Error::Io { path: PathBuf::from("runtime"), source })?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            done = Box::pin(dispatch(command)) => done,
            signal = signal() => Err(Error::Stopped { signal }),
        }
    });
    // What a signal cut off may clean up after itself, but not for long.
    runtime.shutdown_timeout(GRACE);
    outcome
}

async fn dispatch(command: Command) -> Result<(), Error> {
    match command {
        Command::Demo(demo) => demo.run().await,
        Command::Run(run) => run.run().await,
        Command::Sources(sources) => sources.run().await,
        Command::Sql(sql) => sql.run().await,
        Command::Functions(functions) => functions.run(),
        Command::Generate(generate) => generate.run().await,
        Command::Audience(audience) => audience.run().await,
        Command::Tags(tags) => tags.run().await,
        Command::Segments(segments) => segments.run().await,
        Command::Cluster(cluster) => cluster.run().await,
    }
}

/// Waits for an interrupt or a request to terminate, and gives its number.
async fn signal() -> i32 {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
    }
}

/// Shows a result. Who stops reading early, as `head` does, has seen enough.
fn print(text: &str) -> Result<(), Error> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Io { path: PathBuf::from("standard output"), source: error })
        }
        _ => Ok(()),
    }
}

fn report(error: &Error) {
    if let Error::Project(ProjectError::Mistakes(mistakes)) = error {
        eprint!("{}", mistakes.render());
    }
    eprintln!("error: {error}");
    if let Some(hint) = error.hint() {
        eprintln!(" hint: {hint}");
    }
}

fn init_logs(format: LogFormat) {
    let filter = EnvFilter::try_from_env("KWHY_LOG").unwrap_or_else(|_| EnvFilter::new("error,kwhy=info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => logs.with_target(false).init(),
        LogFormat::Json => logs.json().init(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn targets() {
        assert_eq!(parse_target("local"), Ok(Target::Local));
        assert_eq!(parse_target("df://127.0.0.1:50050"), Ok(Target::Cluster("127.0.0.1:50050".into())));
        assert!(parse_target("127.0.0.1:50050").is_err());
        assert!(parse_target("df://host").is_err());
    }
}
