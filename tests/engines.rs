use std::time::{Duration, Instant};

use kwhy_udfs::reference::{self, Entry};
use tempfile::TempDir;

use crate::support::{Cluster, assert_same, finish, kwhy, lake, output, run_daily, succeed, tables, wait_for};

#[test]
fn embedded_results_do_not_depend_on_buckets_or_units() {
    let reference = TempDir::new().expect("folder");
    succeed(run_daily(lake(), reference.path()).args(["--buckets", "1", "--parallel", "1"]));
    let expected = tables(reference.path());
    assert!(expected["customer_tags"].len() >= 580);
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
    let ask =
        |target: &str, sql: &str| succeed(kwhy().args(["sql", "-c", sql, "--target", target, "--out"]).arg(out.path()));
    let local = ask("local", sql);
    assert!(local.contains("residential"), "{local}");
    assert_eq!(ask(&cluster.target(), sql), local);

    // Every function by its name, over columns, so that executors evaluate it.
    for sql in [scalars(), aggregates()] {
        let local = ask("local", &sql);
        assert!(local.lines().count() > 10, "{sql}\n{local}");
        assert_eq!(ask(&cluster.target(), &sql), local, "{sql}");
    }
}

/// A question that calls every scalar function once.
fn scalars() -> String {
    let calls = reference::entries().into_iter().filter(|entry| !entry.is_aggregate).map(|entry| call(&entry));
    format!("select account_id, date, {} from account_load_day order by account_id, date limit 200", list(calls))
}

/// A question that calls every aggregate function once, in groups that lie on
/// several executors.
fn aggregates() -> String {
    let calls = reference::entries().into_iter().filter(|entry| entry.is_aggregate).map(|entry| call(&entry));
    format!("select peak_minute, {} from account_load_day group by peak_minute order by peak_minute", list(calls))
}

fn list(calls: impl Iterator<Item = String>) -> String {
    calls.enumerate().map(|(number, call)| format!("{call} as c{number}")).collect::<Vec<_>>().join(", ")
}

/// A call over the columns of `account_load_day`, by what its arguments are
/// called.
fn call(entry: &Entry) -> String {
    let arguments = entry.arguments().map(|argument| match argument {
        "account_id" => "account_id".to_owned(),
        "buckets" => "16".to_owned(),
        "read_at" => "cast(date as timestamp)".to_owned(),
        "power_w" if entry.name == "fold_curve" => "max_demand_w".to_owned(),
        "curve" | "left" | "right" | "profile" | "power_w" | "wh_list" | "second" => "half_hour_wh".to_owned(),
        "factor" => "1".to_owned(),
        "version" => "energy_wh % 3".to_owned(),
        "period_list" => "array_repeat(2, 48)".to_owned(),
        "date" | "month" | "time" => "date".to_owned(),
        "timestamp" => "cast(date as timestamp)".to_owned(),
        "text" => "cast(date as varchar)".to_owned(),
        "format" => "'%Y-%m-%d'".to_owned(),
        "zone" | "to" => "'Europe/London'".to_owned(),
        "from" => "'UTC'".to_owned(),
        "method" => "'sum'".to_owned(),
        "top" => "0.5".to_owned(),
        "value" | "numerator" => "energy_wh".to_owned(),
        "denominator" => "max_demand_w".to_owned(),
        "minutes" | "interval_minutes" => "30".to_owned(),
        "from_minute" => "60".to_owned(),
        "to_minute" => "600".to_owned(),
        "level_w" | "step_w" | "min_level_w" | "min_minutes" | "max_points" | "separation_minutes" | "least_points"
        | "times" => "60".to_owned(),
        "quantile" | "trim" => "0.25".to_owned(),
        "steps" => "4".to_owned(),
        "hits" | "control_hits" | "population_hits" => "least(peak_minute, 700)".to_owned(),
        "total" | "trials" | "treated" | "control" | "population_total" => "1440".to_owned(),
        "confidence" => "0.95".to_owned(),
        "cuts" => "[100, 1000, 10000]".to_owned(),
        "condition" => "peak_minute > 600".to_owned(),
        "as_of" => "date '2027-01-01'".to_owned(),
        "half_life_days" => "90".to_owned(),
        "expected" | "normal_temperature_c" => "peak_minute".to_owned(),
        "actual" | "spread" => "night_wh".to_owned(),
        "category" => "account_id".to_owned(),
        "other" | "cluster" => "1".to_owned(),
        "features" | "centroid" => "[peak_minute, max_demand_w]".to_owned(),
        "centroids" => "[[600, 1000], [1000, 2000]]".to_owned(),
        "temperature_c" => "peak_minute".to_owned(),
        "energy_wh" => "energy_wh".to_owned(),
        "tariff" => "{seasons: [{peak: 0.9, valley: 0.3}], tiers: [{above_kwh: 2, surcharge: 0.1}]}".to_owned(),
        "usage" => "{month: date, peak_wh: energy_wh, valley_wh: night_wh}".to_owned(),
        "from_period" => "'peak'".to_owned(),
        "to_period" => "'valley'".to_owned(),
        "shifted_wh" => "500".to_owned(),
        "other_text" => "account_id".to_owned(),
        "country_code" => "'86'".to_owned(),
        "before" => "{p: peak_minute, q: account_id}".to_owned(),
        "after" => "{p: 600, q: account_id}".to_owned(),
        "groups" => "{g: account_id, h: date}".to_owned(),
        "record" => "{p: peak_minute, q: date}".to_owned(),
        "points" => "{p1: peak_minute, p2: max_demand_w}".to_owned(),
        "salt" => "'pepper'".to_owned(),
        "dictionary" => "[{term: '2026', class: 'year', weight: 1.5}]".to_owned(),
        other => panic!("{} has an argument {other}: say here what to call it with", entry.name),
    });
    format!("{}({})", entry.name, arguments.collect::<Vec<_>>().join(", "))
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
