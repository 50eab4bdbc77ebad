//! The SQL that segmentations become.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::tiers::VALUE;
use super::{Basis, Fitting, Group, Method, RESERVED, Segmentation, Tiers, UNKNOWN};
use crate::project::model::quoted;
use crate::project::tag::columns_of_condition;
use crate::project::{
    PREVIOUS_SEGMENTS, SEGMENT_MIGRATION_PARTS, SEGMENT_SENSITIVE, SEGMENT_STRATA, SEGMENT_STRATUM_PARTS,
    SEGMENT_VALUE_PARTS, SEGMENTS, TAGS,
};
use crate::segment::scale::Transform;

/// Rows of a sample, as far as there are so many accounts.
const SAMPLE_ROWS: u32 = 20_000;
/// Of each stratum at the least.
const STRATUM_ROWS: u32 = 1_000;
/// Places that accounts are dealt to by a hash, to be taken by the lowest.
pub const PLACES: u32 = 65_536;
/// What tells strata apart: small classes are to be seen too.
const STRATUM: &str = "coalesce(account_class, 'unknown')";

impl Segmentation {
    /// The group of an account, as SQL over its tags; of one with a model by that, which
    /// is a parameter.
    fn group_sql(&self) -> String {
        match &self.method {
            Method::Rules => self.of_members(&{
                let mut sql = String::from("case");
                for group in &self.groups {
                    if let Some(when) = group.when() {
                        let _ = write!(sql, " when {when} then '{}'", group.name);
                    }
                }
                let _ = write!(sql, " else '{UNKNOWN}' end");
                sql
            }),
            _ => self.of_members(&format!("${}", self.parameter())),
        }
    }

    /// What is asked of members alone, so that it need not hold of others.
    fn of_members(&self, sql: &str) -> String {
        match &self.population {
            Some(population) => format!("case when {population} then {sql} end"),
            None => sql.to_owned(),
        }
    }

    /// What stands in SQL for the model.
    pub fn parameter(&self) -> String {
        format!("model_of_{}", self.name)
    }

    /// What stands in SQL for the number of the rule that holds.
    pub fn rule_parameter(&self) -> String {
        format!("rule_of_{}", self.name)
    }

    /// What stands in SQL for how many features of an account are unknown.
    pub fn imputed_parameter(&self) -> String {
        format!("imputed_of_{}", self.name)
    }

    /// How many features of an account are unknown, and taken to be as most are: of those
    /// that the model was fitted by.
    pub fn imputed_sql(&self, left_out: &[String]) -> String {
        // Of groups by rank nothing is made up.
        let used = self.features().iter().filter(|feature| !left_out.contains(&feature.name));
        let unknown = used.map(|feature| format!("case when ({}) is null then 1 else 0 end", feature.sql));
        let unknown: Vec<String> = unknown.collect();
        if unknown.is_empty() { "0".to_owned() } else { unknown.join(" + ") }
    }
}

/// Segmentations of which a run makes models.
pub fn modelled(segmentations: &[Segmentation]) -> impl Iterator<Item = &Segmentation> {
    segmentations.iter().filter(|segmentation| segmentation.has_model())
}

/// Segmentations by likeness, and what is fitted of each.
pub fn fitted(segmentations: &[Segmentation]) -> impl Iterator<Item = (&Segmentation, &Fitting)> {
    segmentations.iter().filter_map(|segmentation| Some((segmentation, segmentation.fitting()?)))
}

/// Segmentations by rank.
pub fn tiered(segmentations: &[Segmentation]) -> impl Iterator<Item = (&Segmentation, &Tiers)> {
    segmentations.iter().filter_map(|segmentation| Some((segmentation, segmentation.tiers()?)))
}

/// `customer_tags` by a name, and beside them the tables whose columns are features: each
/// as one struct that is called like the table, so that features stand as they are written.
fn tags_and_features(segmentations: &[Segmentation], alias: &str) -> String {
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (table, columns) in segmentations.iter().flat_map(Segmentation::feature_columns) {
        tables.entry(table).or_default().extend(columns);
    }
    let mut sql = format!("customer_tags as {alias}");
    for (table, columns) in tables {
        let fields: Vec<String> = columns.iter().map(|column| format!("'{column}', {}", quoted(column))).collect();
        let _ = write!(
            sql,
            "\n  left join (\n    select account_id as {table}__account, named_struct({}) as {table}\n    from {table}\n  ) as of_{table}\n    on of_{table}.{table}__account = {alias}.account_id",
            fields.join(", ")
        );
    }
    sql
}

/// Rows of accounts, one for each segmentation that is told of: columns of the account,
/// then the fields of a struct, whether the account is meant among them. A union would
/// have several partitions, which a unit has not.
fn members_sql<'a>(of: impl Iterator<Item = (&'a Segmentation, String)>, columns: &str, from: &str) -> String {
    let structs = of.map(|(segmentation, fields)| {
        let is_member =
            segmentation.population.as_ref().map_or("true".to_owned(), |condition| format!("({condition}) is true"));
        format!("named_struct('name', '{}', 'is_member', {is_member}{fields})", segmentation.name)
    });
    let structs: Vec<String> = structs.collect();
    let columns = if columns.is_empty() { String::new() } else { format!("{columns},\n    ") };
    format!(
        "  select\n    {columns}unnest(make_array(\n      {})) as member\n  from {from}\n",
        structs.join(",\n      ")
    )
}

/// `segment_stratum_part`: accounts of each bucket by stratum.
pub fn stratum_parts_sql(segmentations: &[Segmentation]) -> String {
    let of = fitted(segmentations).map(|(segmentation, _)| (segmentation, String::new()));
    let members = members_sql(of, &format!("{STRATUM} as stratum"), TAGS);
    format!(
        "with\n\
         member as (\n{members})\n\
         select\n  member['name'] as segmentation,\n  stratum,\n  count(*) as accounts\nfrom member\nwhere member['is_member']\ngroup by 1, 2\n"
    )
}

/// `segment_stratum`: the same over all, and how many of the places are taken.
pub fn strata_sql() -> String {
    format!(
        "with\n\
         stratum as (\n  select segmentation, stratum, sum(accounts) as accounts\n  from {SEGMENT_STRATUM_PARTS}\n  group by segmentation, stratum\n),\n\
         counted as (\n  select *, sum(accounts) over (partition by segmentation) as all_accounts from stratum\n)\n\
         select\n  segmentation,\n  stratum,\n  accounts,\n  cast(least({PLACES}, ({PLACES} * greatest({SAMPLE_ROWS} * accounts / all_accounts, {STRATUM_ROWS}) + accounts - 1) / accounts) as bigint) as places\nfrom counted\n"
    )
}

/// `segment_sample`: accounts by whom models are fitted, chosen by a hash of the
/// account, so that it is the same ones whatever the buckets. `before` names fitted
/// segmentations that the release before has groups of.
pub fn sample_sql(segmentations: &[Segmentation], has_before: &dyn Fn(&str) -> bool) -> String {
    let of = fitted(segmentations).map(|(segmentation, fitting)| {
        let seed = fitting.balanced.seed;
        (segmentation, format!(", 'place', account_bucket(concat('{seed}:', account_id), {PLACES})"))
    });
    let members = members_sql(of, &format!("account_id,\n    {STRATUM} as stratum"), TAGS);
    // Of each segmentation its own.
    let by_name = |kind: &str, of: &dyn Fn(&Segmentation, &Fitting) -> String| {
        let cases = fitted(segmentations)
            .map(|(segmentation, fitting)| format!("when '{}' then {}", segmentation.name, of(segmentation, fitting)));
        format!("cast(case chosen.segmentation {} end as {kind})", cases.collect::<Vec<_>>().join(" "))
    };
    let list = |items: Vec<String>, kind: &str| {
        // A list of nothing has no type.
        if items.is_empty() { format!("cast(null as {kind})") } else { format!("[{}]", items.join(", ")) }
    };
    let features = |fitting: &Fitting, is_text: bool, kind: &str| {
        let of_kind =
            fitting.balanced.features.iter().filter(|feature| (feature.transform == Transform::OneHot) == is_text);
        list(of_kind.map(|feature| format!("cast(({}) as {kind})", feature.sql)).collect(), &format!("{kind}[]"))
    };
    let numbers = by_name("double[]", &|_, fitting| features(fitting, false, "double"));
    let texts = by_name("varchar[]", &|_, fitting| features(fitting, true, "varchar"));
    let traits = by_name("varchar[]", &|_, fitting| {
        list(fitting.explain.iter().map(|name| format!("cast({name} as varchar)")).collect(), "varchar[]")
    });
    let definition =
        by_name("varchar", &|segmentation, _| format!("'{}'", segmentation.fingerprint().unwrap_or_default()));
    let before = by_name("varchar", &|Segmentation { name, .. }, _| match has_before(name) {
        true => format!("before_{name}"),
        false => "null".to_owned(),
    });
    let from = tags_and_features(segmentations, "tags");
    // Under names of their own: segmentations may be called like tags.
    let known = fitted(segmentations).filter(|(segmentation, _)| has_before(&segmentation.name));
    let known: Vec<String> = known.map(|(Segmentation { name, .. }, _)| format!(", {name} as before_{name}")).collect();
    let join = match known.is_empty() {
        true => String::new(),
        false => format!(
            "left join (\n  select account_id as before_account{} from {PREVIOUS_SEGMENTS}\n) as before on before.before_account = tags.account_id\n",
            known.concat()
        ),
    };
    format!(
        "with\n\
         member as (\n{members}),\n\
         chosen as (\n  select\n    member.account_id,\n    member.member['name'] as segmentation,\n    member.member['place'] as place,\n    stratum.places\n  from member\n  join {SEGMENT_STRATA} as stratum\n    on stratum.segmentation = member.member['name']\n    and stratum.stratum = member.stratum\n  where member.member['is_member']\n    and member.member['place'] < stratum.places\n)\n\
         select\n  chosen.segmentation,\n  {definition} as definition,\n  chosen.account_id,\n  chosen.place,\n  chosen.places,\n  {numbers} as numbers,\n  {texts} as texts,\n  {traits} as traits,\n  {before} as before\nfrom {from}\njoin chosen on chosen.account_id = tags.account_id\n{join}"
    )
}

/// `segment_value_part`: accounts of each bucket by what they are ranked by.
pub fn value_parts_sql(segmentations: &[Segmentation]) -> String {
    let of = tiered(segmentations).map(|(segmentation, tiers)| {
        let definition = segmentation.fingerprint().unwrap_or_default();
        let value = segmentation.of_members(&format!("cast(({}) as {VALUE})", tiers.of));
        (segmentation, format!(", 'definition', '{definition}', 'value', {value}"))
    });
    let members = members_sql(of, "", TAGS);
    format!(
        "with\n\
         member as (\n{members})\n\
         select\n  member['name'] as segmentation,\n  member['definition'] as definition,\n  member['value'] as value,\n  count(*) as accounts\nfrom member\nwhere member['is_member']\n  and member['value'] is not null\ngroup by 1, 2, 3\n"
    )
}

/// `segment_cut`: of every group by rank the least value, and what its accounts come to.
/// A group ends with the value by which those before it have reached their share, so that
/// accounts with the same value are in the same group.
pub fn cuts_sql(segmentations: &[Segmentation]) -> String {
    let by_name = |of: &dyn Fn(&Segmentation, &Tiers) -> String| {
        let cases = tiered(segmentations).map(|(segmentation, tiers)| {
            format!("\n      when '{}' then {}", segmentation.name, of(segmentation, tiers))
        });
        format!("case segmentation{}\n    end", cases.collect::<String>())
    };
    let weight = by_name(&|_, tiers| match tiers.basis {
        Basis::Accounts => format!("cast(accounts as {VALUE})"),
        Basis::Sum => format!("cast(greatest(value, 0) * accounts as {VALUE})"),
    });
    let group = by_name(&|segmentation, _| {
        let ends = segmentation.groups.iter().filter_map(|group| Some((&group.name, group.up_to()?)));
        let cases = ends.map(|(name, end)| format!(" when above * 10000 < total * {end} then '{name}'"));
        let last = segmentation.groups.last().map_or(UNKNOWN, |group| &group.name);
        format!("case{} else '{last}' end", cases.collect::<String>())
    });
    format!(
        "with\n\
         known as (\n  select segmentation, definition, value, sum(accounts) as accounts\n  from {SEGMENT_VALUE_PARTS}\n  group by segmentation, definition, value\n),\n\
         weighed as (\n  select\n    *,\n    {weight} as weight\n  from known\n),\n\
         whole as (\n  select segmentation, sum(weight) as total from weighed group by segmentation\n),\n\
         ranked as (\n  select\n    *,\n    sum(weight) over (\n      partition by segmentation\n      order by value desc\n      rows between unbounded preceding and current row\n    ) - weight as above\n  from weighed\n),\n\
         cut as (\n  select\n    *,\n    {group} as segment\n  from whole\n  join ranked using (segmentation)\n)\n\
         select\n  segmentation,\n  definition,\n  segment,\n  min(value) as least_value,\n  max(value) as most_value,\n  sum(accounts) as accounts,\n  sum(weight) as weight\nfrom cut\ngroup by segmentation, definition, segment\n"
    )
}

/// `segment_path`: of every account and segmentation with a model, the rule that holds,
/// and how many of its features are unknown.
pub fn path_sql(segmentations: &[Segmentation]) -> String {
    let of = modelled(segmentations).map(|segmentation| {
        let of = |parameter: String| segmentation.of_members(&format!("cast(${parameter} as int)"));
        let (rule, imputed) = (of(segmentation.rule_parameter()), of(segmentation.imputed_parameter()));
        (segmentation, format!(", 'rule', {rule}, 'imputed', {imputed}"))
    });
    let members = members_sql(of, "account_id,\n    as_of", &tags_and_features(segmentations, TAGS));
    format!(
        "with\n\
         member as (\n{members})\n\
         select\n  account_id,\n  as_of,\n  member['name'] as segmentation,\n  member['rule'] as rule,\n  member['imputed'] as imputed_features\nfrom member\nwhere member['is_member']\n"
    )
}

/// `customer_segments`: one row per account, one column per segmentation. Conditions of
/// rules may name segmentations that have a model, but for those that are called like a
/// tag.
pub fn segments_sql(segmentations: &[Segmentation], is_tag: &dyn Fn(&str) -> bool) -> String {
    let conditions = segmentations.iter().filter(|segmentation| !segmentation.has_model()).flat_map(|segmentation| {
        let whens = segmentation.groups.iter().filter_map(Group::when);
        whens.chain(segmentation.population.as_deref())
    });
    let columns: BTreeSet<String> = conditions.filter_map(|sql| columns_of_condition(sql).ok()).flatten().collect();
    let column = |segmentation: &Segmentation| match is_tag(&segmentation.name) {
        true => format!("segment__{}", segmentation.name),
        false => segmentation.name.clone(),
    };
    let mut known = String::new();
    for segmentation in modelled(segmentations) {
        let _ = write!(known, ",\n    {} as {}", segmentation.group_sql(), column(segmentation));
    }
    // What is no segmentation is a tag, or an error that says so.
    let is_known = |name: &String| modelled(segmentations).any(|segmentation| column(segmentation) == *name);
    let is_there = |name: &String| RESERVED.contains(&name.as_str()) || is_known(name);
    for name in columns.iter().filter(|name| !is_there(name)) {
        let _ = write!(known, ",\n    {}", quoted(name));
    }
    let mut sql = String::from("select\n  account_id,\n  as_of");
    for segmentation in segmentations {
        let group = if segmentation.has_model() { column(segmentation) } else { segmentation.group_sql() };
        let _ = write!(sql, ",\n  {group} as {}", segmentation.name);
    }
    let _ = writeln!(
        sql,
        "\nfrom (\n  select\n    account_id,\n    as_of{known}\n  from {from}\n) as customer_tags",
        from = tags_and_features(segmentations, TAGS)
    );
    sql
}

/// `segment_count`: accounts of each bucket by segment and attribute, and energy
/// and money by segment: the part of the profile that needs every account. Those of
/// `sensitive` are tags of a table of their own.
pub fn counts_sql(segmentations: &[Segmentation], attributes: &[String], sensitive: &[String]) -> String {
    let listed = |of: &dyn Fn(&str) -> String, between: &str| {
        segmentations.iter().map(|segmentation| of(&segmentation.name)).collect::<Vec<_>>().join(between)
    };
    let groups = listed(&|name| format!("'{name}', segments.{name}"), ", ");
    let pairs = listed(&|name| format!("named_struct('name', '{name}', 'value', segments.{name})"), ",\n    ");
    let fields = |table: &'static str, names: &[String]| -> Vec<String> {
        names.iter().map(|name| format!("'{name}', {table}.{name}")).collect()
    };
    let record = [fields("tags", attributes), fields("apart", sensitive)].concat();
    let (join, is_sensitive) = match sensitive.is_empty() {
        true => (String::new(), "false".to_owned()),
        false => (
            format!("\n  join {SEGMENT_SENSITIVE} as apart on apart.account_id = tags.account_id"),
            format!("cell.cell['field'] in ('{}')", sensitive.join("', '")),
        ),
    };
    format!(
        "with\n\
         counted as (\n  select\n    tags.as_of,\n    cross_counts(named_struct({groups}), named_struct('all', 'all', {record})) as cells\n  from customer_tags as tags\n  join {SEGMENTS} as segments on segments.account_id = tags.account_id{join}\n  group by 1\n),\n\
         cell as (\n  select as_of, unnest(cells) as cell from counted\n),\n\
         member as (\n  select\n    tags.energy_12m_kwh,\n    tags.amount_12m_cny,\n    unnest(make_array(\n    {pairs})) as segment\n  from customer_tags as tags\n  join {SEGMENTS} as segments on segments.account_id = tags.account_id\n),\n\
         summed as (\n  select\n    segment['name'] as segmentation,\n    segment['value'] as segment,\n    sum(energy_12m_kwh) as energy_kwh,\n    count(energy_12m_kwh) as energy_accounts,\n    sum(amount_12m_cny) as amount_cny,\n    count(amount_12m_cny) as amount_accounts\n  from member\n  group by 1, 2\n)\n\
         select\n  cell.as_of,\n  cell.cell['grouping'] as segmentation,\n  cell.cell['member'] as segment,\n  cell.cell['field'] as attribute,\n  coalesce(cell.cell['value'], '{UNKNOWN}') as value,\n  {is_sensitive} as is_sensitive,\n  sum(cell.cell['count']) as accounts,\n  max(summed.energy_kwh) as energy_kwh,\n  max(summed.energy_accounts) as energy_accounts,\n  max(summed.amount_cny) as amount_cny,\n  max(summed.amount_accounts) as amount_accounts\nfrom cell\nleft join summed\n  on cell.cell['field'] = 'all'\n  and summed.segmentation = cell.cell['grouping']\n  and summed.segment = cell.cell['member']\ngroup by 1, 2, 3, 4, 5, 6\n",
        record = record.join(", "),
    )
}

/// `segment_migration_part`: accounts of each bucket by the group that they had in the
/// earlier release and the one that they have; no group where there was no such account,
/// or nothing was known.
pub fn migration_parts_sql(
    segmentations: &[Segmentation],
    has_before: &dyn Fn(&str) -> bool,
    is_any_before: bool,
) -> String {
    let pairs = segmentations.iter().map(|Segmentation { name, .. }| {
        let before = if has_before(name) { format!("before.{name}") } else { "cast(null as varchar)".to_owned() };
        format!("named_struct('name', '{name}', 'before', {before}, 'now', now.{name})")
    });
    let join = match is_any_before {
        true => format!("\n  full join {PREVIOUS_SEGMENTS} as before on before.account_id = now.account_id"),
        false => String::new(),
    };
    format!(
        "with\n\
         pair as (\n  select unnest(make_array(\n    {pairs})) as pair\n  from {SEGMENTS} as now{join}\n)\n\
         select\n  $as_of as as_of,\n  pair['name'] as segmentation,\n  pair['before'] as from_segment,\n  pair['now'] as to_segment,\n  count(*) as accounts\nfrom pair\ngroup by 2, 3, 4\n",
        pairs = pairs.collect::<Vec<_>>().join(",\n    "),
    )
}

/// `segment_migration`: the same over all.
pub fn migration_sql() -> String {
    format!(
        "select as_of, segmentation, from_segment, to_segment, sum(accounts) as accounts\nfrom {SEGMENT_MIGRATION_PARTS}\ngroup by as_of, segmentation, from_segment, to_segment\n"
    )
}
