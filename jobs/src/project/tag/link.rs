//! All files of tags together: names that do not resolve, names used twice,
//! tags that need each other.

use std::collections::{BTreeMap, BTreeSet};

use super::read::TagFile;
use super::{Body, Place, Tag, TagType, Tags, expression, family};
use crate::project::TAGS;
use crate::project::diagnostic::{Mistake, Mistakes, did_you_mean};

/// Links what the files say. `tables` are the names of feature tables.
pub fn link_tags(files: Vec<TagFile>, tables: &BTreeSet<String>, mistakes: &mut Mistakes) -> Tags {
    let mut found = Vec::new();
    let mut tags = Tags::default();
    let mut axes = BTreeMap::new();
    for file in &files {
        for axis in &file.axes {
            if axes.insert(axis.name.as_str(), axis).is_some() {
                found.push(axis.place.mistake(format!("axis `{}` is declared twice", axis.name)));
            }
        }
        for (category, place) in &file.categories {
            if tags.categories.insert(category.name.clone(), category.clone()).is_some() {
                found.push(place.mistake(format!("category `{}` is declared twice", category.name)));
            }
        }
        for evidence in &file.evidence {
            if tags.evidence.insert(evidence.name.clone(), evidence.clone()).is_some() {
                found.push(evidence.place.mistake(format!("evidence `{}` is declared twice", evidence.name)));
            }
            if let Err(mistake) = expression::parse(&evidence.when, &evidence.when_place) {
                found.push(mistake);
            }
        }
        for peers in &file.peers {
            if tags.peers.insert(peers.name.clone(), peers.clone()).is_some() {
                found.push(peers.place.mistake(format!("peers `{}` are declared twice", peers.name)));
            }
        }
    }
    let mut lost: BTreeSet<&str> = files.iter().flat_map(|file| file.lost.iter().map(String::as_str)).collect();
    let mut has_lost_family = files.iter().any(|file| file.has_lost_family);
    for block in files.iter().flat_map(|file| &file.blocks) {
        let before = found.len();
        tags.tags.extend(family::tags(block, &axes, &mut found));
        if found.len() > before {
            lost.insert(block.name.get_ref());
            has_lost_family |= block.is_family;
        }
    }
    let lost = Lost { names: lost, has_family: has_lost_family };
    for evidence in tags.evidence.values() {
        check_table(&evidence.feature, tables, &evidence.place, &mut found);
    }
    check_names(&tags, tables, &lost, &mut found);
    adopt(&mut tags, &lost, &mut found);
    check_uses(&tags, &lost, &mut found);
    order(&mut tags, &mut found);
    mistakes.0.extend(found);
    tags
}

/// What could not be read: who names it is not to blame.
struct Lost<'a> {
    names: BTreeSet<&'a str>,
    has_family: bool,
}

impl Lost<'_> {
    fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn may_be_tag(&self, name: &str) -> bool {
        self.has_family || self.has(name)
    }
}

fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    match did_you_mean(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => otherwise.to_owned(),
    }
}

fn check_table(feature: &str, tables: &BTreeSet<String>, place: &Place, found: &mut Vec<Mistake>) {
    if !tables.contains(feature) {
        found.push(place.of_word(feature).mistake(format!("no feature table is called `{feature}`")).with_hint(hint(
            feature,
            tables.iter().map(String::as_str),
            "a model of sql/features",
        )));
    }
}

fn check_names(tags: &Tags, tables: &BTreeSet<String>, lost: &Lost<'_>, found: &mut Vec<Mistake>) {
    let mut names: BTreeMap<&str, &Tag> = BTreeMap::new();
    let mut labels: BTreeMap<&str, &Tag> = BTreeMap::new();
    for tag in &tags.tags {
        if let Some(first) = names.insert(&tag.name, tag) {
            let place = tag.place.of_word(&tag.name);
            found.push(
                place
                    .mistake(format!("tag `{}` stands here twice", tag.name))
                    .with_hint(format!("the first stands at {}", first.place.line())),
            );
        }
        for label in [&tag.label, &tag.label_zh] {
            if let Some(first) = labels.insert(label, tag).filter(|first| first.name != tag.name) {
                let message = format!("`{}` and `{}` have the same label: {label}", first.name, tag.name);
                found.push(tag.place.of_word(&tag.name).mistake(message));
            }
        }
        if !tags.categories.contains_key(&tag.category) && !lost.has(&tag.category) {
            let known = tags.categories.keys().map(String::as_str);
            let declare = format!("declare it: [category.{}] with label and label_zh", tag.category);
            found.push(
                tag.place
                    .of_word(&tag.category)
                    .mistake(format!("no category is called `{}`", tag.category))
                    .with_hint(hint(&tag.category, known, &declare)),
            );
        }
        if tag.feature != TAGS {
            check_table(&tag.feature, tables, &tag.place, found);
        }
        if !matches!(tag.body, Body::Tier { .. })
            && !tags.evidence.contains_key(&tag.evidence)
            && !lost.has(&tag.evidence)
        {
            let known = tags.evidence.keys().map(String::as_str);
            found.push(
                tag.place
                    .of_word(&tag.evidence)
                    .mistake(format!("no evidence is called `{}`", tag.evidence))
                    .with_hint(hint(&tag.evidence, known, "declare it: [evidence.…]")),
            );
        }
        if !tag.picks().is_empty() && !tags.peers.contains_key(&tag.peers) && !lost.has(&tag.peers) {
            let known = tags.peers.keys().map(String::as_str);
            found.push(
                tag.place.of_word(&tag.peers).mistake(format!("no peers are called `{}`", tag.peers)).with_hint(hint(
                    &tag.peers,
                    known,
                    "declare them: [peers.…]",
                )),
            );
        }
    }
}

/// A tier has the evidence of the tag that it cuts.
fn adopt(tags: &mut Tags, lost: &Lost<'_>, found: &mut Vec<Mistake>) {
    let evidence: BTreeMap<String, (String, TagType, u8)> =
        tags.tags.iter().map(|tag| (tag.name.clone(), (tag.evidence.clone(), tag.kind, tag.sensitivity))).collect();
    for tag in &mut tags.tags {
        let Body::Tier { of, .. } = &tag.body else { continue };
        if let Some((evidence, ..)) = evidence.get(of) {
            tag.evidence.clone_from(evidence);
        } else if !lost.may_be_tag(of) {
            found.push(tag.place.of_word(of).mistake(format!("no tag is called `{of}`")).with_hint(hint(
                of,
                evidence.keys().map(String::as_str),
                "`of` names a number tag",
            )));
        }
    }
}

/// What tags read of other tags.
fn check_uses(tags: &Tags, lost: &Lost<'_>, found: &mut Vec<Mistake>) {
    let by_name: BTreeMap<&str, &Tag> = tags.tags.iter().map(|tag| (tag.name.as_str(), tag)).collect();
    for tag in &tags.tags {
        if let Body::Sql(expression) = &tag.body
            && tag.feature != TAGS
            && !expression.picks.is_empty()
        {
            let message = format!("`{}` is for tags over tags", expression::PERCENTILE);
            found.push(
                tag.sql_place.of_word(expression::PERCENTILE).mistake(message).with_hint("feature = \"customer_tags\""),
            );
        }
        for name in tag.tags_read() {
            match by_name.get(name) {
                None if matches!(tag.body, Body::Tier { .. }) || lost.may_be_tag(name) => {}
                None => found.push(
                    tag.sql_place.of_word(name).mistake(format!("no tag is called `{name}`")).with_hint(hint(
                        name,
                        by_name.keys().copied(),
                        "kwhy tags list shows all",
                    )),
                ),
                Some(read) if read.sensitivity > tag.sensitivity => found.push(tag.place.mistake(format!(
                    "`{}` has sensitivity {}, and `{}` that it reads has {}",
                    tag.name, tag.sensitivity, read.name, read.sensitivity
                ))),
                Some(_) => {}
            }
        }
        for pick in tag.picks() {
            if let Some(of) = by_name.get(pick.tag.as_str())
                && (of.kind != TagType::Number || of.is_over_tags())
            {
                let message = format!("`{}` cannot be compared with peers", of.name);
                found.push(
                    tag.sql_place
                        .of_word(&of.name)
                        .mistake(message)
                        .with_hint("percentiles are kept of number tags that read a feature table"),
                );
            }
        }
    }
}

/// Puts tags over tags after what they read.
fn order(tags: &mut Tags, found: &mut Vec<Mistake>) {
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut ordered = Vec::with_capacity(tags.tags.len());
    let mut rest: Vec<Tag> = std::mem::take(&mut tags.tags);
    loop {
        let (ready, waiting): (Vec<Tag>, Vec<Tag>) =
            rest.into_iter().partition(|tag| tag.tags_read().iter().all(|name| done.contains(*name)));
        if ready.is_empty() {
            // Those that wait for what is not there have been told about.
            if let Some((tag, circle)) = waiting.iter().find_map(|tag| Some((tag, circle(tag, &waiting)?))) {
                let message = format!("tags need each other: {}", circle.join(" -> "));
                found.push(tag.sql_place.mistake(message));
            }
            ordered.extend(waiting);
            break;
        }
        done.extend(ready.iter().map(|tag| tag.name.clone()));
        ordered.extend(ready);
        rest = waiting;
    }
    tags.tags = ordered;
}

/// The circle that a tag stands before, if it does.
fn circle(tag: &Tag, waiting: &[Tag]) -> Option<Vec<String>> {
    let mut path = vec![tag.name.clone()];
    let mut here = tag;
    loop {
        let next = here.tags_read().into_iter().find_map(|name| waiting.iter().find(|tag| tag.name == name))?;
        let seen = path.iter().position(|name| *name == next.name);
        path.push(next.name.clone());
        if let Some(start) = seen {
            return Some(path.split_off(start));
        }
        here = next;
    }
}
