use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Builder, ListBuilder, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int32Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use crate::support::{
    Tables, assert_same, extends_small, generate, kwhy, query, repository, run_daily, succeed, tables,
};

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
        for table in std::fs::read_dir(canonical.join("sources")).into_iter().flatten().flatten() {
            if table.file_name() != "load_curve" {
                let target = lake.path().join("sources").join(table.file_name());
                std::fs::create_dir_all(&target).expect("folder");
                for file in std::fs::read_dir(table.path()).expect("folder").flatten() {
                    std::fs::copy(file.path(), target.join(file.file_name())).expect("copy");
                }
            }
        }
        std::fs::write(project.path().join("project.toml"), extends_small()).expect("project");
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

/// A made lake, and what comes of it without its reactive power, which no other
/// shape here carries.
fn canonical() -> (TempDir, Tables) {
    let lake = TempDir::new().expect("folder");
    generate(lake.path(), 280, 12);
    let project = Foreign::new(Path::new("/nowhere"));
    let contract = std::fs::read_to_string(repository().join("schemas/sources/load_curve.toml")).expect("contract");
    let mut columns = contract.split("[[column]]\n").filter(|column| !column.contains("\"reactive_var\""));
    project.contract("load_curve", &columns.by_ref().collect::<Vec<_>>().join("[[column]]\n"));
    let out = TempDir::new().expect("folder");
    succeed(run_daily(lake.path(), out.path()).arg("--project").arg(project.project.path()));
    (lake, tables(out.path()))
}

/// What must not depend on how the lake was delivered.
fn essence(mut tables: Tables) -> Tables {
    tables.retain(|name, _| {
        ["account_load_day", "account_load_window", "customer_tags", "customer_segments"].contains(&name.as_str())
    });
    tables
}

/// Rule, reason and key of each curve that was set aside; file and content are
/// those of the delivery.
fn set_aside(tables: &Tables) -> Vec<String> {
    let rows = tables.get("quarantine/load_curve").into_iter().flatten();
    let mut rows: Vec<String> = rows.map(|row| row.split('|').skip(3).take(3).collect::<Vec<_>>().join("|")).collect();
    rows.sort();
    rows
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
    assert_eq!(set_aside(&expected), set_aside(&found));
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

/// Readings in many files, in no order, one file twice, a day of hours and
/// quarters mixed: units that see a part of a day each, and one that sees all.
#[test]
fn readings_in_pieces_give_the_same_tables_and_all_are_counted() {
    let (lake, expected) = canonical();
    let mut readings = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for day in days(lake.path()) {
        if day.watts.len() == 96 && seen.insert((day.account_id.clone(), day.date)) {
            for (slot, watts) in day.watts.iter().enumerate() {
                readings.extend(watts.map(|watts| (day.account_id.clone(), day.date, slot, watts)));
            }
        }
    }
    // Pieces by a rule that has nothing to do with accounts or days.
    let pieces = 7;
    let mut texts = vec![String::from("account_id,read_at,power_w,interval_minutes\n"); pieces];
    for (number, (account, date, slot, watts)) in readings.iter().enumerate().rev() {
        let at = date.and_hms_opt(0, 0, 0).expect("midnight") + TimeDelta::minutes(15 * *slot as i64);
        texts[number * 31 % 97 % pieces].push_str(&format!("{account},{at},{watts},15\n"));
    }
    let repeated = texts[3].lines().count() - 1;
    texts.push(texts[3].clone());
    let contract = "label = \"Readings\"\nfiles = [\"*.csv\"]\nformat = \"csv\"\nkey = [\"account_id\", \"read_at\"]\ntime = \"read_at\"\n\
         [[column]]\nname = \"account_id\"\ntype = \"text\"\n[[column]]\nname = \"read_at\"\ntype = \"timestamp\"\n\
         [[column]]\nname = \"power_w\"\ntype = \"int\"\nunit = \"W\"\n[[column]]\nname = \"interval_minutes\"\ntype = \"int\"\nvalues = [\"15\", \"60\"]\n";
    let job = std::fs::read_to_string(repository().join("jobs/daily.toml")).expect("job");
    let mut stagings = Vec::new();
    for rows_per_unit in ["1", "200_000"] {
        let foreign = Foreign::new(lake.path());
        for (number, text) in texts.iter().enumerate() {
            std::fs::write(foreign.lake.path().join(format!("{number}.csv")), text).expect("file");
        }
        // An hourly reading of an hour whose quarters are known too (repeated), a
        // day of hours and quarters, and an interval that is none.
        let (account, date, _, _) = &readings[0];
        let mixed = format!(
            "account_id,read_at,power_w,interval_minutes\n{account},{date} 00:00:00,-1000000,60\n{account},2026-02-01 05:00:00,700,60\n{account},2026-02-01 06:15:00,800,15\n{account},{date} 00:00:00,5,20\n"
        );
        std::fs::write(foreign.lake.path().join("mixed.csv"), mixed).expect("file");
        foreign.contract("load_reading", contract);
        let jobs = foreign.project.path().join("jobs");
        std::fs::create_dir_all(&jobs).expect("folder");
        let limit = format!("rows_per_unit = {rows_per_unit}");
        std::fs::write(jobs.join("daily.toml"), job.replace("rows_per_unit = 200_000", &limit)).expect("job");
        let (found, out) = foreign.run();
        let audit = query(
            out.path(),
            "select rows_in, published, quarantined, duplicates from audit_result where source = 'load_reading'",
        );
        let counts: Vec<usize> = audit[0].iter().map(|count| count.parse().expect("count")).collect();
        assert_eq!(counts, [readings.len() + repeated + 4, readings.len() + 2, 1, repeated + 1]);
        let mixed = query(
            out.path(),
            "select known_points(power_w), power_w[21], power_w[24], power_w[26] from stg_load_curve where date = date '2026-02-01'",
        );
        assert_eq!(mixed, [["5", "700", "700", "800"]]);
        let days = |tables: &Tables| -> Vec<String> {
            tables["account_load_day"].iter().filter(|row| !row.contains("|2026-02-01|")).cloned().collect()
        };
        assert_eq!(days(&expected), days(&found));
        stagings.push(found["stg_load_curve"].clone());
    }
    assert_eq!(stagings[0], stagings[1], "units of one file, and one unit of all");
}

/// Registers that count up, with a ratio, a rollover, a register that is taken
/// off, and a change of the meter, give the curves that they were counted from.
#[test]
fn registers_that_count_up_give_the_same_days() {
    const ROLLOVER: i64 = 3_000_000;
    let (lake, expected) = canonical();
    let foreign = Foreign::new(lake.path());
    let mut by_account: std::collections::BTreeMap<String, std::collections::BTreeMap<NaiveDate, Vec<i32>>> =
        std::collections::BTreeMap::new();
    for day in days(lake.path()) {
        let watts: Option<Vec<i32>> = day.watts.iter().copied().collect();
        if let Some(watts) = watts.filter(|watts| watts.len() == 96) {
            by_account.entry(day.account_id).or_default().insert(day.date, watts);
        }
    }
    // Who has all twelve days, none of them with a gap.
    by_account.retain(|_, days| days.len() == 12 && days.values().flatten().all(|watts| *watts < 2_000_000));
    assert!(by_account.len() > 50, "{}", by_account.len());
    let mut text = String::from("account,register,meter,stamp,shows,ratio,turns,sign\n");
    for (number, (account, days)) in by_account.iter().enumerate() {
        // What is fed in is counted apart, where anything is.
        let feeds = days.iter().find(|(_, watts)| watts.iter().any(|watts| *watts < 0)).map(|(date, _)| *date);
        let (mut bought, mut sold) = (number as i64 * 1_000, 0_i64);
        let mut show = |at: NaiveDateTime, bought: i64, sold: i64| {
            // A quarter hour of one watt is a quarter of a watt-hour: the ratio.
            text.push_str(&format!("{account},a,m1,{at},{},0.25,{ROLLOVER},1\n", bought % ROLLOVER));
            if feeds.is_some_and(|first| first <= at.date()) {
                text.push_str(&format!("{account},b,m1,{at},{sold},0.25,,-1\n"));
            }
        };
        let mut at = NaiveDateTime::default();
        for (date, watts) in days {
            at = date.and_hms_opt(0, 0, 0).expect("midnight");
            for watts in watts {
                show(at, bought, sold);
                bought += i64::from((*watts).max(0));
                sold -= i64::from((*watts).min(0));
                at += TimeDelta::minutes(15);
            }
        }
        show(at, bought, sold);
    }
    // One more account, whose meter is changed at one, and whose register is reset
    // at two without anyone knowing where it turns.
    for (hour, meter, shows) in [(0, "x", 10), (1, "y", 3), (2, "y", 1), (3, "y", 8), (5, "y", 9), (6, "y", 11)] {
        text.push_str(&format!("changed,a,{meter},2026-02-20 {hour:02}:00:00,{shows},,,\n"));
    }
    // And one of whose two registers one misses a reading: what went out is unknown.
    for hour in 0..5 {
        text.push_str(&format!("missing,a,m,2026-02-20 {hour:02}:00:00,{},,,\n", 100 * hour));
        if hour != 2 {
            text.push_str(&format!("missing,b,m,2026-02-20 {hour:02}:00:00,{},,,-1\n", 10 * hour));
        }
    }
    std::fs::write(foreign.lake.path().join("registers.csv"), text).expect("file");
    foreign.contract(
        "load_register",
        "label = \"Registers\"\nfiles = [\"registers.csv\"]\nformat = \"csv\"\nkey = [\"account_id\", \"register_id\", \"read_at\"]\n\
         [[column]]\nname = \"account_id\"\nfrom = \"account\"\ntype = \"text\"\n\
         [[column]]\nname = \"register_id\"\nfrom = \"register\"\ntype = \"text\"\n\
         [[column]]\nname = \"meter_id\"\nfrom = \"meter\"\ntype = \"text\"\n\
         [[column]]\nname = \"read_at\"\nfrom = \"stamp\"\ntype = \"timestamp\"\n\
         [[column]]\nname = \"register_wh\"\nfrom = \"shows\"\ntype = \"int\"\nunit = \"Wh\"\n\
         [[column]]\nname = \"multiplier\"\nfrom = \"ratio\"\ntype = \"decimal(12,4)\"\nnullable = true\n\
         [[column]]\nname = \"rollover_wh\"\nfrom = \"turns\"\ntype = \"int\"\nunit = \"Wh\"\nnullable = true\n\
         [[column]]\nname = \"direction\"\nfrom = \"sign\"\ntype = \"int\"\nnullable = true\n",
    );
    let (found, out) = foreign.run();
    let of = |tables: &Tables| -> Vec<String> {
        let is_known = |row: &&String| row.split('|').next().is_some_and(|account| by_account.contains_key(account));
        tables["account_load_day"].iter().filter(is_known).cloned().collect()
    };
    assert_eq!(of(&expected).len(), by_account.len() * 12);
    assert_eq!(of(&expected), of(&found));
    let changed = query(out.path(), "select power_w from stg_load_curve where account_id = 'changed'");
    let hours: Vec<&str> = changed[0][0].trim_matches(['[', ']']).split(", ").take(7).collect();
    assert_eq!(hours, ["null", "null", "7", "null", "null", "2", "null"], "{changed:?}");
    let missing = query(out.path(), "select power_w from stg_load_curve where account_id = 'missing'");
    let hours: Vec<&str> = missing[0][0].trim_matches(['[', ']']).split(", ").take(5).collect();
    assert_eq!(hours, ["90", "null", "null", "90", "null"], "{missing:?}");
    let feeding = query(out.path(), "select count(distinct account_id) from account_load_day where backfeed_wh > 0");
    assert_ne!(feeding[0][0], "0", "nobody feeds in");
}

/// Rows of a Parquet file as texts.
fn rows(file: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).expect("file")).expect("parquet");
    let names = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    let options = FormatOptions::default();
    for batch in reader.build().expect("reader").map(|batch| batch.expect("batch")) {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).expect("column")).collect();
        rows.extend(
            (0..batch.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()),
        );
    }
    (names, rows)
}

/// Bills as a marketing system exports them: other names and units, Chinese text,
/// months as 202601.
fn export_bills(canonical: &Path, target: &Path) {
    let names = [
        ("account_id", "CONS_NO"),
        ("bill_month", "YM"),
        ("tariff_code", "执行电价"),
        ("energy_wh", "T_PQ"),
        ("peak_wh", "峰电量"),
        ("valley_wh", "谷电量"),
        ("max_demand_w", "MAX_DEMAND"),
        ("power_factor", "功率因数"),
        ("amount_total_cny", "T_AMT"),
        ("issue_date", "RELEASE_DATE"),
        ("due_date", "缴费截止日期"),
    ];
    let (columns, bills) = rows(&canonical.join("sources/bills/part-00000.parquet"));
    let place = |name: &str| columns.iter().position(|column| column == name).expect("column");
    let mut text = names.map(|(_, name)| name).join("|") + "\n";
    // A tier that cannot be is not part of the export.
    for bill in bills.iter().filter(|bill| bill[place("tier")] != "9") {
        let fields = names.map(|(name, _)| {
            let value = &bill[place(name)];
            match name {
                _ if value.is_empty() => String::new(),
                "bill_month" => value.replace('-', "")[..6].to_owned(),
                "issue_date" | "due_date" => value.replace('-', "/"),
                _ if name.ends_with("_wh") || name.ends_with("_w") => {
                    let number: i64 = value.parse().expect("number");
                    format!("{}{}.{:03}", if number < 0 { "-" } else { "" }, number.abs() / 1000, number.abs() % 1000)
                }
                _ => value.clone(),
            }
        });
        text.push_str(&(fields.join("|") + "\n"));
    }
    std::fs::write(target, encoding_rs::GB18030.encode(&text).0).expect("file");
}

/// Contracts guessed from the files alone, as they were written, take in an
/// export of bills and a column for each point.
#[test]
fn contracts_that_were_guessed_give_the_same_tables() {
    let (canonical_lake, expected) = canonical();
    let foreign = Foreign::new(canonical_lake.path());
    std::fs::remove_dir_all(foreign.lake.path().join("sources/bills")).expect("bills");
    export_bills(canonical_lake.path(), &foreign.lake.path().join("ARC_BILL_202603.txt"));
    let mut by_day: std::collections::BTreeMap<NaiveDate, String> = std::collections::BTreeMap::new();
    let points: Vec<String> = (1..=96).map(|point| format!("P{point}")).collect();
    for day in days(canonical_lake.path()).into_iter().filter(|day| day.watts.len() == 96) {
        let text = by_day.entry(day.date).or_insert_with(|| format!("CONS_NO,DATA_DATE,{}\n", points.join(",")));
        let watts =
            day.watts.iter().map(|watts| watts.map_or(String::new(), |watts| format!("{}", f64::from(watts) / 1000.0)));
        let watts: Vec<String> = watts.collect();
        text.push_str(&format!("{},{},{}\n", day.account_id, day.date.format("%Y%m%d"), watts.join(",")));
    }
    std::fs::create_dir_all(foreign.lake.path().join("curves")).expect("folder");
    for (date, text) in by_day {
        let file = File::create(foreign.lake.path().join(format!("curves/P96_{date}.csv.gz"))).expect("file");
        let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        file.write_all(text.as_bytes()).expect("rows");
        file.finish().expect("file");
    }
    let guessed = TempDir::new().expect("folder");
    let shown =
        succeed(kwhy().args(["sources", "init", "--from"]).arg(foreign.lake.path()).arg("--out").arg(guessed.path()));
    for table in ["bills", "load_curve", "accounts"] {
        let contract = format!("schemas/sources/{table}.toml");
        assert!(guessed.path().join(&contract).is_file(), "no {contract}:\n{shown}");
    }
    let again = crate::support::output(
        kwhy().args(["sources", "init", "--from"]).arg(foreign.lake.path()).arg("--out").arg(guessed.path()),
    );
    assert_eq!(again.status.code(), Some(2), "what is there is not overwritten");
    succeed(kwhy().args(["sources", "check", "--lake"]).arg(foreign.lake.path()).arg("--project").arg(guessed.path()));
    let out = TempDir::new().expect("folder");
    succeed(run_daily(foreign.lake.path(), out.path()).arg("--project").arg(guessed.path()));
    let found = tables(out.path());
    for table in ["account_load_day", "account_load_window"] {
        assert_eq!(expected[table], found[table], "{table}");
    }
    let bills = "select account_id, bill_month, tariff_code, energy_wh, peak_wh, max_demand_w, power_factor,
        amount_total_cny, issue_date, due_date from stg_bills order by account_id, bill_month";
    let first = TempDir::new().expect("folder");
    succeed(&mut run_daily(canonical_lake.path(), first.path()));
    assert_eq!(query(first.path(), bills), query(out.path(), bills));
}

/// The same delivery twice, in units too small to see both: the landing tables
/// settle what no unit alone can.
#[test]
fn the_same_files_twice_in_many_units_change_nothing() {
    let (lake, _) = canonical();
    let once = TempDir::new().expect("folder");
    succeed(&mut run_daily(lake.path(), once.path()));
    let expected = tables(once.path());
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
