//! Segmentations, held against the tags and tables that they name: conditions that are
//! none, features that are no numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::DFSchema;

use super::Catalogue;
use super::check::{type_of, unknown_column};
use super::lineage::{Column, sensitive};
use crate::error::Error;
use crate::project::TAGS;
use crate::project::diagnostic::Mistake;
use crate::project::segment::{Group, Segmentation, modelled};
use crate::project::tag::{Place, columns_of_condition, paths_of_condition};
use crate::segment::scale::Transform;

/// Everything in the segmentations that does not fit.
pub(super) fn mistakes(catalogue: &Catalogue<'_>, types: &BTreeMap<&str, DataType>) -> Result<Vec<Mistake>, Error> {
    let tags = catalogue.tags_schema(types)?;
    let segmentations = &catalogue.project.segmentations;
    let mut fields: Vec<_> = tags.as_arrow().fields().iter().cloned().collect();
    let text = |name: &str| Arc::new(Field::new(name, DataType::Utf8, true));
    fields.extend([text("account_id"), Arc::new(Field::new("as_of", DataType::Date32, true))]);
    let tables: BTreeSet<String> =
        segmentations.iter().flat_map(|segmentation| segmentation.feature_columns().into_keys()).collect();
    let of_features = tables.iter().filter_map(|table| {
        let columns = catalogue.schema(table)?.as_arrow().fields().clone();
        Some(Arc::new(Field::new(table, DataType::Struct(columns), true)))
    });
    let with = |more: Vec<Arc<Field>>| {
        let all: Vec<_> = fields.iter().cloned().chain(more).collect();
        DFSchema::try_from(Schema::new(all)).map(Arc::new).map_err(|error| Error::Query(Box::new(error)))
    };
    let with_features = with(of_features.collect())?;
    // Conditions of rules may name groups that a model makes; tags have the name first.
    let models = modelled(segmentations).filter(|other| catalogue.project.tags.get(&other.name).is_none());
    let with_models = with(models.map(|other| text(&other.name)).collect())?;
    let columns = segmentations.iter().flat_map(Segmentation::feature_columns);
    let columns: BTreeSet<Column> =
        columns.flat_map(|(table, columns)| columns.into_iter().map(move |column| (table.clone(), column))).collect();
    // Of a project that names none, nothing is traced.
    let sensitive = if columns.is_empty() { BTreeMap::new() } else { sensitive(catalogue, &columns)? };
    let check = Check { catalogue, types, sensitive };
    Ok(segmentations.iter().flat_map(|segmentation| check.of(segmentation, &with_features, &with_models)).collect())
}

struct Check<'a> {
    catalogue: &'a Catalogue<'a>,
    types: &'a BTreeMap<&'a str, DataType>,
    /// Columns that features name, and the tag for which each is sensitive.
    sensitive: BTreeMap<Column, &'a str>,
}

impl Check<'_> {
    fn of(
        &self,
        segmentation: &Segmentation,
        with_features: &Arc<DFSchema>,
        with_models: &Arc<DFSchema>,
    ) -> Vec<Mistake> {
        let mut found = Vec::new();
        let population = segmentation.population.iter().map(|sql| (sql.as_str(), with_features));
        let rules = segmentation.groups.iter().filter_map(Group::when).map(|sql| (sql, with_models));
        for (sql, schema) in population.chain(rules) {
            found.extend(self.kind_of(segmentation.place(sql, false), sql, schema, |kind, place| match kind {
                DataType::Boolean => None,
                other => Some(place.mistake(format!("a condition is true or false, and this is {other}"))),
            }));
        }
        for feature in segmentation.features() {
            let place = segmentation.place(&feature.sql, true);
            let unknown = self.unfit_columns(&feature.sql, &place);
            if unknown.is_empty() {
                found.extend(self.kind_of(place, &feature.sql, with_features, |kind, place| {
                    unfit(feature.transform == Transform::OneHot, kind, place)
                }));
            }
            found.extend(unknown);
        }
        if let Some(tiers) = segmentation.tiers() {
            let place = segmentation.place(&tiers.of, false);
            found.extend(self.kind_of(place, &tiers.of, with_features, |kind, place| {
                let mistake = || place.mistake(format!("accounts are ranked by a number, and this is {kind}"));
                (!kind.is_numeric()).then(mistake)
            }));
        }
        found
    }

    /// What is wrong with SQL of a segmentation, or with the type that it has.
    fn kind_of(
        &self,
        place: Place,
        sql: &str,
        schema: &Arc<DFSchema>,
        wrong: impl FnOnce(&DataType, &Place) -> Option<Mistake>,
    ) -> Option<Mistake> {
        // What is wrong with a tag that it names is told there.
        let is_told =
            |name: &String| self.catalogue.project.tags.get(name).is_some() && !self.types.contains_key(name.as_str());
        if columns_of_condition(sql).unwrap_or_default().iter().any(is_told) {
            return None;
        }
        match type_of(self.catalogue, sql, schema, TAGS, &place) {
            Err(mistake) => Some(mistake),
            Ok(kind) => wrong(&kind, &place),
        }
    }

    /// Columns that a feature names, and its table has not, not exactly, or not for all.
    fn unfit_columns(&self, sql: &str, place: &Place) -> Vec<Mistake> {
        let mut found = Vec::new();
        for path in paths_of_condition(sql).unwrap_or_default() {
            let [table, column, ..] = path.as_slice() else { continue };
            let Some(schema) = self.catalogue.schema(table) else { continue };
            if let Some(tag) = self.sensitive.get(&(table.clone(), column.clone())) {
                let message = format!("`{table}.{column}` is sensitive: nothing that all may see is made of it");
                found.push(
                    place.mistake(message).with_hint(format!("so is the tag `{tag}`, which is made of the same")),
                );
                continue;
            }
            match schema.field_with_unqualified_name(column) {
                Err(_) => found.push(unknown_column(column, schema, table, place)),
                Ok(field) if field.data_type().is_floating() => found.push(
                    place
                        .mistake(format!("`{table}.{column}` is a float, which depends on the order of its terms"))
                        .with_hint("cast(… as decimal(12, 3)) in the SQL of the table"),
                ),
                Ok(_) => {}
            }
        }
        found
    }
}

/// What is wrong with the type of a feature.
fn unfit(is_one_hot: bool, kind: &DataType, place: &Place) -> Option<Mistake> {
    match (is_one_hot, kind) {
        (true, kind) if kind.is_nested() => Some(place.mistake(format!("`one_hot` is for texts, and this is {kind}"))),
        (true, _) | (false, DataType::Boolean) => None,
        (false, kind) if kind.is_numeric() => None,
        (false, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => Some(
            place
                .mistake("this feature is a text, and distances are between numbers")
                .with_hint("transform = \"one_hot\" makes a number of each of its values"),
        ),
        (false, kind) => {
            Some(place.mistake(format!("a feature is a number, a flag or, with `one_hot`, a text; this is {kind}")))
        }
    }
}
