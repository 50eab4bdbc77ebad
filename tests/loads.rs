use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Cluster, assert_same, kwhy, output, repository, succeed, tables};

/// A lake that is out of the ordinary, and what is asked of the tables made of it.
struct Case {
    name: &'static str,
    about: &'static str,
    /// Beside the accounts: table and contract.
    contracts: &'static [(&'static str, &'static str)],
    build: &'static [&'static str],
    /// The lake's files.
    files: fn() -> Vec<(String, String)>,
    ask: &'static [&'static str],
}

const ACCOUNTS: &str = r#"
label = "Accounts"
files = ["accounts.csv"]
format = "csv"
key = ["account_id"]

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "account_class"
value = "residential"
type = "text"

[[column]]
name = "contract_capacity_kva"
value = "8"
type = "decimal(12,2)"

[[column]]
name = "transformer_id"
type = "text"
nullable = true
"#;

/// A column for each hour, in watts.
const HOURS: &str = r#"
label = "Load"
files = ["load/*.csv"]
format = "csv"
key = ["account_id", "date"]
time = "date"

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "date"
type = "date"

[[column]]
name = "power_w"
from = "P{1..24}"
type = "curve"
unit = "W"
"#;

/// The watts of some hours.
type Watts<'a> = &'a [(usize, &'a str)];

/// Rows of [`HOURS`]: account, date, and hours that are not 300 watts and a bit.
fn hours(rows: &[(&str, &str, Watts)]) -> String {
    let names: Vec<String> = (1..=24).map(|hour| format!("P{hour}")).collect();
    let mut text = format!("account_id,date,{}\n", names.join(","));
    for (account, date, others) in rows {
        let other = |hour: usize| others.iter().find(|(at, _)| *at == hour).map(|(_, watts)| (*watts).to_owned());
        let watts: Vec<String> = (0..24).map(|hour| other(hour).unwrap_or(format!("{}", 300 + hour))).collect();
        text.push_str(&format!("{account},{date},{}\n", watts.join(",")));
    }
    text
}

fn accounts(ids: &[&str]) -> (String, String) {
    let rows: String = ids.iter().map(|id| format!("{id},T1\n")).collect();
    ("accounts.csv".to_owned(), format!("account_id,transformer_id\n{rows}"))
}

fn cases() -> Vec<Case> {
    vec![Case {
        name: "validation",
        about: "gaps, a hanging meter, spikes, loads that the rest of the lake contradicts",
        contracts: &[
            ("load_curve", HOURS),
            (
                "devices",
                "label = \"Devices\"\nfiles = [\"devices.csv\"]\nformat = \"csv\"\nkey = [\"account_id\", \"device_id\"]\n\
                 [[column]]\nname = \"account_id\"\ntype = \"text\"\n\
                 [[column]]\nname = \"device_id\"\nvalue = \"1\"\ntype = \"text\"\n\
                 [[column]]\nname = \"device_type\"\nvalue = \"pv\"\ntype = \"text\"\n\
                 [[column]]\nname = \"installed_date\"\nvalue = \"2020-01-01\"\ntype = \"date\"\n",
            ),
            (
                "outages",
                "label = \"Outages\"\nfiles = [\"outages.csv\"]\nformat = \"csv\"\nkey = [\"outage_id\"]\ntime = \"start_at\"\n\
                 [[column]]\nname = \"outage_id\"\ntype = \"text\"\n\
                 [[column]]\nname = \"transformer_id\"\ntype = \"text\"\n\
                 [[column]]\nname = \"start_at\"\ntype = \"timestamp\"\n\
                 [[column]]\nname = \"end_at\"\ntype = \"timestamp\"\n\
                 [[column]]\nname = \"is_planned\"\nvalue = \"false\"\ntype = \"bool\"\n",
            ),
        ],
        build: &["account_load_day", "account_load_exception"],
        files: || {
            let none: Vec<(usize, &str)> = (0..24).map(|hour| (hour, "0")).collect();
            let stuck: Vec<(usize, &str)> = (8..20).map(|hour| (hour, "411")).collect();
            let nearly: Vec<(usize, &str)> = (8..19).map(|hour| (hour, "411")).collect();
            let rows = hours(&[
                ("a gap of an hour", "2026-01-01", &[(7, "")]),
                ("a gap of two hours", "2026-01-01", &[(7, ""), (8, "")]),
                ("a gap at midnight", "2026-01-01", &[(0, "")]),
                ("feeds back", "2026-01-01", &[(12, "-700"), (13, "-900")]),
                ("feeds back by its panels", "2026-01-01", &[(12, "-700"), (13, "-900")]),
                ("hangs for 11 hours", "2026-01-01", &nearly),
                ("hangs for 12 hours", "2026-01-01", &stuck),
                ("more than its cable", "2026-01-01", &[(18, "25000"), (19, "25000"), (20, "25000")]),
                ("nothing for a day", "2026-01-01", &none),
                ("nothing in an outage", "2026-01-02", &none),
                ("one spike", "2026-01-01", &[(3, "65535")]),
                ("two spikes", "2026-01-01", &[(3, "65535"), (4, "65535")]),
                ("a kettle", "2026-01-01", &[(3, "6000")]),
            ]);
            let ids: Vec<&str> = rows.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
            vec![
                accounts(&ids),
                ("load/a.csv".to_owned(), rows.clone()),
                ("devices.csv".to_owned(), "account_id\nfeeds back by its panels\n".to_owned()),
                (
                    "outages.csv".to_owned(),
                    "outage_id,transformer_id,start_at,end_at\n1,T1,2026-01-02 09:00:00,2026-01-02 10:00:00\n"
                        .to_owned(),
                ),
            ]
        },
        ask: &[
            "select account_id, valid_points, estimated_points, stuck_points, spike_points, estimated_share,
               energy_wh, max_demand_w from account_load_day order by account_id",
            "select * from account_load_exception order by account_id",
        ],
    }]
}

/// A case in a lake of its own, and a project that takes it in.
fn lay(case: &Case) -> (TempDir, TempDir) {
    let (lake, project) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    let write = |folder: &TempDir, name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("file");
    };
    for (name, text) in (case.files)() {
        write(&lake, &name, &text);
    }
    write(&project, "project.toml", "extends = \"builtin\"\n");
    for (table, contract) in [("accounts", ACCOUNTS)].iter().chain(case.contracts) {
        write(&project, &format!("schemas/sources/{table}.toml"), contract);
    }
    let build: Vec<String> = case.build.iter().map(|table| format!("{table:?}")).collect();
    // Few rows, so that every file is a unit.
    let job = format!("label = \"t\"\nrows_per_unit = 1\nbuild = [{}]\n", build.join(", "));
    write(&project, "jobs/t.toml", &job);
    (lake, project)
}

fn run(lake: &Path, project: &Path, out: &Path) -> Command {
    let mut run = kwhy();
    run.args(["run", "t", "--as-of", "2026-12-01", "--lake"]).arg(lake);
    run.arg("--project").arg(project).arg("--out").arg(out);
    run
}

fn story(case: &Case) -> String {
    let (lake, project) = lay(case);
    let out = TempDir::new().expect("folder");
    let mut told = format!("== {}: {}\n", case.name, case.about);
    let shown = succeed(&mut run(lake.path(), project.path(), out.path()));
    let audit = shown.lines().take_while(|line| !line.starts_with(" not in the lake")).filter(|line| !line.is_empty());
    told.extend(audit.map(|line| format!("{line}\n")));
    for sql in case.ask {
        let done = output(kwhy().args(["sql", "-c", sql, "--out"]).arg(out.path()));
        told.push('\n');
        told.push_str(&String::from_utf8_lossy(&done.stdout));
        told.push_str(&String::from_utf8_lossy(&done.stderr));
    }
    told
}

/// What becomes of each load. `KWHY_BLESS=1` writes the answers anew.
#[test]
fn each_load_becomes_what_is_written_down() {
    let found: Vec<String> = cases().iter().map(story).collect();
    let file = repository().join("tests/golden/loads.txt");
    if std::env::var_os("KWHY_BLESS").is_some() {
        std::fs::write(&file, found.join("\n")).expect("golden");
    }
    let expected = std::fs::read_to_string(&file).expect("golden");
    for (found, expected) in found.iter().zip(expected.split("\n== ")) {
        assert_eq!(found.trim_start_matches("== ").trim_end(), expected.trim_start_matches("== ").trim_end());
    }
    assert_eq!(found.len(), expected.split("\n== ").count());
}

/// However the files are cut into units and the accounts into buckets, and
/// wherever the units run.
#[test]
fn loads_do_not_depend_on_units_buckets_or_engine() {
    let cluster = Cluster::start(2, &[]);
    for case in cases() {
        let (lake, project) = lay(&case);
        let reference = TempDir::new().expect("folder");
        succeed(run(lake.path(), project.path(), reference.path()).args(["--buckets", "1"]));
        let expected = tables(reference.path());
        let one_unit = std::fs::read_to_string(project.path().join("jobs/t.toml")).expect("job");
        let one_unit = one_unit.replace("rows_per_unit = 1\n", "rows_per_unit = 1000000\n");
        for (target, buckets, job) in
            [("local".to_owned(), "8", None), ("local".to_owned(), "4", Some(one_unit)), (cluster.target(), "8", None)]
        {
            if let Some(job) = job {
                std::fs::write(project.path().join("jobs/t.toml"), job).expect("job");
            }
            let out = TempDir::new().expect("folder");
            let mut run = run(lake.path(), project.path(), out.path());
            succeed(run.args(["--buckets", buckets, "--target", &target]));
            assert_same(&expected, &tables(out.path()), &format!("{}: {buckets} buckets, {target}", case.name));
        }
    }
}
