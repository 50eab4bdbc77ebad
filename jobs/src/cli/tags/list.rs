//! `kwhy tags list`.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;

use super::kind;
use crate::cli::ProjectArgs;
use crate::cli::table::{plain, thousands};
use crate::error::Error;
use crate::project::diagnostic::did_you_mean;
use crate::project::tag::Tag;

/// List the tags of the project, by category.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kwhy tags list                       every tag, a line each\n  kwhy tags list --category arrears    those of a category\n  kwhy tags list --search 夜间         those whose name, label or definition has a word"
)]
pub struct List {
    /// Only tags of this category
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,

    /// Only tags whose name, label or definition has this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,

    #[command(flatten)]
    project: ProjectArgs,
}

impl List {
    pub fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let categories = &project.tags.categories;
        if let Some(wanted) = &self.category
            && !categories.contains_key(wanted)
        {
            let known = categories.keys().map(String::as_str);
            let hint = match did_you_mean(wanted, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("categories: {}", known.collect::<Vec<_>>().join(", ")),
            };
            return Err(Error::Usage { message: format!("no category is called `{wanted}`"), hint });
        }
        let search = self.search.map(|text| text.to_lowercase());
        let is_shown = |tag: &&Tag| {
            let texts = [&tag.name, &tag.label, &tag.label_zh, &tag.definition];
            self.category.as_ref().is_none_or(|category| tag.category == *category)
                && search.as_ref().is_none_or(|text| texts.iter().any(|has| has.to_lowercase().contains(text)))
        };
        let mut by_category: BTreeMap<&str, Vec<&Tag>> = BTreeMap::new();
        for tag in project.tags.tags.iter().filter(is_shown) {
            by_category.entry(&tag.category).or_default().push(tag);
        }
        let mut text = String::new();
        for (name, tags) in &mut by_category {
            tags.sort_by(|a, b| a.name.cmp(&b.name));
            let category = categories.get(*name);
            let labels = category.map(|category| format!(": {}, {}", category.label, category.label_zh));
            let _ = writeln!(text, "{name}{}", labels.unwrap_or_default());
            let rows: Vec<Vec<String>> = tags
                .iter()
                .map(|tag| vec![tag.name.clone(), kind(tag), tag.label.clone(), tag.label_zh.clone()])
                .collect();
            let table = plain(&["tag", "type", "label", "label_zh"], &rows, &[]);
            text.extend(table.lines().skip(1).map(|line| format!(" {line}\n")));
            text.push('\n');
        }
        let count: usize = by_category.values().map(Vec::len).sum();
        let _ = writeln!(text, "{} tags in {} categories", thousands(count as u64), by_category.len());
        crate::cli::print(&text)
    }
}
