//! Releases: one row that names the version of every table. A reader sees a
//! release, whole, or the one before it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use chrono::NaiveDate;
use twox_hash::XxHash64;

use super::build::{Audit, Built};
use super::gates;
use super::ledger::{self, Ledger};
use super::models;
use crate::engine::Engine;
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::lake::{Change, Output};
use crate::plan::{Plan, Standing};
use crate::project::tag::Tag;
use crate::project::{
    CUTS, LOAD_SHAPES, Project, SEGMENT_GATES, SEGMENT_MODEL, SEGMENT_PROFILE, SEGMENT_SAMPLE, SEGMENTS,
    SENSITIVE_TAGS, STAGED, TAG_COUNTS, TAGS, made,
};
use crate::state::{Area, Snapshot};
use crate::tags::Edge;

const TABLE: &str = "releases";

/// A published release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub number: i64,
    pub as_of: NaiveDate,
    /// Folder and name of each table, and its version.
    pub tables: BTreeMap<String, u64>,
}

pub struct Published {
    pub release: Release,
    pub is_new: bool,
    pub rows: BTreeMap<String, u64>,
    pub built: Built,
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("release", DataType::Int64, true),
        Field::new("as_of", DataType::Date32, true),
        Field::new("published_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("job", DataType::Utf8, true),
        Field::new("tables", DataType::Utf8, true),
    ]))
}

/// Writes what only the driver knows, then the release; nothing where the last
/// release says the same.
pub async fn publish(
    engine: &Engine,
    out: &Output,
    project: &Project,
    plan: &Plan,
    ledger: &Ledger,
    mut built: Built,
    lineage: &BTreeSet<Edge>,
) -> Result<Published, Error> {
    let last = last_release(engine, out).await?;
    // What other jobs have published stays as it is, as long as the project knows
    // it.
    let carried = last.iter().flat_map(|last| last.tables.clone());
    let mut tables: BTreeMap<String, u64> = carried.filter(|(path, _)| is_known(project, path)).collect();
    let mut rows = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| !step.is_landing) {
        if let Some(snapshot) = built.tables.get(&step.name) {
            tables.insert(format!("{}/{}", step.area.folder(), step.name), snapshot.version);
            rows.insert(step.name.clone(), snapshot.rows());
        }
    }
    let cuts = tables.get(&format!("{}/{CUTS}", Area::Features.folder())).copied();
    let of_driver = [
        ("tag_catalog", catalog(project, cuts)?),
        ("lineage_edge", edges(lineage)?),
        ("audit_result", audits(&built.audits)?),
    ];
    // Of jobs that make none the one that stands.
    let profile = match (built.tables.get(SEGMENT_PROFILE), &last) {
        (None, Some(last)) => release_table(out, last, SEGMENT_PROFILE).await?,
        (found, _) => found.cloned(),
    };
    let of_segments = models::told(engine, project, built.tables.get(SEGMENT_MODEL), profile.as_ref()).await?;
    // Jobs that assign nobody leave those of the last one that did.
    let gates = match plan.makes(SEGMENTS) {
        true => Some((SEGMENT_GATES, gates::batch(&built.gates, plan.as_of)?)),
        false => None,
    };
    for (name, batch) in of_driver.into_iter().chain(of_segments).chain(gates) {
        let snapshot = replace(engine, out, Area::Marts, name, &batch, ledger.sequence()).await?;
        tables.insert(format!("{}/{name}", Area::Marts.folder()), snapshot.version);
        rows.insert(name.to_owned(), snapshot.rows());
        built.tables.insert(name.to_owned(), snapshot);
    }
    if let Some(last) = last.as_ref().filter(|last| last.as_of == ledger.as_of() && last.tables == tables) {
        return Ok(Published { release: last.clone(), is_new: false, rows, built });
    }
    let release = Release { number: last.map_or(1, |last| last.number + 1), as_of: ledger.as_of(), tables };
    let text = serde_json::to_string(&release.tables).unwrap_or_default();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![release.number])),
        Arc::new(Date32Array::from(vec![Date32Type::from_naive_date(release.as_of)])),
        Arc::new(TimestampMicrosecondArray::from(vec![chrono::Utc::now().timestamp_micros()]).with_timezone("UTC")),
        Arc::new(StringArray::from(vec![ledger.job()])),
        Arc::new(StringArray::from(vec![text])),
    ];
    let batch = batch(schema(), columns)?;
    let table = out.table(Area::Marts, TABLE);
    let file = engine.write(&table.location(), &format!("{:016x}", release.number), &batch).await?;
    table
        .commit(Change {
            schema: &schema(),
            partition: &[],
            add: vec![file],
            remove: Vec::new(),
            sequence: ledger.sequence(),
        })
        .await?;
    Ok(Published { release, is_new: true, rows, built })
}

/// Whether a table (`marts/customer_tags`) is one that the project can make.
fn is_known(project: &Project, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_source = name.strip_prefix(STAGED).is_some_and(|table| project.contracts.contains_key(table));
    is_source || made().any(|known| known == name) || project.models.contains_key(name)
}

/// The release that readers see.
pub async fn last_release(engine: &Engine, out: &Output) -> Result<Option<Release>, Error> {
    find_release(engine, out, "order by release desc").await
}

/// What stands from before a run as of `as_of`.
pub async fn standing(engine: &Engine, out: &Output, as_of: NaiveDate) -> Result<Standing, Error> {
    let mut standing = Standing::default();
    let of = |release: &Release, area: Area, name: &str| {
        let version = release.tables.get(&format!("{}/{name}", area.folder())).copied();
        (out.table(area, name), version)
    };
    if let Some(last) = last_release(engine, out).await? {
        if let (table, Some(version)) = of(&last, Area::Features, CUTS) {
            standing.cuts = table.snapshot(Some(version)).await?;
        }
        if let (table, Some(version)) = of(&last, Area::Features, LOAD_SHAPES) {
            standing.load_shapes = table.snapshot(Some(version)).await?;
        }
        if let (table, Some(version)) = of(&last, Area::Features, SEGMENT_MODEL)
            && let Some(table) = table.snapshot(Some(version)).await?
            && models::is_readable(SEGMENT_MODEL, &table)
        {
            let fingerprints = models::fingerprints(engine, &table).await?;
            standing.models = Some((table, fingerprints));
        }
    }
    if let Some(earlier) = earlier_release(engine, out, as_of, Area::Marts, TAGS).await? {
        if let (table, Some(version)) = of(&earlier, Area::Marts, TAGS) {
            standing.previous_tags = table.snapshot(Some(version)).await?;
        }
        if let (table, Some(version)) = of(&earlier, Area::Features, TAG_COUNTS) {
            standing.previous_tag_counts = table.snapshot(Some(version)).await?;
        }
    }
    if let Some(earlier) = earlier_release(engine, out, as_of, Area::Marts, SEGMENTS).await? {
        for (name, to) in
            [(SEGMENT_MODEL, &mut standing.previous_model), (SEGMENT_SAMPLE, &mut standing.previous_sample)]
        {
            if let (table, Some(version)) = of(&earlier, Area::Features, name) {
                *to = table.snapshot(Some(version)).await?.filter(|table| models::is_readable(name, table));
            }
        }
        if let (table, Some(version)) = of(&earlier, Area::Marts, SEGMENTS) {
            standing.previous_segments = table.snapshot(Some(version)).await?;
        }
    }
    if let Some(earlier) = earlier_release(engine, out, as_of, Area::Features, LOAD_SHAPES).await?
        && let (table, Some(version)) = of(&earlier, Area::Features, LOAD_SHAPES)
    {
        standing.previous_load_shapes = table.snapshot(Some(version)).await?;
    }
    Ok(standing)
}

/// The release whose table of this name is of the latest date before a day. A release also names
/// what it has not made, which may be of an earlier or a later date than it.
pub async fn earlier_release(
    engine: &Engine,
    out: &Output,
    as_of: NaiveDate,
    area: Area,
    name: &str,
) -> Result<Option<Release>, Error> {
    let path = format!("{}/{name}", area.folder());
    let mut made_as_of: BTreeMap<u64, NaiveDate> = BTreeMap::new();
    let mut latest: Option<(NaiveDate, Release)> = None;
    for release in releases(engine, out, "order by release").await? {
        let Some(version) = release.tables.get(&path) else { continue };
        let made = *made_as_of.entry(*version).or_insert(release.as_of);
        let is_earlier = release.as_of < as_of && made < as_of;
        if is_earlier && latest.as_ref().is_none_or(|(latest, _)| made >= *latest) {
            latest = Some((made, release));
        }
    }
    Ok(latest.map(|(_, release)| release))
}

/// The release of a number.
pub async fn release_of(engine: &Engine, out: &Output, number: i64) -> Result<Option<Release>, Error> {
    find_release(engine, out, &format!("where release = {number}")).await
}

/// The first release by a choice and an order in SQL.
async fn find_release(engine: &Engine, out: &Output, choice: &str) -> Result<Option<Release>, Error> {
    Ok(releases(engine, out, &format!("{choice} limit 1")).await?.pop())
}

async fn releases(engine: &Engine, out: &Output, choice: &str) -> Result<Vec<Release>, Error> {
    let Some(snapshot) = out.table(Area::Marts, TABLE).snapshot(None).await? else { return Ok(Vec::new()) };
    let sql = format!("select release, as_of, tables from {TABLE} {choice}");
    let damaged = || Error::Usage {
        message: "the table of releases cannot be read".into(),
        hint: "it was not written by this program".into(),
    };
    let mut found = Vec::new();
    for batch in engine.query(vec![Relation::of_table(TABLE, &snapshot)], &sql).await? {
        let days = batch.column(1).as_primitive::<Date32Type>();
        for row in 0..batch.num_rows() {
            found.push(Release {
                number: batch.column(0).as_primitive::<Int64Type>().value(row),
                as_of: Date32Type::to_naive_date_opt(days.value(row)).ok_or_else(damaged)?,
                tables: serde_json::from_str(batch.column(2).as_string::<i32>().value(row)).map_err(|_| damaged())?,
            });
        }
    }
    Ok(found)
}

/// A table of a release.
pub async fn release_table(out: &Output, release: &Release, name: &str) -> Result<Option<Snapshot>, Error> {
    for area in [Area::Marts, Area::Features] {
        if let Some(version) = release.tables.get(&format!("{}/{name}", area.folder())) {
            return Ok(out.table(area, name).snapshot(Some(*version)).await?);
        }
    }
    Ok(None)
}

/// The tables of a release, and the tables about runs beside them, as far as they
/// are wanted.
pub async fn release_tables(
    out: &Output,
    release: &Release,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Snapshot)>, Error> {
    let mut tables = Vec::new();
    for (path, version) in &release.tables {
        let Some((folder, name)) = path.split_once('/').filter(|(_, name)| is_wanted(name)) else { continue };
        let area = if folder == Area::Marts.folder() { Area::Marts } else { Area::Features };
        if let Some(snapshot) = out.table(area, name).snapshot(Some(*version)).await? {
            tables.push((name.to_owned(), snapshot));
        }
    }
    for name in [TABLE, ledger::TABLE].into_iter().filter(|name| is_wanted(name)) {
        if let Some(snapshot) = out.table(Area::Marts, name).snapshot(None).await? {
            tables.push((name.to_owned(), snapshot));
        }
    }
    Ok(tables)
}

/// Makes a small table of the driver be exactly this batch; a table that is so
/// already is left alone.
pub async fn replace(
    engine: &Engine,
    out: &Output,
    area: Area,
    name: &str,
    batch: &RecordBatch,
    sequence: i64,
) -> Result<Snapshot, Error> {
    let table = out.table(area, name);
    let unit = format!("{:016x}", content(batch).map_err(|error| Error::Query(Box::new(error.into())))?);
    let standing = table.snapshot(None).await?;
    let files: Vec<String> =
        standing.iter().flat_map(|snapshot| snapshot.files.iter().map(|file| file.path.clone())).collect();
    if let Some(snapshot) = standing
        && files.len() == 1
        && files[0].contains(&format!("/u-{unit}-"))
    {
        return Ok(snapshot);
    }
    let file = engine.write(&table.location(), &unit, batch).await?;
    let version = table
        .commit(Change { schema: &batch.schema(), partition: &[], add: vec![file], remove: files, sequence })
        .await?;
    table.snapshot(Some(version)).await?.ok_or_else(|| Error::NothingPublished { out: out.root.clone() })
}

/// The fingerprint of all columns and rows.
fn content(batch: &RecordBatch) -> Result<u64, ArrowError> {
    let fields = batch.schema().fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    let rows = RowConverter::new(fields)?.convert_columns(batch.columns())?;
    let mut hasher = XxHash64::with_seed(0);
    hasher.write(format!("{:?}", batch.schema()).as_bytes());
    rows.iter().for_each(|row| hasher.write(row.as_ref()));
    Ok(hasher.finish())
}

/// `tag_catalog`: what every tag is. `cuts` is the version of the table of
/// percentiles that tiers stand on.
fn catalog(project: &Project, cuts: Option<u64>) -> Result<RecordBatch, Error> {
    let versions = project.tag_versions();
    let catalog_version = project.catalog_version();
    let mut tags: Vec<&Tag> = project.tags.tags.iter().collect();
    tags.sort_by(|a, b| a.name.cmp(&b.name));
    let category = |tag: &Tag| project.tags.categories.get(&tag.category);
    let parameters = |tag: &Tag| {
        let shown = tag.parameters.iter().map(|(name, parameter)| format!("{name} = {}", parameter.shown()));
        Some(shown.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
    };
    // Tiers change with the cuts that they stand on.
    let fingerprint = |tag: &Tag| {
        let version = versions.get(tag.name.as_str())?;
        Some(match cuts.filter(|_| !tag.picks().is_empty()) {
            Some(cuts) => format!("{version}-{cuts}"),
            None => version.clone(),
        })
    };
    let table = |tag: &Tag| if tag.is_sensitive() { SENSITIVE_TAGS } else { TAGS };
    type Of<'a> = Box<dyn Fn(&Tag) -> Option<String> + 'a>;
    let columns: Vec<(&str, Of<'_>)> = vec![
        ("tag", Box::new(|tag| Some(tag.name.clone()))),
        ("label", Box::new(|tag| Some(tag.label.clone()))),
        ("label_zh", Box::new(|tag| Some(tag.label_zh.clone()))),
        ("category", Box::new(|tag| Some(tag.category.clone()))),
        ("category_label", Box::new(|tag| category(tag).map(|category| category.label.clone()))),
        ("category_label_zh", Box::new(|tag| category(tag).map(|category| category.label_zh.clone()))),
        ("type", Box::new(|tag| Some(tag.kind.name().to_owned()))),
        ("unit", Box::new(|tag| tag.unit.clone())),
        ("domain", Box::new(|tag| Some(tag.values.join(", ")).filter(|domain| !domain.is_empty()))),
        ("table_name", Box::new(move |tag| Some(table(tag).to_owned()))),
        ("feature", Box::new(|tag| Some(tag.feature.clone()))),
        ("slice", Box::new(|tag| tag.slice.clone())),
        ("evidence", Box::new(|tag| Some(tag.evidence.clone()))),
        ("expression", Box::new(|tag| Some(tag.written()))),
        ("parameters", Box::new(parameters)),
        ("definition", Box::new(|tag| Some(tag.definition.clone()))),
        ("source", Box::new(|tag| tag.source.clone())),
        ("family", Box::new(|tag| tag.family.clone())),
        ("refresh", Box::new(|tag| Some(tag.refresh.name().to_owned()))),
        ("owner", Box::new(|tag| tag.owner.clone())),
        ("since", Box::new(|tag| tag.since.clone())),
        ("fingerprint", Box::new(fingerprint)),
        ("catalog_version", Box::new(|_| Some(catalog_version.clone()))),
    ];
    let mut fields: Vec<Field> = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true)).collect();
    fields.push(Field::new("sensitivity", DataType::Int32, true));
    let texts =
        columns.iter().map(|(_, of)| -> ArrayRef { Arc::new(tags.iter().map(|tag| of(tag)).collect::<StringArray>()) });
    let sensitivity: ArrayRef =
        Arc::new(Int32Array::from_iter_values(tags.iter().map(|tag| i32::from(tag.sensitivity))));
    batch(Arc::new(Schema::new(fields)), texts.chain([sensitivity]).collect())
}

/// `lineage_edge`: from each tag to the source columns behind it.
fn edges(lineage: &BTreeSet<Edge>) -> Result<RecordBatch, Error> {
    let column =
        |of: fn(&Edge) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(lineage.iter().map(of))) };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("tag", column(|edge| &edge.tag)),
        ("role", column(|edge| edge.role)),
        ("feature", column(|edge| &edge.feature)),
        ("feature_column", column(|edge| &edge.column)),
        ("source", column(|edge| &edge.source)),
        ("source_column", column(|edge| &edge.source_column)),
    ];
    let fields: Vec<Field> = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true)).collect();
    batch(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, column)| column).collect())
}

fn audits(audits: &[Audit]) -> Result<RecordBatch, Error> {
    let count = |of: fn(&Audit) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(audits.iter().map(|audit| of(audit) as i64)))
    };
    let names = ["rows_in", "published", "quarantined", "duplicates", "restated"];
    let mut fields = vec![Field::new("source", DataType::Utf8, true)];
    fields.extend(names.iter().map(|name| Field::new(*name, DataType::Int64, true)));
    fields.push(Field::new("absent_columns", DataType::Utf8, true));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(audits.iter().map(|audit| audit.source.as_str()))),
        count(|audit| audit.rows_in),
        count(|audit| audit.published),
        count(|audit| audit.quarantined),
        count(|audit| audit.duplicates),
        count(|audit| audit.restated.as_ref().map_or(0, |(_, rows)| *rows)),
        Arc::new(StringArray::from_iter_values(audits.iter().map(|audit| audit.absent_columns.join(", ")))),
    ];
    batch(Arc::new(Schema::new(fields)), columns)
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch, Error> {
    RecordBatch::try_new(schema, columns).map_err(|error| Error::Query(Box::new(error.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed of a long column leaves out its middle.
    #[test]
    fn a_change_in_the_middle_is_a_change() {
        let table = |odd: usize| {
            let texts = (0..50).map(|row| if row == odd { "other" } else { "same" });
            let field = Field::new("label", DataType::Utf8, true);
            let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
            batch(Arc::new(Schema::new(vec![field])), vec![column]).expect("a table")
        };
        let prints: BTreeSet<u64> = (0..50).map(|odd| content(&table(odd)).expect("rows")).collect();
        assert_eq!(prints.len(), 50);
        assert_eq!(content(&table(25)).expect("rows"), content(&table(25)).expect("rows"));
    }
}
