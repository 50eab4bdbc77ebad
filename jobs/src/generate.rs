//! The lake maker: a power utility's source tables, made up.
//!
//! Households as London's live, and businesses of a dozen kinds, use energy by
//! workday and weekend, season and temperature; some have cars, plants on the
//! roof or heat pumps; some move, some close. Bills are the sums of their curves,
//! payers run from punctual to never, complaints follow outages and bills that
//! jump, and a share of the data is damaged the way real data are. What was
//! planted is written down beside the tables. Every number is a pure function of
//! the seed, the end of the lake, the account and the date: the same options give
//! the same bytes whatever the number of threads, and an account is the same in a
//! lake of any size.
//!
//! `who`, `money` and `service` are what customers are, owe and want; `curve`
//! makes loads; `pieces` cuts the work and writes it.

use std::path::PathBuf;

use chrono::NaiveDate;

mod calendar;
mod calibrated;
mod curve;
mod damage;
mod error;
mod load;
mod money;
mod pieces;
mod random;
mod records;
mod service;
mod staging;
mod truth;
mod weather;
mod who;
mod world;
mod write;

pub use error::{GenerateError, MOST_ACCOUNTS};
pub use pieces::Progress;

use pieces::{Tally, Work};
use staging::Staging;
use world::World;

/// What lake to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub accounts: u64,
    /// Days with load curves.
    pub days: u32,
    /// Months with bills, payments and all that befell customers.
    pub months: u32,
    pub seed: u64,
    /// The lake's folder; the tables go to `sources` in it.
    pub out: PathBuf,
    /// The first day after the last one with curves: the natural `as_of`.
    pub end: NaiveDate,
    /// Threads to work on; 0 counts as 1.
    pub threads: usize,
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows of each table, by its name.
    pub rows: Vec<(&'static str, u64)>,
    /// Size of all files.
    pub bytes: u64,
    /// Points of all load curves.
    pub readings: u64,
}

impl From<Tally> for Summary {
    fn from(tally: Tally) -> Self {
        Self {
            rows: tally.iter().map(|(table, written)| (*table, written.rows)).collect(),
            bytes: tally.values().map(|written| written.bytes).sum(),
            readings: tally.values().map(|written| written.readings).sum(),
        }
    }
}

/// Makes a lake. `progress` is told, from any thread but never from two at
/// once, how much work is done and how much there is in all, and says whether
/// to go on.
///
/// # Errors
///
/// Refuses a lake without accounts, days or months, with more accounts than can
/// be numbered, beyond the years of its calendar, or in a folder that is not empty. Whatever fails, nothing that this call made is left behind.
pub fn generate(options: &Options, progress: Progress<'_>) -> Result<Summary, GenerateError> {
    if options.accounts == 0 {
        return Err(GenerateError::NoAccounts);
    }
    if options.accounts > MOST_ACCOUNTS {
        return Err(GenerateError::TooManyAccounts { accounts: options.accounts });
    }
    if options.days == 0 {
        return Err(GenerateError::NoDays);
    }
    if options.months == 0 {
        return Err(GenerateError::NoMonths);
    }
    let world = World::new(options).ok_or(GenerateError::DatesOutOfRange {
        end: options.end,
        days: options.days,
        months: options.months,
    })?;
    let staging = Staging::create(&options.out)?;
    let (sources, truth) = (staging.sources(), staging.truth());
    let work = Work { world: &world, accounts: options.accounts, sources: &sources, truth: &truth };
    let tally = work.run(options.threads, progress)?;
    staging.publish()?;
    Ok(tally.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::{self, File};
    use std::ops::ControlFlow;
    use std::path::Path;

    use arrow::array::RecordBatch;
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn options(out: &Path, accounts: u64, threads: usize) -> Options {
        let end = NaiveDate::from_ymd_opt(2026, 3, 11).expect("a real date");
        Options { accounts, days: 12, months: 24, seed: 42, out: out.to_owned(), end, threads }
    }

    fn lake(accounts: u64, threads: usize) -> (tempfile::TempDir, Summary) {
        lake_of(|options| (options.accounts, options.threads) = (accounts, threads))
    }

    fn lake_of(change: impl Fn(&mut Options)) -> (tempfile::TempDir, Summary) {
        let out = tempfile::tempdir().expect("a temporary folder");
        let mut options = options(out.path(), 60, 1);
        change(&mut options);
        let summary = generate(&options, &|_, _| ControlFlow::Continue(())).expect("a lake in an empty folder");
        (out, summary)
    }

    fn files(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>, root: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                files(&path, found, root);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }

    fn batch(path: &Path) -> RecordBatch {
        let file = File::open(path).expect("a file of the lake");
        ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.with_batch_size(1 << 20).build())
            .expect("a Parquet file")
            .next()
            .expect("some rows")
            .expect("a sound batch")
    }

    #[test]
    fn the_number_of_threads_leaves_no_trace() {
        let ((one, summary), (three, other)) = (lake(300, 1), lake(300, 3));
        let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
        files(one.path(), &mut left, one.path());
        files(three.path(), &mut right, three.path());
        assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
        for (name, bytes) in &left {
            assert!(right[name] == *bytes, "{} differs", name.display());
        }
        assert_eq!(summary, other);
        assert_eq!(summary.rows.len(), 18);
        let tables = left.iter().filter(|(name, _)| name.starts_with("sources"));
        assert_eq!(summary.bytes, tables.map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
        assert!(summary.readings > 300 * 11 * 96);
        let (other, _) = lake_of(|options| (options.accounts, options.seed) = (300, 43));
        let mut right = BTreeMap::new();
        files(other.path(), &mut right, other.path());
        assert!(left != right, "another seed gave the same lake");
    }

    /// What is said of accounts, days and months does not depend on how many of
    /// them there are.
    #[test]
    fn days_and_months_leave_no_trace() {
        let (short, _) = lake_of(|options| (options.accounts, options.days, options.months) = (300, 3, 12));
        let (long, _) = lake_of(|options| (options.accounts, options.days, options.months) = (300, 40, 30));
        let of = |lake: &tempfile::TempDir, table: &str| {
            batch(&lake.path().join("sources").join(table).join("part-00000.parquet"))
        };
        for table in ["accounts", "devices", "meters", "load_curve/date=2026-03-09"] {
            assert_eq!(of(&short, table), of(&long, table), "{table}");
        }
        for table in ["bills", "outages", "applications"] {
            let texts = |batch: &RecordBatch| {
                let columns = batch.columns().iter().map(|column| {
                    ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default()).expect("a column")
                });
                let columns: Vec<_> = columns.collect();
                // An application is numbered among those that are there.
                let from = usize::from(table == "applications");
                let row = |row: usize| columns[from..].iter().map(|cell| cell.value(row).to_string()).collect();
                (0..batch.num_rows()).map(row).collect::<Vec<Vec<String>>>()
            };
            let (few, many) = (of(&short, table), of(&long, table));
            let many = texts(&many);
            assert!(few.num_rows() > 0 && many.len() > few.num_rows(), "{table}");
            assert!(texts(&few).iter().all(|row| many.contains(row)), "{table}");
        }
    }

    #[test]
    fn a_larger_lake_holds_the_smaller_one() {
        let ((small, _), (large, _)) = (lake(40, 1), lake(60, 1));
        for table in ["load_curve/date=2026-03-01", "bills", "payments", "accounts", "work_orders", "contacts"] {
            let name = Path::new("sources").join(table).join("part-00000.parquet");
            let few = batch(&small.path().join(&name));
            let many = batch(&large.path().join(&name));
            assert!(many.num_rows() > few.num_rows(), "{table}");
            assert_eq!(many.slice(0, few.num_rows()), few, "{table}");
        }
    }

    #[test]
    fn a_lake_is_not_made_over_another() {
        let (lake, _) = lake(3, 1);
        let again = generate(&options(lake.path(), 3, 1), &|_, _| ControlFlow::Continue(()));
        assert!(matches!(again, Err(GenerateError::NotEmpty { .. })));
        let left = fs::read_dir(lake.path()).expect("a folder").count();
        assert_eq!(left, 2);
    }

    #[test]
    fn a_stopped_lake_leaves_no_trace() {
        let out = tempfile::tempdir().expect("a temporary folder");
        let stopped = generate(&options(out.path(), 50, 2), &|_, _| ControlFlow::Break(()));
        assert!(matches!(stopped, Err(GenerateError::Stopped)));
        assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_lake_of_nothing_is_refused() {
        let out = tempfile::tempdir().expect("a temporary folder");
        let mut nothing = options(out.path(), 0, 1);
        let refused = generate(&nothing, &|_, _| ControlFlow::Continue(()));
        assert!(matches!(refused, Err(GenerateError::NoAccounts)));
        nothing.accounts = 1;
        nothing.days = 0;
        let refused = generate(&nothing, &|_, _| ControlFlow::Continue(()));
        assert!(matches!(refused, Err(GenerateError::NoDays)));
        nothing.days = 1;
        nothing.months = 0;
        let refused = generate(&nothing, &|_, _| ControlFlow::Continue(()));
        assert!(matches!(refused, Err(GenerateError::NoMonths)));
        assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 0);
    }
}
