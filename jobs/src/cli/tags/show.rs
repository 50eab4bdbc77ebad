//! `kwhy tags show`.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::util::display::array_value_to_string;
use clap::Args;

use super::{find, kind};
use crate::cli::ProjectArgs;
use crate::cli::published::PublishedArgs;
use crate::cli::table::{chart, pairs};
use crate::error::Error;
use crate::project::tag::{Tag, TagType};
use crate::project::{Project, TAG_COUNTS, TAG_PROFILE};
use crate::run::Published;

/// Bars of a distribution.
const BARS: usize = 10;

/// Show what a tag is and, in a release, how it is distributed.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kwhy tags show usage_trend --lake /data/lake")]
pub struct Show {
    tag: String,

    #[command(flatten)]
    project: ProjectArgs,

    #[command(flatten)]
    published: PublishedArgs,
}

impl Show {
    pub async fn run(self) -> Result<(), Error> {
        let project = self.project.open()?;
        let tag = find(&project, &self.tag)?;
        let mut text = definition(&project, tag);
        if self.published.folder()?.is_some() {
            let published = self.published.open().await?;
            text.push_str(&distribution(&published, tag).await?);
        }
        crate::cli::print(&text)
    }
}

fn definition(project: &Project, tag: &Tag) -> String {
    let category = project.tags.categories.get(&tag.category);
    let evidence = project.tags.evidence.get(&tag.evidence);
    let parameters: Vec<String> =
        tag.parameters.iter().map(|(name, parameter)| format!("{name} = {}", parameter.shown())).collect();
    let slice = tag.slice.as_ref().map(|slice| format!(" where {slice}")).unwrap_or_default();
    let sensitivity = ["", "internal", "personal behaviour", "sensitive"][usize::from(tag.sensitivity.min(3))];
    let rows = [
        ("type", kind(tag)),
        ("values", tag.values.join(", ")),
        (
            "category",
            category.map_or_else(String::new, |category| format!("{}, {}", category.label, category.label_zh)),
        ),
        ("definition", tag.definition.clone()),
        ("expression", tag.written().split_whitespace().collect::<Vec<_>>().join(" ")),
        ("parameters", parameters.join(", ")),
        ("reads", format!("{}{slice}", tag.feature)),
        ("evidence", evidence.map_or_else(String::new, |evidence| format!("{}: {}", evidence.name, evidence.label))),
        ("refresh", tag.refresh.name().to_owned()),
        ("sensitivity", sensitivity.to_owned()),
        ("owner", tag.owner.clone().unwrap_or_default()),
        ("since", tag.since.clone().unwrap_or_default()),
        ("source", tag.source.clone().unwrap_or_default()),
        ("written at", tag.place.line()),
    ];
    format!("{}: {}, {}\n\n{}", tag.name, tag.label, tag.label_zh, pairs(&rows))
}

async fn distribution(published: &Published, tag: &Tag) -> Result<String, Error> {
    let profile = published.need(TAG_PROFILE).await?;
    let counts = published.need(TAG_COUNTS).await?;
    let name = &tag.name;
    let sql = format!("select * from {TAG_PROFILE} where tag = '{name}'");
    let row = published.query(&BTreeMap::from([(TAG_PROFILE, &profile)]), &sql).await?;
    let Some(row) = row.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok(format!("\n `{name}` is not in the release: run the job again\n"));
    };
    let order = match tag.kind {
        TagType::Number | TagType::Tier => "cast(value as decimal(38, 6))",
        _ => "accounts desc, value",
    };
    let sql = format!("select value, accounts from {TAG_COUNTS} where tag = '{name}' order by {order}");
    let values = published.query(&BTreeMap::from([(TAG_COUNTS, &counts)]), &sql).await?;
    let values: Vec<(String, u64)> = values.iter().flat_map(cells).collect();
    let cell = |column: &str| field(row, column);
    let known = cell("coverage").map(|coverage| {
        format!(
            "{} of {} accounts, {coverage}",
            cell("known").unwrap_or_default(),
            cell("accounts").unwrap_or_default()
        )
    });
    let rows = [
        ("as of", published.release.as_of.to_string()),
        ("known", known.unwrap_or_default()),
        ("unknown", cell("reasons").unwrap_or_default()),
        ("not defined", cell("not_defined").filter(|count| count != "0").unwrap_or_default()),
        ("median", cell("median").unwrap_or_default()),
        ("5 % to 95 %", cell("p5").zip(cell("p95")).map(|(low, high)| format!("{low} to {high}")).unwrap_or_default()),
        ("stability", cell("population_stability").unwrap_or_default()),
    ];
    let bars = match tag.kind {
        TagType::Number => number_bars(&values),
        _ => values.into_iter().take(BARS).collect(),
    };
    Ok(format!("\n{}\n{}", pairs(&rows), chart(&bars)))
}

fn field(row: &RecordBatch, column: &str) -> Option<String> {
    let column = row.column_by_name(column)?;
    (!column.is_null(0)).then(|| array_value_to_string(column, 0).unwrap_or_default())
}

fn cells(batch: &RecordBatch) -> Vec<(String, u64)> {
    let values = batch.column(0).as_string::<i32>();
    let counts = batch.column(1).as_primitive::<arrow::datatypes::Int64Type>();
    (0..batch.num_rows()).map(|row| (values.value(row).to_owned(), counts.value(row).max(0) as u64)).collect()
}

/// Bins of equal width from the 5th percentile to the 95th; what lies outside
/// counts in the first and the last.
fn number_bars(values: &[(String, u64)]) -> Vec<(String, u64)> {
    let values: Vec<(f64, u64)> =
        values.iter().filter_map(|(value, count)| Some((value.parse().ok()?, *count))).collect();
    if values.len() <= BARS {
        return values.iter().map(|(value, count)| (value.to_string(), *count)).collect();
    }
    let total: u64 = values.iter().map(|(_, count)| count).sum();
    let quantile = |percent: u64| {
        let mut up_to = 0;
        let found = values.iter().find(|(_, count)| {
            up_to += count;
            up_to * 100 >= total * percent
        });
        found.map_or(0.0, |(value, _)| *value)
    };
    let (low, high) = (quantile(5), quantile(95));
    let width = (high - low) / BARS as f64;
    if width <= 0.0 {
        return vec![(format!("{low}"), total)];
    }
    let mut bins = vec![0; BARS];
    for (value, count) in &values {
        let bin = ((value - low) / width).floor().clamp(0.0, (BARS - 1) as f64) as usize;
        bins[bin] += count;
    }
    let digits = if width >= 1.0 { 0 } else { 3 };
    bins.into_iter()
        .enumerate()
        .map(|(bin, count)| {
            let label = match bin {
                0 => format!("below {:.digits$}", low + width),
                last if last == BARS - 1 => format!("from {:.digits$}", low + width * last as f64),
                bin => format!("{:.digits$} to {:.digits$}", low + width * bin as f64, low + width * (bin + 1) as f64),
            };
            (label, count)
        })
        .collect()
}
