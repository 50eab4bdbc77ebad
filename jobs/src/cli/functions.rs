//! `kwhy functions`.

use clap::Args;

use crate::error::Error;
use kwhy_udfs::reference::{self, Entry};

/// Print the functions that kwhy adds to SQL.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kwhy functions                every function, a line each\n  kwhy functions load_factor    what it does, with units, nulls and an example"
)]
pub struct Functions {
    /// A function, to print its whole entry
    name: Option<String>,
}

impl Functions {
    pub fn run(self) -> Result<(), Error> {
        let entries = reference::entries();
        match self.name {
            None => super::print(&list(&entries)),
            Some(name) => match entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(&name)) {
                Some(entry) => super::print(&entry.markdown()),
                None => {
                    Err(Error::Usage { message: format!("there is no function `{name}`"), hint: hint(&entries, &name) })
                }
            },
        }
    }
}

fn list(entries: &[Entry]) -> String {
    let mut lines = Vec::new();
    let mut section = "";
    for entry in entries {
        if entry.section != section {
            if !section.is_empty() {
                lines.push(String::new());
            }
            section = entry.section;
            lines.push(section.to_owned());
        }
        lines.push(format!("  {}", entry.syntax()));
        lines.push(format!("      {}", entry.summary()));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn hint(entries: &[Entry], name: &str) -> String {
    let known = entries.iter().map(|entry| entry.name.as_str());
    match crate::project::diagnostic::did_you_mean(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "kwhy functions lists them; those of DataFusion are there too, see its documentation".to_owned(),
    }
}
