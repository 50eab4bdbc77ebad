//! What is fitted of a segmentation by likeness.

use std::collections::BTreeSet;

use toml::Spanned;

use super::{MOST_GROUPS, is_word, limits, number};
use crate::project::document::Section;
use crate::project::tag::paths_of_condition;
use crate::segment::balanced::Balanced;
use crate::segment::bounded::Limits;
use crate::segment::scale::{Feature, Transform};

#[derive(Clone, Debug)]
pub struct Fitting {
    pub balanced: Balanced,
    /// Tags that the rules which explain the groups may be about.
    pub explain: Vec<String>,
    /// The rules themselves make the groups, not the nearest of the small clusters.
    pub is_by_rules: bool,
}

pub(super) fn read(root: &Section<'_>) -> Option<Fitting> {
    let seed = root.integer("seed").unwrap_or(1).unsigned_abs();
    let (mut least_groups, mut most_groups) = (3, MOST_GROUPS);
    if let Some(section) = root.table("groups") {
        least_groups = section.integer("least").map_or(least_groups, |count| usize::try_from(count).unwrap_or(0));
        most_groups = section.integer("most").map_or(most_groups, |count| usize::try_from(count).unwrap_or(0));
        section.finish();
        if least_groups < 2 || most_groups > MOST_GROUPS || least_groups > most_groups {
            section.mistake(
                section.span(),
                format!("`least` and `most` groups are from 2 to {MOST_GROUPS}, the least first"),
            );
        }
    }
    let mut bounds = Limits { least_percent: 5.0, most_percent: 35.0, most_ratio: 3.0 };
    if let Some(section) = root.table("limits") {
        bounds = limits(&section, bounds);
        section.finish();
        if !(least_groups..=most_groups).any(|groups| bounds.allow(groups)) {
            let message = format!("no number of groups from {least_groups} to {most_groups} can keep these limits");
            section.mistake_with_hint(
                section.span(),
                message,
                "so many groups of the least size must fit into 100 %, and of the most size fill them",
            );
        }
    }
    let mut features: Vec<Feature> = Vec::new();
    for section in root.sections("feature") {
        let sql = section.required_text("sql");
        let name = section.text("name").map(Spanned::into_inner);
        let is_optional = section.flag("optional").unwrap_or(false);
        let weight = number(&section, "weight", 1.0);
        let winsorise_percent = number(&section, "winsorise_percent", 1.0);
        let linear = Transform::Linear { winsorise_percent };
        let transforms =
            [("linear", linear), ("log", Transform::Log { winsorise_percent }), ("one_hot", Transform::OneHot)];
        let transform = if section.has("transform") { section.choice("transform", &transforms) } else { Some(linear) };
        section.finish();
        if weight <= 0.0 || !(0.0..50.0).contains(&winsorise_percent) {
            section.mistake(section.span(), "`weight` is above 0, `winsorise_percent` from 0 to less than 50");
        }
        if let (Some(sql), Some(transform)) = (sql, transform) {
            let name = name.unwrap_or_else(|| sql.get_ref().clone());
            if features.iter().any(|feature| feature.name == name) {
                section.mistake_with_hint(
                    sql.span(),
                    format!("the feature `{name}` stands here twice"),
                    "give it a `name`",
                );
            }
            features.push(Feature { name, sql: sql.into_inner(), transform, weight, is_optional });
        }
    }
    if features.is_empty() {
        root.mistake(root.span(), "a fitted segmentation needs [[feature]] blocks");
    }
    let explain: Vec<String> = match root.texts("explain") {
        Some(names) => names.into_iter().map(Spanned::into_inner).collect(),
        None => explained_by(&features),
    };
    if explain.is_empty() && !features.is_empty() {
        root.mistake_with_hint(
            root.span(),
            "there are no tags by which the groups can be explained",
            "name some: explain = [\"account_class\", …]",
        );
    }
    let balanced = Balanced { features, least_groups, most_groups, limits: bounds, seed };
    let assigns = [("nearest", false), ("tree", true)];
    let is_by_rules = if root.has("assign") { root.choice("assign", &assigns)? } else { false };
    Some(Fitting { balanced, explain, is_by_rules })
}

/// The features that are tags; of expressions alone the tags that these name.
fn explained_by(features: &[Feature]) -> Vec<String> {
    let plain: Vec<String> = features.iter().map(|feature| feature.sql.clone()).filter(|sql| is_word(sql)).collect();
    if !plain.is_empty() {
        return plain;
    }
    let paths = features.iter().filter_map(|feature| paths_of_condition(&feature.sql).ok()).flatten();
    let tags: BTreeSet<String> = paths.filter(|path| path.len() == 1).flatten().collect();
    tags.into_iter().collect()
}
