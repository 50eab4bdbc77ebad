//! The tag engine through its commands: what holds on to the past, what is
//! frozen, what a change of a label or of a definition does, and every kind of
//! mistake in a file of tags.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{extends_small, kwhy, lake, output, query, run_daily, small, succeed};

/// The small project with its file of tags edited.
fn edited(edit: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("folder");
    let mut text = std::fs::read_to_string(small().join("sql/tags/small.toml")).expect("tags");
    for (from, to) in edit {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    std::fs::write(folder.path().join("project.toml"), extends_small()).expect("project");
    std::fs::create_dir_all(folder.path().join("sql/tags")).expect("folder");
    std::fs::write(folder.path().join("sql/tags/small.toml"), text).expect("tags");
    folder
}

fn run(project: &Path, out: &Path, as_of: &str) -> String {
    let mut command = kwhy();
    command.args(["run", "daily", "--as-of", as_of, "--lake"]).arg(lake()).arg("--out").arg(out);
    succeed(command.arg("--project").arg(project))
}

fn ask(arguments: &[&str], project: &Path, out: &Path) -> String {
    succeed(kwhy().args(arguments).arg("--project").arg(project).arg("--out").arg(out))
}

#[test]
fn a_state_is_held_until_it_is_left_and_changes_are_told() {
    // The evening share of an account moves a little from one month to the next.
    let project = edited(&[("enter = 26, exit = 24", "enter = 26, exit = 10")]);
    let out = TempDir::new().expect("folder");
    run(project.path(), out.path(), "2026-02-27");
    run(project.path(), out.path(), "2026-03-01");
    let counts = |condition: &str| {
        let sql = format!("select count(*) from customer_tags where {condition}");
        query(out.path(), &sql)[0][0].parse::<u64>().expect("a count")
    };
    // Whoever is true below what must be reached was true before.
    let held = counts("is_evening_heavy and evening_share < 0.26");
    assert!(held > 0, "nobody is held");
    assert_eq!(counts("evening_share >= 0.26 and not is_evening_heavy"), 0);
    let fresh = TempDir::new().expect("folder");
    run(project.path(), fresh.path(), "2026-03-01");
    assert_eq!(
        query(fresh.path(), "select count(*) from customer_tags where is_evening_heavy and evening_share < 0.26"),
        [["0"]]
    );
    let told = query(
        out.path(),
        "select distinct before, after from tag_change where tag = 'is_evening_heavy' and before = 'true' and after = 'false'",
    );
    assert!(told.is_empty(), "a state was left above its exit value: {told:?}");
    let changes = query(out.path(), "select count(*) from tag_change");
    assert_ne!(changes, [["0"]]);
}

#[test]
fn tiers_stand_on_cuts_that_are_frozen_until_they_are_made_anew() {
    let out = TempDir::new().expect("folder");
    run(&small(), out.path(), "2026-02-15");
    run(&small(), out.path(), "2026-03-01");
    let frozen = "select distinct frozen_as_of from tag_cut";
    assert_eq!(query(out.path(), frozen), [["2026-02-15"]]);
    // Fifths, as far as groups are whole and values differ.
    let sql = "select energy_tier, count(*) from customer_tags where energy_tier is not null group by 1 order by 1";
    let tiers = query(out.path(), sql);
    assert_eq!(tiers.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
    let mut cuts = kwhy();
    cuts.args(["run", "cuts", "--as-of", "2026-03-01", "--lake"]).arg(lake()).arg("--out").arg(out.path());
    succeed(&mut cuts);
    assert_eq!(query(out.path(), frozen), [["2026-03-01"]]);
}

#[test]
fn a_label_recomputes_nothing_and_a_definition_is_compared_before_it_is_published() {
    let out = TempDir::new().expect("folder");
    run(&small(), out.path(), "2026-03-01");
    let renamed = edited(&[("label_zh = \"负荷率\"", "label_zh = \"日负荷率\""), ("# A few tags", "# Some tags")]);
    let shown = run(renamed.path(), out.path(), "2026-03-01");
    for line in shown.lines().filter(|line| line.starts_with(" features") || line.starts_with(" tags")) {
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells[1], cells[2], "units and units that stood: {line}");
    }
    let log = std::fs::read_dir(out.path().join("marts/customer_tags/_delta_log")).expect("log");
    let says =
        log.flatten().any(|entry| std::fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("日负荷率")));
    assert!(says, "the label is in no comment");

    assert!(ask(&["tags", "diff"], renamed.path(), out.path()).contains("no definition is another one"));
    let changed = edited(&[("sql = \"coalesce(arrears_cny, 0)\"", "sql = \"coalesce(arrears_cny, 0) + 1\"")]);
    let before = query(out.path(), "select sum(arrears_cny) from customer_tags");
    let shown = ask(&["tags", "diff"], changed.path(), out.path());
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert!(shown.contains("arrears_cny: ") && words.windows(2).any(|pair| pair == ["0.00", "1.00"]), "{shown}");
    assert!(shown.contains("residential"), "{shown}");
    assert_eq!(query(out.path(), "select sum(arrears_cny) from customer_tags"), before);
}

#[test]
fn a_tag_can_be_asked_why_and_by_whom_it_is_borne() {
    let out = TempDir::new().expect("folder");
    run(&small(), out.path(), "2026-03-01");
    let found = query(
        out.path(),
        "select account_id, energy_12m_kwh from customer_tags where energy_12m_kwh > 0 order by 1 limit 1",
    );
    let (account, energy) = (&found[0][0], &found[0][1]);
    let shown = ask(&["tags", "why", account, "energy_12m_kwh"], &small(), out.path());
    assert!(shown.contains(&format!("is {energy}, as of 2026-03-01")), "{shown}");
    assert!(shown.contains("9 of the last 12 bills") && shown.contains("stg_bills"), "{shown}");
    let shown = ask(&["tags", "why", account, "energy_tier"], &small(), out.path());
    assert!(shown.contains("energy_12m_kwh__p80"), "{shown}");
    assert!(ask(&["tags", "show", "account_class"], &small(), out.path()).contains("residential  ####"));
    let lineage = succeed(kwhy().args(["tags", "lineage", "bills.energy_wh"]));
    assert!(lineage.contains("energy_12m_kwh\n") && lineage.contains("energy_tier\n"), "{lineage}");

    let count = |condition: &str| {
        let mut command = kwhy();
        command.args(["audience", condition, "--count", "--out"]).arg(out.path());
        succeed(&mut command).trim().to_owned()
    };
    let expected = query(
        out.path(),
        "select count(*) from customer_tags join customer_segments using (account_id) where arrears_cny > 0 and use_class = 'commercial'",
    );
    assert_eq!(count("arrears_cny > 0 and use_class = 'commercial'"), expected[0][0]);
    let long = "select count(*) as n, count(distinct tag) as tags from customer_tags_long where tag in ('arrears_cny', 'energy_tier')";
    let long = succeed(kwhy().args(["sql", "-c", long, "--out"]).arg(out.path()));
    let known = query(out.path(), "select count(arrears_cny) + count(energy_tier) from customer_tags");
    assert_eq!(
        long.lines().last().map(|line| line.split_whitespace().collect::<Vec<_>>()),
        Some(vec![known[0][0].as_str(), "2"])
    );
    // What is written is what is asked.
    let folder = TempDir::new().expect("folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let mut export = kwhy();
    export
        .args(["tags", "export", "arrears_cny", "energy_tier", "--to", &file("标签 #1 [b].csv"), "--out"])
        .arg(out.path());
    assert!(succeed(&mut export).replace(',', "").starts_with(&known[0][0]));
    let text = std::fs::read_to_string(file("标签 #1 [b].csv")).expect("the file");
    assert!(text.starts_with("account_id,as_of,tag,value\n"), "{text}");
    assert_eq!(text.lines().count() - 1, known[0][0].parse::<usize>().expect("a count"));
    let mut written = kwhy();
    written.args(["audience", "arrears_cny > 0", "--to", &file("owing.parquet"), "--out"]).arg(out.path());
    succeed(&mut written);
    let owing = std::fs::File::open(file("owing.parquet")).expect("the file");
    let owing = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(owing).expect("a Parquet file");
    assert_eq!(owing.metadata().file_metadata().num_rows().to_string(), count("arrears_cny > 0"));
    assert_eq!(
        owing.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        ["account_id", "arrears_cny"]
    );
    let mut confused = kwhy();
    confused.args(["audience", "arrears_cny > 0", "--out", &file("owing.csv")]);
    let told = output(&mut confused);
    assert_eq!(told.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&told.stderr).contains("--to FILE"));
    for name in ["tags.txt", "nowhere/tags.csv"] {
        let mut refused = kwhy();
        refused.args(["tags", "export", "arrears_cny", "--to", &file(name), "--out"]).arg(out.path());
        assert_ne!(output(&mut refused).status.code(), Some(0));
        assert!(!folder.path().join(name).exists());
    }
    let refused = output(kwhy().args(["audience", "arears_cny > 0", "--out"]).arg(out.path()));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2));
    assert!(message.contains("`arears_cny`") && message.contains("did you mean `arrears_cny`?"), "{message}");
}

#[test]
fn a_sensitive_tag_stands_in_a_table_of_its_own_and_only_where_it_is_asked_for() {
    let out = TempDir::new().expect("folder");
    run(&small(), out.path(), "2026-03-01");
    assert!(!out.path().join("marts/customer_tags_sensitive").exists());
    let catalog = query(out.path(), "select table_name from tag_catalog where tag = 'is_cared_for'");
    assert_eq!(catalog, [["customer_tags_sensitive"]]);
    let job = "label = \"Sensitive tags\"\nbuild = [\"customer_tags_sensitive\"]\n";
    let project = edited(&[]);
    std::fs::create_dir_all(project.path().join("jobs")).expect("folder");
    std::fs::write(project.path().join("jobs/sensitive.toml"), job).expect("job");
    let mut sensitive = kwhy();
    sensitive.args(["run", "sensitive", "--as-of", "2026-03-01", "--lake"]).arg(lake()).arg("--out").arg(out.path());
    succeed(sensitive.arg("--project").arg(project.path()));
    assert_ne!(query(out.path(), "select count(is_cared_for) from customer_tags_sensitive"), [["0"]]);
}

/// Groups are counted by a sensitive tag that asks for it, but where one of the figures
/// would be of a few accounts, from which the others must not tell it either.
#[test]
fn groups_are_counted_by_a_sensitive_tag_unless_a_figure_is_of_few() {
    let fifth = "sql = \"right(account_id, 1) in ('3', '7')\"";
    let project = edited(&[
        ("sensitivity = 3\n", "sensitivity = 3\nprofiled = true\n"),
        ("sql = \"social_flag is not null\"", fifth),
    ]);
    let out = TempDir::new().expect("folder");
    run(project.path(), out.path(), "2026-03-01");
    assert!(!out.path().join("marts/customer_tags_sensitive").exists());
    let told = "select segmentation, segment, value, accounts from segment_profile where attribute = 'is_cared_for' order by 1, 2, 3";
    let told = query(out.path(), told);
    let (mut shown, mut withheld) = (0, 0);
    for segmentation in ["account_age", "energy_magnitude", "settlement", "use_class", "voltage"] {
        let direct = format!(
            "select '{segmentation}', {segmentation}, right(account_id, 1) in ('3', '7'), count(*) from customer_segments group by 2, 3 order by 2, 3"
        );
        let direct = query(out.path(), &direct);
        let is_of_few = direct.iter().any(|row| row[3].parse::<u32>().expect("a number") < 10);
        let told: Vec<_> = told.iter().filter(|row| row[0] == segmentation).cloned().collect();
        match is_of_few {
            true => assert!(told.is_empty(), "{told:?}"),
            false => assert_eq!(told, direct),
        }
        *(if is_of_few { &mut withheld } else { &mut shown }) += 1;
    }
    assert!(shown > 0 && withheld > 0, "{shown} shown, {withheld} withheld");
    // Of other attributes all is told.
    let few = "select count(*) from segment_profile where attribute = 'account_class' and accounts < 10";
    assert_ne!(query(out.path(), few), [["0"]]);
}

#[test]
fn every_kind_of_mistake_is_told_in_one_go() {
    let extra = r#"
[defaults]
category = "use"
feature = "account_bill"
evidence = "bills_12m"

[[tag]]
name = "a_column"
label = "A"
label_zh = "甲"
type = "number"
unit = "kWh"
sql = "enrgy_12m_wh / 1000"
definition = "No such column."

[[tag]]
name = "a_type"
label = "B"
label_zh = "乙"
type = "bool"
sql = "energy_12m_wh"
definition = "A number is no flag."

[[tag]]
name = "a_domain"
label = "C"
label_zh = "丙"
type = "enum"
values = ["low", "high"]
sql = "case when energy_12m_wh > 0 then 'hihg' else 'low' end"
definition = "A value outside the domain."

[[tag]]
name = "a_label"
label = "D"
type = "bool"
sql = "energy_12m_wh > 0"
definition = "No label in Chinese."

[[tag]]
name = "energy_12m_kwh"
label = "E"
label_zh = "戊"
type = "number"
unit = "kWh"
sql = "energy_12m_wh"
definition = "A name used twice."

[[tag]]
name = "a_unit"
label = "F"
label_zh = "己"
type = "bool"
sql = "energy_12m_wh > $least"
parameters.least = { value = 5 }
definition = "A parameter without a unit."

[[tag]]
name = "one"
label = "G"
label_zh = "庚"
type = "bool"
feature = "customer_tags"
sql = "not other"
definition = "A circle."

[[tag]]
name = "other"
label = "H"
label_zh = "辛"
type = "bool"
feature = "customer_tags"
sql = "not one"
definition = "A circle."

[[tag]]
name = "a_table"
label = "I"
label_zh = "壬"
type = "bool"
feature = "account_bil"
sql = "true"
definition = "No such table."
"#;
    let folder = edited(&[]);
    std::fs::write(folder.path().join("sql/tags/extra.toml"), extra).expect("tags");
    let refused = output(kwhy().args(["tags", "validate", "--project"]).arg(folder.path()));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{message}");
    for says in [
        "no column is called `enrgy_12m_wh` in account_bill",
        "did you mean `energy_12m_wh`?",
        "`a_type` is a bool, and its SQL gives Int64",
        "`hihg` is none of the values of `a_domain`",
        "`label_zh` is missing",
        "tag `energy_12m_kwh` stands here twice",
        "the parameter `least` needs a `unit`",
        "tags need each other: one -> other -> one",
        "no feature table is called `account_bil`",
        "extra.toml:13:",
        "error: 8 mistakes in the project files",
    ] {
        assert!(message.contains(says), "{says} is not in:\n{message}");
    }
    let out = TempDir::new().expect("folder");
    let refused = output(run_daily(lake(), out.path()).arg("--project").arg(folder.path()));
    assert_eq!(refused.status.code(), Some(2));
    assert!(!out.path().join("marts/releases").exists());
}

#[test]
fn a_value_that_an_enumeration_does_not_declare_holds_the_release_back() {
    let project = edited(&[("\"mv20_35\", \"hv110plus\"]", "\"mv20_35\"]"), ("\"lv380\", ", "")]);
    let out = TempDir::new().expect("folder");
    let mut run = run_daily(lake(), out.path());
    let told = output(run.arg("--project").arg(project.path()));
    let text = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{text}");
    assert!(text.contains("tag `voltage_class` is `lv380` for"), "{text}");
    assert!(text.contains("nothing was published"), "{text}");
    assert!(!out.path().join("marts/releases").exists());
}

#[test]
fn what_a_lake_does_not_say_is_unknown_and_not_false() {
    let register = "[evidence.care_registered]
label = \"The lake says who needs care\"
sources = [\"accounts.social_flag\"]
feature = \"stg_accounts\"
when = \"true\"
reason = \"unregistered\"

[evidence.registered]";
    let project = edited(&[
        ("[evidence.registered]", register),
        (
            "[[tag]]\nname = \"voltage_class\"",
            "[[tag]]
name = \"is_elderly\"
label = \"Elderly household\"
label_zh = \"高龄独居户\"
type = \"bool\"
evidence = \"care_registered\"
sql = \"coalesce(social_flag = 'elderly', false)\"
definition = \"In the register of those who need care.\"

[[tag]]\nname = \"voltage_class\"",
        ),
    ]);
    let known = "select count(*) filter (where is_elderly), count(is_elderly), max(evidence_care_registered) from customer_tags";
    let absent = "select absent_columns from audit_result where source = 'accounts'";
    let out = TempDir::new().expect("folder");
    run(project.path(), out.path(), "2026-03-01");
    assert_ne!(query(out.path(), known)[0][0], "0");
    assert!(!query(out.path(), absent)[0][0].contains("social_flag"));
    // The same lake, whose contract does not say where the column stands.
    let contract = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/sources/accounts.toml"));
    let contract = contract.expect("contract");
    let (before, after) = contract.split_once("[[column]]\nname = \"social_flag\"").expect("the column");
    let after = after.split_once("[[column]]").expect("another column").1;
    std::fs::create_dir_all(project.path().join("schemas/sources")).expect("folder");
    let without = format!("{before}[[column]]{after}");
    std::fs::write(project.path().join("schemas/sources/accounts.toml"), without).expect("contract");
    let out = TempDir::new().expect("folder");
    run(project.path(), out.path(), "2026-03-01");
    assert_eq!(query(out.path(), known), [["0", "0", "source_absent"]]);
    assert!(query(out.path(), absent)[0][0].contains("accounts.social_flag"));
    // And so says a comparison with definitions that are not published.
    let changed = std::fs::read_to_string(project.path().join("sql/tags/small.toml")).expect("tags");
    let changed = changed.replace("coalesce(social_flag = 'elderly', false)", "social_flag is not null");
    std::fs::write(project.path().join("sql/tags/small.toml"), changed).expect("tags");
    let compared = ask(&["tags", "diff", "is_elderly"], project.path(), out.path());
    assert!(!compared.contains("false"), "{compared}");
}
