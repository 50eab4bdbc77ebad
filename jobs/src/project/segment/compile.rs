//! The SQL that segmentations become.

use std::fmt::Write;

use super::{Fitting, Method, Segmentation, UNKNOWN};
use crate::project::{PREVIOUS_SEGMENTS, SEGMENT_MIGRATION_PARTS, SEGMENT_STRATA, SEGMENT_STRATUM_PARTS, SEGMENTS};
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
    /// The group of an account, as SQL over its tags; of a fitted one by its model,
    /// which is a parameter.
    fn group_sql(&self) -> String {
        match &self.method {
            Method::Rules => {
                let mut sql = String::from("case");
                for group in &self.groups {
                    let _ = write!(sql, " when {} then '{}'", group.when, group.name);
                }
                let _ = write!(sql, " else '{UNKNOWN}' end");
                sql
            }
            Method::Balanced(fitting) => match &fitting.population {
                Some(population) => format!("case when {population} then ${} end", self.parameter()),
                None => format!("${}", self.parameter()),
            },
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
}

/// Segmentations that are fitted.
pub fn fitted(segmentations: &[Segmentation]) -> impl Iterator<Item = (&Segmentation, &Fitting)> {
    segmentations.iter().filter_map(|segmentation| Some((segmentation, segmentation.fitting()?)))
}

/// Rows of `customer_tags`, one for each fitted segmentation that an account is in:
/// columns of the account, then fields of a struct for each. A union would have several
/// partitions, which a unit has not.
fn members_sql(
    segmentations: &[Segmentation],
    columns: &str,
    fields: &dyn Fn(&Segmentation, &Fitting) -> String,
) -> String {
    let structs = fitted(segmentations).map(|(segmentation, fitting)| {
        let is_member =
            fitting.population.as_ref().map_or("true".to_owned(), |condition| format!("({condition}) is true"));
        format!(
            "named_struct('name', '{}', 'is_member', {is_member}{})",
            segmentation.name,
            fields(segmentation, fitting)
        )
    });
    let structs: Vec<String> = structs.collect();
    format!(
        "  select\n    {columns},\n    unnest(make_array(\n      {})) as member\n  from customer_tags\n",
        structs.join(",\n      ")
    )
}

/// `segment_stratum_part`: accounts of each bucket by stratum.
pub fn stratum_parts_sql(segmentations: &[Segmentation]) -> String {
    let members = members_sql(segmentations, &format!("{STRATUM} as stratum"), &|_, _| String::new());
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
    let place = |_: &Segmentation, fitting: &Fitting| {
        format!(", 'place', account_bucket(concat('{}:', account_id), {PLACES})", fitting.balanced.seed)
    };
    let members = members_sql(segmentations, &format!("account_id,\n    {STRATUM} as stratum"), &place);
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
         select\n  chosen.segmentation,\n  {definition} as definition,\n  chosen.account_id,\n  chosen.place,\n  chosen.places,\n  {numbers} as numbers,\n  {texts} as texts,\n  {traits} as traits,\n  {before} as before\nfrom customer_tags as tags\njoin chosen on chosen.account_id = tags.account_id\n{join}"
    )
}

/// `segment_path`: of every account and fitted segmentation, the rule that holds, and how
/// many of its features are unknown.
pub fn path_sql(segmentations: &[Segmentation]) -> String {
    let rule = |segmentation: &Segmentation, fitting: &Fitting| {
        let unknown = fitting
            .balanced
            .features
            .iter()
            .map(|feature| format!("case when ({}) is null then 1 else 0 end", feature.sql));
        let unknown = unknown.collect::<Vec<_>>().join(" + ");
        format!(", 'rule', cast(${} as int), 'imputed', cast({unknown} as int)", segmentation.rule_parameter())
    };
    let members = members_sql(segmentations, "account_id,\n    as_of", &rule);
    format!(
        "with\n\
         member as (\n{members})\n\
         select\n  account_id,\n  as_of,\n  member['name'] as segmentation,\n  member['rule'] as rule,\n  member['imputed'] as imputed_features\nfrom member\nwhere member['is_member']\n"
    )
}

/// `customer_segments`: one row per account, one column per segmentation.
pub fn segments_sql(segmentations: &[Segmentation]) -> String {
    let mut sql = String::from("select\n  account_id,\n  as_of");
    for segmentation in segmentations {
        let _ = write!(sql, ",\n  {} as {}", segmentation.group_sql(), segmentation.name);
    }
    sql.push_str("\nfrom customer_tags\ncross join value_cut\n");
    sql
}

/// `segment_count`: accounts of each bucket by segment and attribute, and energy
/// and money by segment: the part of the profile that needs every account.
pub fn counts_sql(segmentations: &[Segmentation], attributes: &[String]) -> String {
    let listed = |of: &dyn Fn(&str) -> String, between: &str| {
        segmentations.iter().map(|segmentation| of(&segmentation.name)).collect::<Vec<_>>().join(between)
    };
    let groups = listed(&|name| format!("'{name}', segments.{name}"), ", ");
    let pairs = listed(&|name| format!("named_struct('name', '{name}', 'value', segments.{name})"), ",\n    ");
    let record: Vec<String> = attributes.iter().map(|name| format!("'{name}', tags.{name}")).collect();
    format!(
        "with\n\
         counted as (\n  select\n    tags.as_of,\n    cross_counts(named_struct({groups}), named_struct('all', 'all', {record})) as cells\n  from customer_tags as tags\n  join {SEGMENTS} as segments on segments.account_id = tags.account_id\n  group by 1\n),\n\
         cell as (\n  select as_of, unnest(cells) as cell from counted\n),\n\
         member as (\n  select\n    tags.energy_12m_kwh,\n    tags.amount_12m_cny,\n    unnest(make_array(\n    {pairs})) as segment\n  from customer_tags as tags\n  join {SEGMENTS} as segments on segments.account_id = tags.account_id\n),\n\
         summed as (\n  select\n    segment['name'] as segmentation,\n    segment['value'] as segment,\n    sum(energy_12m_kwh) as energy_kwh,\n    sum(amount_12m_cny) as amount_cny\n  from member\n  group by 1, 2\n)\n\
         select\n  cell.as_of,\n  cell.cell['grouping'] as segmentation,\n  cell.cell['member'] as segment,\n  cell.cell['field'] as attribute,\n  coalesce(cell.cell['value'], '{UNKNOWN}') as value,\n  sum(cell.cell['count']) as accounts,\n  max(summed.energy_kwh) as energy_kwh,\n  max(summed.amount_cny) as amount_cny\nfrom cell\nleft join summed\n  on cell.cell['field'] = 'all'\n  and summed.segmentation = cell.cell['grouping']\n  and summed.segment = cell.cell['member']\ngroup by 1, 2, 3, 4, 5\n",
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
