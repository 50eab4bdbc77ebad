//! Fitted segmentations: every account in one group, sizes within their limits, and
//! the same groups however and whenever they are computed.

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use kwhy::segment::quality::Indices;
use kwhy::segment::{Points, kmeans};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use crate::oracles::{Random, golden};
use crate::support::{
    AS_OF, Cluster, assert_same, extends_small, kwhy, lake, output, query, run_daily, run_refit, succeed, tables,
};

#[test]
fn groups_do_not_depend_on_buckets_units_or_engine() {
    let reference = TempDir::new().expect("folder");
    succeed(run_refit(lake(), reference.path()).args(["--buckets", "1", "--parallel", "1"]));
    let expected = tables(reference.path());
    assert_eq!(expected["segment_model"].len(), 2, "a model of each kind");
    let cluster = Cluster::start(2, &[]);
    let target = cluster.target();
    for arguments in [["--buckets", "8", "--parallel", "3"].as_slice(), &["--buckets", "4", "--target", &target]] {
        let out = TempDir::new().expect("folder");
        succeed(run_refit(lake(), out.path()).args(arguments));
        assert_same(&expected, &tables(out.path()), &format!("{arguments:?}"));
    }
}

#[test]
fn every_account_is_in_one_group_of_fair_size() {
    let out = TempDir::new().expect("folder");
    // Before there is a model, nothing is known.
    succeed(&mut run_daily(lake(), out.path()));
    let count = |sql: &str| -> Vec<f64> {
        query(out.path(), sql).iter().map(|row| row[0].parse().expect("a number")).collect()
    };
    let known = "select count(global) from customer_segments";
    assert_eq!(count(known), [0.0]);
    succeed(&mut run_refit(lake(), out.path()));
    let all = count(known)[0];
    assert_eq!(count("select count(*) from customer_tags"), [all]);
    let sizes = count("select count(*) from customer_segments group by global");
    let (least, most) = sizes.iter().fold((all, 0.0f64), |(least, most), size| (least.min(*size), most.max(*size)));
    assert!((3..=7).contains(&sizes.len()), "{sizes:?}");
    assert!(least >= 0.05 * all && most <= 0.35 * all && most <= 3.0 * least, "{sizes:?}");

    // What is done is not done again.
    let releases = "select max(release) from releases";
    let release = count(releases);
    succeed(&mut run_daily(lake(), out.path()));
    succeed(&mut run_refit(lake(), out.path()));
    assert_eq!(count(releases), release);
}

/// Every account meets one rule, the one that is told, and by the SQL that is told.
#[test]
fn rules_are_what_anyone_can_run() {
    let out = TempDir::new().expect("folder");
    succeed(&mut run_refit(lake(), out.path()));
    let rules = query(
        out.path(),
        "select rule, sql, segment, text, text_zh from segment_rules where segmentation = 'global' order by rule",
    );
    assert!((3..=16).contains(&rules.len()), "{rules:?}");
    for rule in &rules {
        let [number, sql, segment, text, text_zh] = rule.as_slice() else { panic!("{rule:?}") };
        assert!(text.contains(": ") && text_zh.contains('：'), "{rule:?}");
        let asked = format!(
            "select count(*), count(*) filter (where path.rule = {number}), count(*) filter (where ({sql}) is not true and path.rule = {number}) \
             from customer_tags join segment_path as path using (account_id) where path.segmentation = 'global' and ({sql} or path.rule = {number})"
        );
        let counts = &query(out.path(), &asked)[0];
        assert!(
            counts[0] == counts[1] && counts[0] != "0" && counts[2] == "0",
            "rule {number} of {segment}: {counts:?}"
        );
    }
    let case = &query(out.path(), "select rules_sql from segment_model where segmentation = 'global'")[0][0];
    let differ = format!(
        "select count(*), count(*) filter (where told.segment <> ({case})) from customer_tags \
         join segment_path as path using (account_id) join segment_rules as told on told.rule = path.rule \
         where path.segmentation = 'global' and told.segmentation = 'global'"
    );
    let counts = &query(out.path(), &differ)[0];
    assert_eq!(
        (counts[0].as_str(), counts[1].as_str()),
        (query(out.path(), "select count(*) from customer_tags")[0][0].as_str(), "0")
    );
    let fidelity = &query(out.path(), "select fidelity from segment_catalog where segmentation = 'global'")[0][0];
    assert!(fidelity.parse::<f64>().expect("a share") >= 0.85, "{fidelity}");
}

#[test]
fn groups_can_be_looked_at() {
    let out = TempDir::new().expect("folder");
    let first = succeed(&mut run_daily(lake(), out.path()));
    assert!(first.contains("without a model (kwhy run refit fits them): global, value"), "{first}");
    let ask = |arguments: &[&str]| output(kwhy().arg("segments").args(arguments).arg("--out").arg(out.path()));
    let told = |arguments: &[&str]| String::from_utf8_lossy(&ask(arguments).stdout).into_owned();
    let no_model = ask(&["show", "global"]);
    let no_model = (no_model.status.code(), String::from_utf8_lossy(&no_model.stderr).into_owned());
    assert!(no_model.0 == Some(2) && no_model.1.contains("no model of `global` yet"), "{no_model:?}");
    assert!(no_model.1.contains("kwhy run refit"), "{no_model:?}");
    succeed(&mut run_refit(lake(), out.path()));
    assert!(succeed(kwhy().args(["segments", "list"])).contains("balanced_kmeans"));
    let sizes = query(out.path(), "select global, count(*) from customer_segments group by 1 order by 1");
    // The profile counts what anyone counts.
    let counted = |attribute: &str| {
        let direct = format!(
            "select 'global', global, coalesce(cast({attribute} as varchar), 'unknown') as value, count(*) from customer_segments join customer_tags using (account_id) group by 2, 3 \
             union all select 'use_class', use_class, coalesce(cast({attribute} as varchar), 'unknown'), count(*) from customer_segments join customer_tags using (account_id) group by 2, 3 order by 1, 2, 3"
        );
        let told = format!(
            "select segmentation, segment, value, accounts from segment_profile where attribute = '{attribute}' and segmentation in ('global', 'use_class') order by 1, 2, 3"
        );
        let told = query(out.path(), &told);
        let some: Vec<_> = told.iter().filter(|row| row[3] != "0").cloned().collect();
        assert_eq!(some, query(out.path(), &direct), "{attribute}");
        // What nobody of a group has is told too: every group has the same values.
        for segmentation in ["global", "use_class"] {
            let of = |row: &&Vec<String>| row[0] == segmentation;
            let distinct = |at: usize| told.iter().filter(of).map(|row| &row[at]).collect::<BTreeSet<_>>().len();
            assert_eq!(told.iter().filter(of).count(), distinct(1) * distinct(2), "{attribute} of {segmentation}");
        }
    };
    let attributes =
        query(out.path(), "select distinct attribute from segment_profile where attribute <> 'all' order by 1");
    assert!(attributes.len() >= 3, "{attributes:?}");
    attributes.iter().for_each(|attribute| counted(&attribute[0]));
    let shown = told(&["show", "global"]);
    for size in &sizes {
        let bar = shown.lines().find(|line| line.starts_with(&format!(" {} ", size[0])) && line.contains('#'));
        assert!(bar.is_some_and(|bar| bar.ends_with(&format!(" {}", size[1]))), "{size:?} is not in\n{shown}");
    }
    assert!(shown.contains("fidelity of rules") && shown.contains("Use class: "), "{shown}");
    let one = told(&["show", "global", &sizes[0][0]]);
    assert!(one.contains("more often than all") && one.contains("over_index"), "{one}");
    let account = &query(out.path(), "select account_id, global, use_class from customer_segments limit 1")[0];
    let why = told(&["explain", &account[0]]);
    let line = |name: &str| why.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("global").contains(&account[1]) && line("global").contains(": "), "{why}");
    assert!(line("use_class").contains(&format!("account_class = '{}'", account[2])), "{why}");
    let refused: [(&[&str], &[&str]); 3] = [
        (&["show", "globl"], &["no segmentation is called `globl`", "did you mean `global`?"]),
        (&["show", "global", "g99"], &["has no group `g99`", "it has: g1"]),
        (&["explain", "nobody"], &["no account `nobody`"]),
    ];
    for (arguments, says) in refused {
        let found = ask(arguments);
        let told = String::from_utf8_lossy(&found.stderr);
        assert_eq!(found.status.code(), Some(2), "{told}");
        says.iter().for_each(|part| assert!(told.contains(part), "`{part}` is not in {told}"));
    }
}

#[test]
fn an_account_keeps_its_group_whoever_else_there_is() {
    let (out, fewer) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    succeed(&mut run_refit(lake(), out.path()));
    let sql = "select account_id, global from customer_segments order by account_id";
    let before: BTreeMap<String, String> = pairs(query(out.path(), sql));
    copy(lake(), fewer.path());
    let file =
        std::fs::read_dir(fewer.path().join("sources/accounts")).expect("folder").flatten().next().expect("a file");
    keep_homes(&file.path());
    // Of homes alone the groups are no longer of similar size.
    let held = output(&mut run_daily(fewer.path(), out.path()));
    let told = String::from_utf8_lossy(&held.stderr).into_owned();
    assert_eq!(held.status.code(), Some(5), "{told}");
    let broken: Vec<&str> =
        told.split_whitespace().skip_while(|word| *word != "with").filter(|word| word.starts_with("global.")).collect();
    assert!(!broken.is_empty(), "{told}");
    let mut accepted = run_daily(fewer.path(), out.path());
    for gate in broken {
        accepted.args(["--accept", gate]);
    }
    succeed(&mut accepted);
    let after = pairs(query(out.path(), sql));
    assert!(after.len() < before.len() && after.len() > 100, "{} of {}", after.len(), before.len());
    for (account, group) in &after {
        assert_eq!(before.get(account), Some(group), "{account}");
    }
}

/// Rows of accounts, bills and payments in any order, every third of them twice, make the
/// same models, groups, rules and profiles.
#[test]
fn groups_do_not_depend_on_the_order_of_rows_nor_on_repetition() {
    let (out, other, shuffled) =
        (TempDir::new().expect("folder"), TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    copy(lake(), shuffled.path());
    let mut random = Random(7_001);
    let mut repeated = 0;
    for source in ["accounts", "bills", "payments"] {
        let mut folders = vec![shuffled.path().join("sources").join(source)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("folder").flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                rewrite(&entry.path(), &mut |rows| {
                    let mut order: Vec<u64> = (0..rows.num_rows() as u64).collect();
                    order.extend((0..rows.num_rows() as u64).step_by(3));
                    repeated += order.len() - rows.num_rows();
                    for at in (1..order.len()).rev() {
                        order.swap(at, random.below(at as u64 + 1) as usize);
                    }
                    take_record_batch(rows, &UInt64Array::from(order)).expect("rows")
                });
            }
        }
    }
    assert!(repeated > 1_000, "{repeated} rows are there twice");
    succeed(&mut run_refit(lake(), out.path()));
    succeed(&mut run_refit(shuffled.path(), other.path()));
    let queries = [
        "select account_id, global, value from customer_segments order by 1",
        "select segmentation, group_sql, rules_sql, details from segment_model order by 1",
        "select segmentation, segment, attribute, value, accounts, over_index, energy_kwh from segment_profile order by 1, 2, 3, 4",
    ];
    for sql in queries {
        let rows = query(out.path(), sql);
        assert!(!rows.is_empty() && rows == query(other.path(), sql), "{sql}");
    }
}

fn pairs(rows: Vec<Vec<String>>) -> BTreeMap<String, String> {
    rows.into_iter().map(|mut row| (row.remove(0), row.remove(0))).collect()
}

/// Leaves the homes of a file of accounts.
fn keep_homes(path: &Path) {
    rewrite(path, &mut |rows| {
        let classes = rows.column_by_name("account_class").expect("a class").as_string::<i32>().clone();
        let homes: BooleanArray = classes.iter().map(|class| Some(class == Some("residential"))).collect();
        filter_record_batch(rows, &homes).expect("rows")
    });
}

/// The same file with other rows.
fn rewrite(path: &Path, change: &mut dyn FnMut(&RecordBatch) -> RecordBatch) {
    let file = std::fs::File::open(path).expect("a file");
    let rows = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|reader| reader.build()).expect("rows");
    let rows: Vec<RecordBatch> = rows.map(|rows| change(&rows.expect("rows"))).collect();
    let file = std::fs::File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, rows[0].schema(), None).expect("a writer");
    rows.iter().for_each(|rows| writer.write(rows).expect("written"));
    writer.close().expect("written");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("folder").flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

/// 60 sets of points, clustered and measured by scikit-learn from the same start: every
/// row in the same cluster, every figure to 1e-9.
#[test]
fn k_means_is_what_an_independent_program_says() {
    let (names, expected) = golden("kmeans");
    assert_eq!((names.len(), expected.len()), (5, 60));
    for (number, expected) in (0..).zip(&expected) {
        let mut random = Random(90_000 + number);
        let (clusters, features) = (2 + random.below(5), 1 + random.below(8));
        let apart = if number % 2 == 0 { 400 } else { 20 };
        let mut blobs: Vec<Vec<f64>> = Vec::new();
        for cluster in 0..clusters {
            blobs.push((0..features).map(|_| (cluster * apart + random.below(100)) as f64).collect());
        }
        let mut points = Points::new(features as usize);
        for at in 0..20 * clusters + random.below(200) {
            let blob = &blobs[(at % clusters) as usize];
            let row: Vec<f64> = blob.iter().map(|middle| middle + (random.below(321) as f64 - 160.0) / 8.0).collect();
            points.push(&row, 1.0);
        }
        let mut start = Points::new(points.features);
        points.rows().take(clusters as usize).for_each(|row| start.push(row, 1.0));
        let found = kmeans::lloyd(&points, &start, 300);
        let labels: String = found.labels.iter().map(ToString::to_string).collect();
        assert_eq!(labels, expected[4], "set {number}");
        let indices = Indices::of(&points, &found.labels, clusters as usize);
        let figures = [found.inertia, indices.silhouette, indices.davies_bouldin, indices.calinski_harabasz];
        for ((name, figure), expected) in names.iter().zip(figures).zip(expected) {
            let expected: f64 = expected.parse().expect("a number");
            assert!(
                (figure - expected).abs() <= 1e-9 * expected.abs(),
                "{name} of set {number}: {figure}, not {expected}"
            );
        }
    }
}

/// Days that have their shape keep it: another date codes none of them again, and a
/// month is a unit of its own.
#[test]
fn shapes_of_old_days_stand() {
    let (project, out) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    std::fs::write(project.path().join("project.toml"), extends_small()).expect("project");
    std::fs::create_dir_all(project.path().join("jobs")).expect("folder");
    for (job, build) in
        [("shapes", "\"load_shape\", \"account_load_shape_day\""), ("codes", "\"account_load_shape_day\"")]
    {
        let text = format!("label = \"x\"\nbuild = [{build}]\nmemory_mib = 1024\nrows_per_unit = 200_000\n");
        std::fs::write(project.path().join(format!("jobs/{job}.toml")), text).expect("a job");
    }
    let run = |job: &str, as_of: &str, out: &Path| {
        let mut command = kwhy();
        command.args(["run", job, "--buckets", "2", "--as-of", as_of, "--lake"]).arg(lake()).arg("--out").arg(out);
        succeed(command.arg("--project").arg(project.path()))
    };
    run("shapes", "2026-02-20", out.path());
    let codes = "select account_id, date, shape, kind from account_load_shape_day order by 1, 2";
    let before = query(out.path(), codes);
    assert!(before.len() > 10_000, "{}", before.len());
    let shown = run("codes", AS_OF, out.path());
    let line = shown.lines().find(|line| line.contains("load days")).expect("a line of load days");
    let cells: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(cells[2], cells[3], "units and units that stood: {line}");
    let months = query(out.path(), "select count(distinct date_trunc('month', date)) from account_load_day");
    let units =
        "select count(distinct unit) from run_ledger where table_name = 'account_load_shape_day' and rows_out > 0";
    let (months, units): (usize, usize) =
        (months[0][0].parse().expect("a number"), query(out.path(), units)[0][0].parse().expect("a number"));
    assert!(months >= 2 && units == 2 * months, "{units} units of {months} months");
    assert_eq!(query(out.path(), codes), before);
    // A later dictionary goes on from this one.
    let kinds = || query(out.path(), "select shape, kind from load_shape order by 1");
    let before = kinds();
    run("shapes", AS_OF, out.path());
    let after = kinds();
    assert!(before.len() >= 50 && after.len() >= before.len(), "{} and {}", before.len(), after.len());
    let kept = before.iter().zip(&after).filter(|(before, after)| before == after).count();
    assert!(kept * 10 >= before.len() * 9, "{kept} of {} shapes are of the same kind", before.len());
    // Before there is a dictionary no day has a shape.
    let other = TempDir::new().expect("folder");
    run("codes", AS_OF, other.path());
    assert_eq!(query(other.path(), "select count(*) from account_load_shape_day")[0][0], "0");
}
