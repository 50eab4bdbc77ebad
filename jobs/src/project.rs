//! A project: `sql/`, `schemas/` and `jobs/*.toml`, read from a folder or from
//! the copy inside the binary, overlaid where a folder extends another, then
//! parsed and linked with every mistake reported at once.

pub mod contract;
pub mod diagnostic;
pub mod document;
pub mod guess;
pub mod job;
pub mod model;
pub mod segment;
mod tables;
pub mod tag;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::sql::sqlparser::ast::{Expr, Value};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use contract::Contract;
use diagnostic::{Mistake, Mistakes, did_you_mean};
use document::{Document, Section};
use job::Job;
use model::{Layer, Model, ModelContract, date_literal};
use segment::Segmentation;
pub use tables::*;
use tag::{TagFile, Tags, link_tags, read_tags};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{} is not a project: no jobs/*.toml and no project.toml there", path.display())]
    NotAProject { path: PathBuf },
    #[error("{}: `extends` goes in a circle", path.display())]
    Circle { path: PathBuf },
    #[error("no job is called `{name}`")]
    NoJob { name: String, known: Vec<String>, near: Option<String> },
}

/// A project, parsed and linked.
#[derive(Clone, Debug, Default)]
pub struct Project {
    pub contracts: BTreeMap<String, Arc<Contract>>,
    pub models: BTreeMap<String, Model>,
    pub tags: Tags,
    pub segmentations: Vec<Segmentation>,
    pub jobs: BTreeMap<String, Job>,
}

const SOURCES: &str = "schemas/sources/";
/// Contracts that another one took the place of: what columns the project's SQL
/// knows a table by.
const REPLACED: &str = "replaced:";

/// Project files by their path below the project: name for messages, and text.
type Files = BTreeMap<String, (String, String)>;

impl Project {
    /// The project at `folder`; else the nearest one above the working folder;
    /// else the one inside the binary.
    pub fn open(folder: Option<&Path>) -> Result<Self, ProjectError> {
        let (project, mistakes) = Self::open_partly(folder)?;
        mistakes.into_result()?;
        Ok(project)
    }

    /// The same, as far as it can be read, with every mistake in it.
    pub fn open_partly(folder: Option<&Path>) -> Result<(Self, Mistakes), ProjectError> {
        Ok(parse(&Self::files(folder)?))
    }

    fn files(folder: Option<&Path>) -> Result<Files, ProjectError> {
        let files = match folder {
            Some(folder) => read_project(folder, &mut Vec::new())?,
            None => match nearest() {
                Some(folder) => read_project(&folder, &mut Vec::new())?,
                None => embedded_files(),
            },
        };
        Ok(files)
    }

    /// The project that travels in the program.
    pub fn builtin() -> Result<Self, ProjectError> {
        let (project, mistakes) = parse(&embedded_files());
        mistakes.into_result()?;
        Ok(project)
    }

    /// What stands for a parameter in the SQL of a model.
    pub fn parameter(
        &self,
        model: &str,
        parameter: &str,
        as_of: NaiveDate,
        is_absent: &dyn Fn(&str) -> bool,
    ) -> Option<Expr> {
        if parameter == "as_of" {
            return Some(date_literal(as_of));
        }
        // Nothing, before there are any.
        let unknown = match parameter {
            LOAD_SHAPE_LIST => Some("cast(null as double[][])"),
            LOAD_SHAPE_KINDS => Some("cast(null as varchar[])"),
            _ => None,
        };
        if let Some(unknown) = unknown {
            return tag::parse_expression(unknown).ok();
        }
        if let Some(number) = self.models.get(model).and_then(|model| model.settings.get(parameter)) {
            return Some(Expr::Value(Value::Number(number.to_string(), false).into()));
        }
        let source = parameter.strip_prefix("has_").filter(|source| self.contracts.contains_key(*source))?;
        Some(Expr::Value(Value::Boolean(!is_absent(source)).into()))
    }

    pub fn job(&self, name: &str) -> Result<&Job, ProjectError> {
        self.jobs.get(name).ok_or_else(|| ProjectError::NoJob {
            name: name.to_owned(),
            near: did_you_mean(name, self.jobs.keys().map(String::as_str)).map(str::to_owned),
            known: self.jobs.keys().cloned().collect(),
        })
    }
}

fn embedded_files() -> Files {
    embedded::FILES
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (format!("builtin:{path}"), (*text).to_owned())))
        .collect()
}

fn is_project(folder: &Path) -> bool {
    folder.join("project.toml").is_file()
        || (folder.join("jobs").is_dir() && folder.join("sql").is_dir() && folder.join("schemas").is_dir())
}

fn nearest() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().find(|folder| is_project(folder)).map(Path::to_owned)
}

fn read_project(folder: &Path, seen: &mut Vec<PathBuf>) -> Result<Files, ProjectError> {
    let io = |path: &Path, source| ProjectError::Io { path: path.to_owned(), source };
    let folder = folder.canonicalize().map_err(|source| io(folder, source))?;
    if !is_project(&folder) {
        return Err(ProjectError::NotAProject { path: folder });
    }
    if seen.contains(&folder) {
        return Err(ProjectError::Circle { path: folder });
    }
    seen.push(folder.clone());
    let marker = folder.join("project.toml");
    let mut files = Files::new();
    if marker.is_file() {
        let text = std::fs::read_to_string(&marker).map_err(|source| io(&marker, source))?;
        let (extends, without) = Document::read(&marker.display().to_string(), &text, read_marker)?;
        files = match extends.as_deref() {
            None => Files::new(),
            Some("builtin") => embedded_files(),
            Some(base) => read_project(&folder.join(base), seen)?,
        };
        files.retain(|path, _| !without.is_match(path));
    }
    for part in ["sql", "schemas", "jobs"] {
        read_folder(&folder, &folder.join(part), part == "jobs", &mut files)?;
    }
    Ok(files)
}

/// `project.toml`: what the project extends, and which files of that it leaves out.
fn read_marker(root: &Section<'_>) -> Option<(Option<String>, GlobSet)> {
    let extends = root.text("extends").map(toml::Spanned::into_inner);
    let mut without = GlobSetBuilder::new();
    for pattern in root.texts("without").unwrap_or_default() {
        match GlobBuilder::new(pattern.get_ref()).literal_separator(true).build() {
            Ok(glob) => drop(without.add(glob)),
            Err(error) => root.mistake(pattern.span(), error.to_string()),
        }
    }
    Some((extends, without.build().unwrap_or_default()))
}

fn read_folder(root: &Path, folder: &Path, flat: bool, files: &mut Files) -> Result<(), ProjectError> {
    let io = |path: &Path, source| ProjectError::Io { path: path.to_owned(), source };
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(|source| io(folder, source))? {
        let path = entry.map_err(|source| io(folder, source))?.path();
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let is_ours = path.extension().is_some_and(|extension| extension == "toml" || extension == "sql")
            && name != "jobs/Cargo.toml";
        if path.is_dir() && !flat {
            read_folder(root, &path, false, files)?;
        } else if path.is_file() && is_ours {
            let text = std::fs::read_to_string(&path).map_err(|source| io(&path, source))?;
            let replaced = files.insert(name.clone(), (path.display().to_string(), text));
            if let Some(replaced) = replaced.filter(|_| name.starts_with(SOURCES)) {
                files.entry(format!("{REPLACED}{name}")).or_insert(replaced);
            }
        }
    }
    Ok(())
}

/// `schemas/features/<name>.toml` gives `name`.
fn stem<'a>(path: &'a str, prefix: &str, suffix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix)?.strip_suffix(suffix).filter(|name| !name.contains('/'))
}

/// What can be read of a project, and every mistake in it.
fn parse(files: &Files) -> (Project, Mistakes) {
    let mut project = Project::default();
    let mut mistakes = Mistakes::default();
    let mut tags: Vec<TagFile> = Vec::new();
    fn keep<T>(parsed: Result<T, Mistakes>, mistakes: &mut Mistakes) -> Option<T> {
        parsed.map_err(|found| mistakes.0.extend(found.0)).ok()
    }
    for (path, (file, text)) in files {
        if let Some(table) = stem(path, SOURCES, ".toml") {
            if let Some(mut contract) = keep(Contract::parse(table, file, text), &mut mistakes) {
                if let Some((file, text)) = files.get(&format!("{REPLACED}{path}"))
                    && let Some(replaced) = keep(Contract::parse(table, file, text), &mut mistakes)
                {
                    for column in contract.inherit(&replaced) {
                        let message = format!("column `{column}` is missing: the project's SQL reads it");
                        mistakes.push(
                            Mistake::new(&contract.file, "", 0..0, message)
                                .with_hint("name a column of the files with `from`, or give a `value`"),
                        );
                    }
                }
                project.contracts.insert(table.to_owned(), Arc::new(contract));
            }
        } else if let Some(name) = stem(path, "jobs/", ".toml") {
            if let Some(job) = keep(Job::parse(name, file, text), &mut mistakes) {
                project.jobs.insert(name.to_owned(), job);
            }
        } else if stem(path, "sql/tags/", ".toml").is_some() {
            let (file, found) = read_tags(file, text);
            tags.push(file);
            mistakes.0.extend(found.0);
        } else if let Some(name) = stem(path, "sql/segments/", ".toml") {
            project.segmentations.extend(keep(Segmentation::parse(name, file, text), &mut mistakes));
        }
    }
    for (path, (file, text)) in files {
        for (layer, folder) in [(Layer::Staging, "staging"), (Layer::Features, "features"), (Layer::Marts, "marts")] {
            let Some(name) = stem(path, &format!("sql/{folder}/"), ".sql") else { continue };
            let contract_path = format!("schemas/{folder}/{name}.toml");
            let Some((contract_file, contract_text)) = files.get(&contract_path) else {
                mistakes.push(
                    Mistake::new(file, text, 0..0, format!("`{name}` has no contract"))
                        .with_hint(format!("write {contract_path} with label and key")),
                );
                continue;
            };
            let Some(contract) = keep(ModelContract::parse(contract_file, contract_text), &mut mistakes) else {
                continue;
            };
            if let Some(model) = keep(Model::new(name, layer, file, text.clone(), contract), &mut mistakes) {
                project.models.insert(name.to_owned(), model);
            }
        }
    }
    let sources = tables_of(files).map(|table| format!("{STAGED}{table}"));
    let tables: BTreeSet<String> = model_names(files).chain(sources).collect();
    project.tags = link_tags(tags, &tables, &mut mistakes);
    for segmentation in &project.segmentations {
        segmentation.link(&project.tags, &project.models, &mut mistakes);
    }
    link(&project, files, &mut mistakes);
    (project, mistakes)
}

/// Names that do not resolve, and models that need each other.
fn link(project: &Project, files: &Files, mistakes: &mut Mistakes) {
    let mut known: BTreeSet<String> = project.models.keys().cloned().collect();
    // Of a contract with mistakes, too: what reads it is not to blame.
    known.extend(tables_of(files).map(|table| format!("{STAGED}{table}")));
    known.extend(made().chain([METERED]).map(str::to_owned));
    let hint = |name: &str| match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a model of sql/, or stg_<source> for a source".to_owned(),
    };
    let sources: Vec<String> = tables_of(files).map(|table| format!("has_{table}")).collect();
    for model in project.models.values() {
        for input in model.inputs.iter().filter(|input| !known.contains(*input)) {
            mistakes.push(
                Mistake::new(&model.file, &model.sql, model.place(input), format!("no table is called `{input}`"))
                    .with_hint(hint(input)),
            );
        }
        link_parameters(model, &sources, mistakes);
    }
    for job in project.jobs.values() {
        let text = files.values().find(|(file, _)| *file == job.file).map_or("", |(_, text)| text);
        for name in job.build.iter().filter(|name| !known.contains(*name)) {
            mistakes.push(
                Mistake::new(&job.file, text, model::find_word(text, name), format!("nothing is called `{name}`"))
                    .with_hint(hint(name)),
            );
        }
    }
    for name in project.models.keys() {
        if let Some(circle) = find_circle(project, name, &mut Vec::new()) {
            let model = &project.models[name];
            mistakes.push(Mistake::new(
                &model.file,
                &model.sql,
                0..0,
                format!("models need each other: {}", circle.join(" -> ")),
            ));
            break;
        }
    }
}

/// Tables that have a contract, be it a good one or not.
fn tables_of(files: &Files) -> impl Iterator<Item = &str> {
    files.keys().filter_map(|path| stem(path, SOURCES, ".toml"))
}

/// Models that have a SQL file, be it a good one or not.
fn model_names(files: &Files) -> impl Iterator<Item = String> {
    let stems = files.keys().filter_map(|path| {
        ["staging", "features", "marts"].iter().find_map(|folder| stem(path, &format!("sql/{folder}/"), ".sql"))
    });
    stems.map(str::to_owned)
}

/// Parameters that nobody gives, and those that the SQL does not ask for.
fn link_parameters(model: &Model, sources: &[String], mistakes: &mut Mistakes) {
    let settings = || model.settings.keys().map(String::as_str);
    let known: Vec<&str> = settings()
        .chain(["as_of", LOAD_SHAPE_LIST, LOAD_SHAPE_KINDS])
        .chain(sources.iter().map(String::as_str))
        .collect();
    let is_known = |parameter: &str| parameter.strip_prefix('$').is_some_and(|name| known.contains(&name));
    for parameter in model.parameters.iter().filter(|parameter| !is_known(parameter)) {
        let message = format!("no parameter is called `{parameter}`");
        let hint = match did_you_mean(parameter.trim_start_matches('$'), known.iter().copied()) {
            Some(near) => format!("did you mean `${near}`?"),
            None => "there is `$as_of`, the run's date, `$has_bills` for each source, and what [parameters] of the contract names".to_owned(),
        };
        mistakes.push(Mistake::new(&model.file, &model.sql, model.place(parameter), message).with_hint(hint));
    }
    for name in settings().filter(|name| !model.parameters.contains(&format!("${name}"))) {
        let message = format!("its contract gives a parameter `{name}` that the SQL does not ask for");
        let hint = format!("write `${name}` where it holds, or take it out of the contract");
        mistakes.push(Mistake::new(&model.file, &model.sql, 0..0, message).with_hint(hint));
    }
}

fn find_circle(project: &Project, name: &str, path: &mut Vec<String>) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|seen| seen == name) {
        let mut circle = path[start..].to_vec();
        circle.push(name.to_owned());
        return Some(circle);
    }
    path.push(name.to_owned());
    let inputs = project.models.get(name).map(|model| &model.inputs);
    let found = inputs.into_iter().flatten().find_map(|input| find_circle(project, input, path));
    path.pop();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_project_has_no_mistakes() {
        let (project, mistakes) = parse(&embedded_files());
        assert!(mistakes.0.is_empty(), "{}", mistakes.render());
        assert!(project.contracts.contains_key("accounts"));
    }
}
