//! Segmentations by rule: the first condition that holds decides, and what no
//! condition covers is `unknown`, so that every account is in exactly one.

use std::fmt::Write;

use toml::Spanned;

use super::diagnostic::Mistakes;
use super::document::Document;

/// `sql/segments/<name>.toml`.
#[derive(Clone, Debug)]
pub struct Segmentation {
    pub name: String,
    pub file: String,
    pub label: String,
    pub label_zh: String,
    pub groups: Vec<Group>,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub label: String,
    pub label_zh: String,
    /// Condition over `customer_tags` and the cut tables.
    pub when: String,
}

/// The group of accounts that no rule covers.
pub const UNKNOWN: &str = "unknown";

impl Segmentation {
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Mistakes> {
        Document::read(file, text, |root| {
            let label = root.required_text("label").map(Spanned::into_inner);
            let label_zh = root.required_text("label_zh").map(Spanned::into_inner);
            let mut groups: Vec<Group> = Vec::new();
            for section in root.sections("group") {
                let name = section.required_text("name");
                let label = section.required_text("label").map(Spanned::into_inner);
                let label_zh = section.required_text("label_zh").map(Spanned::into_inner);
                let when = section.required_text("when").map(Spanned::into_inner);
                section.finish();
                if let (Some(name), Some(label), Some(label_zh), Some(when)) = (name, label, label_zh, when) {
                    if groups.iter().any(|group| group.name == *name.get_ref()) {
                        section.mistake(name.span(), format!("group `{}` stands here twice", name.get_ref()));
                    }
                    groups.push(Group { name: name.into_inner(), label, label_zh, when });
                }
            }
            if groups.is_empty() {
                root.mistake(root.span(), "a segmentation needs [[group]] blocks");
            }
            Some(Self { name: name.to_owned(), file: file.to_owned(), label: label?, label_zh: label_zh?, groups })
        })
    }

    fn case(&self) -> String {
        let mut sql = String::from("case");
        for group in &self.groups {
            let _ = write!(sql, " when {} then '{}'", group.when, group.name);
        }
        let _ = write!(sql, " else '{UNKNOWN}' end");
        sql
    }
}

/// `customer_segments`: one row per account, one column per segmentation.
pub fn segments_sql(segmentations: &[Segmentation]) -> String {
    let mut sql = String::from("select\n  account_id,\n  as_of");
    for segmentation in segmentations {
        let _ = write!(sql, ",\n  {} as {}", segmentation.case(), segmentation.name);
    }
    sql.push_str("\nfrom customer_tags\ncross join value_cut\n");
    sql
}

/// `segment_count`: accounts of each bucket by segment and attribute, and energy
/// and money by segment: the part of the profile that needs every account.
pub fn counts_sql(segmentations: &[Segmentation], attributes: &[String]) -> String {
    let segments = segmentations.iter().map(|segmentation| {
        let name = &segmentation.name;
        format!("named_struct('name', '{name}', 'value', coalesce(segments.{name}, '{UNKNOWN}'))")
    });
    let record: Vec<String> = attributes.iter().map(|name| format!("'{name}', tags.{name}")).collect();
    format!(
        "with\n\
         member as (\n  select\n    tags.as_of,\n    tags.energy_12m_kwh,\n    tags.amount_12m_cny,\n    named_struct('all', 'all', {record}) as record,\n    unnest(make_array(\n    {segments})) as segment\n  from customer_tags as tags\n  join customer_segments as segments on segments.account_id = tags.account_id\n),\n\
         grouped as (\n  select\n    as_of,\n    segment['name'] as segmentation,\n    segment['value'] as segment,\n    sum(energy_12m_kwh) as energy_kwh,\n    sum(amount_12m_cny) as amount_cny,\n    field_counts(record) as cells\n  from member\n  group by 1, 2, 3\n),\n\
         cell as (\n  select as_of, segmentation, segment, energy_kwh, amount_cny, unnest(cells) as cell from grouped\n)\n\
         select\n  as_of,\n  segmentation,\n  segment,\n  cell['field'] as attribute,\n  coalesce(cell['value'], '{UNKNOWN}') as value,\n  cell['count'] as accounts,\n  case when cell['field'] = 'all' then energy_kwh end as energy_kwh,\n  case when cell['field'] = 'all' then amount_cny end as amount_cny\nfrom cell\n",
        segments = segments.collect::<Vec<_>>().join(",\n    "),
        record = record.join(", "),
    )
}
