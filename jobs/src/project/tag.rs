//! Tags: one TOML block each, and the SQL that they become: one scan per
//! feature table, one wide row per account.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use toml::Spanned;

use super::diagnostic::Mistakes;
use super::document::{Document, Section};

/// What a tag's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagType {
    Bool,
    Number,
    Enum,
    Text,
    Date,
}

impl TagType {
    const ALL: [(&'static str, Self); 5] = [
        ("bool", Self::Bool),
        ("number", Self::Number),
        ("enum", Self::Enum),
        ("text", Self::Text),
        ("date", Self::Date),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// One tag: `[[tag]]` in `sql/tags/<topic>.toml`.
#[derive(Clone, Debug)]
pub struct Tag {
    pub name: String,
    pub file: String,
    pub label: String,
    pub label_zh: String,
    pub category: String,
    pub kind: TagType,
    pub unit: Option<String>,
    pub values: Vec<String>,
    /// The feature table that the expression reads.
    pub feature: String,
    /// Which of several rows per account: `window_days = 90`.
    pub slice: Option<String>,
    pub evidence: String,
    pub sql: String,
    pub definition: String,
    pub sensitivity: u8,
}

impl Tag {
    /// Whether accounts can be counted by it in a profile.
    pub fn is_attribute(&self) -> bool {
        matches!(self.kind, TagType::Bool | TagType::Enum)
    }
}

/// What must be there before a tag may have a value:
/// `[evidence.<name>]` in `sql/tags/evidence.toml`.
#[derive(Clone, Debug)]
pub struct Evidence {
    pub name: String,
    pub label: String,
    /// Sources of which one at least must be in the lake.
    pub sources: Vec<String>,
    pub feature: String,
    pub slice: Option<String>,
    /// Condition over the feature row.
    pub when: String,
    /// Why the value is unknown where the condition does not hold.
    pub reason: String,
}

/// All tags of a project.
#[derive(Clone, Debug, Default)]
pub struct Tags {
    pub tags: Vec<Tag>,
    pub evidence: BTreeMap<String, Evidence>,
}

pub fn parse_tags(file: &str, text: &str) -> Result<Vec<Tag>, Mistakes> {
    Document::read(file, text, |root| {
        let category = root.required_text("category").map(Spanned::into_inner).unwrap_or_default();
        let feature = root.required_text("feature").map(Spanned::into_inner).unwrap_or_default();
        let slice = root.text("slice").map(Spanned::into_inner);
        let evidence = root.text("evidence").map(Spanned::into_inner);
        let mut tags = Vec::new();
        for section in root.sections("tag") {
            tags.extend(read_tag(file, &section, (&category, &feature, slice.as_deref(), evidence.as_deref())));
            section.finish();
        }
        Some(tags)
    })
}

fn read_tag(file: &str, section: &Section<'_>, defaults: (&str, &str, Option<&str>, Option<&str>)) -> Option<Tag> {
    let (category, feature, slice, evidence) = defaults;
    let name = section.required_text("name");
    let label = section.required_text("label");
    let label_zh = section.required_text("label_zh");
    let sql = section.required_text("sql");
    let definition = section.required_text("definition");
    if section.text("type").is_none() {
        section.mistake(section.span(), "`type` is missing");
    }
    let kind = section.choice("type", &TagType::ALL);
    let unit = section.text("unit").map(Spanned::into_inner);
    if kind == Some(TagType::Number) && unit.is_none() {
        section.mistake_with_hint(section.span(), "a number needs a `unit`", "unit = \"1\" for a ratio or a count");
    }
    let values: Vec<String> =
        section.texts("values").unwrap_or_default().into_iter().map(Spanned::into_inner).collect();
    if kind == Some(TagType::Enum) && values.is_empty() {
        section.mistake(section.span(), "an enum needs its `values`");
    }
    let evidence = section.text("evidence").map(Spanned::into_inner).or(evidence.map(str::to_owned));
    if evidence.is_none() {
        section.mistake(section.span(), "`evidence` is missing, here and at the head of the file");
    }
    let own_feature = section.text("feature").map(Spanned::into_inner);
    Some(Tag {
        name: name?.into_inner(),
        file: file.to_owned(),
        label: label?.into_inner(),
        label_zh: label_zh?.into_inner(),
        category: category.to_owned(),
        kind: kind?,
        unit,
        values,
        // A tag over another table than its file's does not take the file's slice.
        slice: section
            .text("slice")
            .map(Spanned::into_inner)
            .or(slice.filter(|_| own_feature.is_none()).map(str::to_owned)),
        feature: own_feature.unwrap_or_else(|| feature.to_owned()),
        evidence: evidence?,
        sql: sql?.into_inner(),
        definition: definition?.into_inner(),
        sensitivity: section.integer("sensitivity").unwrap_or(1).clamp(1, 3) as u8,
    })
}

pub fn parse_evidence(file: &str, text: &str) -> Result<BTreeMap<String, Evidence>, Mistakes> {
    Document::read(file, text, |root| {
        let mut all = BTreeMap::new();
        for (name, section) in root.named_sections("evidence") {
            let name = name.into_inner();
            let label = section.required_text("label").map(Spanned::into_inner);
            let sources = section.required_texts("sources").unwrap_or_default();
            let feature = section.required_text("feature").map(Spanned::into_inner);
            let when = section.required_text("when").map(Spanned::into_inner);
            let reason = section.required_text("reason").map(Spanned::into_inner);
            let slice = section.text("slice").map(Spanned::into_inner);
            section.finish();
            if let (Some(label), Some(feature), Some(when), Some(reason)) = (label, feature, when, reason) {
                let sources = sources.into_iter().map(Spanned::into_inner).collect();
                all.insert(name.clone(), Evidence { name, label, sources, feature, slice, when, reason });
            }
        }
        Some(all)
    })
}

impl Tags {
    /// Feature tables that the tags read.
    pub fn features(&self) -> BTreeSet<&str> {
        self.tags
            .iter()
            .map(|tag| tag.feature.as_str())
            .chain(self.evidence.values().map(|evidence| evidence.feature.as_str()))
            .collect()
    }

    fn used_evidence(&self) -> impl Iterator<Item = &Evidence> {
        let used: BTreeSet<&str> = self.tags.iter().map(|tag| tag.evidence.as_str()).collect();
        self.evidence.values().filter(move |evidence| used.contains(evidence.name.as_str()))
    }

    /// The SQL of `customer_tags`. `is_absent` tells which sources the lake
    /// does not have: their tags are unknown for that reason.
    pub fn sql(&self, is_absent: &dyn Fn(&str) -> bool) -> String {
        let mut sql = String::from("with\n");
        for feature in self.features() {
            self.write_scan(feature, &mut sql);
        }
        sql.push_str("known as (\n  select\n    account.account_id");
        for evidence in self.used_evidence() {
            let Evidence { name, feature, .. } = evidence;
            let absent = !evidence.sources.is_empty() && evidence.sources.iter().all(|source| is_absent(source));
            let reason = match absent {
                true => "'source_absent'".to_owned(),
                false => format!(
                    "case when scan_{feature}.account_id is null then 'no_rows' else scan_{feature}.evidence_{name} end"
                ),
            };
            let _ = write!(sql, ",\n    {reason} as evidence_{name}");
        }
        for tag in &self.tags {
            let _ = write!(sql, ",\n    scan_{}.{}", tag.feature, tag.name);
        }
        sql.push_str("\n  from stg_accounts as account");
        for feature in self.features() {
            let _ = write!(sql, "\n  left join scan_{feature} on scan_{feature}.account_id = account.account_id");
        }
        sql.push_str("\n)\nselect\n  account_id,\n  cast($as_of as date) as as_of");
        for tag in &self.tags {
            let _ = write!(
                sql,
                ",\n  case when evidence_{} is null then {name} end as {name}",
                tag.evidence,
                name = tag.name
            );
        }
        for evidence in self.used_evidence() {
            let _ = write!(sql, ",\n  cast(evidence_{name} as varchar) as evidence_{name}", name = evidence.name);
        }
        sql.push_str("\nfrom known\n");
        sql
    }

    /// One scan of a feature table for all its tags. Where tags ask for slices
    /// of several rows per account, the scan folds them into one row.
    fn write_scan(&self, feature: &str, sql: &mut String) {
        let tags = self
            .tags
            .iter()
            .filter(|tag| tag.feature == feature)
            .map(|tag| (tag.name.clone(), tag.sql.clone(), &tag.slice));
        let evidence = self.used_evidence().filter(|evidence| evidence.feature == feature).map(|evidence| {
            (
                format!("evidence_{}", evidence.name),
                format!("case when {} then null else '{}' end", evidence.when, evidence.reason),
                &evidence.slice,
            )
        });
        let columns: Vec<_> = tags.chain(evidence).collect();
        let folds = columns.iter().any(|(_, _, slice)| slice.is_some());
        let _ = write!(sql, "scan_{feature} as (\n  select\n    account_id");
        for (name, expression, slice) in &columns {
            let expression = match (folds, slice) {
                (false, _) => format!("({expression})"),
                (true, Some(slice)) => format!("max(case when {slice} then ({expression}) end)"),
                (true, None) => format!("max({expression})"),
            };
            let _ = write!(sql, ",\n    {expression} as {name}");
        }
        let _ = write!(sql, "\n  from {feature}{}\n),\n", if folds { "\n  group by account_id" } else { "" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_one_feature_become_one_scan() {
        let tags = parse_tags(
            "load.toml",
            "category = \"load\"\nfeature = \"account_load_window\"\nslice = \"window_days = 90\"\nevidence = \"load_90d\"\n\
             [[tag]]\nname = \"a\"\nlabel = \"A\"\nlabel_zh = \"甲\"\ntype = \"bool\"\nsql = \"x > 1\"\ndefinition = \"d\"\n\
             [[tag]]\nname = \"b\"\nlabel = \"B\"\nlabel_zh = \"乙\"\ntype = \"bool\"\nsql = \"y > 1\"\ndefinition = \"d\"\n",
        )
        .expect("tags");
        let evidence = parse_evidence(
            "evidence.toml",
            "[evidence.load_90d]\nlabel = \"l\"\nsources = [\"load_curve\"]\nfeature = \"account_load_window\"\nslice = \"window_days = 90\"\nwhen = \"valid_days >= 45\"\nreason = \"too_few_days\"\n",
        )
        .expect("evidence");
        let sql = Tags { tags, evidence }.sql(&|_| false);
        assert_eq!(sql.matches("from account_load_window").count(), 1, "{sql}");
        assert!(sql.contains("max(case when window_days = 90 then (x > 1) end) as a"), "{sql}");
        let absent = parse_sql_ok(&sql);
        assert!(absent);
    }

    fn parse_sql_ok(sql: &str) -> bool {
        crate::project::model::parse_sql("tags", sql).is_ok()
    }

    #[test]
    fn a_number_without_unit_is_a_mistake() {
        let text = "category = \"c\"\nfeature = \"f\"\nevidence = \"e\"\n[[tag]]\nname = \"a\"\nlabel = \"A\"\nlabel_zh = \"甲\"\ntype = \"number\"\nsql = \"x\"\ndefinition = \"d\"\n";
        let mistakes = parse_tags("t.toml", text).expect_err("bad");
        assert!(mistakes.render().contains("a number needs a `unit`"));
    }
}
