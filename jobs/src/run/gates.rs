//! What a release has to keep before readers see it: sizes of groups, agreement with the
//! groups before, rules that say them, and likeness inside of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int64Type};
use chrono::NaiveDate;

use super::models::{Details, Model, made, millionths, rows};
use super::release::{last_release, release_table};
use crate::engine::Engine;
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::lake::Output;
use crate::plan::Tables;
use crate::project::diagnostic::did_you_mean;
use crate::project::segment::{Segmentation, UNKNOWN};
use crate::project::{PREVIOUS_MODEL, Project, SEGMENT_GATES, SEGMENT_MIGRATION, SEGMENT_MODEL};
use crate::segment::quality::Indices;

/// As the keys in the file of a segmentation are called.
const SIZES: [&str; 3] = ["least_percent", "most_percent", "most_ratio"];
const AGREEMENT: &str = "least_agreement";
const FIDELITY: &str = "least_fidelity";
const WORSE: &str = "most_worse_percent";
const LOST: &str = "most_lost_percent";

/// A bound, and what the release came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// `<segmentation>.<key>`, by which it is accepted.
    pub name: String,
    pub segmentation: String,
    pub key: &'static str,
    pub value: f64,
    pub bound: f64,
    pub is_accepted: bool,
    /// What may have led to it.
    why: Option<String>,
}

impl Gate {
    pub fn is_kept(&self) -> bool {
        match self.key.starts_with("least") {
            true => self.value >= self.bound,
            false => self.value <= self.bound,
        }
    }

    fn told(&self) -> String {
        let side = if self.key.starts_with("least") { "below" } else { "above" };
        let why = self.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        format!("{} is {}, {side} {}{why}", self.name, (self.value * 1e4).round() / 1e4, self.bound)
    }
}

/// Names that can be accepted are those of gates.
pub fn check_names(project: &Project, accepted: &[String]) -> Result<(), Error> {
    let of = |segmentation: &Segmentation| {
        let sizes = if segmentation.limits().is_some() { &SIZES[..] } else { &[] };
        let of_likeness = if segmentation.fitting().is_some() { &[FIDELITY, WORSE][..] } else { &[] };
        let keys = sizes.iter().chain(&[AGREEMENT, LOST]).chain(of_likeness);
        keys.map(|key| name(segmentation, key)).collect::<Vec<_>>()
    };
    let known: Vec<String> = project.segmentations.iter().flat_map(of).collect();
    for asked in accepted {
        if !known.contains(asked) {
            let message = format!("no gate is called `{asked}`");
            let hint = match did_you_mean(asked, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.join(", ")),
            };
            return Err(Error::Usage { message, hint });
        }
    }
    Ok(())
}

/// What is published although it breaks a gate.
pub struct Accepted {
    asked: Vec<String>,
    /// What was accepted when the same day was published: to run again is no change.
    /// Each with its value as it is published.
    before: Vec<(String, String)>,
}

impl Accepted {
    pub async fn of(engine: &Engine, out: &Output, as_of: NaiveDate, asked: &[String]) -> Result<Self, Error> {
        let mut before = Vec::new();
        if let Some(last) = last_release(engine, out).await?.filter(|last| last.as_of == as_of)
            && let Some(table) = release_table(out, &last, SEGMENT_GATES).await?
        {
            let sql = format!(
                "select concat(segmentation, '.', gate), cast(value as varchar) from {SEGMENT_GATES} where is_accepted"
            );
            for batch in engine.query(vec![Relation::of_table(SEGMENT_GATES, &table)], &sql).await? {
                let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
                before.extend((0..batch.num_rows()).map(|row| (text(0, row), text(1, row))));
            }
        }
        Ok(Self { asked: asked.to_vec(), before })
    }

    fn has(&self, name: &str, value: f64) -> bool {
        let is_same = |(known, shown): &(String, String)| known == name && *shown == format!("{value:.6}");
        self.asked.iter().any(|asked| asked == name) || self.before.iter().any(is_same)
    }
}

fn name(segmentation: &Segmentation, key: &str) -> String {
    format!("{}.{key}", segmentation.name)
}

/// The gates of all segmentations that a run has assigned; an error where one is broken
/// that nobody has accepted.
pub async fn pass(
    engine: &Engine,
    project: &Project,
    tables: &Tables,
    as_of: NaiveDate,
    accepted: &Accepted,
) -> Result<Vec<Gate>, Error> {
    let Some(migration) = tables.get(SEGMENT_MIGRATION) else { return Ok(Vec::new()) };
    let mut models = Vec::new();
    for table in [SEGMENT_MODEL, PREVIOUS_MODEL] {
        models.push(match tables.get(table) {
            Some(snapshot) => rows(engine, table, snapshot).await?,
            None => Vec::new(),
        });
    }
    let mut found = Vec::new();
    for segmentation in &project.segmentations {
        let sql = format!(
            "select from_segment, to_segment, accounts from {SEGMENT_MIGRATION} where segmentation = '{}' order by 1, 2",
            segmentation.name
        );
        let rows = engine.query(vec![Relation::of_table(SEGMENT_MIGRATION, migration)], &sql).await?;
        let moves: Vec<Move> = rows.iter().flat_map(moves).collect();
        let of_name = |models: &Vec<Model>| models.iter().find(|row| row.segmentation == segmentation.name).cloned();
        let (model, before) = (of_name(&models[0]), of_name(&models[1]));
        // What a model is like was seen when it was made.
        let is_new = model.as_ref().is_some_and(|row| row.fitted_as_of == Date32Type::from_naive_date(as_of));
        let is_same = model.as_ref().map(|row| &row.fingerprint) == before.as_ref().map(|row| &row.fingerprint);
        let told = |row: &Option<Model>| row.as_ref().and_then(Model::details);
        let (model, before) = (told(&model), told(&before).filter(|_| is_same));
        let other_features = model.as_ref().filter(|_| is_new).zip(before.as_ref()).and_then(other_features);
        for (key, value, bound) in of(segmentation, &moves, model.as_ref(), before.as_ref().filter(|_| is_new)) {
            if key == FIDELITY && !is_new {
                continue;
            }
            let name = name(segmentation, key);
            let is_accepted = accepted.has(&name, value);
            let why = other_features.clone().filter(|_| key == AGREEMENT);
            found.push(Gate { name, segmentation: segmentation.name.clone(), key, value, bound, is_accepted, why });
        }
    }
    let broken: Vec<&Gate> = found.iter().filter(|gate| !gate.is_kept() && !gate.is_accepted).collect();
    if !broken.is_empty() {
        return Err(Error::Held {
            told: broken.iter().map(|gate| gate.told()).collect(),
            names: broken.iter().map(|gate| gate.name.clone()).collect(),
        });
    }
    Ok(found)
}

/// Features by which the one model was fitted and not the other: groups are others then.
fn other_features((now, before): (&Details, &Details)) -> Option<String> {
    let left_out = |details: &Details| details.likeness.as_ref().map(|likeness| likeness.told.left_out.clone());
    let (now, before) = (left_out(now)?, left_out(before)?);
    let only = |of: &[String], not: &[String]| {
        let names: Vec<&str> = of.iter().filter(|name| !not.contains(name)).map(String::as_str).collect();
        names.join(", ")
    };
    let told = [("fitted for the first time by ", only(&before, &now)), ("no longer by ", only(&now, &before))];
    let told: Vec<String> =
        told.iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| format!("{what}{names}")).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Accounts of a group before and of one now.
type Move = (Option<String>, Option<String>, i64);

fn moves(batch: &RecordBatch) -> Vec<Move> {
    let group = |column: usize, row: usize| {
        let column = batch.column(column).as_string::<i32>();
        // Of whom nothing is known has no group.
        let known = column.is_valid(row).then(|| column.value(row)).filter(|code| *code != UNKNOWN);
        known.map(str::to_owned)
    };
    let accounts = batch.column(2).as_primitive::<Int64Type>();
    (0..batch.num_rows()).map(|row| (group(0, row), group(1, row), accounts.value(row))).collect()
}

/// Keys, what the release came to, and the bounds.
fn of(
    segmentation: &Segmentation,
    moves: &[Move],
    model: Option<&Details>,
    before: Option<&Details>,
) -> Vec<(&'static str, f64, f64)> {
    let mut found = Vec::new();
    let mut sizes: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, to, accounts) in moves {
        if let Some(to) = to {
            *sizes.entry(to).or_default() += accounts;
        }
    }
    // Groups of the model that nobody is in any more.
    for code in model.iter().flat_map(|model| &model.codes) {
        sizes.entry(code).or_default();
    }
    let all: i64 = sizes.values().sum();
    if let (Some(least), Some(most), Some(limits), true) =
        (sizes.values().min(), sizes.values().max(), segmentation.limits(), all > 0)
    {
        let percent = |size: i64| 100.0 * size as f64 / all as f64;
        let values = [percent(*least), percent(*most), *most as f64 / (*least).max(1) as f64];
        let bounds = [limits.least_percent, limits.most_percent, limits.most_ratio];
        let of_sizes = SIZES.into_iter().zip(values).zip(bounds).map(|((key, value), bound)| (key, value, bound));
        // One that was not given bounds nothing.
        found.extend(of_sizes.filter(|(.., bound)| bound.is_finite()));
    }
    let common = moves.iter().filter_map(|(from, to, accounts)| Some((from.as_deref()?, to.as_deref()?, *accounts)));
    if let Some(agreement) = kwhy_udfs::adjusted_rand_of(common) {
        found.push((AGREEMENT, agreement, segmentation.gates.least_agreement));
    }
    let had: i64 = moves.iter().filter(|(from, ..)| from.is_some()).map(|(.., accounts)| accounts).sum();
    let lost: i64 =
        moves.iter().filter(|(from, to, _)| from.is_some() && to.is_none()).map(|(.., accounts)| accounts).sum();
    if had > 0 {
        found.push((LOST, 100.0 * lost as f64 / had as f64, segmentation.gates.most_lost_percent));
    }
    let Some((model, likeness)) = model.and_then(|model| Some((model, model.likeness.as_ref()?))) else { return found };
    found.push((FIDELITY, likeness.fidelity, segmentation.gates.least_fidelity));
    let indices = before.and_then(|before| Some((before.codes.len(), before.likeness.as_ref()?.told.indices()?)));
    if let (Some(now), Some((groups, before))) = (likeness.told.indices(), indices) {
        let worse = worse_percent(&before, &now, groups == model.codes.len());
        found.push((WORSE, worse, segmentation.gates.most_worse_percent));
    }
    found
}

/// By how much the index that has become worst is worse, in percent of what it was. More
/// groups explain more: of another number of them that is no matter of likeness.
fn worse_percent(before: &Indices, now: &Indices, is_same_number: bool) -> f64 {
    let loss = |before: f64, now: f64| if before.abs() > 1e-9 { 100.0 * (before - now) / before.abs() } else { 0.0 };
    let losses = [
        // It may be near 0: its distance from the best there is.
        100.0 * (before.silhouette - now.silhouette) / (1.0 - before.silhouette).max(1e-9),
        -loss(before.davies_bouldin, now.davies_bouldin),
        if is_same_number { loss(before.explained, now.explained) } else { 0.0 },
    ];
    losses.into_iter().fold(0.0, f64::max)
}

/// `segment_gate`.
pub fn batch(gates: &[Gate], as_of: NaiveDate) -> Result<RecordBatch, Error> {
    let day = Date32Type::from_naive_date(as_of);
    let flag = |of: fn(&Gate) -> bool| -> ArrayRef {
        Arc::new(gates.iter().map(|gate| Some(of(gate))).collect::<BooleanArray>())
    };
    made(vec![
        ("as_of", Arc::new(Date32Array::from_iter_values(gates.iter().map(|_| day)))),
        ("segmentation", Arc::new(StringArray::from_iter_values(gates.iter().map(|gate| &gate.segmentation)))),
        ("gate", Arc::new(StringArray::from_iter_values(gates.iter().map(|gate| gate.key)))),
        ("value", millionths(gates.iter().map(|gate| Some(gate.value)), 18)),
        ("bound", millionths(gates.iter().map(|gate| Some(gate.bound).filter(|bound| bound.is_finite())), 18)),
        ("is_kept", flag(Gate::is_kept)),
        ("is_accepted", flag(|gate| gate.is_accepted)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(moves: &[(Option<&str>, Option<&str>, i64)]) -> BTreeMap<&'static str, Gate> {
        let text = "label = \"x\"\nlabel_zh = \"x\"\nmethod = \"balanced_kmeans\"\n[[feature]]\nsql = \"x\"\n";
        let segmentation = Segmentation::parse("x", "x.toml", text).expect("a segmentation");
        let text = |group: &Option<&str>| group.map(str::to_owned);
        let moves: Vec<Move> = moves.iter().map(|(from, to, accounts)| (text(from), text(to), *accounts)).collect();
        let gates = of(&segmentation, &moves, None, None);
        let gate = |(key, value, bound)| {
            (
                key,
                Gate {
                    name: name(&segmentation, key),
                    segmentation: "x".into(),
                    key,
                    value,
                    bound,
                    is_accepted: false,
                    why: None,
                },
            )
        };
        gates.into_iter().map(gate).collect()
    }

    #[test]
    fn figures_are_those_of_the_moves() {
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        let kept = found(&[(a, a, 40), (b, b, 30), (c, c, 29), (None, c, 1)]);
        let values: Vec<f64> = ["least_percent", "most_percent", "least_agreement", "most_lost_percent"]
            .iter()
            .map(|key| kept[key].value)
            .collect();
        assert_eq!(values, [30.0, 40.0, 1.0, 0.0]);
        let broken: Vec<&str> = kept.values().filter(|gate| !gate.is_kept()).map(|gate| gate.key).collect();
        assert_eq!(broken, ["most_percent"]);
        // A model that is gone leaves nobody a group, and that is seen.
        let gone = found(&[(a, None, 40), (b, None, 60)]);
        assert_eq!(gone.keys().copied().collect::<Vec<_>>(), ["most_lost_percent"]);
        assert!(gone["most_lost_percent"].value == 100.0 && !gone["most_lost_percent"].is_kept());
        assert_eq!(gone["most_lost_percent"].told(), "x.most_lost_percent is 100, above 20");
        let mixed = found(&[(a, a, 25), (a, b, 25), (b, a, 25), (b, b, 25)]);
        assert!(!mixed["least_agreement"].is_kept(), "{mixed:?}");
    }

    #[test]
    fn the_index_that_is_worst_counts() {
        let before = Indices { silhouette: 0.02, davies_bouldin: 1.0, calinski_harabasz: 9.0, explained: 0.5 };
        let worse = |now: Indices| worse_percent(&before, &now, true);
        assert_eq!(worse(before), 0.0);
        // A silhouette near 0 that moves a little is not much worse.
        assert!(worse(Indices { silhouette: 0.01, ..before }) < 2.0);
        assert!((worse(Indices { davies_bouldin: 1.3, ..before }) - 30.0).abs() < 1e-9);
        let less = Indices { explained: 0.4, ..before };
        assert!((worse(less) - 20.0).abs() < 1e-9);
        assert_eq!(worse_percent(&before, &less, false), 0.0);
    }
}
