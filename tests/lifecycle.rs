use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::{
    AS_OF, assert_same, extends_small, generate, kwhy, lake, output, query, run_daily, succeed, tables, wait_for,
};

/// Two jobs that publish different tables share an output folder.
#[test]
fn what_another_job_published_stays_published() {
    let (project, out) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    std::fs::write(project.path().join("project.toml"), extends_small()).expect("project");
    std::fs::create_dir_all(project.path().join("jobs")).expect("folder");
    let job = "label = \"w\"\nbuild = [\"stg_weather\"]\n";
    std::fs::write(project.path().join("jobs/weather.toml"), job).expect("job");
    let run = |job: &str| {
        let mut command = kwhy();
        command.args(["run", job, "--as-of", AS_OF, "--lake"]).arg(lake()).arg("--out").arg(out.path());
        succeed(command.arg("--project").arg(project.path()))
    };
    run("daily");
    let shown = run("weather");
    assert!(!shown.contains("tags"), "{shown}");
    let count = |table: &str| query(out.path(), &format!("select count(*) from {table}"))[0][0].clone();
    assert_ne!(count("customer_tags"), "0");
    assert_ne!(count("stg_weather"), "0");
    // Its own audit of the sources is another one; then all stands, units without a
    // row too.
    run("daily");
    let again = run("daily");
    assert!(again.contains("nothing to do"), "{again}");
    for line in again.lines().filter(|line| line.starts_with(" features") || line.starts_with(" tags")) {
        let counts: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(counts[1], counts[2], "{again}");
    }
    let sql = "select distinct rule from quarantine_load_curve";
    let quarantined = succeed(kwhy().args(["sql", "-c", sql, "--out"]).arg(out.path()));
    assert!(quarantined.contains("power_w.points"), "{quarantined}");
}

#[test]
fn a_repeated_run_has_nothing_to_do() {
    let out = TempDir::new().expect("folder");
    let first = succeed(&mut run_daily(lake(), out.path()));
    assert!(first.contains("release 1 as of 2026-03-01"), "{first}");
    let before = tables(out.path());
    let second = succeed(&mut run_daily(lake(), out.path()));
    assert!(second.contains("nothing to do: release 1"), "{second}");
    assert_same(&before, &tables(out.path()), "repeated");
}

#[test]
fn another_date_is_another_release_and_old_days_are_not_read_again() {
    let out = TempDir::new().expect("folder");
    succeed(&mut run_earlier(out.path()));
    let later = succeed(&mut run_daily(lake(), out.path()));
    assert!(later.contains("release 2 as of 2026-03-01"), "{later}");
    let line = later.lines().find(|line| line.contains("load days")).expect("a line of load days");
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells[2], cells[3], "units and units that stood: {line}");
    let reference = TempDir::new().expect("folder");
    succeed(&mut run_daily(lake(), reference.path()));
    // What came before counts in states that are held, in tiers, in what has changed,
    // in how far tags and segments have moved; everything else is the same.
    let but_history = |out: &Path| {
        let mut tables = tables(out);
        let of_history = [
            "customer_tags",
            "segment_drift",
            "segment_gate",
            "segment_migration",
            "tag_change",
            "tag_cut",
            "tag_profile",
        ];
        of_history.iter().for_each(|table| drop(tables.remove(*table)));
        tables
    };
    assert_same(&but_history(reference.path()), &but_history(out.path()), "after an earlier date");
}

#[test]
fn a_corrected_delivery_is_taken_up_like_a_first_one() {
    let folder = TempDir::new().expect("folder");
    generate(folder.path(), 300, 20);
    let out = TempDir::new().expect("folder");
    succeed(&mut run_daily(folder.path(), out.path()));
    let curves = folder.path().join("sources/load_curve");
    std::fs::remove_dir_all(curves.join("date=2026-02-20")).expect("a day");
    succeed(&mut run_daily(folder.path(), out.path()));
    let reference = TempDir::new().expect("folder");
    succeed(&mut run_daily(folder.path(), reference.path()));
    assert_same(&tables(reference.path()), &tables(out.path()), "a day withdrawn");
}

/// A run as of two weeks before.
fn run_earlier(out: &Path) -> Command {
    let mut command = kwhy();
    command.args(["run", "daily", "--as-of", "2026-02-15", "--lake"]).arg(lake()).arg("--out").arg(out);
    command
}

/// A run that has built everything up to the tags and holds there.
fn held_run(out: &Path) -> Child {
    let faults = TempDir::new().expect("folder");
    std::fs::write(faults.path().join("customer_tags"), "").expect("fault");
    let mut run = run_daily(lake(), out);
    let run = run.env("KWHY_TEST_FAULTS", faults.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let run = run.spawn().expect("run");
    let held = faults.path().join(format!("held.{}", run.id()));
    wait_for("the held unit", || held.exists());
    run
}

#[test]
fn a_killed_run_leaves_the_last_release_and_running_again_completes() {
    let out = TempDir::new().expect("folder");
    succeed(&mut run_earlier(out.path()));
    let before = tables(out.path());
    let mut run = held_run(out.path());

    let refused = output(&mut run_daily(lake(), out.path()));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{message}");
    assert!(message.contains(&format!("process {}", run.id())), "{message}");

    run.kill().expect("kill");
    run.wait().expect("wait");
    assert_same(&before, &tables(out.path()), "a reader after a killed run");
    succeed(&mut run_daily(lake(), out.path()));
    let reference = TempDir::new().expect("folder");
    succeed(&mut run_earlier(reference.path()));
    succeed(&mut run_daily(lake(), reference.path()));
    assert_same(&tables(reference.path()), &tables(out.path()), "run again after a kill");
}

#[test]
fn a_first_run_killed_between_its_tables_is_completed_by_the_next() {
    let out = TempDir::new().expect("folder");
    let mut run = held_run(out.path());
    run.kill().expect("kill");
    run.wait().expect("wait");
    assert!(!out.path().join("marts/releases").exists(), "half a run was released");
    let shown = succeed(&mut run_daily(lake(), out.path()));
    assert!(shown.contains("release 1"), "{shown}");
    let reference = TempDir::new().expect("folder");
    succeed(&mut run_daily(lake(), reference.path()));
    assert_same(&tables(reference.path()), &tables(out.path()), "after a first run was killed");
}

#[test]
fn a_terminated_run_stops_with_143() {
    let out = TempDir::new().expect("folder");
    let mut run = held_run(out.path());
    succeed(std::process::Command::new("kill").args(["-TERM", &run.id().to_string()]));
    assert_eq!(run.wait().expect("wait").code(), Some(143));
}
