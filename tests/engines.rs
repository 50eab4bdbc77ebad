use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{Cluster, assert_same, finish, kwhy, lake, output, run_daily, succeed, tables, wait_for};

#[test]
fn embedded_results_do_not_depend_on_buckets_or_units() {
    let reference = TempDir::new().expect("folder");
    succeed(run_daily(lake(), reference.path()).args(["--buckets", "1", "--parallel", "1"]));
    let expected = tables(reference.path());
    assert!(expected["customer_tags"].len() >= 600);
    for (buckets, parallel) in [("1", "4"), ("8", "2"), ("16", "4")] {
        let out = TempDir::new().expect("folder");
        succeed(run_daily(lake(), out.path()).args(["--buckets", buckets, "--parallel", parallel]));
        assert_same(&expected, &tables(out.path()), &format!("{buckets} buckets, {parallel} units"));
    }
}

#[test]
fn a_cluster_makes_the_same_tables() {
    let cluster = Cluster::start(2, &[]);
    let reference = TempDir::new().expect("folder");
    succeed(run_daily(lake(), reference.path()).args(["--buckets", "8"]));
    let expected = tables(reference.path());
    for (buckets, parallel) in [("1", "1"), ("8", "2"), ("16", "4")] {
        let out = TempDir::new().expect("folder");
        let mut run = run_daily(lake(), out.path());
        succeed(run.args(["--buckets", buckets, "--parallel", parallel, "--target", &cluster.target()]));
        assert_same(&expected, &tables(out.path()), &format!("cluster, {buckets} buckets, {parallel} units"));
    }
}

#[test]
fn a_cluster_answers_questions_like_one_process() {
    let out = TempDir::new().expect("folder");
    succeed(run_daily(lake(), out.path()).args(["--buckets", "8"]));
    let cluster = Cluster::start(2, &[]);
    let sql = "select use_class, count(*) as accounts, sum(energy_12m_kwh) as energy_kwh
       from customer_segments join customer_tags using (account_id)
       where customer_tags.account_id not in (select account_id from account_bill where zero_months_12m > 6)
       group by use_class order by use_class";
    let ask = |target: &str| succeed(kwhy().args(["sql", "-c", sql, "--target", target, "--out"]).arg(out.path()));
    let local = ask("local");
    assert!(local.contains("residential"), "{local}");
    assert_eq!(ask(&cluster.target()), local);
}

#[test]
fn an_executor_killed_in_a_unit_changes_nothing() {
    let reference = TempDir::new().expect("folder");
    succeed(run_daily(lake(), reference.path()).args(["--buckets", "8"]));
    let faults = TempDir::new().expect("folder");
    std::fs::write(faults.path().join("account_load_window"), "").expect("fault");
    let mut cluster = Cluster::start(2, &[("KWHY_TEST_FAULTS", &faults.path().display().to_string())]);

    let out = TempDir::new().expect("folder");
    let mut run = run_daily(lake(), out.path());
    run.args(["--buckets", "8", "--target", &cluster.target()]);
    let run = run.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("run");
    let mut victim = 0;
    wait_for("a held unit", || {
        victim = held(faults.path()).unwrap_or(0);
        victim != 0
    });
    assert!(cluster.kill(victim), "process {victim} holds the unit, but is no executor of this test");
    let done = finish(run);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(!faults.path().join("account_load_window").exists(), "the fault was not consumed");
    assert_same(&tables(reference.path()), &tables(out.path()), "one executor killed");
}

#[test]
fn with_all_executors_killed_nothing_is_published_and_the_run_can_be_repeated() {
    let faults = TempDir::new().expect("folder");
    std::fs::write(faults.path().join("account_load_window"), "").expect("fault");
    let mut cluster = Cluster::start(2, &[("KWHY_TEST_FAULTS", &faults.path().display().to_string())]);
    let out = TempDir::new().expect("folder");
    let target = cluster.target();
    let mut run = run_daily(lake(), out.path());
    run.args(["--buckets", "8", "--target", &target]);
    let run = run.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("run");
    wait_for("a held unit", || held(faults.path()).is_some());
    let killed = Instant::now();
    for process in cluster.executor_ids() {
        assert!(cluster.kill(process));
    }
    let done = finish(run);
    assert_eq!(done.status.code(), Some(3), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(killed.elapsed() < Duration::from_secs(60), "it took {:?}", killed.elapsed());
    assert!(!out.path().join("marts/releases").exists(), "something was published");

    cluster.add_executor();
    wait_for("a new executor", || cluster.alive() >= 1);
    succeed(run_daily(lake(), out.path()).args(["--target", &target]));
    let reference = TempDir::new().expect("folder");
    succeed(run_daily(lake(), reference.path()).args(["--buckets", "8"]));
    assert_same(&tables(reference.path()), &tables(out.path()), "repeated after all executors were killed");
}

#[test]
fn an_executor_of_another_build_is_refused() {
    let cluster = Cluster::start(1, &[("KWHY_TEST_BUILD_ID", "0123456789abcdef")]);
    let out = TempDir::new().expect("folder");
    let refused = output(run_daily(lake(), out.path()).args(["--target", &cluster.target()]));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{message}");
    assert!(message.contains("of another build: 0123456789abcdef"), "{message}");
    assert!(!out.path().join("marts/releases").exists());
}

/// The process that waits in a held unit.
fn held(faults: &std::path::Path) -> Option<u32> {
    let files = std::fs::read_dir(faults).ok()?.flatten();
    files.filter_map(|file| file.file_name().to_str()?.strip_prefix("held.")?.parse().ok()).next()
}
