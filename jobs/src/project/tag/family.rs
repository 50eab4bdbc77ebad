//! From blocks to tags: a family is multiplied over its axes, every text of it
//! being a template.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;

use super::expression::bind;
use super::read::{Axis, Block};
use super::{Body, Case, Parameter, Place, Tag, TagType};
use crate::project::TAGS;
use crate::project::diagnostic::{Mistake, did_you_mean};
use crate::project::document::Literal;

/// A member of each axis of a family: what its templates are filled with.
type Fill<'a> = BTreeMap<&'a str, (&'a str, &'a BTreeMap<String, Literal>)>;

/// The tags of a block.
pub(super) fn tags(block: &Block, axes: &BTreeMap<&str, &Axis>, mistakes: &mut Vec<Mistake>) -> Vec<Tag> {
    let Some(fills) = fills(block, axes, mistakes) else { return Vec::new() };
    let mut tags = Vec::new();
    let mut left_out: BTreeSet<&str> = block.except.iter().map(|name| name.get_ref().as_str()).collect();
    for fill in fills {
        let mut maker = Maker { block, fill, mistakes: Vec::new() };
        let name = maker.fill(&block.name);
        if !left_out.remove(name.as_str()) && !block.except.iter().any(|except| *except.get_ref() == name) {
            tags.extend(maker.tag(name));
        }
        // What is wrong in a template is wrong in every tag of it: told once.
        if !maker.mistakes.is_empty() {
            mistakes.append(&mut maker.mistakes);
            return Vec::new();
        }
    }
    for name in left_out {
        mistakes.push(
            block.place.of_word(name).mistake(format!("`except` names `{name}`, which this family does not make")),
        );
    }
    tags
}

/// The product of a family's axes; one empty fill for a tag.
fn fills<'a>(block: &'a Block, axes: &BTreeMap<&str, &'a Axis>, mistakes: &mut Vec<Mistake>) -> Option<Vec<Fill<'a>>> {
    let mut fills: Vec<Fill<'a>> = vec![Fill::new()];
    let mut is_good = true;
    for (name, wanted) in &block.each {
        let place = |span: Range<usize>| Place { span, ..block.place.clone() };
        let Some(axis) = axes.get(name.get_ref().as_str()) else {
            let hint = match did_you_mean(name.get_ref(), axes.keys().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it: [axis.{}]", name.get_ref()),
            };
            let message = format!("no axis is called `{}`", name.get_ref());
            mistakes.push(place(name.span()).mistake(message).with_hint(hint));
            is_good = false;
            continue;
        };
        let mut members = Vec::new();
        for member in wanted {
            let found = axis.members.iter().filter(|(known, _)| member.get_ref() == "*" || known == member.get_ref());
            let before = members.len();
            members.extend(found);
            if members.len() == before {
                let known = axis.members.iter().map(|(member, _)| member.as_str());
                let hint = match did_you_mean(member.get_ref(), known.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it has: {}", known.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("the axis `{}` has no member `{}`", axis.name, member.get_ref());
                mistakes.push(place(member.span()).mistake(message).with_hint(hint));
                is_good = false;
            }
        }
        fills = fills
            .into_iter()
            .flat_map(|fill| {
                members.iter().map(move |(member, fields)| {
                    let mut fill = fill.clone();
                    fill.insert(axis.name.as_str(), (member.as_str(), fields));
                    fill
                })
            })
            .collect();
    }
    is_good.then_some(fills)
}

/// Makes one tag of a block.
struct Maker<'a> {
    block: &'a Block,
    fill: Fill<'a>,
    mistakes: Vec<Mistake>,
}

impl Maker<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place { span, ..self.block.place.clone() }
    }

    fn fill(&mut self, text: &Spanned<String>) -> String {
        self.fill_text(text.get_ref(), text.span(), &BTreeMap::new())
    }

    fn fill_option(&mut self, text: &Option<Spanned<String>>) -> Option<String> {
        text.as_ref().map(|text| self.fill(text))
    }

    /// Replaces `{axis}`, `{axis.field}` and, where there are any, `{parameter}`.
    fn fill_text(&mut self, text: &str, span: Range<usize>, parameters: &BTreeMap<String, Parameter>) -> String {
        if self.fill.is_empty() && parameters.is_empty() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let Some(length) = rest[open..].find('}') else { break };
            let name = &rest[open + 1..open + length];
            out.push_str(&rest[..open]);
            match self.value(name, parameters) {
                Some(value) => out.push_str(&value),
                None => {
                    let known = self.fill.iter().flat_map(|(axis, (_, fields))| {
                        let fields = fields.keys().map(move |field| format!("{axis}.{field}"));
                        std::iter::once((*axis).to_owned()).chain(fields)
                    });
                    let known: Vec<String> = known.chain(parameters.keys().cloned()).collect();
                    let hint = match did_you_mean(name, known.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean {{{near}}}?"),
                        None => format!("known here: {}", known.join(", ")),
                    };
                    let place = self.place(span.clone()).of_word(name);
                    self.mistakes.push(place.mistake(format!("nothing is called `{{{name}}}`")).with_hint(hint));
                }
            }
            rest = &rest[open + length + 1..];
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str, parameters: &BTreeMap<String, Parameter>) -> Option<String> {
        let (axis, field) = name.split_once('.').map_or((name, None), |(axis, field)| (axis, Some(field)));
        match (self.fill.get(axis), field) {
            (Some((member, _)), None) => Some((*member).to_owned()),
            (Some((_, fields)), Some(field)) => fields.get(field).map(Literal::shown),
            (None, _) => parameters.get(name).map(Parameter::shown),
        }
    }

    fn literal(&mut self, literal: &Literal, span: &Range<usize>) -> Literal {
        match literal {
            Literal::Text(text) => Literal::Text(self.fill_text(text, span.clone(), &BTreeMap::new())),
            Literal::List(items) => Literal::List(items.iter().map(|item| self.literal(item, span)).collect()),
            other => other.clone(),
        }
    }

    /// A value that a template has made: a field alone is what it is, and what
    /// reads as a number or a flag is one.
    fn scalar(&mut self, literal: &Literal, span: &Range<usize>) -> Literal {
        if let Literal::Text(text) = literal
            && let Some((axis, field)) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')?.split_once('.'))
            && let Some(value) = self.fill.get(axis).and_then(|(_, fields)| fields.get(field))
        {
            return value.clone();
        }
        let filled = self.literal(literal, span);
        let (Literal::Text(text), true) = (&filled, filled != *literal) else { return filled };
        match text.as_str() {
            "true" => Literal::Flag(true),
            "false" => Literal::Flag(false),
            number if number.parse::<f64>().is_ok() => Literal::Number(number.to_owned()),
            _ => filled,
        }
    }

    fn parameters(&mut self) -> BTreeMap<String, Parameter> {
        let block = self.block;
        let parameter = |maker: &mut Self, parameter: &super::read::ParameterBlock| {
            let span = parameter.name.span();
            let made = Parameter {
                enter: maker.scalar(&parameter.enter, &span),
                exit: parameter.exit.as_ref().map(|exit| maker.scalar(exit, &span)),
                unit: maker.fill_text(&parameter.unit, span, &BTreeMap::new()),
            };
            (parameter.name.get_ref().clone(), made)
        };
        block.parameters.iter().map(|found| parameter(self, found)).collect()
    }

    fn cases(&mut self) -> Vec<Case> {
        let block = self.block;
        let mut cases = Vec::new();
        for case in &block.cases {
            let given =
                case.given.iter().map(|(name, value)| (self.fill(name), self.scalar(value.get_ref(), &value.span())));
            let given = given.collect();
            let expect = self.scalar(case.expect.get_ref(), &case.expect.span());
            let is_null = expect == Literal::Text("null".to_owned());
            cases.push(Case { given, expect: (!is_null).then_some(expect), place: case.place.clone() });
        }
        cases
    }

    fn tag(&mut self, name: String) -> Option<Tag> {
        let block = self.block;
        if !is_plain_name(&name) {
            let place = self.place(block.name.span());
            self.mistakes.push(
                place
                    .mistake(format!("`{name}` cannot be the name of a column"))
                    .with_hint("lower case letters, digits and _, a letter first"),
            );
            return None;
        }
        let parameters = self.parameters();
        let sql_place = self.place(block.sql.as_ref().map_or(block.place.span.clone(), Spanned::span));
        let peers = self.fill(&block.peers);
        let body = match (&block.sql, &block.of) {
            (Some(sql), _) => {
                let sql = self.fill(sql);
                match bind(&sql, &parameters, &peers, &sql_place) {
                    Ok(expression) => Body::Sql(expression),
                    Err(found) => {
                        self.mistakes.extend(found);
                        return None;
                    }
                }
            }
            (None, of) => Body::Tier { of: self.fill_option(of)?, tiers: block.tiers },
        };
        let has_exit = matches!(&body, Body::Sql(expression) if expression.exit.is_some());
        if has_exit && !matches!(block.kind, TagType::Bool | TagType::Enum) {
            let place = self.place(block.place.span.clone());
            self.mistakes.push(place.mistake("`enter` and `exit` hold for tags of type bool and enum"));
        }
        let definition = &block.definition;
        let definition = self.fill_text(definition.get_ref(), definition.span(), &parameters);
        let label = self.fill(&block.label);
        Some(Tag {
            label: capitalised(&label),
            label_zh: self.fill(&block.label_zh),
            category: self.fill(&block.category),
            kind: block.kind,
            unit: self.fill_option(&block.unit),
            values: block.values.iter().map(|value| self.fill(value)).collect(),
            feature: self.fill_option(&block.feature).unwrap_or_else(|| TAGS.to_owned()),
            slice: self.fill_option(&block.slice),
            // A tier has that of the tag it cuts: see `link`.
            evidence: self.fill_option(&block.evidence).unwrap_or_default(),
            body,
            peers,
            parameters,
            cases: self.cases(),
            definition: capitalised(&definition),
            source: self.fill_option(&block.source),
            refresh: block.refresh,
            sensitivity: block.sensitivity,
            owner: block.owner.as_ref().map(|owner| owner.get_ref().clone()),
            since: block.since.as_ref().map(|since| since.get_ref().clone()),
            family: block.is_family.then(|| block.name.get_ref().clone()),
            is_profiled: block.is_profiled,
            why_constant: self.fill_option(&block.why_constant),
            place: block.place.clone(),
            sql_place,
            name,
        })
    }
}

/// A name that needs no quotes in SQL and none in a file.
fn is_plain_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= 63
        && !name.contains("__")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
