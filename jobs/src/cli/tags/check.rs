//! `kwhy tags validate` and `kwhy tags test`.

use std::collections::BTreeSet;

use clap::Args;

use crate::cli::ProjectArgs;
use crate::cli::table::thousands;
use crate::error::Error;
use crate::project::Project;
use crate::project::diagnostic::Mistakes;
use crate::tags::{Catalogue, check, mistakes, run_cases};

/// Check all tags against the tables that they read.
///
/// Finds every mistake at once, each with its file and place: columns that are
/// not there, values of another type than the tag's or outside its domain,
/// names used twice, circles. Needs no lake.
#[derive(Args, Debug)]
pub struct Validate {
    #[command(flatten)]
    project: ProjectArgs,
}

impl Validate {
    pub async fn run(self) -> Result<(), Error> {
        let (project, mut found) = self.project.open_partly()?;
        // Tables that cannot be planned have been told about, too.
        match Catalogue::open(&project).await {
            Ok(catalogue) => found.0.extend(mistakes(&catalogue)?.0),
            Err(error) if found.0.is_empty() => return Err(error),
            Err(_) => {}
        }
        found.into_result()?;
        crate::cli::print(&format!("{}, no mistakes\n", summary(&project)))
    }
}

fn summary(project: &Project) -> String {
    let tags = &project.tags.tags;
    let categories: BTreeSet<&str> = tags.iter().map(|tag| tag.category.as_str()).collect();
    let cases: usize = tags.iter().map(|tag| tag.cases.len()).sum();
    let count = |number: usize| thousands(number as u64);
    format!("{} tags in {} categories, {} cases", count(tags.len()), categories.len(), count(cases))
}

/// Run the cases of tags: given values, expected tag.
///
/// Needs no lake. Exit code 1 where a case fails.
#[derive(Args, Debug)]
pub struct Test {
    #[command(flatten)]
    project: ProjectArgs,
}

impl Test {
    pub async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let catalogue = Catalogue::open(&project).await?;
        check(&catalogue)?;
        let (count, failures) = run_cases(&catalogue)?;
        let failed = failures.len();
        let mistakes = Mistakes(failures.into_iter().map(|failure| failure.mistake).collect());
        if failed > 0 {
            crate::cli::print(&mistakes.render())?;
            return Err(Error::Cases { failed, count });
        }
        crate::cli::print(&format!("{}: all hold\n", summary(&project)))
    }
}
