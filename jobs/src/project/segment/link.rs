//! Names in segmentations: tags, and columns of feature tables.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, Segmentation, is_word};
use crate::project::TAGS;
use crate::project::diagnostic::{Mistake, Mistakes, did_you_mean};
use crate::project::model::{Layer, Model};
use crate::project::tag::{TagType, Tags, paths_of_condition};

/// What else is called so where features are read.
const TAKEN: [&str; 6] = ["tags", "member", "chosen", "stratum", "before", "of"];

impl Segmentation {
    /// Names that are no tags, and no columns that features may be made of.
    pub fn link(&self, tags: &Tags, models: &BTreeMap<String, Model>, mistakes: &mut Mistakes) {
        let explain: &[String] = self.fitting().map_or(&[], |fitting| &fitting.explain);
        let mut told: Vec<(Vec<String>, bool)> = Vec::new();
        for when in self.groups.iter().filter_map(Group::when) {
            match paths_of_condition(when) {
                Err(message) => mistakes.push(self.mistake_at(when, message)),
                // What is no tag may be another segmentation, which is known when tables are.
                Ok(paths) => mistakes.0.extend(paths.iter().filter_map(|path| match path.as_slice() {
                    [name] => tags.get(name).and_then(|_| self.unfit(name, tags)),
                    [table, column, ..] => self.unfit_outside(table, column),
                    [] => None,
                })),
            }
        }
        let others = self.tiers().map(|tiers| &tiers.of).into_iter().chain(&self.population).chain(explain);
        let features = self.features().iter().map(|feature| (&feature.sql, true));
        for (sql, is_feature) in features.chain(others.map(|sql| (sql, false))) {
            match paths_of_condition(sql) {
                Err(message) => mistakes.push(self.mistake_at(sql, message)),
                Ok(paths) => {
                    let paths = paths.into_iter().map(|path| (path, is_feature));
                    for (path, is_feature) in paths.filter(|path| !told.contains(path)).collect::<Vec<_>>() {
                        mistakes.0.extend(match column_of(&path) {
                            None => path.last().and_then(|name| self.unfit(name, tags)),
                            Some((table, column)) if is_feature && table != TAGS => {
                                self.unfit_column(table, column, tags, models)
                            }
                            Some((table, column)) => self.unfit_outside(table, column),
                        });
                        told.push((path, is_feature));
                    }
                }
            }
        }
        if let Some(tag) = self.tiers().and_then(|tiers| tags.get(&tiers.of))
            && !matches!(tag.kind, TagType::Number | TagType::Tier)
        {
            let message = format!("`{}` is a {}, and accounts are ranked by a number", tag.name, tag.kind.name());
            mistakes.push(self.mistake_at(&tag.name, message));
        }
        for name in explain {
            if tags.get(name).is_some_and(|tag| tag.kind == TagType::Date) {
                let message = format!("`{name}` is a date, and rules are about numbers, flags and texts");
                mistakes.push(self.mistake_at(name, message));
            }
        }
    }

    /// Columns of feature tables that its features name, by table.
    pub fn feature_columns(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for path in self.features().iter().filter_map(|feature| paths_of_condition(&feature.sql).ok()).flatten() {
            if let Some((table, column)) = column_of(&path) {
                tables.entry(table.to_owned()).or_default().insert(column.to_owned());
            }
        }
        tables
    }

    /// What is wrong with the table of a column that a feature names.
    fn unfit_column(
        &self,
        table: &str,
        column: &str,
        tags: &Tags,
        models: &BTreeMap<String, Model>,
    ) -> Option<Mistake> {
        let is_one_row = |model: &Model| model.layer == Layer::Features && model.key == ["account_id"];
        let fit = || models.values().filter(|model| is_one_row(model)).map(|model| model.name.as_str());
        let place = format!("{table}.{column}");
        let (message, hint) = match models.get(table) {
            None => {
                let near = did_you_mean(table, fit());
                let hint = near.map_or("see sql/features".to_owned(), |near| format!("did you mean `{near}`?"));
                (format!("no feature table is called `{table}`"), hint)
            }
            Some(model) if !is_one_row(model) => (
                format!("`{table}` has other rows than one of each account"),
                "a tag says which of them: name that".to_owned(),
            ),
            Some(_) if TAKEN.contains(&table) || !is_word(table) => {
                (format!("`{table}` cannot be told from other names in SQL"), "make a tag of the column".to_owned())
            }
            Some(_) if tags.get(table).is_some() => {
                (format!("`{table}` is a tag as well"), "make a tag of the column".to_owned())
            }
            // What is in it is seen when tables are planned.
            Some(_) => return None,
        };
        Some(self.mistake_at(&place, message).with_hint(hint))
    }

    /// That only features are made of columns of tables.
    fn unfit_outside(&self, table: &str, column: &str) -> Option<Mistake> {
        let name = format!("{table}.{column}");
        let (message, hint) = match table {
            TAGS => (format!("a tag stands by itself, not as `{name}`"), format!("write `{column}`")),
            _ => (
                format!("`{name}` is no tag, and columns of tables may stand in [[feature]] alone"),
                "make a tag of it".to_owned(),
            ),
        };
        Some(self.mistake_at(&name, message).with_hint(hint))
    }

    /// What is wrong with a name that should be a tag.
    fn unfit(&self, name: &str, tags: &Tags) -> Option<Mistake> {
        match tags.get(name) {
            None => {
                let near = did_you_mean(name, tags.tags.iter().map(|tag| tag.name.as_str()));
                let hint = near.map_or("kwhy tags list shows all".to_owned(), |near| format!("did you mean `{near}`?"));
                Some(self.mistake_at(name, format!("no tag is called `{name}`")).with_hint(hint))
            }
            Some(tag) if tag.is_sensitive() => {
                Some(self.mistake_at(name, format!("`{name}` is sensitive: nothing that all may see is made of it")))
            }
            Some(_) => None,
        }
    }
}

/// Table and column, where a name is that of a column in a table.
fn column_of(path: &[String]) -> Option<(&str, &str)> {
    match path {
        [table, column, ..] => Some((table, column)),
        _ => None,
    }
}
