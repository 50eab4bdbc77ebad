//! Files of segmentations: what they say holds, what they ask for is kept, and what is
//! wrong with them is told.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::pairs;
use crate::support::{
    AS_OF, extends_small, kwhy, lake, output, query, refused, run_daily, run_job, run_refit, succeed,
};

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

/// Columns of feature tables make the groups that tags of the same columns make.
#[test]
fn features_may_be_columns_of_tables() {
    let groups = |cv: &str, energy: &str, buckets: &str| {
        let text = format!(
            "{HEAD}[gates]\nleast_fidelity = 0\n[[feature]]\nsql = \"{cv}\"\n[[feature]]\nsql = \"{energy}\"\ntransform = \"log\"\n\
             [[feature]]\nsql = \"tenure_years\"\n"
        );
        let project = overlay(&text);
        let tag = |name: &str, kind: &str, sql: &str, more: &str| {
            format!(
                "[[tag]]\nname = \"{name}\"\nlabel = \"{name}\"\nlabel_zh = \"{name}\"\ntype = \"{kind}\"\nfeature = \"account_bill\"\n\
                 evidence = \"registered\"\ncategory = \"use\"\nsql = \"{sql}\"\ndefinition = \"{name}.\"\n{more}\n"
            )
        };
        let tags = tag("energy_cv", "number", "energy_cv_12m", "unit = \"1\"")
            + &tag("energy_wh", "number", "energy_12m_wh", "unit = \"Wh\"")
            + &tag("has_winter_bills", "bool", "bills_winter > 0", "sensitivity = 3");
        std::fs::create_dir_all(project.path().join("sql/tags")).expect("folder");
        std::fs::write(project.path().join("sql/tags/bill.toml"), tags).expect("tags");
        let out = TempDir::new().expect("folder");
        let mut run = run_refit(lake(), out.path());
        run.args(["--buckets", buckets]).arg("--project").arg(project.path());
        (run, out, project)
    };
    let made = |(mut run, out, _project): (Command, TempDir, TempDir)| {
        succeed(&mut run);
        let sql = "select account_id, global, imputed_features from customer_segments join segment_path using (account_id) where segmentation = 'global' order by 1";
        query(out.path(), sql)
    };
    let by_columns = made(groups("account_bill.energy_cv_12m", "account_bill.energy_12m_wh / 1000", "4"));
    assert_eq!(by_columns, made(groups("energy_cv", "energy_wh / 1000", "1")));
    let unknown = by_columns.iter().filter(|row| row[2] == "2").count();
    assert!(unknown > 0 && unknown < by_columns.len(), "some accounts have no bills");
    let (mut run, _out, _project) = groups("account_bill.energy_cv_12m", "account_bill.bills_winter", "1");
    refused(&mut run, 2, &["`account_bill.bills_winter` is sensitive", "`has_winter_bills`"]);
    // Under another name, of a table that no tag reads.
    let (mut run, _out, project) = groups("account_home.flags", "tenure_years + 1", "1");
    for (folder, file, text) in [
        ("sql/features", "account_home.sql", "select account_id, length(social_flag) as flags from stg_accounts\n"),
        ("schemas/features", "account_home.toml", "label = \"Homes\"\nlabel_zh = \"家庭\"\nkey = [\"account_id\"]\n"),
    ] {
        std::fs::create_dir_all(project.path().join(folder)).expect("folder");
        std::fs::write(project.path().join(folder).join(file), text).expect("a table");
    }
    refused(&mut run, 2, &["`account_home.flags` is sensitive", "`is_cared_for`", "global.toml:7"]);
}

/// Groups by rules have a population and gates like all others; of others it is published
/// how far they agree with those before.
#[test]
fn rules_have_a_population_and_gates() {
    let out = TempDir::new().expect("folder");
    let project = |years: u32| {
        let text = format!(
            "label = \"g\"\nlabel_zh = \"g\"\npopulation = \"energy_12m_kwh > 2000\"\n[gates]\nleast_agreement = 0.9\n\
             [[group]]\nname = \"old\"\nlabel = \"x\"\nlabel_zh = \"x\"\nwhen = \"tenure_years >= {years}\"\n\
             [[group]]\nname = \"new\"\nlabel = \"x\"\nlabel_zh = \"x\"\nwhen = \"tenure_years < {years}\"\n"
        );
        overlay(&text)
    };
    let (ten, five) = (project(10), project(5));
    succeed(run_daily(lake(), out.path()).arg("--project").arg(ten.path()));
    let groups = "select count(*) from customer_segments join customer_tags using (account_id) where global is distinct from \
                  case when energy_12m_kwh > 2000 then case when tenure_years >= 10 then 'old' else 'new' end end";
    assert_eq!(query(out.path(), groups), [["0"]]);
    let told = output(kwhy().args(["segments", "show", "global"]).arg("--out").arg(out.path()));
    assert_eq!(told.status.code(), Some(0));
    let held = output(run_later("daily", out.path()).arg("--project").arg(five.path()));
    let told = String::from_utf8_lossy(&held.stderr).into_owned();
    assert!(held.status.code() == Some(5) && told.contains("global.least_agreement is"), "{told}");
    let accept = ["--accept", "global.least_agreement"];
    succeed(run_later("daily", out.path()).args(accept).arg("--project").arg(five.path()));
    let gates = "select segmentation, is_accepted, is_kept, bound is null from segment_gate where gate = 'least_agreement' and segmentation in ('global', 'use_class') order by 1";
    let expected = [["global", "true", "false", "false"], ["use_class", "false", "true", "true"]];
    assert_eq!(query(out.path(), gates), expected);
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

/// Groups by what was not known before are others: the gate says so.
#[test]
fn features_that_become_known_are_told() {
    let out = TempDir::new().expect("folder");
    // Too early for 45 days of load.
    let mut young = kwhy();
    young.args(["run", "refit", "--as-of", "2026-02-10", "--lake"]).arg(lake()).arg("--out").arg(out.path());
    succeed(&mut young);
    let known = "select count(*), count(load_factor) from customer_tags";
    assert_eq!(query(out.path(), known)[0][1], "0");
    let says = ["global.least_agreement is 0.", "below 0.8 (fitted for the first time by load_factor)"];
    refused(&mut run_refit(lake(), out.path()), 5, &says);
}

#[test]
fn segmentations_that_cannot_be() {
    let out = TempDir::new().expect("folder");
    succeed(&mut run_refit(lake(), out.path()));
    let release = || query(out.path(), "select max(release) from releases");
    let before = release();
    let energy = "[[feature]]\nsql = \"energy_12m_kwh\"\n";
    let cases: [(&str, String, i32, &[&str]); 23] = [
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
        (
            "daily",
            format!("{HEAD}{energy}[[feature]]\nsql = \"account_class\"\n"),
            2,
            &["this feature is a text", "global.toml:7", "transform = \"one_hot\""],
        ),
        (
            "daily",
            format!("explain = [\"tenure_years\"]\n{HEAD}{energy}[[feature]]\nsql = \"open_date\"\n"),
            2,
            &["a feature is a number", "this is Date32", "global.toml:8"],
        ),
        (
            "daily",
            format!("{HEAD}{energy}[[feature]]\nsql = \"account_bil.energy_cv_12m\"\n"),
            2,
            &["no feature table is called `account_bil`", "global.toml:7", "did you mean `account_bill`?"],
        ),
        (
            "daily",
            format!("{HEAD}{energy}[[feature]]\nsql = \"account_bill.energy_cv\"\n"),
            2,
            &["no column is called `energy_cv` in account_bill", "global.toml:7", "did you mean `energy_cv_12m`?"],
        ),
        (
            "daily",
            format!("{HEAD}{energy}[[feature]]\nsql = \"account_load_window.load_factor\"\n"),
            2,
            &["other rows than one of each account", "global.toml:7"],
        ),
        (
            "daily",
            format!("population = \"account_bill.energy_cv_12m > 1\"\n{HEAD}{energy}"),
            2,
            &["may stand in [[feature]] alone", "global.toml:1"],
        ),
        (
            "daily",
            format!("population = \"tenure_years\"\n{HEAD}{energy}"),
            2,
            &["a condition is true or false", "global.toml:1"],
        ),
        (
            "daily",
            format!("population = \"account_bill.bills_12m > 1\"\n{HEAD}{energy}[[feature]]\nsql = \"account_bill.bills_12m\"\n"),
            2,
            &["`account_bill.bills_12m` is no tag", "may stand in [[feature]] alone"],
        ),
        (
            "daily",
            format!("{HEAD}[[feature]]\nsql = \"account_bill.bills_12m\"\n"),
            2,
            &["no tags by which the groups can be explained", "explain = "],
        ),
        (
            "daily",
            "label = \"g\"\nlabel_zh = \"g\"\n[[group]]\nname = \"a\"\nlabel = \"x\"\nlabel_zh = \"x\"\nwhen = \"is_cared_for\"\n".to_owned(),
            2,
            &["`is_cared_for` is sensitive", "global.toml:7"],
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
