//! The units of a step, and the fingerprint of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use twox_hash::XxHash64;

use super::{Plan, Sources, Step, Tables, Work};
use crate::project::STAGED;
use crate::project::contract::ColumnType;
use crate::state::{PinnedFile, Snapshot, Source};

/// Rows of sources without curves are about this much lighter to sort.
const LIGHT_ROWS: u64 = 8;

/// One piece of work: a model over some files.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Fingerprint of all that its result depends on.
    pub id: String,
    pub label: String,
    pub bucket: Option<u32>,
    pub files: BTreeMap<String, Arc<Vec<PinnedFile>>>,
}

/// The units of a step. `recipe` is everything but the files that its result
/// depends on: the bound SQL of the model and its views, the parameters that
/// they name, the build.
pub fn units(
    plan: &Plan,
    step: &Step,
    inputs: &BTreeSet<String>,
    sources: &Sources,
    tables: &Tables,
    recipe: &str,
) -> Vec<Unit> {
    let unit = |label: String, bucket: Option<u32>, files: BTreeMap<String, Arc<Vec<PinnedFile>>>| {
        let mut text = format!("{recipe}\n{}\n{bucket:?}\n{}\n", step.name, plan.buckets);
        for (name, files) in &files {
            for file in files.iter() {
                text.push_str(&format!(
                    "{name} {} {} {}\n",
                    file.shown(),
                    file.bytes,
                    file.modified_ms * i64::from(matches!(step.work, Work::Files { .. }))
                ));
            }
        }
        Unit { id: format!("{:016x}", XxHash64::oneshot(0, text.as_bytes())), label, bucket, files }
    };
    match &step.work {
        Work::Files { source: table } => {
            let Some(source) = sources.found.get(table) else { return Vec::new() };
            let groups = source_groups(source, step.month_of.as_deref(), plan.rows_per_unit);
            let count = groups.len();
            let relation = format!("{STAGED}{table}");
            groups
                .into_iter()
                .enumerate()
                .map(|(index, files)| {
                    unit(
                        format!("{} {}/{count}", step.name, index + 1),
                        None,
                        BTreeMap::from([(relation.clone(), Arc::new(files))]),
                    )
                })
                .collect()
        }
        Work::Bucket => {
            // What is scattered is read in buckets of accounts or meters.
            let count = if step.is_scattered { plan.buckets } else { step.buckets };
            let of = |bucket| {
                let files = inputs.iter().map(|name| {
                    (
                        name.clone(),
                        Arc::new(tables.get(name).map(|table| bucket_files(table, bucket)).unwrap_or_default()),
                    )
                });
                unit(format!("{} {}/{count}", step.name, bucket + 1), Some(bucket), files.collect())
            };
            if !step.is_monthly {
                return (0..count).map(of).collect();
            }
            (0..count)
                .flat_map(|bucket| {
                    months(of(bucket), tables)
                        .into_iter()
                        .map(|(month, files)| {
                            unit(format!("{} {}/{count} {month}", step.name, bucket + 1), Some(bucket), files)
                        })
                        .collect::<Vec<_>>()
                })
                .collect()
        }
        Work::Driver => Vec::new(),
        Work::Whole => {
            let files = inputs.iter().map(|name| {
                (name.clone(), Arc::new(tables.get(name).map(|table| table.files.clone()).unwrap_or_default()))
            });
            vec![unit(step.name.clone(), None, files.collect())]
        }
    }
}

/// The files of each month of a unit: of tables that lie in months those of the month,
/// of others all.
fn months(unit: Unit, tables: &Tables) -> BTreeMap<String, BTreeMap<String, Arc<Vec<PinnedFile>>>> {
    let place = |name: &str| {
        let table = tables.get(name)?;
        table.partition.iter().position(|field| field.name() == "month")
    };
    let month = |name: &str, file: &PinnedFile| file.partition[place(name)?].clone();
    let all = unit.files.iter().flat_map(|(name, files)| files.iter().filter_map(|file| month(name, file)));
    let all: BTreeSet<String> = all.collect();
    let of = |wanted: &String| {
        let files = unit.files.iter().map(|(name, files)| {
            let kept = |file: &&PinnedFile| place(name).is_none() || month(name, file).as_ref() == Some(wanted);
            (name.clone(), Arc::new(files.iter().filter(kept).cloned().collect::<Vec<_>>()))
        });
        files.collect()
    };
    all.iter().map(|wanted| (wanted.clone(), of(wanted))).collect()
}

/// The files of one bucket, or all files of a table that is not bucketed.
fn bucket_files(table: &Snapshot, bucket: u32) -> Vec<PinnedFile> {
    let Some(position) = table.partition.iter().position(|field| field.name() == "bucket") else {
        return table.files.clone();
    };
    let wanted = Some(bucket.to_string());
    table.files.iter().filter(|file| file.partition[position] == wanted).cloned().collect()
}

/// Files in groups of bounded rows; of one month each where the table is
/// partitioned by month, so that later runs find the same groups again.
pub fn source_groups(source: &Source, month_of: Option<&str>, rows_per_unit: u64) -> Vec<Vec<PinnedFile>> {
    let contract = &source.contract;
    let has_curves = contract.columns.iter().any(|column| column.kind == ColumnType::Curve);
    let limit = if has_curves { rows_per_unit } else { rows_per_unit * LIGHT_ROWS };
    let position = source.disjoint_position();
    let value = |file: &PinnedFile| position.and_then(|position| file.partition[position].clone());
    let mut files = source.files.clone();
    files.sort_by(|a, b| (value(a), &a.path).cmp(&(value(b), &b.path)));
    let month = |file: &PinnedFile| {
        month_of?;
        let date: NaiveDate = value(file)?.parse().ok()?;
        Some((date.year(), date.month()))
    };
    let mut groups: Vec<Vec<PinnedFile>> = Vec::new();
    let mut rows = 0;
    for file in files {
        let fits = groups.last().and_then(|group| group.last()).is_some_and(|last| {
            let same_value = position.is_some() && value(last) == value(&file);
            same_value || (month(last) == month(&file) && rows + file.rows <= limit)
        });
        match groups.last_mut() {
            Some(group) if fits => {
                rows += file.rows;
                group.push(file);
            }
            _ => {
                rows = file.rows;
                groups.push(vec![file]);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Schema;

    use super::*;
    use crate::project::contract::Contract;
    use crate::state::FileKind;

    fn curves(files: &[(&str, u64)]) -> Source {
        let text = "label = \"c\"\nfiles = [\"x\"]\npartition = [\"date\"]\nkey = [\"account_id\", \"date\"]\n\
            [[column]]\nname = \"account_id\"\ntype = \"text\"\n\
            [[column]]\nname = \"date\"\ntype = \"date\"\n\
            [[column]]\nname = \"power_w\"\ntype = \"curve\"\n";
        let contract = Contract::parse("load_curve", "c.toml", text).expect("contract");
        let file = |(index, (date, rows)): (usize, &(&str, u64))| PinnedFile {
            path: format!("{index}"),
            member: None,
            bytes: 1,
            rows: *rows,
            modified_ms: 0,
            partition: vec![Some((*date).to_owned())],
        };
        Source {
            contract: Arc::new(contract),
            kind: FileKind::Parquet,
            file_schema: Arc::new(Schema::empty()),
            partition: vec![("date".to_owned(), ColumnType::Date)],
            files: files.iter().enumerate().map(file).collect(),
        }
    }

    fn groups(files: &[(&str, u64)], limit: u64) -> Vec<Vec<String>> {
        let names = |group: Vec<PinnedFile>| group.into_iter().filter_map(|file| file.partition[0].clone()).collect();
        source_groups(&curves(files), Some("date"), limit).into_iter().map(names).collect()
    }

    #[test]
    fn a_unit_holds_whole_days_of_one_month_within_its_limit() {
        let files = [("2026-02-01", 10), ("2026-01-31", 10), ("2026-01-30", 10), ("2026-01-29", 10)];
        assert_eq!(groups(&files, 20), [vec!["2026-01-29", "2026-01-30"], vec!["2026-01-31"], vec!["2026-02-01"]]);
    }

    #[test]
    fn files_of_one_day_are_never_parted_because_they_may_repeat_each_other() {
        let files = [("2026-01-01", 100), ("2026-01-01", 100), ("2026-01-02", 1)];
        assert_eq!(groups(&files, 10), [vec!["2026-01-01", "2026-01-01"], vec!["2026-01-02"]]);
    }
}
