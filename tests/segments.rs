//! Fitted segmentations: every account in one group, sizes within their limits, and
//! the same groups however and whenever they are computed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use kwhy::segment::quality::Indices;
use kwhy::segment::{Points, kmeans};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use crate::oracles::{Random, golden};
use crate::support::{
    AS_OF, Cluster, assert_same, extends_small, kwhy, lake, output, query, refused, run_daily, run_job, run_refit,
    succeed, tables,
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
        assert_eq!(query(out.path(), &told), query(out.path(), &direct), "{attribute}");
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

fn pairs(rows: Vec<Vec<String>>) -> BTreeMap<String, String> {
    rows.into_iter().map(|mut row| (row.remove(0), row.remove(0))).collect()
}

/// Leaves the homes of a file of accounts.
fn keep_homes(path: &Path) {
    let file = std::fs::File::open(path).expect("a file");
    let rows: Vec<RecordBatch> = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|reader| reader.build())
        .expect("rows")
        .map(|rows| {
            let rows = rows.expect("rows");
            let classes = rows.column_by_name("account_class").expect("a class").as_string::<i32>().clone();
            let homes: BooleanArray = classes.iter().map(|class| Some(class == Some("residential"))).collect();
            filter_record_batch(&rows, &homes).expect("rows")
        })
        .collect();
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

/// An overlay of the small project with another `global`.
fn overlay(text: &str) -> TempDir {
    let project = TempDir::new().expect("folder");
    std::fs::write(project.path().join("project.toml"), extends_small()).expect("project");
    std::fs::create_dir_all(project.path().join("sql/segments")).expect("folder");
    std::fs::write(project.path().join("sql/segments/global.toml"), text).expect("a segmentation");
    project
}

/// With `assign = "tree"` the rules make the groups: they are exact, and sizes are kept.
#[test]
fn rules_may_make_the_groups() {
    let text = format!(
        "assign = \"tree\"\n{HEAD}[[feature]]\nsql = \"energy_12m_kwh\"\ntransform = \"log\"\n[[feature]]\nsql = \"tenure_years\"\n\
         [[feature]]\nsql = \"nullif(tenure_years, tenure_years)\"\noptional = true\n"
    );
    let (project, out) = (overlay(&text), TempDir::new().expect("folder"));
    succeed(run_refit(lake(), out.path()).arg("--project").arg(project.path()));
    let differ = "select count(*), count(*) filter (where segments.global <> rules.segment) from customer_segments as segments \
                  join segment_path as path on path.account_id = segments.account_id join segment_rules as rules on rules.rule = path.rule \
                  where path.segmentation = 'global' and rules.segmentation = 'global'";
    let counts = &query(out.path(), differ)[0];
    assert!(counts[0] != "0" && counts[1] == "0", "{counts:?}");
    let sizes = query(out.path(), "select count(*) from customer_segments group by global");
    let sizes: Vec<f64> = sizes.iter().map(|row| row[0].parse().expect("a number")).collect();
    let all: f64 = sizes.iter().sum();
    // The limits that stand where a file has none.
    assert!(sizes.len() >= 3 && sizes.iter().all(|size| (0.05 * all..=0.35 * all).contains(size)), "{sizes:?}");
    let ends = sizes.iter().fold((f64::INFINITY, 0.0f64), |ends, size| (ends.0.min(*size), ends.1.max(*size)));
    assert!(ends.1 <= 3.0 * ends.0, "{sizes:?}");
    // What is told of the rules is told of the groups that they make.
    let told = "select min(purity), max(purity) from segment_rules where segmentation = 'global'";
    assert_eq!(query(out.path(), told), [["1.000000", "1.000000"]]);
    // What some have not is filled in; what nobody has is left out of the model.
    let imputed =
        "select count(*) filter (where imputed_features = 0), count(*) from segment_path where segmentation = 'global'";
    let counts = &query(out.path(), imputed)[0];
    assert!(counts[0] != "0", "{counts:?}");
    let known = "select count(*) from customer_tags where energy_12m_kwh is not null and tenure_years is not null";
    assert_eq!(query(out.path(), known)[0][0], counts[0]);
}

/// At another date the groups of the release before keep their codes; outside of the
/// population there is none; labels and the tags that explain are those of the file.
#[test]
fn groups_keep_their_codes_and_files_have_their_say() {
    let text = format!(
        "explain = [\"energy_12m_kwh\"]\npopulation = \"account_class = 'residential'\"\n{HEAD}\
         [[group]]\nname = \"g1\"\nlabel = \"Large\"\nlabel_zh = \"大\"\n\
         [gates]\nleast_fidelity = 0.5\n\
         [[feature]]\nsql = \"energy_12m_kwh\"\ntransform = \"log\"\n[[feature]]\nsql = \"tenure_years\"\n"
    );
    let (project, out) = (overlay(&text), TempDir::new().expect("folder"));
    let refit = |as_of: &str| {
        let mut run = kwhy();
        run.args(["run", "refit", "--as-of", as_of, "--lake"]).arg(lake()).arg("--out").arg(out.path());
        succeed(run.arg("--project").arg(project.path()));
        pairs(query(out.path(), "select account_id, global from customer_segments where global is not null"))
    };
    let (before, after) = (refit("2026-02-20"), refit(AS_OF));
    let kept = after.iter().filter(|(account, group)| before.get(*account) == Some(group)).count();
    assert!(kept * 10 >= after.len() * 8, "{kept} of {} accounts keep their group", after.len());
    // That is not for want of another order: the sample knows the earlier groups.
    let known = &query(out.path(), "select count(before), count(*) from segment_sample")[0];
    assert!(known[0] != "0" && known[0] == before.len().to_string(), "{known:?}");
    let wrong = "select count(*) from customer_segments join customer_tags using (account_id) \
                 where (global is not null) <> (account_class = 'residential')";
    assert_eq!(query(out.path(), wrong)[0][0], "0");
    let label = "select label, label_zh from segment_catalog where segmentation = 'global' and segment = 'g1'";
    assert_eq!(query(out.path(), label), [["Large", "大"]]);
    for text in query(out.path(), "select text from segment_rules where segmentation = 'global'") {
        assert!(text[0].contains("nergy") && !text[0].contains(';'), "{text:?}");
    }
}

const HEAD: &str = "label = \"g\"\nlabel_zh = \"g\"\nmethod = \"balanced_kmeans\"\n";

fn refuse(job: &str, text: &str, out: &Path, code: i32, says: &[&str]) {
    let project = overlay(text);
    refused(run_job(job, lake(), out).arg("--project").arg(project.path()), code, says);
}

#[test]
fn segmentations_that_cannot_be() {
    let out = TempDir::new().expect("folder");
    succeed(&mut run_refit(lake(), out.path()));
    let release = || query(out.path(), "select max(release) from releases");
    let before = release();
    let energy = "[[feature]]\nsql = \"energy_12m_kwh\"\n";
    let cases: [(&str, String, i32, &[&str]); 13] = [
        ("daily", format!("explain = [\"open_date\"]\n{HEAD}{energy}"), 2, &["`open_date` is a date", "global.toml:1"]),
        (
            "daily",
            format!("{HEAD}[[feature]]\nsql = \"energy_12m\"\n"),
            2,
            &["no tag is called `energy_12m`", "global.toml:5", "did you mean `energy_12m_kwh`?"],
        ),
        ("daily", HEAD.to_owned(), 2, &["needs [[feature]] blocks"]),
        (
            "daily",
            format!("{HEAD}[limits]\nleast_percent = 40\n{energy}"),
            2,
            &["no number of groups from 3 to 7", "global.toml:4"],
        ),
        ("daily", format!("{HEAD}[groups]\nmost = 9\n{energy}"), 2, &["from 2 to 7"]),
        (
            "daily",
            format!("{HEAD}{energy}[[group]]\nname = \"it's\"\nlabel = \"x\"\nlabel_zh = \"x\"\n"),
            2,
            &["no name of a group"],
        ),
        ("daily", format!("{HEAD}[gates]\nleast_agreement = 80\n{energy}"), 2, &["`least_agreement` is from 0 to 1"]),
        ("daily", format!("{HEAD}[gates]\nleast_agrement = 0.8\n{energy}"), 2, &["least_agrement", "global.toml:5"]),
        (
            "daily",
            format!("{HEAD}[[feature]]\nsql = \"energy_12m_kwh\"\nweight = \"much\"\n"),
            2,
            &["`weight` takes a number"],
        ),
        // The model that stands is of other features.
        (
            "daily",
            format!("{HEAD}{energy}"),
            2,
            &["`global` was fitted by another definition", "kwhy run refit", "global.toml"],
        ),
        (
            "refit",
            format!("{HEAD}{energy}[[feature]]\nsql = \"energy_12m_kwh * 0\"\n"),
            1,
            &["`energy_12m_kwh * 0` is the same for all accounts"],
        ),
        (
            "refit",
            format!("{HEAD}population = \"energy_12m_kwh < 0\"\n{energy}"),
            1,
            &["0 accounts cannot make 3 groups"],
        ),
        (
            "refit",
            format!("{HEAD}{energy}[[group]]\nname = \"g9\"\nlabel = \"x\"\nlabel_zh = \"x\"\n"),
            1,
            &["labels a group `g9`", "the model has g1"],
        ),
    ];
    for (job, text, code, says) in cases {
        refuse(job, &text, out.path(), code, says);
    }
    let text = format!("{HEAD}[[feature]]\nsql = \"case when tenure_years < 8 then 0 else 1 end\"\nname = \"old\"\n");
    refuse("refit", &text, out.path(), 1, &["only 2 kinds of accounts"]);
    // Most accounts are alike.
    let text =
        text.replace("then 0 else 1", "then 0 when tenure_years < 12 then 1 when tenure_years < 14 then 2 else 3");
    refuse("refit", &text, out.path(), 1, &["keeps the limits: 3 groups have", "4 groups have"]);
    assert_eq!(release(), before, "nothing was published");
}

const LATER: &str = "2026-03-02";

fn run_later(job: &str, out: &Path) -> Command {
    let mut command = kwhy();
    command.args(["run", job, "--as-of", LATER, "--lake"]).arg(lake()).arg("--out").arg(out);
    command
}

/// A release that breaks a gate is held back with its figures, and readers keep the one
/// before; what is accepted is published, and stays so when it is run again.
#[test]
fn gates_hold_a_release_back_until_they_are_accepted() {
    let out = TempDir::new().expect("folder");
    let ask = |sql: &str| query(out.path(), sql);
    succeed(&mut run_refit(lake(), out.path()));
    assert_eq!(ask("select count(*) from segment_drift")[0][0], "0", "nothing to compare with");
    let gates = ask("select gate, is_kept from segment_gate where segmentation = 'global' order by gate");
    let kept =
        |names: &[&str]| names.iter().map(|name| vec![(*name).to_owned(), "true".to_owned()]).collect::<Vec<_>>();
    assert_eq!(gates, kept(&["least_fidelity", "least_percent", "most_percent", "most_ratio"]));

    // Fitted anew a day later, groups go on from those before.
    succeed(&mut run_later("refit", out.path()));
    let gates = ask("select gate, is_kept from segment_gate where segmentation = 'global' order by gate");
    let all = [
        "least_agreement",
        "least_fidelity",
        "least_percent",
        "most_lost_percent",
        "most_percent",
        "most_ratio",
        "most_worse_percent",
    ];
    assert_eq!(gates, kept(&all));
    let same = ask(
        "select sum(accounts) filter (where from_segment = to_segment), sum(accounts) from segment_migration where segmentation = 'global'",
    );
    let [same, of]: [f64; 2] = [0, 1].map(|at: usize| same[0][at].parse().expect("a number"));
    assert!(same >= 0.95 * of, "{same} of {of}");
    let drift = ask(
        "select count(*), count(*) filter (where stability < 0.1), count(distinct feature) from segment_drift where segment = 'all'",
    );
    assert_eq!(drift, [["4", "4", "4"]]);

    // Another definition makes other groups.
    let project = overlay(&format!("{HEAD}[[feature]]\nsql = \"tenure_years\"\n"));
    let release = || ask("select max(release) from releases");
    let standing = release();
    let refit = |more: &[&str]| output(run_later("refit", out.path()).arg("--project").arg(project.path()).args(more));
    let held = refit(&[]);
    let told = String::from_utf8_lossy(&held.stderr).into_owned();
    assert_eq!(held.status.code(), Some(5), "{told}");
    assert!(told.contains("global.least_agreement is") && told.contains("--accept global.least_agreement"), "{told}");
    assert_eq!(release(), standing, "nothing was published");
    let wrong = refit(&["--accept", "global.agreement"]);
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(2), "{told}");
    assert!(told.contains("did you mean `global.least_agreement`?"), "{told}");
    assert_eq!(refit(&["--accept", "global.least_agreement"]).status.code(), Some(0));
    assert_ne!(release(), standing);
    let accepted = ask("select gate from segment_gate where is_accepted");
    assert_eq!(accepted, [["least_agreement"]]);
    assert_eq!(refit(&[]).status.code(), Some(0), "what was accepted stays so");

    let compared = |arguments: &[&str]| {
        let found = output(kwhy().args(["segments", "compare"]).args(arguments).arg("--out").arg(out.path()));
        (found.status.code(), String::from_utf8_lossy(&[found.stdout, found.stderr].concat()).into_owned())
    };
    let (code, told) = compared(&["1", "2"]);
    let line =
        |name: &str| told.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default().to_owned();
    assert!(code == Some(0) && line("use_class").ends_with("1.0000"), "{told}");
    let agreement: f64 = line("global").split_whitespace().last().and_then(|it| it.parse().ok()).expect("an index");
    assert!((0.8..=1.0).contains(&agreement), "{told}");
    let (code, told) = compared(&["2", "3", "global"]);
    let moved = ask("select count(*) from segment_migration where segmentation = 'global'");
    let moved: usize = moved[0][0].parse().expect("a number");
    assert!(code == Some(0) && told.contains("from_segment") && told.lines().count() > moved, "{told}");
    let (code, told) = compared(&["1", "99"]);
    assert!(code == Some(2) && told.contains("there is no release 99"), "{told}");
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
