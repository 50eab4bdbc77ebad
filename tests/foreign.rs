use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Builder, ListBuilder, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int32Type};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use crate::support::{Tables, assert_same, generate, query, repository, run_daily, succeed, tables};

/// One day of one account, as the canonical lake has it.
struct Day {
    account_id: String,
    date: NaiveDate,
    watts: Vec<Option<i32>>,
}

fn days(lake: &Path) -> Vec<Day> {
    let mut days = Vec::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(lake.join("sources/load_curve"))
        .expect("curves")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    for folder in folders {
        let date =
            folder.file_name().and_then(|name| name.to_str()?.strip_prefix("date=")?.parse().ok()).expect("date");
        for file in std::fs::read_dir(folder).expect("folder").flatten() {
            let file = File::open(file.path()).expect("file");
            let reader =
                ParquetRecordBatchReaderBuilder::try_new(file).and_then(|reader| reader.build()).expect("parquet");
            for batch in reader.map(|batch| batch.expect("batch")) {
                let accounts = batch.column(0).as_string::<i32>();
                let curves = batch.column(1).as_list::<i32>();
                for row in 0..batch.num_rows() {
                    let watts = curves.value(row).as_primitive::<Int32Type>().iter().collect();
                    days.push(Day { account_id: accounts.value(row).to_owned(), date, watts });
                }
            }
        }
    }
    days
}

/// A foreign lake: the tables without curves as they are, and a project that
/// overlays one contract.
struct Foreign {
    lake: TempDir,
    project: TempDir,
}

impl Foreign {
    fn new(canonical: &Path) -> Self {
        let (lake, project) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
        for table in std::fs::read_dir(canonical.join("sources")).expect("sources").flatten() {
            if table.file_name() != "load_curve" {
                let target = lake.path().join("sources").join(table.file_name());
                std::fs::create_dir_all(&target).expect("folder");
                for file in std::fs::read_dir(table.path()).expect("folder").flatten() {
                    std::fs::copy(file.path(), target.join(file.file_name())).expect("copy");
                }
            }
        }
        let base = repository().canonicalize().expect("repository");
        std::fs::write(project.path().join("project.toml"), format!("extends = {:?}\n", base.display().to_string()))
            .expect("project");
        Self { lake, project }
    }

    fn contract(&self, table: &str, text: &str) {
        let folder = self.project.path().join("schemas/sources");
        std::fs::create_dir_all(&folder).expect("folder");
        std::fs::write(folder.join(format!("{table}.toml")), text).expect("contract");
    }

    fn run(&self) -> (Tables, TempDir) {
        let out = TempDir::new().expect("folder");
        succeed(run_daily(self.lake.path(), out.path()).arg("--project").arg(self.project.path()));
        (tables(out.path()), out)
    }
}

fn canonical() -> (TempDir, Tables) {
    let lake = TempDir::new().expect("folder");
    generate(lake.path(), 150, 12);
    let out = TempDir::new().expect("folder");
    succeed(&mut run_daily(lake.path(), out.path()));
    (lake, tables(out.path()))
}

/// What must not depend on how the lake was delivered.
fn essence(mut tables: Tables) -> Tables {
    tables.retain(|name, _| {
        ["account_load_day", "account_load_window", "customer_tags", "customer_segments"].contains(&name.as_str())
    });
    tables
}

#[test]
fn curves_in_kilowatts_in_one_flat_file_give_the_same_tables() {
    let (lake, expected) = canonical();
    let foreign = Foreign::new(lake.path());
    let (mut accounts, mut dates) = (Vec::new(), Vec::new());
    let mut curves = ListBuilder::new(Float64Builder::new());
    for day in days(lake.path()) {
        curves.append_value(day.watts.iter().map(|watts| watts.map(|watts| f64::from(watts) / 1000.0)));
        dates.push(Date32Type::from_naive_date(day.date));
        accounts.push(day.account_id);
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("CONS_NO", Arc::new(StringArray::from(accounts))),
        ("DATA_DATE", Arc::new(Date32Array::from(dates))),
        ("KW", Arc::new(curves.finish())),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let file = File::create(foreign.lake.path().join("curves.parquet")).expect("file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("rows");
    writer.close().expect("file");
    foreign.contract(
        "load_curve",
        "label = \"Curves\"\nfiles = [\"curves.parquet\"]\nkey = [\"account_id\", \"date\"]\ntime = \"date\"\n\
         [[column]]\nname = \"account_id\"\nfrom = \"CONS_NO\"\ntype = \"text\"\n\
         [[column]]\nname = \"date\"\nfrom = \"DATA_DATE\"\ntype = \"date\"\n\
         [[column]]\nname = \"power_w\"\nfrom = \"KW\"\ntype = \"curve\"\nunit = \"W\"\nfrom_unit = \"kW\"\n",
    );
    let (found, _out) = foreign.run();
    assert_eq!(expected.get("quarantine/load_curve"), found.get("quarantine/load_curve"));
    assert_same(&essence(expected), &essence(found), "curves in kW");
}

#[test]
fn readings_as_text_in_utc_give_the_same_tables() {
    let (lake, expected) = canonical();
    let foreign = Foreign::new(lake.path());
    let mut file = File::create(foreign.lake.path().join("readings.csv")).expect("file");
    writeln!(file, "meter;stamp;kW").expect("header");
    let mut seen = std::collections::BTreeSet::new();
    for day in days(lake.path()) {
        // Curves of a wrong length are no readings; repeated curves are read once.
        if day.watts.len() != 96 || !seen.insert((day.account_id.clone(), day.date)) {
            continue;
        }
        let midnight: NaiveDateTime = day.date.and_hms_opt(0, 0, 0).expect("midnight");
        for (slot, watts) in day.watts.iter().enumerate() {
            let Some(watts) = watts else { continue };
            let utc = midnight + TimeDelta::minutes(15 * slot as i64) - TimeDelta::hours(8);
            let kilowatts = f64::from(*watts) / 1000.0;
            writeln!(file, "{};{}; {kilowatts} ", day.account_id, utc.format("%d/%m/%Y %H:%M")).expect("row");
        }
    }
    drop(file);
    foreign.contract(
        "load_reading",
        "label = \"Readings\"\nfiles = [\"*.csv\"]\nformat = \"csv\"\ndelimiter = \";\"\nkey = [\"account_id\", \"read_at\"]\ntime = \"read_at\"\n\
         [[column]]\nname = \"account_id\"\nfrom = \"meter\"\ntype = \"text\"\n\
         [[column]]\nname = \"read_at\"\nfrom = \"stamp\"\ntype = \"timestamp\"\nformat = \"%d/%m/%Y %H:%M\"\nfrom_time_zone = \"UTC\"\ntime_zone = \"Asia/Shanghai\"\n\
         [[column]]\nname = \"power_w\"\nfrom = \"kW\"\ntype = \"int\"\nunit = \"W\"\nfrom_unit = \"kW\"\n\
         [[column]]\nname = \"interval_minutes\"\nvalue = \"15\"\ntype = \"int\"\n",
    );
    let (found, _out) = foreign.run();
    assert_same(&essence(expected), &essence(found), "readings in UTC");
}

/// The same delivery twice, in units too small to see both: the landing tables
/// settle what no unit alone can.
#[test]
fn the_same_files_twice_in_many_units_change_nothing() {
    let (lake, expected) = canonical();
    let foreign = Foreign::new(lake.path());
    for table in ["bills", "payments", "accounts"] {
        let folder = foreign.lake.path().join("sources").join(table);
        std::fs::copy(folder.join("part-00000.parquet"), folder.join("part-00001.parquet")).expect("copy");
    }
    let curves = foreign.lake.path().join("sources/load_curve");
    for day in std::fs::read_dir(lake.path().join("sources/load_curve")).expect("curves").flatten() {
        let target = curves.join(day.file_name());
        std::fs::create_dir_all(&target).expect("folder");
        for name in ["a.parquet", "b.parquet"] {
            std::fs::copy(day.path().join("part-00000.parquet"), target.join(name)).expect("copy");
        }
    }
    let jobs = foreign.project.path().join("jobs");
    std::fs::create_dir_all(&jobs).expect("folder");
    let job = std::fs::read_to_string(repository().join("jobs/daily.toml")).expect("job");
    std::fs::write(jobs.join("daily.toml"), job.replace("rows_per_unit = 200_000", "rows_per_unit = 1")).expect("job");
    let (found, out) = foreign.run();
    let audits =
        query(out.path(), "select source, rows_in, published, duplicates from audit_result where source = 'bills'");
    assert_eq!(audits.len(), 1);
    let counts: Vec<u64> = audits[0][1..].iter().map(|count| count.parse().expect("count")).collect();
    assert!(counts[2] > counts[1] * 9 / 10, "half of the rows were repeated: {counts:?}");
    assert_same(&essence(expected), &essence(found), "delivered twice");
    // A step for the rows as they came stands beside the settled table.
    assert!(out.path().join("features/landed_bills/_delta_log").is_dir());
}
