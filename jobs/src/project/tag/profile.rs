//! The SQL that says how tags are distributed, and what has changed since the
//! release before.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Tag, TagType, Tags};
use crate::project::{PREVIOUS_TAG_COUNTS, PREVIOUS_TAGS, TAG_COUNT_PARTS, TAG_COUNTS, TAGS};

/// Stands for all accounts among tags.
const EVERYONE: &str = "*";
/// Values of a tag that its profile names.
const TOP: usize = 5;
/// By convention of the population stability index.
const DRIFT: &str = "0.25";

impl Tags {
    fn published(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().filter(|tag| !tag.is_sensitive())
    }

    fn published_evidence(&self) -> BTreeSet<&str> {
        self.published().map(|tag| tag.evidence.as_str()).collect()
    }

    /// How often each value of each tag is met, per bucket, in one pass.
    pub fn count_parts_sql(&self) -> String {
        let evidence = self.published_evidence().into_iter().map(|name| format!("evidence_{name}"));
        let columns: Vec<String> = self.published().map(|tag| tag.name.clone()).chain(evidence).collect();
        let record: Vec<String> = columns.iter().map(|name| format!("'{name}', {name}")).collect();
        format!(
            "with\ncounted as (\n  select field_counts(named_struct('{EVERYONE}', true, {record})) as cells\n  from {TAGS}\n),\n\
             cell as (\n  select unnest(cells) as cell from counted\n)\n\
             select cell['field'] as tag, cell['value'] as value, cell['count'] as accounts\nfrom cell\nwhere cell['value'] is not null\n",
            record = record.join(", "),
        )
    }

    /// The same over all accounts.
    pub fn counts_sql() -> String {
        format!("select tag, value, sum(accounts) as accounts from {TAG_COUNT_PARTS} group by tag, value\n")
    }

    /// One row per tag: coverage, reasons, distribution, and how far it has moved.
    pub fn profile_sql(&self, has_before: bool) -> String {
        let mut rows = String::new();
        for tag in self.published() {
            let is_number = matches!(tag.kind, TagType::Number | TagType::Tier);
            let comma = if rows.is_empty() { "" } else { ",\n    " };
            let _ = write!(rows, "{comma}('{}', {is_number}, 'evidence_{}')", tag.name, tag.evidence);
        }
        let values = self.published().filter(|tag| tag.kind == TagType::Enum).flat_map(|tag| {
            tag.values.iter().map(|value| format!("('{}', '{}')", tag.name, value.replace('\'', "''")))
        });
        let values: Vec<String> = values.collect();
        let domain = match values.is_empty() {
            true => "select tag, value from now where false".to_owned(),
            false => {
                format!("select column1 as tag, column2 as value from (values\n    {}\n  )", values.join(",\n    "))
            }
        };
        let before = match has_before {
            true => format!("select tag, value, accounts from {PREVIOUS_TAG_COUNTS}"),
            false => "select tag, value, accounts from now where false".to_owned(),
        };
        let quantile = |name: &str, percent: u32| {
            format!("min(number) filter (where up_to * 100 >= known * {percent} and accounts > 0) as {name}")
        };
        format!(
            "with\n\
             catalog as (\n  select column1 as tag, column2 as is_number, column3 as evidence from (values\n    {rows}\n  )\n),\n\
             now as (\n  select tag, value, accounts from {TAG_COUNTS}\n),\n\
             before as (\n  {before}\n),\n\
             domain as (\n  {domain}\n),\n\
             -- Values of enumerations that these do not know.\n\
             outside as (\n  select now.tag, min(now.value) as value, sum(now.accounts) as accounts\n  from now\n  join (select distinct tag from domain) as enumeration on enumeration.tag = now.tag\n  left join domain on domain.tag = now.tag and domain.value = now.value\n  where domain.value is null\n  group by now.tag\n),\n\
             everyone as (\n  select\n    max(now.accounts) as accounts,\n    max(before.accounts) as before\n  from now\n  left join before on before.tag = now.tag and before.value = now.value\n  where now.tag = '{EVERYONE}'\n),\n\
             cell as (\n  select\n    coalesce(now.tag, before.tag) as tag,\n    coalesce(now.value, before.value) as value,\n    coalesce(now.accounts, 0) as accounts,\n    coalesce(before.accounts, 0) as before\n  from now\n  full join before on before.tag = now.tag and before.value = now.value\n),\n\
             typed as (\n  select\n    cell.*,\n    catalog.is_number,\n    case when catalog.is_number then cast(cell.value as decimal(38, 6)) end as number\n  from cell\n  join catalog on catalog.tag = cell.tag\n),\n\
             ranked as (\n  select\n    typed.*,\n    sum(accounts) over (partition by tag order by number, value) as up_to,\n    sum(accounts) over (partition by tag) as known,\n    sum(before) over (partition by tag order by number, value) as before_up_to,\n    sum(before) over (partition by tag) as known_before,\n    row_number() over (partition by tag order by accounts desc, number, value) as place\n  from typed\n),\n\
             -- Numbers are compared by the tenths of the release before.\n\
             bin as (\n  select\n    tag,\n    case when is_number then cast(greatest(before_up_to - 1, 0) * 10 / nullif(known_before, 0) as varchar) else value end as bin,\n    sum(accounts) as accounts,\n    sum(before) as before\n  from ranked\n  group by 1, 2\n),\n\
             moved as (\n  select tag, cast(round(population_stability(before, accounts), 6) as decimal(12, 6)) as stability from bin group by tag\n),\n\
             shape as (\n  select\n    tag,\n    max(known) as known,\n    max(known_before) as known_before,\n    count(*) filter (where accounts > 0) as distinct_values,\n    string_agg(concat(value, ' ', accounts), ', ' order by place) filter (where place <= {TOP} and accounts > 0) as top_values,\n    min(number) filter (where accounts > 0) as minimum,\n    {p5},\n    {p25},\n    {p50},\n    {p75},\n    {p95},\n    max(number) filter (where accounts > 0) as maximum\n  from ranked\n  group by tag\n),\n\
             reason as (\n  select\n    tag as evidence,\n    sum(accounts) as accounts,\n    string_agg(concat(value, ' ', accounts), ', ' order by accounts desc, value) as reasons\n  from now\n  group by tag\n)\n\
             select\n  cast($as_of as date) as as_of,\n  catalog.tag,\n  everyone.accounts,\n  coalesce(shape.known, 0) as known,\n  ratio(coalesce(shape.known, 0), everyone.accounts) as coverage,\n  ratio(coalesce(shape.known_before, 0), everyone.before) as coverage_before,\n  reason.reasons,\n  everyone.accounts - coalesce(shape.known, 0) - coalesce(reason.accounts, 0) as not_defined,\n  coalesce(shape.distinct_values, 0) as distinct_values,\n  shape.top_values,\n  shape.minimum,\n  shape.p5,\n  shape.p25,\n  shape.median,\n  shape.p75,\n  shape.p95,\n  shape.maximum,\n  moved.stability as population_stability,\n  moved.stability >= {DRIFT} as is_drifting,\n  coalesce(outside.accounts, 0) as outside_domain,\n  outside.value as outside_value\n\
             from catalog\n\
             cross join everyone\n\
             left join shape on shape.tag = catalog.tag\n\
             left join moved on moved.tag = catalog.tag\n\
             left join outside on outside.tag = catalog.tag\n\
             left join reason on reason.evidence = catalog.evidence\n",
            p5 = quantile("p5", 5),
            p25 = quantile("p25", 25),
            p50 = quantile("median", 50),
            p75 = quantile("p75", 75),
            p95 = quantile("p95", 95),
        )
    }

    /// Accounts whose state has changed since the release before. Numbers move
    /// every day and are left out; `known` are the columns of that release.
    pub fn changes_sql(&self, known: &BTreeSet<String>) -> String {
        let states: Vec<&str> = self
            .published()
            .filter(|tag| tag.is_attribute() && known.contains(&tag.name))
            .map(|tag| tag.name.as_str())
            .collect();
        if states.is_empty() {
            return format!(
                "select account_id, as_of, cast(null as varchar) as tag, cast(null as varchar) as before, cast(null as varchar) as after from {TAGS} where false\n"
            );
        }
        let record = |table: &str| {
            let fields = states.iter().map(|name| format!("'{name}', cast({table}.{name} as varchar)"));
            fields.collect::<Vec<_>>().join(", ")
        };
        format!(
            "with\nchanged as (\n  select\n    now.account_id,\n    now.as_of,\n    unnest(changed_fields(\n      named_struct({before}),\n      named_struct({now})\n    )) as change\n  from {TAGS} as now\n  join {PREVIOUS_TAGS} as earlier on earlier.account_id = now.account_id\n)\n\
             select\n  account_id,\n  as_of,\n  change['field'] as tag,\n  change['before'] as before,\n  change['after'] as after\nfrom changed\n",
            before = record("earlier"),
            now = record("now"),
        )
    }
}
