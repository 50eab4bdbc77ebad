//! Jobs: what to build, and within which limits.

use toml::Spanned;

use super::diagnostic::Mistakes;
use super::document::Document;

/// `jobs/<name>.toml`.
#[derive(Clone, Debug)]
pub struct Job {
    pub name: String,
    pub file: String,
    pub label: String,
    /// Marts that the job publishes; what they need is built too.
    pub build: Vec<String>,
    /// Bound on the memory of operators, in bytes.
    pub memory_bytes: usize,
    /// Source rows per unit: what one unit sorts at a time.
    pub rows_per_unit: u64,
}

impl Job {
    /// Whether it makes a table of itself, and not for others that need it.
    pub fn names(&self, table: &str) -> bool {
        self.build.iter().any(|name| name == table)
    }

    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Mistakes> {
        Document::read(file, text, |root| {
            let label = root.required_text("label");
            let build = root.required_texts("build").unwrap_or_default();
            let memory_mib = root.integer("memory_mib").unwrap_or(2048).max(64);
            Some(Self {
                name: name.to_owned(),
                file: file.to_owned(),
                build: build.into_iter().map(Spanned::into_inner).collect(),
                memory_bytes: (memory_mib as usize) << 20,
                rows_per_unit: root.integer("rows_per_unit").unwrap_or(200_000).max(1) as u64,
                label: label?.into_inner(),
            })
        })
    }
}
