//! The reference of all functions, from the documentation that they carry.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use datafusion_expr::Documentation;

use crate::{aggregate_functions, scalar_functions};

/// One function, as a person looks it up.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    /// What it belongs to: load curves, tariffs …
    pub section: &'static str,
    pub is_aggregate: bool,
    documentation: Documentation,
}

impl Entry {
    /// `load_factor(curve)`
    pub fn syntax(&self) -> &str {
        &self.documentation.syntax_example
    }

    /// The names of its arguments, optional ones too.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.documentation.arguments.iter().flatten().map(|(name, _)| name.as_str())
    }

    /// The first sentence of the description.
    pub fn summary(&self) -> &str {
        let text = &self.documentation.description;
        let ends = [text.find(". "), text.find(".\n"), text.find(":\n")].into_iter().flatten();
        let sentence = &text[..ends.min().unwrap_or(text.len())];
        sentence.trim_end_matches('.').trim_end_matches(": a struct").trim_end_matches(". A struct")
    }

    /// Statement and answer of the example.
    pub fn example(&self) -> Option<(&str, &str)> {
        let text = self.documentation.sql_example.as_deref()?;
        let text = text.strip_prefix("```sql\n> ")?.strip_suffix("```")?;
        let (statement, answer) = text.split_once(";\n")?;
        Some((statement, answer.trim_end()))
    }

    /// The whole entry as Markdown.
    pub fn markdown(&self) -> String {
        let mut page = format!("### {}\n\n```\n{}\n```\n\n", self.name, self.syntax());
        if self.is_aggregate {
            page.push_str("Aggregate. ");
        }
        let _ = writeln!(page, "{}\n", self.documentation.description.trim());
        for (argument, description) in self.documentation.arguments.iter().flatten() {
            let _ = writeln!(page, "- `{argument}`: {description}");
        }
        if let Some(example) = &self.documentation.sql_example {
            let _ = writeln!(page, "\n{example}");
        }
        page
    }
}

/// All functions, by section and name.
pub fn entries() -> Vec<Entry> {
    let entry = |name: &str, documentation: Option<&Documentation>, is_aggregate| {
        let documentation = documentation?.clone();
        Some(Entry { name: name.to_owned(), section: documentation.doc_section.label, is_aggregate, documentation })
    };
    let scalars = scalar_functions();
    let aggregates = aggregate_functions();
    let scalars = scalars.iter().filter_map(|function| entry(function.name(), function.documentation(), false));
    let aggregates = aggregates.iter().filter_map(|function| entry(function.name(), function.documentation(), true));
    let mut entries: Vec<Entry> = scalars.chain(aggregates).collect();
    entries.sort_by(|left, right| (left.section, &left.name).cmp(&(right.section, &right.name)));
    entries
}

/// The page of all functions, as Markdown.
pub fn page() -> String {
    let mut sections: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
    for entry in entries() {
        sections.entry(entry.section).or_default().push(entry);
    }
    let mut page = String::from(
        "# Functions of kwhy\n\nMade from the documentation in the code by `cargo test` with `KWHY_BLESS=1`; \
         `kwhy functions NAME` prints an entry. All of them can be used in models, tags and `kwhy sql`, in one \
         process and on a cluster. Aggregates are window functions, too; those of statistics and trends also in \
         frames that slide. An integer beyond the type that a function takes is an error of the cast.\n",
    );
    for (section, entries) in &sections {
        let _ = writeln!(page, "\n- **{section}**");
        for entry in entries {
            let _ = writeln!(page, "  - [`{}`](#{}): {}", entry.syntax(), entry.name, entry.summary());
        }
    }
    for (section, entries) in &sections {
        let _ = writeln!(page, "\n## {section}");
        for entry in entries {
            let _ = write!(page, "\n{}", entry.markdown());
        }
    }
    page
}
