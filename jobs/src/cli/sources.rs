//! `kwhy sources`.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::table::{plain, thousands};
use super::{ProjectArgs, absolute};
use crate::engine::EngineError;
use crate::error::Error;
use crate::lake::LakeError;
use crate::lake::survey::{Survey, survey};
use crate::project::Project;
use crate::project::contract::{Contract, Format};
use crate::project::diagnostic::did_you_mean;
use crate::project::guess::{Guess, Sample, guess};
use crate::run::check::{Broken, Checked, check};

/// Most files of a kind that are named.
const SKIPPED_SHOWN: usize = 5;
/// Most characters of a row that are shown.
const CONTENT_CHARS: usize = 160;

/// Source tables: what they are, and how a lake fits them.
#[derive(Subcommand, Debug)]
pub enum Sources {
    Init(Init),
    Show(Show),
    Check(Check),
}

/// Look at the files of a lake and write contracts for them.
///
/// Guesses which table each set of files is, which column is which, units, time
/// formats, delimiters and encodings. Writes one contract for each table into a
/// project, with what it is unsure of marked by a question mark, and overwrites
/// nothing.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kwhy sources init --from /data/lake --out mine\n  (look at mine/schemas/sources/*.toml)\n  kwhy sources check --project mine --lake /data/lake"
)]
pub struct Init {
    /// Folder with the files
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// Project folder that the contracts are written to; made where it is not
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Print the source tables, the columns of one, or what makes a derived table.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kwhy sources show                every table, a line each\n  kwhy sources show bills          its columns with types, units, keys and privacy classes\n  kwhy sources show account_load_day   its contract, with the parameters of its rules, and its SQL"
)]
pub struct Show {
    /// A table
    table: Option<String>,

    #[command(flatten)]
    project: ProjectArgs,
}

/// Hold a lake against the contracts: what fits, what does not, which rows.
///
/// Reads every file once, leaves nothing behind, and ends with code 1 where a run
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
            Self::Init(init) => init.run().await,
            Self::Show(show) => show.run(),
            Self::Check(check) => check.run().await,
        }
    }
}

impl Init {
    async fn run(self) -> Result<(), Error> {
        let folder = absolute(&self.from)?;
        let folder = folder.canonicalize().map_err(|_| LakeError::NoLake { path: folder })?;
        let project = Project::builtin()?;
        let known: Vec<&Contract> = project.contracts.values().map(AsRef::as_ref).collect();
        let Survey { samples, unreadable, skipped } = survey(&folder).await?;
        let found: Vec<(Sample, Option<Guess>)> = samples
            .into_iter()
            .map(|sample| {
                let guess = guess(&sample, &known);
                (sample, guess)
            })
            .collect();
        // A table has one contract: of two sets of files the better one.
        let best = |table: &str| {
            let scores = found.iter().enumerate().filter_map(|(at, (_, guess))| Some((at, guess.as_ref()?)));
            let same = scores.filter(|(_, guess)| guess.table == table);
            same.max_by(|a, b| a.1.score.total_cmp(&b.1.score).then(b.0.cmp(&a.0))).map(|(at, _)| at)
        };
        let mut rows = Vec::new();
        let mut written = Vec::new();
        for (at, (sample, guess)) in found.iter().enumerate() {
            let [mut table, mut columns, mut doubts] = ["?".to_owned(), String::new(), String::new()];
            if let Some(guess) = guess {
                if best(&guess.table) == Some(at) {
                    table = guess.table.clone();
                    columns = format!("{} of {}", guess.found, guess.columns);
                    doubts = guess.doubts.to_string();
                    written.push((format!("schemas/sources/{table}.toml"), guess.text.clone()));
                } else {
                    table = format!("? ({} is taken)", guess.table);
                }
            }
            rows.push(vec![sample.files.clone(), sample.count.to_string(), table, columns, doubts]);
        }
        let project_file = "project.toml".to_owned();
        if !self.out.join(&project_file).exists() {
            written.push((project_file, "extends = \"builtin\"\n".to_owned()));
        }
        for (name, _) in &written {
            let path = self.out.join(name);
            if path.exists() {
                return Err(Error::Usage {
                    message: format!("{} is there already", path.display()),
                    hint: "move it away, or name another folder with --out".into(),
                });
            }
        }
        for (name, text) in &written {
            let path = self.out.join(name);
            let io = |source| Error::Io { path: path.clone(), source };
            std::fs::create_dir_all(path.parent().unwrap_or(&self.out)).map_err(io)?;
            std::fs::write(&path, text).map_err(io)?;
        }
        let mut text = plain(&["files", "count", "table", "columns found", "to look at"], &rows, &[1, 4]);
        for error in &unreadable {
            let _ = writeln!(text, " left out: {error}");
        }
        if !skipped.is_empty() {
            let names: Vec<String> =
                skipped.iter().take(SKIPPED_SHOWN).map(|path| path.display().to_string()).collect();
            let more = if skipped.len() > SKIPPED_SHOWN { ", …" } else { "" };
            let _ = writeln!(
                text,
                " not looked at, being neither Parquet, Delta nor text, or links: {} files: {}{more}",
                skipped.len(),
                names.join(", ")
            );
        }
        let _ = writeln!(
            text,
            "\n {} contracts in {}; look at what is marked with ?, then\n   kwhy sources check --project {} --lake {}",
            written.iter().filter(|(name, _)| name.starts_with("schemas")).count(),
            self.out.join("schemas/sources").display(),
            self.out.display(),
            self.from.display(),
        );
        super::print(&text)
    }
}

impl Show {
    fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        match &self.table {
            None => super::print(&list(&project)),
            Some(table) => match project.models.get(table) {
                Some(model) => {
                    super::print(&format!("{}\n-- {}\n{}", model.contract.trim_start(), model.file, model.sql))
                }
                None => super::print(&dictionary(find(&project, table)?)),
            },
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
            column.values.join(", "),
            column.label.clone().unwrap_or_default(),
            column.label_zh.clone().unwrap_or_default(),
        ]
    });
    let header = ["column", "type", "unit", "key", "null", "privacy", "values", "label", "label_zh"];
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
                    let broken = read.rows - read.fitting();
                    let verdict = match checked.is_usable() {
                        _ if read.lacks_rows => "has no rows",
                        _ if read.rows > 0 && broken == read.rows => "does not fit",
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
