//! Groups by rank: against what anyone counts over all accounts, and as they stay.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{
    AS_OF, extends_small, kwhy, lake, output, query, refused, run_daily, run_job, run_refit, succeed,
};

const HEAD: &str = "label = \"g\"\nlabel_zh = \"g\"\n";

/// An overlay of the small project with these segmentations.
fn overlay(files: &[(&str, &str)]) -> TempDir {
    let project = TempDir::new().expect("folder");
    std::fs::write(project.path().join("project.toml"), extends_small()).expect("project");
    std::fs::create_dir_all(project.path().join("sql/segments")).expect("folder");
    for (name, text) in files {
        std::fs::write(project.path().join(format!("sql/segments/{name}.toml")), text).expect("a segmentation");
    }
    project
}

fn groups(ends: &[(&str, &str)]) -> String {
    let group = |(name, end): &(&str, &str)| {
        format!("[[group]]\nname = \"{name}\"\nlabel = \"{name}\"\nlabel_zh = \"{name}\"\nto_percent = {end}\n")
    };
    ends.iter().map(group).collect()
}

/// Accounts by value in hundredths, and the group that each is in.
fn ranked(out: &Path, value: &str, segmentation: &str, population: &str) -> Vec<(i128, String)> {
    let sql = format!(
        "select cast(round({value} * 100) as bigint), {segmentation} from customer_tags join customer_segments using (account_id) \
         where {value} is not null and {population} order by 1 desc"
    );
    let row = |row: Vec<String>| (row[0].parse().expect("a number"), row[1].clone());
    query(out, &sql).into_iter().map(row).collect()
}

/// The group of each value, by the definition: it ends where those of it and before it
/// have reached their share.
fn expected(values: &[i128], weight: &dyn Fn(i128) -> i128, ends: &[(&str, i128)]) -> BTreeMap<i128, String> {
    let total: i128 = values.iter().map(|value| weight(*value)).sum();
    let mut of_value = BTreeMap::new();
    for value in values {
        let above: i128 = values.iter().filter(|other| *other > value).map(|other| weight(*other)).sum();
        let group = ends.iter().find(|(_, hundredths)| above * 10_000 < total * hundredths);
        of_value.insert(*value, group.or(ends.last()).expect("a group").0.to_owned());
    }
    of_value
}

/// Tiers of revenue, fifths of homes by energy, and rules that name them.
#[test]
fn tiers_are_what_anyone_counts() {
    let size = format!(
        "method = \"quantile\"\nof = \"energy_12m_kwh\"\npopulation = \"account_class = 'residential'\"\n{HEAD}{}",
        groups(&[("large", "20"), ("middle", "50.5"), ("small", "100")])
    );
    let first = "label = \"g\"\nlabel_zh = \"g\"\n\
                 [[group]]\nname = \"both\"\nlabel = \"x\"\nlabel_zh = \"x\"\nwhen = \"size = 'large' and value in ('a', 'b', 'c', 'd')\"\n\
                 [[group]]\nname = \"middle\"\nlabel = \"x\"\nlabel_zh = \"x\"\nwhen = \"size = 'middle' or energy_12m_kwh > 1000000\"\n";
    let project = overlay(&[("size", &size), ("first", first)]);
    let out = TempDir::new().expect("folder");
    succeed(run_refit(lake(), out.path()).arg("--project").arg(project.path()));

    let of_value = ranked(out.path(), "amount_12m_cny", "value", "true");
    let values: Vec<i128> = of_value.iter().map(|(value, _)| *value).collect();
    let ends = [("a", 5_000), ("b", 7_000), ("c", 8_500), ("d", 9_500), ("e", 10_000)];
    let wanted = expected(&values, &|value| value.max(0), &ends);
    for (value, group) in &of_value {
        assert_eq!(group, &wanted[value], "{value}");
    }
    let met: std::collections::BTreeSet<&String> = wanted.values().collect();
    assert!(met.len() >= 4, "{met:?}");

    let of_size = ranked(out.path(), "energy_12m_kwh", "size", "account_class = 'residential'");
    let values: Vec<i128> = of_size.iter().map(|(value, _)| *value).collect();
    let wanted = expected(&values, &|_| 1, &[("large", 2_000), ("middle", 5_050), ("small", 10_000)]);
    for (value, group) in &of_size {
        assert_eq!(group, &wanted[value], "{value}");
    }
    let ask = |sql: &str| query(out.path(), sql)[0][0].clone();
    // Nobody else has a size, and who has no value is unknown.
    assert_eq!(
        ask(
            "select count(*) from customer_tags join customer_segments using (account_id) where (size is not null) <> (account_class = 'residential')"
        ),
        "0"
    );
    let unknown = "select count(*) filter (where amount_12m_cny is null), count(*) filter (where value = 'unknown'), count(*) filter (where amount_12m_cny is null and value = 'unknown') from customer_tags join customer_segments using (account_id)";
    let unknown = &query(out.path(), unknown)[0];
    assert!(unknown[0] != "0" && unknown[0] == unknown[1] && unknown[1] == unknown[2], "{unknown:?}");
    let differ = "select count(*), count(*) filter (where first <> case when size = 'large' and value in ('a', 'b', 'c', 'd') then 'both' \
                  when size = 'middle' or energy_12m_kwh > 1000000 then 'middle' else 'unknown' end), count(distinct first) \
                  from customer_tags join customer_segments using (account_id)";
    let differ = &query(out.path(), differ)[0];
    assert!(differ[0] != "0" && differ[1] == "0" && differ[2] == "3", "{differ:?}");

    // What is told is what is done: the rule of each account, and its SQL.
    let rules = query(out.path(), "select rule, segment, sql from segment_rules where segmentation = 'value'");
    assert_eq!(rules.len(), met.len());
    for rule in &rules {
        let [number, segment, sql] = rule.as_slice() else { panic!("{rule:?}") };
        let asked = format!(
            "select count(*), count(*) filter (where path.rule = {number}), count(*) filter (where value = '{segment}') from customer_tags join customer_segments using (account_id) \
             join (select account_id, rule from segment_path where segmentation = 'value') as path using (account_id) where {sql}"
        );
        let counts = &query(out.path(), &asked)[0];
        assert!(counts[0] != "0" && counts[0] == counts[1] && counts[1] == counts[2], "{rule:?}: {counts:?}");
    }
    let account = ask("select account_id from customer_segments where value = 'a' limit 1");
    let why = succeed(kwhy().args(["segments", "explain", &account, "--out"]).arg(out.path()));
    assert!(why.contains("Bill of 12 months: at least"), "{why}");
    let shown = succeed(kwhy().args(["segments", "show", "value", "--out"]).arg(out.path()));
    assert!(shown.contains("pareto") && shown.contains("A: half of revenue"), "{shown}");
}

/// Where tiers end stays until the next refit, whatever accounts come to; and a release
/// in which many have changed their tier is held back.
#[test]
fn ends_stay_until_the_next_refit() {
    let out = TempDir::new().expect("folder");
    let run = |job: &str, as_of: &str| {
        let mut command = kwhy();
        command.args(["run", job, "--as-of", as_of, "--lake"]).arg(lake()).arg("--out").arg(out.path());
        output(&mut command)
    };
    assert_eq!(run("refit", "2026-01-25").status.code(), Some(0));
    let case = query(out.path(), "select group_sql from segment_model where segmentation = 'value'")[0][0].clone();
    let amounts = || query(out.path(), "select account_id, amount_12m_cny from customer_tags order by 1");
    let before = amounts();
    assert_eq!(run("daily", AS_OF).status.code(), Some(0));
    assert!(amounts() != before, "bills have come in");
    let differ = format!(
        "select count(*), count(*) filter (where value is distinct from ({case})) from customer_tags join customer_segments using (account_id)"
    );
    let counts = &query(out.path(), &differ)[0];
    assert!(counts[0] != "0" && counts[1] == "0", "{counts:?}");
    let gates = query(out.path(), "select gate, is_kept from segment_gate where segmentation = 'value' order by gate");
    assert_eq!(gates, [["least_agreement", "true"], ["most_lost_percent", "true"]]);

    // Other ends are another definition, and then other groups.
    let text = format!("method = \"pareto\"\nof = \"amount_12m_cny\"\n{HEAD}{}", groups(&[("a", "99"), ("e", "100")]));
    let project = overlay(&[("value", &text)]);
    let with = |job: &str| {
        let mut command = kwhy();
        command.args(["run", job, "--as-of", "2026-03-02", "--lake"]).arg(lake()).arg("--out").arg(out.path());
        let found = output(command.arg("--project").arg(project.path()));
        (found.status.code(), String::from_utf8_lossy(&found.stderr).into_owned())
    };
    let (code, told) = with("daily");
    assert!(code == Some(2) && told.contains("`value` was fitted by another definition"), "{told}");
    let (code, told) = with("refit");
    assert!(code == Some(5) && told.contains("value.least_agreement is"), "{told}");
}

#[test]
fn tiers_that_cannot_be() {
    let out = TempDir::new().expect("folder");
    succeed(&mut run_daily(lake(), out.path()));
    let release = || query(out.path(), "select max(release) from releases");
    let before = release();
    let two = groups(&[("a", "50"), ("b", "100")]);
    let of = |value: &str, more: &str| format!("method = \"quantile\"\nof = \"{value}\"\n{more}{HEAD}");
    let energy = of("energy_12m_kwh", "");
    let ranked = |value: &str| format!("{}{two}", of(value, ""));
    let cases: [(&str, String, i32, &[&str]); 20] = [
        ("daily", ranked("account_class"), 2, &["accounts are ranked by a number", "value.toml:2"]),
        ("daily", ranked("open_date"), 2, &["`open_date` is a date", "value.toml:2"]),
        (
            "daily",
            ranked("row_number() over (order by energy_12m_kwh)"),
            2,
            &["`row_number` looks at more than one row", "value.toml:2"],
        ),
        ("daily", ranked("sum(energy_12m_kwh)"), 2, &["`sum` looks at more than one row", "value.toml:2"]),
        ("daily", ranked("energy_12m_kwh -- a year"), 2, &["a comment stands outside", "value.toml:2"]),
        (
            "daily",
            format!("{energy}{}", groups(&[("a", "50"), ("unknown", "100")])),
            2,
            &["`unknown` are the accounts of which it cannot be said"],
        ),
        ("daily", format!("{energy}[gates]\nleast_fidelity = 0.5\n{two}"), 2, &["`least_fidelity`", "value.toml:6"]),
        ("daily", format!("{energy}[gates]\nmost_lost_percent = -1\n{two}"), 2, &["from 0 to 100", "value.toml:6"]),
        ("daily", format!("method = \"quantile\"\n{HEAD}{two}"), 2, &["`of` is missing", "value.toml"]),
        ("daily", energy.clone(), 2, &["by quantile needs [[group]] blocks"]),
        ("daily", format!("{energy}{}", groups(&[("a", "100")])), 2, &["from 2 to 7"]),
        (
            "daily",
            format!("{energy}{}", groups(&[("a", "50"), ("b", "40"), ("c", "100")])),
            2,
            &["above the one before"],
        ),
        ("daily", format!("{energy}{}", groups(&[("a", "50"), ("b", "90")])), 2, &["the last one is 100"]),
        (
            "daily",
            format!("{energy}{}", groups(&[("a", "33.333"), ("b", "100")])),
            2,
            &["at most two digits", "value.toml:9"],
        ),
        ("daily", format!("{energy}{}", two.replace("to_percent = 50\n", "")), 2, &["`to_percent` is missing"]),
        (
            "daily",
            format!("{energy}[limits]\nmost_percent = 30\n{two}"),
            2,
            &["2 groups cannot keep these limits", "value.toml:5"],
        ),
        ("daily", format!("{}{two}", of("energy_12m", "")), 2, &["no tag is called `energy_12m`", "value.toml:2"]),
        ("refit", format!("{}{two}", of("energy_12m_kwh * 0", "")), 1, &["`energy_12m_kwh * 0` is the same"]),
        (
            "refit",
            format!("{}{two}", of("energy_12m_kwh", "population = \"energy_12m_kwh < 0\"\n")),
            1,
            &["is known of no account", "value.toml"],
        ),
        (
            "refit",
            format!(
                "{}[limits]\nleast_percent = 20\n{}",
                of("energy_12m_kwh", ""),
                groups(&[("a", "1"), ("b", "100")])
            ),
            1,
            &["beyond its limits", "value.toml"],
        ),
    ];
    for (job, text, code, says) in cases {
        let project = overlay(&[("value", &text)]);
        refused(run_job(job, lake(), out.path()).arg("--project").arg(project.path()), code, says);
    }
    let limit = |text: &str| format!("{energy}[limits]\n{text}\n{two}");
    for (text, says) in [
        ("least_percent = -5", "from 0 to 100"),
        ("most_percent = 135", "from 0 to 100"),
        ("most_ratio = 0.5", "1 or more"),
    ] {
        let project = overlay(&[("value", &limit(text))]);
        refused(run_daily(lake(), out.path()).arg("--project").arg(project.path()), 2, &[says, "value.toml:6"]);
    }
    // A name that is wrong in a rule is told among all that there are.
    let text =
        format!("{HEAD}[[group]]\nname = \"x\"\nlabel = \"x\"\nlabel_zh = \"x\"\nwhen = \"energy_12m_kw > 3\"\n");
    let project = overlay(&[("large", &text)]);
    let mut run = kwhy();
    run.args(["run", "daily", "--as-of", AS_OF, "--lake"]).arg(lake()).arg("--out").arg(out.path());
    let found = output(run.arg("--project").arg(project.path()));
    let told = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.code() == Some(2) && told.contains("energy_12m_kwh"), "{told}");
    assert_eq!(release(), before, "nothing was published");
}

/// A release names what it has not made, too: what is of a later date is not what was
/// there before.
#[test]
fn what_is_compared_with_is_of_an_earlier_date() {
    let out = TempDir::new().expect("folder");
    let run = |job: &str, as_of: &str| {
        let mut command = kwhy();
        succeed(command.args(["run", job, "--as-of", as_of, "--lake"]).arg(lake()).arg("--out").arg(out.path()))
    };
    let compared = || query(out.path(), "select count(*), count(from_segment) from segment_migration")[0].clone();
    run("daily", AS_OF);
    run("cuts", "2026-02-20");
    run("daily", "2026-02-25");
    let found = compared();
    assert!(found[0] != "0" && found[1] == "0", "{found:?}");
    run("daily", "2026-02-26");
    let found = compared();
    assert!(found[1] != "0", "{found:?}");

    // Nor is what a later release has carried on from an earlier date than another's.
    let out = TempDir::new().expect("folder");
    let run = |job: &str, as_of: &str| {
        let mut command = kwhy();
        succeed(command.args(["run", job, "--as-of", as_of, "--lake"]).arg(lake()).arg("--out").arg(out.path()));
        query(out.path(), "select energy_magnitude, count(*) from customer_segments group by 1 order by 1")
    };
    let (later, earlier) = (run("daily", "2026-02-10"), run("daily", "2026-01-20"));
    assert_ne!(later, earlier, "bills came in between");
    assert_eq!(run("cuts", "2026-02-15"), earlier);
    run("daily", "2026-02-28");
    let before = "select from_segment, sum(accounts) from segment_migration \
                  where segmentation = 'energy_magnitude' and from_segment is not null group by 1 order by 1";
    assert_eq!(query(out.path(), before), later);
}

/// What a lake has too little for is left out, if it may be, and told of; what came after
/// the last refit is waited for.
#[test]
fn what_a_lake_has_too_little_for_is_left_out() {
    let out = TempDir::new().expect("folder");
    let text = |of: &str| {
        format!("method = \"quantile\"\nof = \"{of}\"\noptional = true\n{HEAD}{}", groups(&[("a", "50"), ("b", "100")]))
    };
    let run = |job: &str, segmentations: &[(&str, &str)]| {
        let project = overlay(segmentations);
        let mut command = kwhy();
        command.args(["run", job, "--as-of", AS_OF, "--lake"]).arg(lake()).arg("--out").arg(out.path());
        succeed(command.arg("--project").arg(project.path()))
    };
    let (same, energy) = (text("energy_12m_kwh * 0"), text("energy_12m_kwh"));
    let left_out = "has too little: value (`energy_12m_kwh * 0` is the same for all ";
    let waited_for = "without a model (kwhy run refit fits them): ";
    for job in ["refit", "daily"] {
        let told = run(job, &[("value", &same)]);
        assert!(told.contains(left_out) && !told.contains(waited_for), "{told}");
    }
    let mut show = kwhy();
    let project = overlay(&[("value", &same)]);
    show.args(["segments", "show", "value", "--project"]).arg(project.path()).arg("--out").arg(out.path());
    let shown = output(&mut show);
    let told = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert!(shown.status.code() == Some(2) && told.contains("no model of `value`: `energy_12m_kwh * 0`"), "{told}");
    let told = run("daily", &[("value", &same), ("weight", &energy)]);
    assert!(told.contains(left_out) && told.contains(&format!("{waited_for}weight")), "{told}");
    let told = run("daily", &[("value", &energy)]);
    assert!(told.contains(&format!("{waited_for}value")) && !told.contains(left_out), "{told}");
}

/// What accounts are ranked by is asked of those alone that are ranked.
#[test]
fn nothing_is_asked_of_others() {
    let out = TempDir::new().expect("folder");
    let text = format!(
        "method = \"quantile\"\nof = \"energy_12m_kwh / arrears_cny\"\npopulation = \"arrears_cny > 0\"\n{HEAD}{}",
        groups(&[("a", "50"), ("b", "100")])
    );
    let project = overlay(&[("weight", &text)]);
    let mut run = kwhy();
    run.args(["run", "refit", "--as-of", AS_OF, "--lake"]).arg(lake()).arg("--out").arg(out.path());
    succeed(run.arg("--project").arg(project.path()));
    let outside = "select count(*) filter (where coalesce(arrears_cny, 0) = 0), count(weight) filter (where not coalesce(arrears_cny > 0, false)), count(weight) \
                   from customer_tags join customer_segments using (account_id)";
    let counts = &query(out.path(), outside)[0];
    assert!(counts[0] != "0" && counts[1] == "0" && counts[2] != "0", "{counts:?}");
}
