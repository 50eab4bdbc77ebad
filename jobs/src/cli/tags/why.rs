//! `kwhy tags why`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use clap::Args;

use super::find;
use crate::cli::ProjectArgs;
use crate::cli::published::PublishedArgs;
use crate::cli::table::pairs;
use crate::cli::table::{plain, thousands};
use crate::error::Error;
use crate::project::model::quoted;
use crate::project::tag::{Body, Pick, Tag, at, with_values};
use crate::project::{CUTS, PREVIOUS_TAGS, Project, SENSITIVE_TAGS, STAGED, TAGS};
use crate::run::{Published, as_of_sql, earlier_release, release_table};
use crate::state::{Area, Snapshot};

/// Show why an account has a tag: the values behind it, put into its
/// expression, its parameters, its evidence, and the dates of its records.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kwhy tags why 1000000042 usage_trend --lake /data/lake")]
pub struct Why {
    /// The account
    account: String,

    /// The tag
    tag: String,

    #[command(flatten)]
    project: ProjectArgs,

    #[command(flatten)]
    published: PublishedArgs,
}

/// A row as texts, by column.
type Row = BTreeMap<String, Option<String>>;

struct Asked<'a> {
    published: Published,
    project: &'a Project,
    account: String,
}

impl Why {
    pub async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let tag = find(&project, &self.tag)?;
        let asked = Asked { published: self.published.open().await?, project: &project, account: self.account };
        crate::cli::print(&asked.show(tag).await?)
    }
}

impl Asked<'_> {
    async fn show(&self, tag: &Tag) -> Result<String, Error> {
        let table = if tag.is_sensitive() { SENSITIVE_TAGS } else { TAGS };
        let tags = self.published.need(table).await?;
        let Some(found) = self.row(table, &tags, "true").await? else {
            return Err(Error::Usage {
                message: format!("no account `{}` in the release", self.account),
                hint: "accounts are named by account_id, as the lake writes it".into(),
            });
        };
        let Some(value) = found.get(&tag.name) else {
            return Err(Error::Usage {
                message: format!("the release has no tag `{}`", tag.name),
                hint: "it is younger than the release: run the job again".into(),
            });
        };
        let mut text = format!(
            "{} of {} is {}, as of {}\n {}\n\n",
            tag.name,
            self.account,
            shown(value),
            self.published.release.as_of,
            tag.definition
        );
        let values = self.values(tag, &found).await?;
        text.push_str(&self.formula(tag, &values).await?);
        let reason = found.get(&format!("evidence_{}", tag.evidence)).cloned().flatten();
        text.push_str(&self.evidence(tag, value, reason).await?);
        text.push_str(&self.records(tag).await?);
        Ok(text)
    }

    /// The condition of its rows.
    fn is_it(&self) -> String {
        format!("account_id = '{}'", self.account.replace('\'', "''"))
    }

    /// The one row of the account.
    async fn row(&self, name: &str, table: &Snapshot, condition: &str) -> Result<Option<Row>, Error> {
        let sql = format!("select * from {} where {} and ({condition})", quoted(name), self.is_it());
        let batches = self.published.query(&BTreeMap::from([(name, table)]), &sql).await?;
        Ok(batches.iter().find(|batch| batch.num_rows() > 0).map(row))
    }

    /// What the tag's expression sees.
    async fn values(&self, tag: &Tag, tags: &Row) -> Result<Row, Error> {
        let mut values = Row::new();
        let columns: BTreeSet<String> = match &tag.body {
            Body::Sql(expression) => expression.columns.clone(),
            Body::Tier { of, .. } => BTreeSet::from([of.clone()]),
        };
        if tag.is_over_tags() {
            values.extend(columns.into_iter().map(|column| (column.clone(), tags.get(&column).cloned().flatten())));
        } else if let Some(seen) = self.feature_row(&tag.feature, tag.slice.as_deref()).await? {
            values.extend(columns.into_iter().map(|column| (column.clone(), seen.get(&column).cloned().flatten())));
        }
        let picks = tag.picks();
        if !picks.is_empty() {
            values.extend(self.picked(tag, &picks).await?);
        }
        Ok(values)
    }

    async fn feature_row(&self, feature: &str, slice: Option<&str>) -> Result<Option<Row>, Error> {
        let as_of = self.published.release.as_of;
        let Some(table) = self.published.table(feature).await? else { return Ok(None) };
        let condition = at(slice.unwrap_or("true"), as_of);
        match feature.strip_prefix(STAGED).and_then(|source| self.project.contracts.get(source)) {
            None => self.row(feature, &table, &condition).await,
            // Of states that of the day before.
            Some(contract) => {
                let seen = as_of_sql(feature, &table, contract, as_of);
                let sql = format!("select * from ({seen}) where {} and ({condition})", self.is_it());
                let batches = self.published.query(&BTreeMap::from([(feature, &table)]), &sql).await?;
                Ok(batches.iter().find(|batch| batch.num_rows() > 0).map(row))
            }
        }
    }

    /// Percentiles of the account's peers.
    async fn picked(&self, tag: &Tag, picks: &[Pick]) -> Result<Row, Error> {
        let mut found = Row::new();
        let (Some(peers), Some(cuts)) = (self.project.tags.peers.get(&tag.peers), self.published.table(CUTS).await?)
        else {
            return Ok(found);
        };
        let Some(account) = self.feature_row("stg_accounts", None).await? else { return Ok(found) };
        let level = |column: &String| {
            account.get(column).cloned().flatten().unwrap_or_else(|| "unknown".to_owned()).replace('/', "_")
        };
        let group = peers.levels.iter().map(level).collect::<Vec<_>>().join("/").replace('\'', "''");
        let sql = format!("select * from {CUTS} where peers = '{}' and peer_group = '{group}'", peers.name);
        let batches = self.published.query(&BTreeMap::from([(CUTS, &cuts)]), &sql).await?;
        let cuts = batches.iter().find(|batch| batch.num_rows() > 0).map(row).unwrap_or_default();
        for pick in picks {
            found.insert(pick.column(), cuts.get(&pick.cut()).cloned().flatten());
        }
        Ok(found)
    }

    async fn formula(&self, tag: &Tag, values: &Row) -> Result<String, Error> {
        let mut text = String::new();
        let written = tag.written().split_whitespace().collect::<Vec<_>>().join(" ");
        let literal = |value: &Option<String>| match value {
            None => "NULL".to_owned(),
            Some(value) if value.parse::<f64>().is_ok() || value == "true" || value == "false" => value.clone(),
            Some(value) => format!("'{value}'"),
        };
        let _ = writeln!(text, " {written}");
        if let Body::Sql(expression) = &tag.body {
            let literals = values.iter().map(|(name, value)| (name.clone(), literal(value))).collect();
            let before = self.before(tag).await?;
            let kept = before.as_ref().and(expression.exit.as_ref());
            let put = with_values(&at(&expression.enter, self.published.release.as_of), &literals);
            let _ = writeln!(text, " {put}");
            if let (Some(before), Some(exit)) = (before, kept) {
                let put = with_values(&at(exit, self.published.release.as_of), &literals);
                let _ =
                    writeln!(text, " it was {before} in the release before, and stays so while this gives it:\n {put}");
            }
        }
        let slice = tag.slice.as_ref().map(|slice| format!(" where {slice}")).unwrap_or_default();
        let rows: Vec<Vec<String>> = values.iter().map(|(name, value)| vec![name.clone(), shown(value)]).collect();
        let title = format!("{}{slice}", tag.feature);
        text.push('\n');
        text.push_str(&plain(&[&title, "value"], &rows, &[]));
        let parameters: Vec<Vec<String>> =
            tag.parameters.iter().map(|(name, parameter)| vec![name.clone(), parameter.shown()]).collect();
        if !parameters.is_empty() {
            text.push('\n');
            text.push_str(&plain(&["parameter", "value"], &parameters, &[]));
        }
        Ok(text)
    }

    /// The tag's value in the release before, where it counts.
    async fn before(&self, tag: &Tag) -> Result<Option<String>, Error> {
        if !tag.has_hysteresis() {
            return Ok(None);
        }
        let (engine, out) = (&self.published.engine, &self.published.out);
        let Some(earlier) = earlier_release(engine, out, self.published.release.as_of, Area::Marts, TAGS).await? else {
            return Ok(None);
        };
        let Some(table) = release_table(out, &earlier, TAGS).await? else { return Ok(None) };
        let row = self.row(PREVIOUS_TAGS, &table, "true").await?;
        Ok(row.and_then(|row| row.get(&tag.name).cloned().flatten()))
    }

    async fn evidence(&self, tag: &Tag, value: &Option<String>, reason: Option<String>) -> Result<String, Error> {
        let Some(evidence) = self.project.tags.evidence.get(&tag.evidence) else { return Ok(String::new()) };
        let verdict = match (&reason, value) {
            (Some(reason), _) => format!("not there: {reason}"),
            (None, None) => "there, but the expression has no value".to_owned(),
            (None, Some(_)) => "there".to_owned(),
        };
        let seen = self.feature_row(&evidence.feature, evidence.slice.as_deref()).await?;
        let columns = crate::project::tag::columns_of(&evidence.when);
        let values: Vec<String> = columns
            .iter()
            .map(|column| {
                let value = seen.as_ref().and_then(|row| row.get(column).cloned().flatten());
                format!("{column} = {}", shown(&value))
            })
            .collect();
        let rows = [
            ("evidence", format!("{}: {}", evidence.name, evidence.label)),
            ("condition", evidence.when.clone()),
            ("with", values.join(", ")),
            ("so it is", verdict),
        ];
        Ok(format!("\n{}", pairs(&rows)))
    }

    /// Dates of the records behind the feature, table by table.
    async fn records(&self, tag: &Tag) -> Result<String, Error> {
        let mut tables = BTreeSet::new();
        let mut features = vec![tag.feature.clone()];
        if tag.is_over_tags() {
            let tags = &self.project.tags;
            let read = tags.with_read(&|other| other.name == tag.name);
            features = read.iter().filter(|tag| !tag.is_over_tags()).map(|tag| tag.feature.clone()).collect();
        }
        features.iter().for_each(|feature| self.timed(feature, &mut tables));
        let mut rows = Vec::new();
        for (name, time) in tables {
            let Some(table) = self.published.table(&name).await? else { continue };
            if table.schema.index_of("account_id").is_err() || table.schema.index_of(&time).is_err() {
                continue;
            }
            let time = quoted(&time);
            let sql = format!(
                "select count(*), min(cast({time} as date)), max(cast({time} as date)) from {name} where {} and {time} < date '{}'",
                self.is_it(),
                self.published.release.as_of
            );
            let found = self.published.query(&BTreeMap::from([(name.as_str(), &table)]), &sql).await?;
            for batch in found.iter().filter(|batch| batch.num_rows() > 0) {
                let cell = |column: usize| array_value_to_string(batch.column(column), 0).unwrap_or_default();
                let count = cell(0).parse().map(thousands).unwrap_or_default();
                rows.push(vec![name.clone(), count, cell(1), cell(2)]);
            }
        }
        match rows.is_empty() {
            true => Ok(String::new()),
            false => Ok(format!("\n{}", plain(&["records of the account", "rows", "from", "to"], &rows, &[1]))),
        }
    }

    /// Tables with a business time behind a feature.
    fn timed(&self, name: &str, found: &mut BTreeSet<(String, String)>) {
        if let Some(contract) = name.strip_prefix(STAGED).and_then(|source| self.project.contracts.get(source)) {
            found.extend(contract.time.clone().map(|time| (name.to_owned(), time)));
            return;
        }
        let Some(model) = self.project.models.get(name) else { return };
        match &model.time {
            Some(time) => drop(found.insert((name.to_owned(), time.clone()))),
            None => model.inputs.iter().for_each(|input| self.timed(input, found)),
        }
    }
}

fn row(batch: &RecordBatch) -> Row {
    let schema = batch.schema();
    let cells = schema.fields().iter().zip(batch.columns());
    cells
        .map(|(field, column)| {
            let value = (!column.is_null(0)).then(|| array_value_to_string(column, 0).unwrap_or_default());
            (field.name().clone(), value)
        })
        .collect()
}

fn shown(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "unknown".to_owned())
}
