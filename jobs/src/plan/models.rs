//! The models of a project, those that are compiled from its tags and segments
//! among them, and what these read from before the run.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;

use super::{Sources, Tables};
use crate::project::diagnostic::Mistakes;
use crate::project::job::Job;
use crate::project::model::{Layer, Model, ModelContract, Scope};
use crate::project::tag::{ALIGNED, Before, Compiled, Tag, TagType, Tags, Wide};
use crate::project::{
    CUTS, HISTOGRAM_PARTS, HISTOGRAMS, LOAD_SHAPE_LIST, LOAD_SHAPE_SAMPLE, LOAD_SHAPES, PREVIOUS_LOAD_SHAPES,
    PREVIOUS_MODEL, PREVIOUS_SAMPLE, PREVIOUS_SEGMENTS, PREVIOUS_TAG_COUNTS, PREVIOUS_TAGS, Project, SEGMENT_COUNTS,
    SEGMENT_CUTS, SEGMENT_DRIFT, SEGMENT_MIGRATION, SEGMENT_MIGRATION_PARTS, SEGMENT_MODEL, SEGMENT_PATH,
    SEGMENT_SAMPLE, SEGMENT_SENSITIVE, SEGMENT_STRATA, SEGMENT_STRATUM_PARTS, SEGMENT_VALUE_PARTS, SEGMENTS,
    SENSITIVE_TAGS, STANDARD_PROFILES, TAG_CHANGES, TAG_COUNT_PARTS, TAG_COUNTS, TAG_PROFILE, TAGS, segment,
};
use crate::state::Snapshot;

/// What stands from before a run, and is read as it is.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The tags of the release with the latest earlier date.
    pub previous_tags: Option<Snapshot>,
    /// How they were distributed.
    pub previous_tag_counts: Option<Snapshot>,
    /// Percentiles among peers, which stay until a job makes them anew.
    pub cuts: Option<Snapshot>,
    /// The segments of the release with the latest earlier date, and the models and
    /// the sample of accounts of that release.
    pub previous_segments: Option<Snapshot>,
    pub previous_model: Option<Snapshot>,
    pub previous_sample: Option<Snapshot>,
    /// Models of segmentations, which stay until a job fits them anew, and by which
    /// definition each was fitted.
    pub models: Option<(Snapshot, BTreeMap<String, String>)>,
    /// The shapes that days of load have, which stay as well.
    pub load_shapes: Option<Snapshot>,
    /// Those of the release with the latest earlier date.
    pub previous_load_shapes: Option<Snapshot>,
}

impl Standing {
    /// As the compiled tags see it; a job that makes the cuts does not keep them.
    pub(super) fn before(&self, project: &Project, job: &Job) -> Before {
        let has = |snapshot: &Snapshot, tag: &Tag| {
            let wanted = if tag.kind == TagType::Bool { DataType::Boolean } else { DataType::Utf8 };
            snapshot.schema.field_with_name(&tag.name).is_ok_and(|field| *field.data_type() == wanted)
        };
        let held = project.tags.tags.iter().filter(|tag| tag.has_hysteresis());
        let tags = self.previous_tags.iter().flat_map(|snapshot| held.clone().filter(|tag| has(snapshot, tag)));
        let columns = |snapshot: &Snapshot| snapshot.schema.fields().iter().map(|field| field.name().clone()).collect();
        Before {
            tags: tags.map(|tag| tag.name.clone()).collect(),
            cuts: self.cuts.as_ref().filter(|_| !job.names(CUTS)).map(columns),
            columns: self.previous_tags.as_ref().map(columns).unwrap_or_default(),
            segments: self.previous_segments.as_ref().map(columns).unwrap_or_default(),
            has_counts: self.previous_tag_counts.is_some(),
        }
    }

    /// The tables that are kept, by the names that models use.
    pub(super) fn kept(&self, job: &Job) -> Tables {
        let kept = [
            (PREVIOUS_SEGMENTS, self.previous_segments.as_ref()),
            (PREVIOUS_MODEL, self.previous_model.as_ref()),
            (PREVIOUS_SAMPLE, self.previous_sample.as_ref()),
            (PREVIOUS_LOAD_SHAPES, self.previous_load_shapes.as_ref()),
            (SEGMENT_MODEL, self.kept_models(job).map(|(table, _)| table)),
            (LOAD_SHAPES, self.load_shapes.as_ref().filter(|_| !job.names(LOAD_SHAPES))),
            (CUTS, self.cuts.as_ref().filter(|_| !job.names(CUTS))),
            (PREVIOUS_TAGS, self.previous_tags.as_ref()),
            (PREVIOUS_TAG_COUNTS, self.previous_tag_counts.as_ref()),
        ];
        kept.into_iter().filter_map(|(name, table)| Some((name.to_owned(), table?.clone()))).collect()
    }

    /// The models that a job does not fit anew.
    pub(super) fn kept_models(&self, job: &Job) -> Option<&(Snapshot, BTreeMap<String, String>)> {
        self.models.as_ref().filter(|_| !job.names(SEGMENT_MODEL))
    }

    /// Segmentations whose models were fitted by another definition.
    pub(super) fn check_models(&self, project: &Project, job: &Job) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        let known = self.kept_models(job).map(|(_, known)| known);
        for segmentation in segment::modelled(&project.segmentations) {
            let standing = known.and_then(|known| known.get(&segmentation.name));
            if standing.is_some() && standing.cloned() != segmentation.fingerprint() {
                let message = format!("the model of `{}` was fitted by another definition", segmentation.name);
                mistakes.push(segmentation.mistake(message).with_hint("fit it anew: kwhy run refit --lake LAKE"));
            }
        }
        mistakes.into_result()
    }
}

/// All models of a project, the compiled ones among them.
pub fn models(project: &Project, sources: &Sources, before: &Before) -> Result<BTreeMap<String, Model>, Mistakes> {
    let mut models = project.models.clone();
    if !project.tags.tags.is_empty() {
        let is_absent = |source: &str| sources.is_absent(source);
        let catalog_version = project.catalog_version();
        let wide = Wide { tags: &project.tags, is_absent: &is_absent, before, catalog_version: &catalog_version };
        let mut add = |name: &str, layer, compiled: Compiled, contract| {
            let mut model = Model::new(name, layer, "sql/tags", compiled.sql, contract)?;
            if let Some(wide) = compiled.wide {
                model = model.over(ALIGNED, wide)?;
            }
            models.insert(name.to_owned(), model);
            Ok::<(), Mistakes>(())
        };
        let wide_contract = |label, label_zh| contract(label, label_zh, &["account_id"], Scope::Bucket);
        let sql = wide.sql(&|tag| !tag.is_sensitive());
        add(TAGS, Layer::Marts, sql, wide_contract("Customer tags", "客户标签"))?;
        if project.tags.tags.iter().any(Tag::is_sensitive) {
            let sql = wide.sql(&Tag::is_sensitive);
            add(SENSITIVE_TAGS, Layer::Marts, sql, wide_contract("Sensitive customer tags", "敏感客户标签"))?;
        }
        if project.tags.tags.iter().any(Tag::is_sensitive_attribute) {
            let sql = wide.sql(&Tag::is_sensitive_attribute);
            let contract = wide_contract("Sensitive tags by which groups are counted", "分群统计用敏感标签");
            add(SEGMENT_SENSITIVE, Layer::Features, sql, contract)?;
        }
        let counts = |label, label_zh, scope| contract(label, label_zh, &["tag", "value"], scope);
        let parts = counts("Values of tags, per bucket", "标签取值分桶计数", Scope::Bucket);
        add(TAG_COUNT_PARTS, Layer::Features, project.tags.count_parts_sql().into(), parts)?;
        let counts = counts("Values of tags", "标签取值计数", Scope::Whole);
        add(TAG_COUNTS, Layer::Features, Tags::counts_sql().into(), counts)?;
        let profile = contract("Coverage and distribution of tags", "标签画像", &["tag"], Scope::Whole);
        add(TAG_PROFILE, Layer::Marts, project.tags.profile_sql(before.has_counts).into(), profile)?;
        let changes = contract("States that have changed", "标签变化", &["account_id", "tag"], Scope::Bucket);
        add(TAG_CHANGES, Layer::Marts, project.tags.changes_sql(&before.columns).into(), changes)?;
        if !project.tags.picks().is_empty() {
            let key = ["peers", "peer_group", "tag", "value"];
            let parts =
                contract("Accounts by peers, tag and value, per bucket", "同类标签分桶分布", &key, Scope::Bucket);
            add(HISTOGRAM_PARTS, Layer::Features, wide.histogram_parts_sql(), parts)?;
            let histograms = contract("Accounts by peers, tag and value", "同类标签分布", &key, Scope::Whole);
            add(HISTOGRAMS, Layer::Features, Wide::histograms_sql().into(), histograms)?;
            let cuts =
                contract("Percentiles of tags among peers", "同类分位切点", &["peers", "peer_group"], Scope::Whole);
            add(CUTS, Layer::Features, wide.cuts_sql().into(), cuts)?;
        }
    }
    if models.contains_key(LOAD_SHAPE_SAMPLE) {
        let sql = format!("select * from {LOAD_SHAPE_SAMPLE}, {STANDARD_PROFILES}");
        let contract = contract("Load shapes", "负荷形态词典", &["shape"], Scope::Driver);
        models.insert(LOAD_SHAPES.to_owned(), Model::new(LOAD_SHAPES, Layer::Features, "sql/features", sql, contract)?);
        // It is no table in their SQL: what it says is put in as parameters.
        let asks = |model: &&mut Model| model.sql.contains(&format!("${LOAD_SHAPE_LIST}"));
        for model in models.values_mut().filter(asks) {
            model.inputs.insert(LOAD_SHAPES.to_owned());
        }
    }
    if !project.segmentations.is_empty() {
        for (name, layer, sql, contract) in of_segments(project, before) {
            let mut model = Model::new(name, layer, "sql/segments", sql, contract)?;
            // It is no table in their SQL: what it says is put in as parameters.
            if [SEGMENTS, SEGMENT_PATH].contains(&name) && models.contains_key(SEGMENT_MODEL) {
                model.inputs.insert(SEGMENT_MODEL.to_owned());
            }
            models.insert(name.to_owned(), model);
        }
    }
    Ok(models)
}

/// The contract of a compiled model.
fn contract(label: &str, label_zh: &str, key: &[&str], scope: Scope) -> ModelContract {
    ModelContract {
        label: label.to_owned(),
        label_zh: Some(label_zh.to_owned()),
        key: key.iter().map(|column| (*column).to_owned()).collect(),
        scope: Some(scope),
        bucket_by: None,
        time: None,
        month_of: None,
        folds: None,
        settings: BTreeMap::new(),
        text: String::new(),
    }
}

/// A model that is compiled: name, layer, SQL, contract.
type CompiledModel = (&'static str, Layer, String, ModelContract);

/// The tables of segmentations.
fn of_segments(project: &Project, before: &Before) -> Vec<CompiledModel> {
    let all = &project.segmentations;
    let has_before = |name: &str| before.segments.contains(name);
    let mut made: Vec<CompiledModel> = Vec::new();
    let (has_fitted, has_tiers) = (segment::fitted(all).next().is_some(), segment::tiered(all).next().is_some());
    if has_fitted {
        let strata = ["segmentation", "stratum"];
        let sampled = ["segmentation", "account_id"];
        made.extend([
            (
                SEGMENT_STRATUM_PARTS,
                Layer::Features,
                segment::stratum_parts_sql(all),
                contract("Accounts by stratum, per bucket", "分层户数(分桶)", &strata, Scope::Bucket),
            ),
            (
                SEGMENT_STRATA,
                Layer::Features,
                segment::strata_sql(),
                contract("Accounts by stratum", "分层户数", &strata, Scope::Whole),
            ),
            (
                SEGMENT_SAMPLE,
                Layer::Features,
                segment::sample_sql(all, &has_before),
                contract("Accounts that segmentations are fitted by", "分群样本", &sampled, Scope::Bucket),
            ),
            (
                SEGMENT_DRIFT,
                Layer::Marts,
                format!("select * from {SEGMENT_SAMPLE}, {SEGMENTS}"),
                contract(
                    "How far features and groups have moved",
                    "分群漂移",
                    &["segmentation", "feature", "segment"],
                    Scope::Driver,
                ),
            ),
        ]);
    }
    if has_tiers {
        let valued = ["segmentation", "definition", "value"];
        made.extend([
            (
                SEGMENT_VALUE_PARTS,
                Layer::Features,
                segment::value_parts_sql(all),
                contract(
                    "Accounts by what they are ranked by, per bucket",
                    "分级取值户数(分桶)",
                    &valued,
                    Scope::Bucket,
                ),
            ),
            (
                SEGMENT_CUTS,
                Layer::Features,
                segment::cuts_sql(all),
                contract("Where groups by rank end", "分级切点", &["segmentation", "segment"], Scope::Whole),
            ),
        ]);
    }
    if has_fitted || has_tiers {
        let inputs: Vec<&str> =
            [(has_fitted, SEGMENT_SAMPLE), (has_tiers, SEGMENT_CUTS)].iter().filter(|it| it.0).map(|it| it.1).collect();
        made.extend([
            (
                SEGMENT_MODEL,
                Layer::Features,
                format!("select * from {}", inputs.join(", ")),
                contract("Models of segmentations", "分群模型", &["segmentation"], Scope::Driver),
            ),
            (
                SEGMENT_PATH,
                Layer::Marts,
                segment::path_sql(all),
                contract(
                    "Rules that hold for accounts",
                    "分群规则路径",
                    &["account_id", "segmentation"],
                    Scope::Bucket,
                ),
            ),
        ]);
    }
    let names = |is_wanted: &dyn Fn(&Tag) -> bool| -> Vec<String> {
        project.tags.tags.iter().filter(|tag| is_wanted(tag)).map(|tag| tag.name.clone()).collect()
    };
    let attributes = names(&|tag| tag.is_attribute() && !tag.is_sensitive());
    let sensitive = names(&Tag::is_sensitive_attribute);
    let counted = ["segmentation", "segment", "attribute", "value"];
    let migrated = ["segmentation", "from_segment", "to_segment"];
    made.extend([
        (
            SEGMENTS,
            Layer::Marts,
            segment::segments_sql(all, &|name| project.tags.get(name).is_some()),
            contract("Customer segments", "客户分群", &["account_id"], Scope::Bucket),
        ),
        (
            SEGMENT_COUNTS,
            Layer::Features,
            segment::counts_sql(all, &attributes, &sensitive),
            contract("Accounts by segment and attribute, per bucket", "分群属性计数", &counted, Scope::Bucket),
        ),
        (
            SEGMENT_MIGRATION_PARTS,
            Layer::Features,
            segment::migration_parts_sql(all, &has_before, !before.segments.is_empty()),
            contract("Accounts by segment before and now, per bucket", "分群迁移(分桶)", &migrated, Scope::Bucket),
        ),
        (
            SEGMENT_MIGRATION,
            Layer::Marts,
            segment::migration_sql(),
            contract("Accounts by segment before and now", "分群迁移", &migrated, Scope::Whole),
        ),
    ]);
    made
}
