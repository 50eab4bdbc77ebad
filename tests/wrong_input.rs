use std::path::Path;

use tempfile::TempDir;

use crate::support::{
    AS_OF, extends_small, free_port, generate, kwhy, lake, output, query, refused, repository, run_daily, succeed,
};

/// A command must fail with this code, say each of these, and publish nothing.
fn refuse(command: &mut std::process::Command, out: &Path, code: i32, says: &[&str]) {
    refused(command, code, says);
    assert!(!out.join("marts/releases").exists(), "something was published");
}

/// A lake of our own, to be broken.
fn fresh_lake() -> TempDir {
    let folder = TempDir::new().expect("folder");
    generate(folder.path(), 120, 3);
    folder
}

/// Accounts that are supplied on the day of the run: some were closed before.
fn current_accounts(out: &Path) -> u64 {
    let rows = query(
        out,
        "select count(distinct account_id) from stg_accounts
         where valid_from < date '2026-03-01' and (valid_to is null or valid_to >= date '2026-03-01')",
    );
    rows[0][0].parse().expect("a number")
}

fn first_file(folder: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.into_iter().next().expect("a file")
}

/// An overlay project with one file replaced or added.
fn overlay(path: &str, text: &str) -> TempDir {
    let folder = TempDir::new().expect("folder");
    std::fs::write(folder.path().join("project.toml"), extends_small()).expect("project");
    let file = folder.path().join(path);
    std::fs::create_dir_all(file.parent().expect("parent")).expect("folder");
    std::fs::write(file, text).expect("file");
    folder
}

fn run_with(project: &TempDir, out: &TempDir) -> std::process::Command {
    let mut command = run_daily(lake(), out.path());
    command.arg("--project").arg(project.path());
    command
}

#[test]
fn a_missing_lake() {
    let out = TempDir::new().expect("folder");
    refuse(
        &mut run_daily(Path::new("/nowhere/lake"), out.path()),
        out.path(),
        2,
        &["no lake at /nowhere/lake", "kwhy generate"],
    );
}

#[test]
fn a_lake_without_accounts() {
    let (lake, out) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    refuse(&mut run_daily(lake.path(), out.path()), out.path(), 1, &["no files for `accounts`", "accounts.toml"]);
}

#[test]
fn an_unknown_job_a_wrong_date_and_a_wrong_target() {
    let out = TempDir::new().expect("folder");
    let base = |job: &str| {
        let mut command = kwhy();
        command.args(["run", job, "--lake"]).arg(lake()).arg("--out").arg(out.path());
        command
    };
    refuse(
        base("dayly").args(["--as-of", AS_OF]),
        out.path(),
        2,
        &["no job is called `dayly`", "did you mean `daily`"],
    );
    refuse(base("daily").args(["--as-of", "01.03.2026"]), out.path(), 2, &["a date such as 2026-01-31"]);
    refuse(base("daily").args(["--as-of", AS_OF, "--target", "localhost"]), out.path(), 2, &["df://HOST:PORT"]);
    refuse(base("daily").args(["--as-of", AS_OF, "--buckets", "3"]), out.path(), 2, &["a power of two"]);
}

#[test]
fn other_buckets_than_the_folder_was_made_with() {
    let out = TempDir::new().expect("folder");
    succeed(run_daily(lake(), out.path()).args(["--buckets", "2"]));
    let refused = output(run_daily(lake(), out.path()).args(["--buckets", "4"]));
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("made with 2 buckets, not 4"));
}

#[test]
fn a_lake_whose_tables_are_empty() {
    let (lake, out) = (fresh_lake(), TempDir::new().expect("folder"));
    let sources = lake.path().join("sources");
    for table in ["bills", "load_curve/date=2026-02-27", "load_curve/date=2026-02-28", "load_curve/date=2026-02-26"] {
        let file = first_file(&sources.join(table));
        std::fs::write(&file, emptied(&file)).expect("file");
    }
    let shown = succeed(&mut run_daily(lake.path(), out.path()));
    let accounts = current_accounts(out.path());
    assert!(shown.contains(&format!("{accounts} accounts")), "{shown}");
    let unknown =
        query(out.path(), "select evidence_bills_12m, evidence_load_90d, count(*) from customer_tags group by 1, 2");
    assert_eq!(unknown, [["no_rows".to_owned(), "no_rows".to_owned(), accounts.to_string()]]);
}

/// A Parquet file with the same columns and no rows.
fn emptied(file: &Path) -> Vec<u8> {
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(file).expect("file")).expect("parquet");
    let mut bytes = Vec::new();
    ArrowWriter::try_new(&mut bytes, reader.schema().clone(), None).expect("writer").close().expect("file");
    bytes
}

#[test]
fn a_truncated_parquet_file_is_named() {
    let (lake, out) = (fresh_lake(), TempDir::new().expect("folder"));
    let file = first_file(&lake.path().join("sources/bills"));
    let bytes = std::fs::read(&file).expect("file");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("file");
    let name = file.file_name().expect("name").to_string_lossy().into_owned();
    refuse(&mut run_daily(lake.path(), out.path()), out.path(), 1, &[&name, "cannot be read", "damaged"]);
}

#[test]
fn a_file_that_is_no_parquet_is_named() {
    let (lake, out) = (fresh_lake(), TempDir::new().expect("folder"));
    std::fs::write(lake.path().join("sources/bills/part-99999.parquet"), "hello").expect("file");
    refuse(&mut run_daily(lake.path(), out.path()), out.path(), 1, &["part-99999.parquet", "cannot be read"]);
}

#[test]
fn a_missing_column_and_one_of_a_wrong_type() {
    let contract = std::fs::read_to_string(repository().join("schemas/sources/bills.toml")).expect("contract");
    let missing = contract.replace("name = \"energy_wh\"", "name = \"energy_wh\"\nfrom = \"energy\"");
    let out = TempDir::new().expect("folder");
    let project = overlay("schemas/sources/bills.toml", &missing);
    refuse(&mut run_with(&project, &out), out.path(), 1, &["column `energy` is missing", "can map another name"]);
    let wrong = contract
        .replace("name = \"energy_wh\"\ntype = \"int\"", "name = \"energy_wh\"\nfrom = \"issue_date\"\ntype = \"int\"");
    let project = overlay("schemas/sources/bills.toml", &wrong);
    refuse(&mut run_with(&project, &out), out.path(), 1, &["column `issue_date` is Date32, which cannot become int"]);
}

#[test]
fn curves_of_wrong_length_are_quarantined_with_their_reason() {
    let out = TempDir::new().expect("folder");
    let shown = succeed(&mut run_daily(lake(), out.path()));
    let tables = crate::support::tables(out.path());
    let broken = &tables["quarantine/load_curve"];
    assert!(!broken.is_empty(), "{shown}");
    assert!(broken.iter().all(|row| row.contains("power_w: not a curve of 24, 48, 96 or 288 points")), "{broken:?}");
    assert!(broken[0].contains("account_id=") && broken[0].contains("date="), "{broken:?}");
}

#[test]
fn a_breach_marked_fail_stops_the_run() {
    let contract = std::fs::read_to_string(repository().join("schemas/sources/bills.toml")).expect("contract");
    let strict = contract.replace("max = 1\n", "max = 0\non_breach = \"fail\"\n");
    assert_ne!(contract, strict);
    let out = TempDir::new().expect("folder");
    let project = overlay("schemas/sources/bills.toml", &strict);
    refuse(
        &mut run_with(&project, &out),
        out.path(),
        1,
        &["contract of `bills` broken", "power_factor: above 0", "account_id="],
    );
}

#[test]
fn mistakes_of_a_contract_come_all_at_once() {
    let text = "label = \"Bills\"\nfiles = [\"/etc/*.parquet\"]\nkey = [\"account\"]\n\n[[column]]\nname = \"account_id\"\ntype = \"string\"\n";
    let out = TempDir::new().expect("folder");
    let project = overlay("schemas/sources/bills.toml", text);
    refuse(
        &mut run_with(&project, &out),
        out.path(),
        2,
        &["leaves the lake", "no column is called `account`", "`string` is not a type", "bills.toml:2"],
    );
}

#[test]
fn sql_that_is_none_has_its_place() {
    let out = TempDir::new().expect("folder");
    let project = overlay("sql/features/account_bill.sql", "select account_id\nfrom stg_bills where )\n");
    refuse(&mut run_with(&project, &out), out.path(), 2, &["account_bill.sql:2"]);
}

#[test]
fn tables_in_other_buckets_than_their_readers() {
    let out = TempDir::new().expect("folder");
    let whole =
        "label = \"p\"\nkey = [\"transformer_id\", \"date\"]\nscope = \"whole\"\nbucket_by = \"transformer_id\"\n";
    let project = overlay("schemas/features/transformer_load_part.toml", whole);
    refuse(&mut run_with(&project, &out), out.path(), 2, &["transformer_load_part.toml:4", "made at once"]);
    let sql = std::fs::read_to_string(repository().join("sql/features/account_load_window.sql")).expect("a model");
    let sql = format!(
        "select own.* from (\n{sql}\n) as own left join transformer_load_day as day on day.slots = own.window_days"
    );
    let project = overlay("sql/features/account_load_window.sql", &sql);
    refuse(
        &mut run_with(&project, &out),
        out.path(),
        2,
        &["`account_load_window` reads `transformer_load_day`", "in buckets of transformer_id", "scatter"],
    );
}

#[test]
fn a_path_without_the_value_that_should_stand_in_it() {
    let out = TempDir::new().expect("folder");
    let contract = std::fs::read_to_string(repository().join("schemas/sources/devices.toml")).expect("contract");
    let with = |pattern: &str| {
        let column = format!("name = \"device_type\"\nfrom_path = '{pattern}'");
        overlay("schemas/sources/devices.toml", &contract.replace("name = \"device_type\"", &column))
    };
    let says = ["`device_type` is not in the path", "part-", "kind=([a-z]+) finds nothing", "must fit every file"];
    refuse(&mut run_with(&with("kind=([a-z]+)"), &out), out.path(), 1, &says);
    refuse(&mut run_with(&with("kind=[a-z]+"), &out), out.path(), 2, &["has no group for the value", "devices.toml"]);
    refuse(&mut run_with(&with("kind=([a-z]+"), &out), out.path(), 2, &["not a regular expression", "unclosed group"]);
}

#[test]
fn load_by_meter_without_meters() {
    let out = TempDir::new().expect("folder");
    let contract = std::fs::read_to_string(repository().join("schemas/sources/load_curve.toml")).expect("contract");
    let by_meter = contract.replace("label_zh = \"户号\"", "label_zh = \"户号\"\nthrough = \"meters\"");
    let project = overlay("schemas/sources/load_curve.toml", &by_meter);
    let lake = fresh_lake();
    std::fs::remove_dir_all(lake.path().join("sources/meters")).expect("a table");
    let mut run = run_daily(lake.path(), out.path());
    refuse(run.arg("--project").arg(project.path()), out.path(), 1, &["no files for `meters`", "meters.toml"]);
    let contract = std::fs::read_to_string(repository().join("schemas/sources/bills.toml")).expect("contract");
    let project = overlay(
        "schemas/sources/bills.toml",
        &contract.replacen("type = \"text\"", "type = \"text\"\nthrough = \"meters\"", 1),
    );
    refuse(&mut run_with(&project, &out), out.path(), 2, &["cannot come through meters", "bills.toml", "load_reading"]);
}

#[test]
fn sql_that_names_an_unknown_table_or_column() {
    let out = TempDir::new().expect("folder");
    let project = overlay("sql/features/account_bill.sql", "select account_id from stg_bils");
    refuse(
        &mut run_with(&project, &out),
        out.path(),
        2,
        &["no table is called `stg_bils`", "did you mean `stg_bills`"],
    );
    let project = overlay("sql/features/account_device.sql", "select account_id from stg_devices where $has_device");
    refuse(
        &mut run_with(&project, &out),
        out.path(),
        2,
        &["no parameter is called `$has_device`", "account_device.sql:1", "did you mean `$has_devices`?"],
    );
    let project = overlay(
        "schemas/features/account_load_day.toml",
        "label = \"d\"\nkey = [\"account_id\", \"date\"]\n[parameters]\ngap_minutes = 60\nspike_times = \"20 times\"\n",
    );
    refuse(
        &mut run_with(&project, &out),
        out.path(),
        2,
        &["`spike_times` takes a whole number", "account_load_day.toml:5"],
    );
    let project = overlay(
        "schemas/features/account_load_day.toml",
        "label = \"d\"\nkey = [\"account_id\", \"date\"]\n[parameters]\ngap_minutes = 60\nspike_times = 20\nstuck_minuts = 9\n",
    );
    refuse(
        &mut run_with(&project, &out),
        out.path(),
        2,
        &[
            "no parameter is called `$stuck_minutes`",
            "did you mean `$stuck_minuts`?",
            "gives a parameter `stuck_minuts`",
        ],
    );
    let project = overlay("sql/features/account_service.sql", "select account_id, horsepower from stg_work_orders");
    refuse(&mut run_with(&project, &out), out.path(), 2, &["account_service.sql", "horsepower"]);
}

#[test]
fn a_tag_of_an_unknown_feature_or_evidence() {
    let tag = "[defaults]\ncategory = \"use\"\nfeature = \"account_bil\"\nevidence = \"bills_12\"\n[[tag]]\nname = \"t\"\nlabel = \"T\"\nlabel_zh = \"T\"\ntype = \"bool\"\nsql = \"true\"\ndefinition = \"d\"\n";
    let out = TempDir::new().expect("folder");
    let project = overlay("sql/tags/extra.toml", tag);
    let says = [
        "no feature table is called `account_bil`",
        "did you mean `account_bill`",
        "no evidence is called `bills_12`",
        "extra.toml:5",
    ];
    refuse(&mut run_with(&project, &out), out.path(), 2, &says);
}

#[test]
fn no_scheduler_and_a_port_in_use() {
    let out = TempDir::new().expect("folder");
    let nobody = format!("df://{}", free_port());
    refuse(
        run_daily(lake(), out.path()).args(["--target", &nobody]),
        out.path(),
        3,
        &["no scheduler at", "kwhy cluster scheduler"],
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("port");
    let address = taken.local_addr().expect("address").to_string();
    refuse(
        kwhy().args(["cluster", "scheduler", "--bind", &address]),
        out.path(),
        3,
        &["cannot listen on", "choose another"],
    );
}

#[test]
fn functions_can_be_asked_without_a_lake_and_tables_cannot() {
    let shown = succeed(kwhy().args(["sql", "-c", "select load_factor([100, 300, 200]) as f"]));
    assert!(shown.contains("0.666667"), "{shown}");
    let out = TempDir::new().expect("folder");
    let mut ask = kwhy();
    refuse(ask.args(["sql", "-c", "select 1 from customer_tags"]), out.path(), 2, &["customer_tags", "--lake"]);
}

#[test]
fn asking_before_anything_is_published() {
    let out = TempDir::new().expect("folder");
    refuse(
        kwhy().args(["sql", "-c", "select 1", "--out"]).arg(out.path()),
        out.path(),
        1,
        &["nothing is published", "kwhy run daily"],
    );
}

#[test]
fn asking_changes_nothing() {
    let out = TempDir::new().expect("folder");
    succeed(&mut run_daily(lake(), out.path()));
    for sql in [
        "create table t as select 1",
        "copy customer_tags to 'x.csv'",
        "drop table customer_tags",
        "set datafusion.execution.batch_size = 1",
    ] {
        let refused = output(kwhy().args(["sql", "-c", sql, "--out"]).arg(out.path()));
        assert_eq!(refused.status.code(), Some(2), "{sql}");
    }
    // Of a wide table the column that was meant is named, not all that there are.
    let near = "select energy_12_kwh from customer_tags join customer_segments using (account_id)";
    let refused = output(kwhy().args(["sql", "-c", near, "--out"]).arg(out.path()));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && told.contains("did you mean `energy_12m_kwh`?"), "{told}");
    assert!(told.contains("describe TABLE") && told.len() < 400, "{told}");
    let rows = succeed(kwhy().args(["sql", "-c", "select count(*) as n from customer_tags", "--out"]).arg(out.path()));
    let accounts = current_accounts(out.path());
    assert!(accounts > 550 && rows.contains(&format!(" {accounts}\n")), "{rows}");
}

#[test]
fn what_was_planted_in_a_made_lake_is_read_by_no_job() {
    let project = overlay(
        "schemas/sources/weather.toml",
        "label = \"Truth\"\nfiles = [\"_truth/accounts/*.parquet\"]\nkey = [\"account_id\"]\n\
         [[column]]\nname = \"account_id\"\ntype = \"text\"\n",
    );
    let out = TempDir::new().expect("folder");
    refuse(&mut run_with(&project, &out), out.path(), 2, &["weather.toml:2", "_truth", "no job reads"]);
    let guessed = TempDir::new().expect("folder");
    let mine = guessed.path().join("mine");
    let shown = succeed(kwhy().args(["sources", "init", "--from"]).arg(lake()).arg("--out").arg(&mine));
    assert!(shown.contains("bills") && !shown.contains("dirty") && !shown.contains("_truth"), "{shown}");
}

#[test]
fn a_lake_is_not_made_over_another() {
    let lake = fresh_lake();
    let refused = output(kwhy().args(["generate", "--accounts", "10", "--days", "1", "--out"]).arg(lake.path()));
    assert_eq!(refused.status.code(), Some(2));
    for wrong in [["--accounts", "0"], ["--days", "0"], ["--months", "0"], ["--days", "99999"], ["--months", "99999"]] {
        let folder = TempDir::new().expect("folder");
        let refused = output(kwhy().args(["generate"]).args(wrong).arg("--out").arg(folder.path()));
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0, "{wrong:?}");
    }
}

#[test]
fn a_link_that_goes_in_a_circle_or_out_of_the_lake() {
    let (lake, out) = (fresh_lake(), TempDir::new().expect("folder"));
    let link = lake.path().join("sources/load_curve/date=2026-02-27/again");
    std::os::unix::fs::symlink(lake.path(), &link).expect("link");
    refuse(&mut run_daily(lake.path(), out.path()), out.path(), 1, &["again: a link to a folder"]);
    std::fs::remove_file(&link).expect("link");
    let outside = TempDir::new().expect("folder");
    let (bills, moved) = (first_file(&lake.path().join("sources/bills")), outside.path().join("bills.parquet"));
    std::fs::copy(&bills, &moved).expect("copy");
    std::os::unix::fs::symlink(&moved, bills.with_file_name("more.parquet")).expect("link");
    refuse(&mut run_daily(lake.path(), out.path()), out.path(), 1, &["more.parquet: a link"]);
}

#[test]
fn a_model_whose_key_does_not_name_one_row() {
    let out = TempDir::new().expect("folder");
    let project = overlay(
        "sql/features/account_load_window.sql",
        "select account_id, 90 as window_days, 9 as valid_days, 1 as base_load_w, cast(1 as decimal(9, 6)) as load_factor, 1 as night_wh, 1 as evening_wh, 1 as energy_wh\nfrom stg_accounts join stg_outages using (transformer_id)",
    );
    refuse(
        &mut run_with(&project, &out),
        out.path(),
        1,
        &["account_load_window", "rows whose key (account_id, window_days)", "a join multiplies rows"],
    );
}
