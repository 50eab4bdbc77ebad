//! Names of tables that are not written in SQL, and of what stands in SQL for models.

/// Prefix under which models see sources.
pub const STAGED: &str = "stg_";
/// Tables that are compiled from TOML instead of written in SQL.
pub const TAGS: &str = "customer_tags";
/// Tags of sensitivity 3, in a table of their own.
pub const SENSITIVE_TAGS: &str = "customer_tags_sensitive";
/// Accounts by group of peers and value, of tags that are compared with peers: per
/// bucket, and added up.
pub const HISTOGRAM_PARTS: &str = "tag_histogram_part";
pub const HISTOGRAMS: &str = "tag_histogram_total";
/// Percentiles among peers, frozen until they are made anew.
pub const CUTS: &str = "tag_cut";
/// How often each value of each tag is met: per bucket, and added up.
pub const TAG_COUNT_PARTS: &str = "tag_count_part";
pub const TAG_COUNTS: &str = "tag_count_total";
/// Coverage and distribution of each tag.
pub const TAG_PROFILE: &str = "tag_profile";
/// Accounts whose state is another than in the release before.
pub const TAG_CHANGES: &str = "tag_change";
/// Those of the release with the latest earlier date.
pub const PREVIOUS_TAGS: &str = "previous_tags";
pub const PREVIOUS_TAG_COUNTS: &str = "previous_tag_count_total";
/// All tables that are compiled or made by the driver.
pub fn made() -> impl Iterator<Item = &'static str> {
    let of_tags = [
        TAGS,
        SENSITIVE_TAGS,
        HISTOGRAM_PARTS,
        HISTOGRAMS,
        CUTS,
        TAG_COUNT_PARTS,
        TAG_COUNTS,
        TAG_PROFILE,
        TAG_CHANGES,
        LOAD_SHAPES,
    ];
    of_tags.into_iter().chain(OF_SEGMENTS).chain(DRIVER_TABLES)
}

/// Tables of segmentations that are compiled: those of the last phase of a run.
pub const OF_SEGMENTS: [&str; 13] = [
    SEGMENT_STRATUM_PARTS,
    SEGMENT_STRATA,
    SEGMENT_SAMPLE,
    SEGMENT_VALUE_PARTS,
    SEGMENT_CUTS,
    SEGMENT_MODEL,
    SEGMENTS,
    SEGMENT_PATH,
    SEGMENT_SENSITIVE,
    SEGMENT_COUNTS,
    SEGMENT_MIGRATION_PARTS,
    SEGMENT_MIGRATION,
    SEGMENT_DRIFT,
];
/// Shapes that days of load have, which stay until they are made anew; the sample of
/// days that they are made of; and what stands for them and their kinds in SQL.
pub const LOAD_SHAPES: &str = "load_shape";
pub const LOAD_SHAPE_SAMPLE: &str = "load_shape_sample";
pub const LOAD_SHAPE_LIST: &str = "load_shapes";
pub const LOAD_SHAPE_KINDS: &str = "load_shape_kinds";
/// Standard load profiles of the lake.
pub const STANDARD_PROFILES: &str = "stg_standard_profiles";
pub const SEGMENTS: &str = "customer_segments";
pub const SEGMENT_COUNTS: &str = "segment_count";
/// Sensitive tags by which groups are counted, and nothing else is made of.
pub const SEGMENT_SENSITIVE: &str = "segment_sensitive_tag";
/// Accounts by stratum, of which samples are taken: per bucket, and added up.
pub const SEGMENT_STRATUM_PARTS: &str = "segment_stratum_part";
pub const SEGMENT_STRATA: &str = "segment_stratum";
/// Accounts by which models of segmentations are fitted.
pub const SEGMENT_SAMPLE: &str = "segment_sample";
/// Accounts by what they are ranked by, per bucket; and where groups by rank end.
pub const SEGMENT_VALUE_PARTS: &str = "segment_value_part";
pub const SEGMENT_CUTS: &str = "segment_cut";
/// The models, which stay until they are fitted anew.
pub const SEGMENT_MODEL: &str = "segment_model";
/// Of every account and segmentation with a model, the rule that holds.
pub const SEGMENT_PATH: &str = "segment_path";
/// What groups are like.
pub const SEGMENT_PROFILE: &str = "segment_profile";
/// What groups there are, and what makes them.
pub const SEGMENT_CATALOG: &str = "segment_catalog";
pub const SEGMENT_RULES: &str = "segment_rules";
/// Accounts by group before and now: per bucket, and added up.
pub const SEGMENT_MIGRATION_PARTS: &str = "segment_migration_part";
pub const SEGMENT_MIGRATION: &str = "segment_migration";
/// How far features and groups have moved.
pub const SEGMENT_DRIFT: &str = "segment_drift";
/// What a release had to keep.
pub const SEGMENT_GATES: &str = "segment_gate";
/// Those of the release with the latest earlier date.
pub const PREVIOUS_SEGMENTS: &str = "previous_segments";
pub const PREVIOUS_SAMPLE: &str = "previous_segment_sample";
pub const PREVIOUS_MODEL: &str = "previous_segment_model";
pub const PREVIOUS_LOAD_SHAPES: &str = "previous_load_shape";
/// Load by meter, before it is known whose it is.
pub const METERED: &str = "metered_load_curve";
/// Marts that a run writes by itself.
pub const DRIVER_TABLES: [&str; 8] = [
    "tag_catalog",
    "lineage_edge",
    "audit_result",
    "run_ledger",
    "releases",
    SEGMENT_CATALOG,
    SEGMENT_RULES,
    SEGMENT_GATES,
];
