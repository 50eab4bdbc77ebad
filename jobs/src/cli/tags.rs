//! `kwhy tags`.

mod check;
mod diff;
mod export;
mod lineage;
mod list;
mod show;
mod why;

use clap::Subcommand;

use crate::error::Error;
use crate::project::Project;
use crate::project::diagnostic::did_you_mean;
use crate::project::tag::Tag;

#[derive(Subcommand, Debug)]
pub enum Tags {
    List(list::List),
    Show(show::Show),
    Why(why::Why),
    Lineage(lineage::Lineage),
    Diff(diff::Diff),
    Export(export::Export),
    Validate(check::Validate),
    Test(check::Test),
}

impl Tags {
    pub async fn run(self) -> Result<(), Error> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => show.run().await,
            Self::Why(why) => why.run().await,
            Self::Lineage(lineage) => lineage.run().await,
            Self::Diff(diff) => diff.run().await,
            Self::Export(export) => export.run().await,
            Self::Validate(validate) => validate.run().await,
            Self::Test(test) => test.run().await,
        }
    }
}

/// `number, kWh`.
fn kind(tag: &Tag) -> String {
    match tag.unit.as_deref().filter(|unit| *unit != "1") {
        Some(unit) => format!("{}, {unit}", tag.kind.name()),
        None => tag.kind.name().to_owned(),
    }
}

/// The tag of a name, or what to do about it.
fn find<'a>(project: &'a Project, name: &str) -> Result<&'a Tag, Error> {
    project.tags.get(name).ok_or_else(|| {
        let near = did_you_mean(name, project.tags.tags.iter().map(|tag| tag.name.as_str()));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "kwhy tags list shows all; --search finds words of labels and definitions".to_owned(),
        };
        Error::Usage { message: format!("no tag is called `{name}`"), hint }
    })
}
