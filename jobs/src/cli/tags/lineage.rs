//! `kwhy tags lineage`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use clap::Args;

use super::find;
use crate::cli::ProjectArgs;
use crate::error::Error;
use crate::project::Project;
use crate::project::diagnostic::did_you_mean;
use crate::tags::{Catalogue, Edge, lineage};

/// Show which source columns a tag comes from, or which tags hang on one.
///
/// Read off the optimised plans of the models between them. Needs no lake; a
/// release has the same as a table, lineage_edge.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kwhy tags lineage is_night_heavy     where its values come from\n  kwhy tags lineage bills.energy_wh    the tags that hang on this column"
)]
pub struct Lineage {
    /// A tag, a source, or a column of a source as SOURCE.COLUMN
    name: String,

    #[command(flatten)]
    project: ProjectArgs,
}

impl Lineage {
    pub async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let (source, column) = match self.name.split_once('.') {
            Some((source, column)) => (source, Some(column)),
            None => (self.name.as_str(), None),
        };
        let is_source =
            column.is_some() || (project.tags.get(source).is_none() && project.contracts.contains_key(source));
        if is_source {
            check_column(&project, source, column)?;
        } else {
            find(&project, source)?;
        }
        let catalogue = Catalogue::open(&project).await?;
        let edges = lineage(&catalogue)?;
        let text = match is_source {
            true => hanging(&edges, source, column),
            false => behind(&edges, source),
        };
        crate::cli::print(&text)
    }
}

fn check_column(project: &Project, source: &str, column: Option<&str>) -> Result<(), Error> {
    let hint = |name: &str, known: Vec<&str>| match did_you_mean(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.join(", ")),
    };
    let Some(contract) = project.contracts.get(source) else {
        let known = project.contracts.keys().map(String::as_str).collect();
        return Err(Error::Usage { message: format!("no source is called `{source}`"), hint: hint(source, known) });
    };
    match column {
        Some(column) if contract.column(column).is_none() => {
            let known = contract.columns.iter().map(|column| column.name.as_str()).collect();
            Err(Error::Usage { message: format!("`{source}` has no column `{column}`"), hint: hint(column, known) })
        }
        _ => Ok(()),
    }
}

/// A tag's way back, by the columns that it reads.
fn behind(edges: &BTreeSet<Edge>, tag: &str) -> String {
    let mut text = String::new();
    for (role, title) in [("value", "its value"), ("evidence", "whether it has one")] {
        let mut columns: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for edge in edges.iter().filter(|edge| edge.tag == tag && edge.role == role) {
            let sources = columns.entry((&edge.feature, &edge.column)).or_default();
            sources.push(format!("{}.{}", edge.source, edge.source_column));
        }
        if columns.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{title}");
        for ((feature, column), sources) in columns {
            let _ = writeln!(text, "  {feature}.{column}");
            for source in sources {
                let _ = writeln!(text, "    {source}");
            }
        }
    }
    text
}

/// The tags whose values hang on a source or a column of it.
fn hanging(edges: &BTreeSet<Edge>, source: &str, column: Option<&str>) -> String {
    let fits = |edge: &&Edge| {
        edge.source == source && edge.role == "value" && column.is_none_or(|column| edge.source_column == column)
    };
    let tags: BTreeSet<&str> = edges.iter().filter(fits).map(|edge| edge.tag.as_str()).collect();
    let mut text: String = tags.iter().map(|tag| format!("{tag}\n")).collect();
    let _ = writeln!(text, "\n{} tags", tags.len());
    text
}
