//! A file of tags, read block by block; names are linked when all files are.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;

use super::{Category, Evidence, Peers, Place, Refresh, SENSITIVE, TagType};
use crate::project::diagnostic::Mistakes;
use crate::project::document::{Document, Literal, Section};

/// `sql/tags/<topic>.toml`.
#[derive(Debug, Default)]
pub struct TagFile {
    pub categories: Vec<(Category, Place)>,
    pub evidence: Vec<Evidence>,
    pub peers: Vec<Peers>,
    pub(super) axes: Vec<Axis>,
    pub(super) blocks: Vec<Block>,
    /// Names of what could not be read: who names them is not to blame.
    pub(super) lost: Vec<String>,
    /// Whether a family could not be read, whose names nobody knows.
    pub(super) has_lost_family: bool,
}

/// Members that a family is multiplied by.
#[derive(Debug)]
pub(super) struct Axis {
    pub name: String,
    pub members: Vec<(String, BTreeMap<String, Literal>)>,
    pub place: Place,
}

/// A tag or a family as it is written.
#[derive(Debug)]
pub(super) struct Block {
    pub place: Place,
    pub name: Spanned<String>,
    pub label: Spanned<String>,
    pub label_zh: Spanned<String>,
    pub definition: Spanned<String>,
    pub category: Spanned<String>,
    pub kind: TagType,
    pub unit: Option<Spanned<String>>,
    pub values: Vec<Spanned<String>>,
    /// Of a tier they are those of the tag that it cuts.
    pub feature: Option<Spanned<String>>,
    pub evidence: Option<Spanned<String>>,
    pub slice: Option<Spanned<String>>,
    pub sql: Option<Spanned<String>>,
    pub of: Option<Spanned<String>>,
    pub tiers: u32,
    pub peers: Spanned<String>,
    pub parameters: Vec<ParameterBlock>,
    pub cases: Vec<CaseBlock>,
    pub source: Option<Spanned<String>>,
    pub refresh: Refresh,
    pub sensitivity: u8,
    pub owner: Option<Spanned<String>>,
    pub since: Option<Spanned<String>>,
    pub is_profiled: bool,
    pub why_constant: Option<Spanned<String>>,
    /// Axes of a family and their members.
    pub each: Vec<(Spanned<String>, Vec<Spanned<String>>)>,
    pub except: Vec<Spanned<String>>,
    pub is_family: bool,
}

#[derive(Debug)]
pub(super) struct ParameterBlock {
    pub name: Spanned<String>,
    pub enter: Literal,
    pub exit: Option<Literal>,
    pub unit: String,
}

#[derive(Debug)]
pub(super) struct CaseBlock {
    pub given: Vec<(Spanned<String>, Spanned<Literal>)>,
    pub expect: Spanned<Literal>,
    pub place: Place,
}

/// What a file says for all its blocks: `[defaults]`.
#[derive(Default)]
struct Defaults {
    category: Option<Spanned<String>>,
    feature: Option<Spanned<String>>,
    slice: Option<Spanned<String>>,
    evidence: Option<Spanned<String>>,
    refresh: Option<Refresh>,
    sensitivity: Option<u8>,
    owner: Option<Spanned<String>>,
    since: Option<Spanned<String>>,
}

/// Reads what can be read of a file, and every mistake in it.
pub fn read_tags(file: &str, text: &str) -> (TagFile, Mistakes) {
    let place = Place { file: Arc::from(file), text: Arc::from(text), span: 0..0 };
    let (found, mistakes) = Document::read_partly(file, text, |root| {
        let defaults = root.table("defaults").map(|section| read_defaults(&section)).unwrap_or_default();
        let mut found = TagFile::default();
        for (name, section) in root.named_sections("category") {
            let place = at(&place, &section);
            let (label, label_zh) = (section.required_text("label"), section.required_text("label_zh"));
            section.finish();
            match (label, label_zh) {
                (Some(label), Some(label_zh)) => {
                    let (label, label_zh) = (label.into_inner(), label_zh.into_inner());
                    found.categories.push((Category { name: name.into_inner(), label, label_zh }, place));
                }
                _ => found.lost.push(name.into_inner()),
            }
        }
        for (name, section) in root.named_sections("evidence") {
            match read_evidence(name.get_ref().clone(), &section, &place) {
                Some(evidence) => found.evidence.push(evidence),
                None => found.lost.push(name.into_inner()),
            }
        }
        for (name, section) in root.named_sections("peers") {
            match read_peers(name.get_ref().clone(), &section, &place) {
                Some(peers) => found.peers.push(peers),
                None => found.lost.push(name.into_inner()),
            }
        }
        for (name, section) in root.named_sections("axis") {
            found.axes.push(read_axis(name.into_inner(), &section, &place));
        }
        for (key, is_family) in [("tag", false), ("family", true)] {
            for section in root.sections(key) {
                match read_block(&section, &place, &defaults, is_family) {
                    Some(block) => found.blocks.push(block),
                    None => {
                        found.lost.extend(section.text("name").map(Spanned::into_inner));
                        found.has_lost_family |= is_family;
                    }
                }
                section.finish();
            }
        }
        Some(found)
    });
    (found.unwrap_or_default(), mistakes)
}

fn read_defaults(section: &Section<'_>) -> Defaults {
    let defaults = Defaults {
        category: section.text("category"),
        feature: section.text("feature"),
        slice: section.text("slice"),
        evidence: section.text("evidence"),
        refresh: section.choice("refresh", &Refresh::ALL),
        sensitivity: read_sensitivity(section),
        owner: section.text("owner"),
        since: section.text("since"),
    };
    section.finish();
    defaults
}

fn at(place: &Place, section: &Section<'_>) -> Place {
    Place { span: section.span(), ..place.clone() }
}

fn read_sensitivity(section: &Section<'_>) -> Option<u8> {
    let level = section.integer("sensitivity")?;
    if !(1..=3).contains(&level) {
        section.mistake_with_hint(
            section.span(),
            format!("`sensitivity` cannot be {level}"),
            "1 internal, 2 personal behaviour, 3 sensitive",
        );
    }
    Some(level.clamp(1, 3) as u8)
}

fn read_evidence(name: String, section: &Section<'_>, place: &Place) -> Option<Evidence> {
    let label = section.required_text("label").map(Spanned::into_inner);
    let sources = section.required_texts("sources").unwrap_or_default();
    let feature = section.required_text("feature").map(Spanned::into_inner);
    let when = section.required_text("when");
    let reason = section.required_text("reason").map(Spanned::into_inner);
    let slice = section.text("slice").map(Spanned::into_inner);
    section.finish();
    let when = when?;
    Some(Evidence {
        name,
        label: label?,
        sources: sources.into_iter().map(Spanned::into_inner).collect(),
        feature: feature?,
        slice,
        reason: reason?,
        place: at(place, section),
        when_place: Place { span: when.span(), ..place.clone() },
        when: when.into_inner(),
    })
}

fn read_peers(name: String, section: &Section<'_>, place: &Place) -> Option<Peers> {
    let label = section.required_text("label").map(Spanned::into_inner);
    let levels = section.required_texts("levels").unwrap_or_default();
    let least = section.integer("least_accounts");
    section.finish();
    if least.is_some_and(|least| !(1..=1_000_000).contains(&least)) {
        section.mistake(section.span(), "`least_accounts` takes 1 to 1,000,000");
    }
    Some(Peers {
        name,
        label: label?,
        levels: levels.into_iter().map(Spanned::into_inner).collect(),
        least_accounts: least.unwrap_or(30).clamp(1, 1_000_000) as u32,
        place: at(place, section),
    })
}

fn read_axis(name: String, section: &Section<'_>, place: &Place) -> Axis {
    let mut members = Vec::new();
    for (member, fields) in section.members() {
        let fields = fields.into_iter().map(|(field, value)| (field.into_inner(), value.into_inner()));
        members.push((member.into_inner(), fields.collect()));
    }
    Axis { name, members, place: at(place, section) }
}

fn read_block(section: &Section<'_>, place: &Place, defaults: &Defaults, is_family: bool) -> Option<Block> {
    let text = |key, default: &Option<Spanned<String>>| section.text(key).or_else(|| default.clone());
    let name = section.required_text("name");
    let label = section.required_text("label");
    let label_zh = section.required_text("label_zh");
    let definition = section.required_text("definition");
    if !section.has("type") {
        section.mistake(section.span(), "`type` is missing");
    }
    let kind = section.choice("type", &TagType::ALL);
    let unit = section.text("unit");
    if kind == Some(TagType::Number) && unit.is_none() {
        section.mistake_with_hint(section.span(), "a number needs a `unit`", "unit = \"1\" for a ratio or a count");
    }
    let values = section.texts("values").unwrap_or_default();
    if kind == Some(TagType::Enum) && values.is_empty() {
        section.mistake(section.span(), "an enum needs its `values`");
    }
    let category = text("category", &defaults.category);
    if category.is_none() {
        section.mistake(section.span(), "`category` is missing, here and in [defaults]");
    }
    let is_tier = kind == Some(TagType::Tier);
    let own_feature = section.text("feature");
    let own_slice = section.text("slice");
    // A tag over another table than its file's does not take the file's slice.
    let slice = own_slice.or_else(|| defaults.slice.clone().filter(|_| own_feature.is_none() && !is_tier));
    let feature = own_feature.or_else(|| defaults.feature.clone()).filter(|_| !is_tier);
    let evidence = text("evidence", &defaults.evidence).filter(|_| !is_tier);
    let sql = section.text("sql");
    let of = section.text("of");
    let tiers = section.integer("tiers");
    if is_tier {
        if of.is_none() {
            section.mistake_with_hint(
                section.span(),
                "a tier needs the number that it cuts",
                "of = \"energy_12m_kwh\"",
            );
        }
        if let Some(sql) = &sql {
            section.mistake(sql.span(), "a tier has no `sql`: it is cut from the tag named by `of`");
        }
    } else {
        for (key, value) in [("feature", &feature), ("evidence", &evidence)] {
            if value.is_none() {
                section.mistake(section.span(), format!("`{key}` is missing, here and in [defaults]"));
            }
        }
        if sql.is_none() {
            section.mistake(section.span(), "`sql` is missing");
        }
        if of.is_some() || tiers.is_some() {
            section.mistake(section.span(), "`of` and `tiers` belong to tags of type tier");
        }
    }
    if tiers.is_some_and(|tiers| !(2..=20).contains(&tiers)) {
        section.mistake(section.span(), "`tiers` takes 2 to 20");
    }
    let each = section.lists("each");
    if is_family && each.is_empty() {
        section.mistake_with_hint(section.span(), "a family needs its axes", "each.period = \"*\"");
    }
    if !is_family && !each.is_empty() {
        section.mistake(section.span(), "a [[tag]] has no axes: write [[family]]");
    }
    let peers = section.text("peers").unwrap_or_else(|| Spanned::new(section.span(), "default".to_owned()));
    // All keys are asked for before any is missed.
    let (parameters, cases) = (read_parameters(section), read_cases(section, place));
    let (owner, since) = (text("owner", &defaults.owner), text("since", &defaults.since));
    let (source, why_constant) = (section.text("source"), section.text("why_constant"));
    let refresh = section.choice("refresh", &Refresh::ALL).or(defaults.refresh).unwrap_or(Refresh::Daily);
    let sensitivity = read_sensitivity(section).or(defaults.sensitivity).unwrap_or(1);
    let is_profiled = section.flag("profiled").unwrap_or(false);
    if is_profiled && sensitivity < SENSITIVE && kind.is_some_and(TagType::has_states) {
        section.mistake(section.span(), "`profiled` is of texts: flags, enums and tiers are profiled anyhow");
    }
    if is_profiled && kind.is_some_and(|kind| !kind.has_states() && kind != TagType::Text) {
        section.mistake(
            section.span(),
            "`profiled` is of tags with few values: a text, or a sensitive flag, enum or tier",
        );
    }
    let except = section.texts("except").unwrap_or_default();
    Some(Block {
        place: at(place, section),
        kind: kind?,
        unit,
        values,
        category: category?,
        feature,
        slice,
        evidence,
        of,
        tiers: tiers.unwrap_or(5).clamp(2, 20) as u32,
        peers,
        parameters,
        cases,
        source,
        refresh,
        sensitivity,
        owner,
        since,
        is_profiled,
        why_constant,
        each,
        except,
        is_family,
        sql: if is_tier { None } else { Some(sql?) },
        name: name?,
        label: label?,
        label_zh: label_zh?,
        definition: definition?,
    })
}

fn read_parameters(section: &Section<'_>) -> Vec<ParameterBlock> {
    let mut parameters = Vec::new();
    for (name, inner) in section.named_sections("parameters") {
        let (value, enter, exit) = (inner.literal("value"), inner.literal("enter"), inner.literal("exit"));
        let unit = inner.text("unit");
        if unit.is_none() {
            inner.mistake_with_hint(
                name.span(),
                format!("the parameter `{}` needs a `unit`", name.get_ref()),
                "unit = \"1\" for a plain number",
            );
        }
        inner.finish();
        let enter = match (value, enter, exit) {
            (Some(value), None, None) => Some((value.into_inner(), None)),
            (None, Some(enter), Some(exit)) => Some((enter.into_inner(), Some(exit.into_inner()))),
            _ => {
                let message = format!("the parameter `{}` takes a `value`, or `enter` and `exit`", name.get_ref());
                inner.mistake(name.span(), message);
                None
            }
        };
        if let Some((enter, exit)) = enter {
            let unit = unit.map_or_else(|| "1".to_owned(), Spanned::into_inner);
            parameters.push(ParameterBlock { name, enter, exit, unit });
        }
    }
    parameters
}

fn read_cases(section: &Section<'_>, place: &Place) -> Vec<CaseBlock> {
    let mut cases = Vec::new();
    for inner in section.sections("case") {
        let mut given = inner.literals("given");
        if let Some(previous) = inner.literal("previous") {
            given.push((Spanned::new(previous.span(), "previous".to_owned()), previous));
        }
        let expect = inner.literal("expect");
        if expect.is_none() && !inner.has("expect") {
            inner.mistake(inner.span(), "a case needs what to `expect`");
        }
        let place = at(place, &inner);
        inner.finish();
        cases.extend(expect.map(|expect| CaseBlock { given, expect, place }));
    }
    cases
}
