//! What a tag's values depend on, in one number: a change of spelling, of a
//! comment or of a label is none.

use std::collections::{BTreeMap, BTreeSet};

use twox_hash::XxHash64;

use super::{Body, Tag};
use crate::project::model::parse_sql;
use crate::project::{Project, TAGS};

impl Project {
    /// The fingerprint of every tag's definition: of its expression with the
    /// parameters in it, of its evidence, of all models behind the table that it
    /// reads, of the tags that it reads, and of the functions of this program.
    pub fn tag_versions(&self) -> BTreeMap<&str, String> {
        let mut models = BTreeMap::new();
        let mut versions: BTreeMap<&str, String> = BTreeMap::new();
        // What is read stands before who reads it.
        for tag in &self.tags.tags {
            let text = self.version_text(tag, &versions, &mut models);
            versions.insert(&tag.name, hash(&text));
        }
        versions
    }

    /// The fingerprint of all definitions together.
    pub fn catalog_version(&self) -> String {
        let mut text = String::new();
        for (tag, version) in self.tag_versions() {
            text.push_str(&format!("{tag} {version}\n"));
        }
        hash(&text)
    }

    fn version_text<'a>(
        &'a self,
        tag: &'a Tag,
        versions: &BTreeMap<&str, String>,
        models: &mut BTreeMap<&'a str, String>,
    ) -> String {
        let mut text = format!("{} {} {:?}\n", tag.name, tag.kind.name(), tag.values);
        match &tag.body {
            Body::Sql(expression) => text.push_str(&format!("{}\n{:?}\n", expression.enter, expression.exit)),
            Body::Tier { of, tiers } => text.push_str(&format!("tier {tiers} of {of}\n")),
        }
        for name in tag.tags_read() {
            text.push_str(&format!("{name} {}\n", versions.get(name).map_or("", String::as_str)));
        }
        if let Some(peers) = self.tags.peers.get(&tag.peers).filter(|_| !tag.picks().is_empty()) {
            text.push_str(&format!("{:?} {}\n", peers.levels, peers.least_accounts));
        }
        if tag.feature != TAGS {
            text.push_str(&format!("{:?}\n{}", tag.slice, self.model_version(&tag.feature, models)));
        }
        if let Some(evidence) = self.tags.evidence.get(&tag.evidence) {
            text.push_str(&format!("{:?} {} {:?}\n", evidence.sources, evidence.when, evidence.slice));
            text.push_str(&self.model_version(&evidence.feature, models));
        }
        text.push_str(kwhy_udfs::VERSION);
        text
    }

    /// The fingerprint of a model's SQL and of all models that it reads. How a
    /// lake's files are mapped onto a source is none of it.
    fn model_version<'a>(&'a self, name: &'a str, known: &mut BTreeMap<&'a str, String>) -> String {
        if let Some(version) = known.get(name) {
            return version.clone();
        }
        // Against circles, which are mistakes of their own.
        known.insert(name, String::new());
        let mut text = name.to_owned();
        if let Some(model) = self.models.get(name) {
            match parse_sql(&model.file, &model.sql) {
                Ok(statement) => text.push_str(&statement.to_string()),
                Err(_) => text.push_str(&model.sql),
            }
            text.push_str(&format!("{:?}", model.settings));
            let inputs: BTreeSet<&str> = model.inputs.iter().map(String::as_str).collect();
            for input in inputs {
                text.push_str(&self.model_version(input, known));
            }
        }
        let version = hash(&text);
        known.insert(name, version.clone());
        version
    }
}

fn hash(text: &str) -> String {
    format!("{:016x}", XxHash64::oneshot(0, text.as_bytes()))
}
