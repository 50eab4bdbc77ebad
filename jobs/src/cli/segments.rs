//! `kwhy segments`: groups of a release, and what makes them.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::util::display::array_value_to_string;
use clap::{Args, Subcommand};

use super::published::PublishedArgs;
use super::table::{batches, chart, pairs, plain};
use super::{ProjectArgs, print};
use crate::error::Error;
use crate::project::diagnostic::did_you_mean;
use crate::project::segment::{Group, Segmentation};
use crate::project::{Project, SEGMENT_CATALOG, SEGMENT_MODEL, SEGMENT_PATH, SEGMENT_PROFILE, SEGMENT_RULES, SEGMENTS};
use crate::run::{Published, release_of, release_table, why_left_out};
use crate::state::Snapshot;

/// Attributes that are told of a group.
const MOST_ATTRIBUTES: usize = 12;
/// What is told must be less likely by chance than this: there are many attributes.
const MOST_CHANCE: &str = "0.00001";
/// Where so many accounts are not, nor would be if a group were like all, nothing is
/// told: it may be chance.
const LEAST_ACCOUNTS: u32 = 30;

#[derive(Subcommand, Debug)]
pub enum Segments {
    /// List the segmentations of the project
    List(List),
    Show(Show),
    Compare(Compare),
    Explain(Explain),
}

#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    project: ProjectArgs,
}

/// Show the groups of a segmentation, or what is special about one of them
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kwhy segments show global --lake /data/lake       sizes, shares of energy and revenue, rules
  kwhy segments show global g2 --lake /data/lake    what its accounts are more often than others")]
pub struct Show {
    name: String,

    group: Option<String>,

    #[command(flatten)]
    project: ProjectArgs,

    #[command(flatten)]
    published: PublishedArgs,
}

/// Show how many accounts have changed their group between two releases
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kwhy segments compare 3 4 --lake /data/lake            how far each segmentation agrees
  kwhy segments compare 3 4 global --lake /data/lake     and from which group to which
  kwhy sql --lake /data/lake -c \"select release, as_of, job from releases\"")]
pub struct Compare {
    /// Numbers of releases, the earlier one first
    before: i64,

    now: i64,

    /// The segmentation whose groups are shown [default: all, without their groups]
    name: Option<String>,

    #[command(flatten)]
    project: ProjectArgs,

    #[command(flatten)]
    published: PublishedArgs,
}

/// Say why an account is in its groups
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kwhy segments explain A000000042 --lake /data/lake")]
pub struct Explain {
    account: String,

    #[command(flatten)]
    project: ProjectArgs,

    #[command(flatten)]
    published: PublishedArgs,
}

impl Segments {
    pub async fn run(self) -> Result<(), Error> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => show.run().await,
            Self::Compare(compare) => compare.run().await,
            Self::Explain(explain) => explain.run().await,
        }
    }
}

impl List {
    fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let rows = project.segmentations.iter().map(|segmentation| {
            let groups = match segmentation.fitting() {
                Some(fitting) => format!("{} to {}", fitting.balanced.least_groups, fitting.balanced.most_groups),
                None => segmentation.groups.len().to_string(),
            };
            let method = segmentation.method_name().to_owned();
            vec![segmentation.name.clone(), method, groups, segmentation.label.clone(), segmentation.label_zh.clone()]
        });
        print(&plain(&["segmentation", "method", "groups", "label", "label_zh"], &rows.collect::<Vec<_>>(), &[]))
    }
}

impl Show {
    async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let segmentation = find(&project, &self.name)?;
        let published = self.published.open().await?;
        let groups = groups(&published, segmentation).await?;
        if groups.is_empty() {
            let why = match published.table(SEGMENT_MODEL).await? {
                Some(table) => why_left_out(&published.engine, &table, &self.name).await?,
                None => None,
            };
            let (job, message) = match (why, segmentation.has_model()) {
                (Some(why), _) => ("refit", format!("there is no model of `{}`: {why}", segmentation.name)),
                (None, true) => ("refit", format!("there is no model of `{}` yet", segmentation.name)),
                (None, false) => ("daily", format!("`{}` is not in the release", segmentation.name)),
            };
            return Err(Error::Usage { message, hint: format!("make it: kwhy run {job} --lake LAKE") });
        }
        let text = match &self.group {
            None => whole(&published, segmentation, &groups).await?,
            Some(group) => {
                let Some(group) = groups.iter().find(|(code, _)| code == group) else {
                    let codes: Vec<&str> = groups.iter().map(|(code, _)| code.as_str()).collect();
                    let message = format!("`{}` has no group `{group}` in this release", segmentation.name);
                    return Err(Error::Usage { message, hint: format!("it has: {}", codes.join(", ")) });
                };
                one(&published, segmentation, group).await?
            }
        };
        print(&text)
    }
}

fn find<'a>(project: &'a Project, name: &str) -> Result<&'a Segmentation, Error> {
    project.segmentations.iter().find(|segmentation| segmentation.name == name).ok_or_else(|| {
        let names = || project.segmentations.iter().map(|segmentation| segmentation.name.as_str());
        let hint = match did_you_mean(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::Usage { message: format!("no segmentation is called `{name}`"), hint }
    })
}

/// The groups of a segmentation, and the accounts in each.
async fn groups(published: &Published, segmentation: &Segmentation) -> Result<Vec<(String, u64)>, Error> {
    let profile = published.need(SEGMENT_PROFILE).await?;
    let sql = format!(
        "select segment, accounts from {SEGMENT_PROFILE} where attribute = 'all' and segmentation = '{}' order by segment",
        segmentation.name
    );
    let rows = published.query(&BTreeMap::from([(SEGMENT_PROFILE, &profile)]), &sql).await?;
    let mut groups = Vec::new();
    for batch in &rows {
        let (codes, counts) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        groups.extend((0..batch.num_rows()).map(|row| (codes.value(row).to_owned(), counts.value(row).max(0) as u64)));
    }
    Ok(groups)
}

async fn whole(published: &Published, segmentation: &Segmentation, groups: &[(String, u64)]) -> Result<String, Error> {
    let name = &segmentation.name;
    let (profile, catalog) = (published.need(SEGMENT_PROFILE).await?, published.need(SEGMENT_CATALOG).await?);
    let rules = published.need(SEGMENT_RULES).await?;
    let tables = BTreeMap::from([(SEGMENT_PROFILE, &profile), (SEGMENT_CATALOG, &catalog), (SEGMENT_RULES, &rules)]);
    let sql = format!(
        "select fitted_as_of, explained, explained_without_limits, fidelity, bootstrap_agreement, least_bootstrap_agreement from {SEGMENT_CATALOG} where segmentation = '{name}' limit 1"
    );
    let fitted = published.query(&tables, &sql).await?;
    let cell = |column: &str| fitted.iter().find_map(|row| field(row, column)).unwrap_or_default();
    let mut text = format!("{name}: {}, {}\n\n", segmentation.label, segmentation.label_zh);
    text.push_str(&pairs(&[
        ("as of", published.release.as_of.to_string()),
        ("method", segmentation.method_name().to_owned()),
        ("fitted as of", cell("fitted_as_of")),
        ("variance explained", cell("explained")),
        ("without size limits", cell("explained_without_limits")),
        ("fidelity of rules", cell("fidelity")),
        ("bootstraps agree", cell("bootstrap_agreement")),
        ("at the least", cell("least_bootstrap_agreement")),
    ]));
    text.push_str(&format!("\n{}\n", chart(groups)));
    // A release of before has none.
    let has_recall = segmentation.fitting().is_some() && catalog.schema.field_with_name("recall").is_ok();
    let recall = if has_recall { "catalog.recall, " } else { "" };
    let sql = format!(
        "select profile.segment, coalesce(catalog.label, '(' || catalog.suggested || ')') as label, profile.segment_share, {recall}profile.energy_share, profile.amount_share, profile.mean_energy_kwh, profile.mean_amount_cny \
         from {SEGMENT_PROFILE} as profile left join {SEGMENT_CATALOG} as catalog on catalog.segmentation = profile.segmentation and catalog.segment = profile.segment \
         where profile.attribute = 'all' and profile.segmentation = '{name}' order by profile.segment"
    );
    text.push_str(&batches(&published.query(&tables, &sql).await?)?);
    if segmentation.has_model() {
        let sql = format!(
            "select segment, rule, share, purity, text from {SEGMENT_RULES} where segmentation = '{name}' order by segment, share desc"
        );
        text.push_str(&format!("\n{}", batches(&published.query(&tables, &sql).await?)?));
    }
    Ok(text)
}

/// What a group has more often than the population, and what less.
async fn one(
    published: &Published,
    segmentation: &Segmentation,
    (group, size): &(String, u64),
) -> Result<String, Error> {
    let profile = published.need(SEGMENT_PROFILE).await?;
    let tables = BTreeMap::from([(SEGMENT_PROFILE, &profile)]);
    let mut text = format!("{} {group}: {}, {}\n", segmentation.name, segmentation.label, segmentation.label_zh);
    let expected = format!("population_share * {size}");
    for (title, condition, accounts, order) in [
        ("more often than all", "over_index > 1", "accounts", "desc"),
        ("less often", "over_index < 1", expected.as_str(), "asc"),
    ] {
        let sql = format!(
            "select attribute, value, accounts, value_share, population_share, over_index, round(z_score, 1) as z_score from {SEGMENT_PROFILE} \
             where segmentation = '{}' and segment = '{group}' and attribute <> 'all' and value <> 'unknown' and {accounts} >= {LEAST_ACCOUNTS} and p_value < {MOST_CHANCE} and {condition} \
             order by over_index {order}, attribute, value limit {MOST_ATTRIBUTES}",
            segmentation.name
        );
        let found = published.query(&tables, &sql).await?;
        let told = match found.iter().any(|batch| batch.num_rows() > 0) {
            true => batches(&found)?,
            false => format!(" nothing that {LEAST_ACCOUNTS} accounts tell for sure\n"),
        };
        text.push_str(&format!("\n{title}\n{told}"));
    }
    Ok(text)
}

impl Compare {
    async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let asked: Vec<&Segmentation> = match &self.name {
            Some(name) => vec![find(&project, name)?],
            None => project.segmentations.iter().collect(),
        };
        let published = self.published.open().await?;
        let (before, now) = (segments_of(&published, self.before).await?, segments_of(&published, self.now).await?);
        let tables = BTreeMap::from([("earlier", &before), (SEGMENTS, &now)]);
        let join = format!("from earlier join {SEGMENTS} as later on later.account_id = earlier.account_id");
        let mut rows = Vec::new();
        for Segmentation { name, .. } in &asked {
            if [&before, &now].iter().any(|table| table.schema.field_with_name(name).is_err()) {
                continue;
            }
            let sql = format!(
                "select count(*) filter (where earlier.{name} is not null and later.{name} is not null), \
                 count(*) filter (where earlier.{name} <> later.{name}), adjusted_rand(earlier.{name}, later.{name}) {join}"
            );
            let found = published.query(&tables, &sql).await?;
            let cell = |column: usize| cell(&found, column);
            let agreement = cell(2).parse().map_or_else(|_| String::new(), |index: f64| format!("{index:.4}"));
            rows.push(vec![name.clone(), cell(0), cell(1), agreement]);
        }
        let mut text = plain(&["segmentation", "accounts in both", "in another group", "agreement"], &rows, &[1, 2, 3]);
        if let (Some(name), false) = (&self.name, rows.is_empty()) {
            let sql = format!(
                "select coalesce(earlier.{name}, '(none)') as from_segment, coalesce(later.{name}, '(none)') as to_segment, count(*) as accounts {join} group by 1, 2 order by 1, 2"
            );
            text.push_str(&format!("\n{}", batches(&published.query(&tables, &sql).await?)?));
        }
        print(&text)
    }
}

/// The groups of a release by its number.
async fn segments_of(published: &Published, number: i64) -> Result<Snapshot, Error> {
    let Some(release) = release_of(&published.engine, &published.out, number).await? else {
        let message = format!("there is no release {number}");
        let hint = "kwhy sql -c \"select release, as_of, job from releases\" shows all".to_owned();
        return Err(Error::Usage { message, hint });
    };
    let table = release_table(&published.out, &release, SEGMENTS).await?;
    table.ok_or_else(|| Error::Usage {
        message: format!("release {number} has no segments"),
        hint: "kwhy run daily makes them".into(),
    })
}

/// A cell of the first row.
fn cell(rows: &[RecordBatch], column: usize) -> String {
    let batch = rows.iter().find(|batch| batch.num_rows() > 0 && !batch.column(column).is_null(0));
    batch.and_then(|batch| array_value_to_string(batch.column(column), 0).ok()).unwrap_or_default()
}

impl Explain {
    async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let published = self.published.open().await?;
        let segments = published.need(SEGMENTS).await?;
        let account = self.account.replace('\'', "''");
        let sql = format!("select * from {SEGMENTS} where account_id = '{account}'");
        let found = published.query(&BTreeMap::from([(SEGMENTS, &segments)]), &sql).await?;
        let Some(row) = found.iter().find(|batch| batch.num_rows() > 0) else {
            let message = format!("no account `{}` in this release", self.account);
            return Err(Error::Usage { message, hint: "its id as in customer_tags".into() });
        };
        let rules = rules_of(&published, &account).await?;
        let mut rows = Vec::new();
        for segmentation in &project.segmentations {
            let group = field(row, &segmentation.name).unwrap_or_default();
            let rule = rules.get(&segmentation.name).filter(|_| segmentation.has_model());
            let of = segmentation.groups.iter().find(|of| of.name == group);
            let why = match (rule, of.and_then(Group::when)) {
                // A rule says most of a group, not all of it.
                (Some(Held { said, text, imputed }), _) => {
                    let most = if *said == group { String::new() } else { format!(" (as most of {said})") };
                    let unknown = match imputed {
                        0 => String::new(),
                        1 => " (a feature of it is unknown)".to_owned(),
                        _ => format!(" ({imputed} features of it are unknown)"),
                    };
                    format!("{text}{most}{unknown}")
                }
                (None, Some(when)) => when.split_whitespace().collect::<Vec<_>>().join(" "),
                (None, None) => String::new(),
            };
            rows.push(vec![segmentation.name.clone(), group, why]);
        }
        print(&plain(&["segmentation", "segment", "because"], &rows, &[]))
    }
}

/// A rule that holds for an account: the group that it stands for, and its text; and how
/// many features of the account are unknown.
struct Held {
    said: String,
    text: String,
    imputed: i32,
}

/// The rules that hold for an account, by segmentation.
async fn rules_of(published: &Published, account: &str) -> Result<BTreeMap<String, Held>, Error> {
    let (path, rules) = (published.table(SEGMENT_PATH).await?, published.table(SEGMENT_RULES).await?);
    let (Some(path), Some(rules)) = (path, rules) else { return Ok(BTreeMap::new()) };
    let tables: BTreeMap<&str, &Snapshot> = BTreeMap::from([(SEGMENT_PATH, &path), (SEGMENT_RULES, &rules)]);
    let sql = format!(
        "select path.segmentation, rules.segment, rules.text, path.imputed_features from {SEGMENT_PATH} as path \
         join {SEGMENT_RULES} as rules on rules.segmentation = path.segmentation and rules.rule = path.rule \
         where path.account_id = '{account}'"
    );
    let mut found = BTreeMap::new();
    for batch in &published.query(&tables, &sql).await? {
        let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
        let imputed = batch.column(3).as_primitive::<Int32Type>();
        let held = |row: usize| Held { said: text(1, row), text: text(2, row), imputed: imputed.value(row) };
        found.extend((0..batch.num_rows()).map(|row| (text(0, row), held(row))));
    }
    Ok(found)
}

fn field(row: &RecordBatch, column: &str) -> Option<String> {
    let column = row.column_by_name(column)?;
    (row.num_rows() > 0 && !column.is_null(0)).then(|| array_value_to_string(column, 0).unwrap_or_default())
}
