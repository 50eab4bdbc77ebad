//! `kwhy sources`.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::table::{plain, thousands};
use super::{ProjectArgs, absolute};
use crate::engine::EngineError;
use crate::error::Error;
use crate::project::Project;
use crate::project::contract::{Contract, Format};
use crate::project::diagnostic::did_you_mean;
use crate::run::check::{Broken, Checked, check};

/// Most characters of a row that are shown.
const CONTENT_CHARS: usize = 160;

/// Source tables: what they are, and how a lake fits them.
#[derive(Subcommand, Debug)]
pub enum Sources {
    Show(Show),
    Check(Check),
}

/// Print the source tables, or the columns of one.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kwhy sources show                every table, a line each\n  kwhy sources show bills          its columns with types, units, keys and privacy classes"
)]
pub struct Show {
    /// A table, to print its columns
    table: Option<String>,

    #[command(flatten)]
    project: ProjectArgs,
}

/// Hold a lake against the contracts: what fits, what does not, which rows.
///
/// Reads every file once, writes nothing, and ends with code 1 where a run
/// would stop: a required table that is absent, a file that cannot be read as
/// its contract says, a row that breaks a rule with on_breach = "fail". Repeated
/// rows are settled by the run, and not looked for here.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kwhy sources check --project mine --lake /data/lake bills accounts")]
pub struct Check {
    /// Tables to check [default: all]
    tables: Vec<String>,

    /// Folder with the files that the contracts name
    #[arg(long, value_name = "DIR")]
    lake: PathBuf,

    #[command(flatten)]
    project: ProjectArgs,
}

impl Sources {
    pub async fn run(self) -> Result<(), Error> {
        match self {
            Self::Show(show) => show.run(),
            Self::Check(check) => check.run().await,
        }
    }
}

impl Show {
    fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        match &self.table {
            None => super::print(&list(&project)),
            Some(table) => super::print(&dictionary(find(&project, table)?)),
        }
    }
}

fn find<'a>(project: &'a Project, table: &str) -> Result<&'a Contract, Error> {
    project.contracts.get(table).map(AsRef::as_ref).ok_or_else(|| {
        let known = project.contracts.keys().map(String::as_str);
        Error::Usage {
            message: format!("there is no source table `{table}`"),
            hint: match did_you_mean(table, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("source tables: {}", known.collect::<Vec<_>>().join(", ")),
            },
        }
    })
}

fn list(project: &Project) -> String {
    let rows = project.contracts.values().map(|contract| {
        let label_zh = contract.label_zh.clone().unwrap_or_default();
        let key = contract.key.join(", ");
        vec![contract.table.clone(), contract.label.clone(), label_zh, key, contract.files.join(", ")]
    });
    plain(&["table", "label", "label_zh", "key", "files"], &rows.collect::<Vec<_>>(), &[])
}

fn dictionary(contract: &Contract) -> String {
    let mut text = format!("{}: {}", contract.table, contract.label);
    if let Some(label) = &contract.label_zh {
        let _ = write!(text, " ({label})");
    }
    let format = match &contract.format {
        Format::Parquet => "Parquet".to_owned(),
        Format::Delta => "Delta".to_owned(),
        Format::Csv { dialect, .. } => format!("CSV, {}", dialect.encoding),
    };
    let _ = writeln!(text, "\nfiles: {} ({format})\n", contract.files.join(", "));
    let rows = contract.columns.iter().map(|column| {
        let yes = |is_so: bool, word: &str| if is_so { word.to_owned() } else { String::new() };
        vec![
            column.name.clone(),
            column.kind.name(),
            column.unit.clone().unwrap_or_default(),
            yes(contract.key.contains(&column.name), "key"),
            yes(column.nullable, "nullable"),
            column.privacy.to_string(),
            column.label.clone().unwrap_or_default(),
            column.label_zh.clone().unwrap_or_default(),
        ]
    });
    let header = ["column", "type", "unit", "key", "null", "privacy", "label", "label_zh"];
    text.push_str(&plain(&header, &rows.collect::<Vec<_>>(), &[5]));
    text
}

impl Check {
    async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        for table in &self.tables {
            find(&project, table)?;
        }
        let checked = check(&project, &absolute(&self.lake)?, &self.tables).await?;
        let mut rows = Vec::new();
        let mut absent = Vec::new();
        let mut details = String::new();
        for (table, checked) in &checked {
            match checked {
                Checked::Absent { is_required: true } => rows.push(without_counts(table, "is missing")),
                Checked::Absent { .. } => absent.push(table.as_str()),
                Checked::Unusable(error) => {
                    rows.push(without_counts(table, "cannot be used"));
                    // The unit that met it is nobody's matter here.
                    let message = match error {
                        Error::Engine(EngineError::Remote { message, .. }) => message.clone(),
                        error => error.to_string(),
                    };
                    let _ = writeln!(details, "\n {table}: {message}");
                    if let Some(hint) = error.hint() {
                        let _ = writeln!(details, "   hint: {hint}");
                    }
                }
                Checked::Read(read) => {
                    let broken: u64 = read.broken.iter().map(|broken| broken.rows).sum();
                    let verdict = match checked.is_usable() {
                        _ if read.lacks_rows => "has no rows",
                        true if broken == 0 => "fits",
                        true => "fits, but for some rows",
                        false => "would stop a run",
                    };
                    let counts = [read.files as u64, read.rows, read.rows - broken, broken].map(thousands);
                    rows.push(std::iter::once(table.clone()).chain(counts).chain([verdict.to_owned()]).collect());
                    for broken in &read.broken {
                        details.push_str(&show_broken(table, broken));
                    }
                }
            }
        }
        let header = ["table", "files", "rows", "fit", "do not", ""];
        let mut text = plain(&header, &rows, &[1, 2, 3, 4]);
        if !absent.is_empty() {
            let _ = writeln!(text, " not in the lake: {}", absent.join(", "));
        }
        text.push_str(&details);
        super::print(&text)?;
        let unusable: Vec<String> =
            checked.into_iter().filter(|(_, checked)| !checked.is_usable()).map(|(table, _)| table).collect();
        if unusable.is_empty() { Ok(()) } else { Err(Error::Unfit { tables: unusable }) }
    }
}

fn without_counts(table: &str, verdict: &str) -> Vec<String> {
    [table, "", "", "", "", verdict].map(str::to_owned).to_vec()
}

fn show_broken(table: &str, broken: &Broken) -> String {
    let fatal = if broken.is_fatal { ", and the run would stop" } else { "" };
    let rows = if broken.rows == 1 { "1 row".to_owned() } else { format!("{} rows", thousands(broken.rows)) };
    let mut text = format!("\n {table}: {rows}: {} ({}){fatal}\n", broken.reason, broken.rule);
    for example in &broken.examples {
        let mut content: String = example.content.chars().take(CONTENT_CHARS).collect();
        if content.len() < example.content.len() {
            content.push('…');
        }
        let _ = writeln!(text, "   {} row {}: {}", example.file, example.row, content.replace(['\n', '\r'], " "));
    }
    text
}
