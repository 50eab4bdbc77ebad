mod cases;
mod contracts;

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use self::cases::{Case, cases};
use self::contracts::ACCOUNTS;
use crate::support::{Cluster, assert_same, assert_told, extends_small, kwhy, output, succeed, tables};

/// A case in a lake of its own, and a project that takes it in.
fn lay(case: &Case) -> (TempDir, TempDir) {
    let (lake, project) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    let write = |folder: &TempDir, name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("file");
    };
    for (name, bytes) in &case.files {
        write(&lake, name, bytes);
    }
    write(&project, "project.toml", extends_small().as_bytes());
    write(&project, "schemas/sources/accounts.toml", ACCOUNTS.as_bytes());
    for (table, contract) in &case.contracts {
        write(&project, &format!("schemas/sources/{table}.toml"), contract.as_bytes());
    }
    let build: Vec<String> = case.build.iter().map(|table| format!("{table:?}")).collect();
    // Few rows, so that every file is a unit.
    let job = format!("label = \"t\"\nrows_per_unit = 1\nbuild = [{}]\n", build.join(", "));
    write(&project, "jobs/t.toml", job.as_bytes());
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

/// What becomes of each load.
#[test]
fn each_load_becomes_what_is_written_down() {
    let stories: Vec<String> = cases().iter().map(story).collect();
    assert_told("loads.txt", &stories);
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

/// What a contract says of validity is a rule, too: files that were read before it
/// was said are read again.
#[test]
fn rows_are_judged_anew_when_the_contract_says_more() {
    let case = cases().into_iter().find(|case| case.name == "snapshots").expect("snapshots");
    let (lake, project) = lay(&case);
    let write = |name: &str, text: &str| std::fs::write(name, text).expect("file");
    let contract = project.path().join("schemas/sources/accounts.toml");
    let accounts = "account_id,valid_from,valid_to\na,2026-01-01,2026-02-01\nb,2026-01-01,2025-02-01\n";
    write(&lake.path().join("accounts.csv").display().to_string(), accounts);
    let columns =
        "[[column]]\nname = \"valid_from\"\ntype = \"date\"\n[[column]]\nname = \"valid_to\"\ntype = \"date\"\n";
    let plain = format!("{}{columns}", ACCOUNTS.replace("[\"account_id\"]", "[\"account_id\", \"valid_from\"]"));
    let dated = format!("valid_from = \"valid_from\"\nvalid_to = \"valid_to\"\n{plain}");
    let out = TempDir::new().expect("folder");
    let published = |text: &str| {
        write(&contract.display().to_string(), text);
        succeed(&mut run(lake.path(), project.path(), out.path()));
        let tables = tables(out.path());
        (tables["stg_accounts"].len(), tables.get("quarantine/accounts").map_or(0, Vec::len))
    };
    assert_eq!(published(&plain), (2, 0));
    assert_eq!(published(&dated), (1, 1));
}
