mod cases;
mod contracts;

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use self::cases::{Case, cases};
use self::contracts::ACCOUNTS;
use crate::support::{Cluster, assert_same, kwhy, output, repository, succeed, tables};

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
    write(&project, "project.toml", b"extends = \"builtin\"\n");
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
