mod cases;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use self::cases::{Delivery, deliveries, write};
use crate::support::{
    Cluster, assert_same, assert_told, extends_small, generate, kwhy, output, repository, run_daily, succeed, tables,
};

/// A lake with accounts.
fn accounts() -> &'static Path {
    static LAKE: OnceLock<TempDir> = OnceLock::new();
    LAKE.get_or_init(|| {
        let lake = TempDir::new().expect("folder");
        generate(lake.path(), 20, 1);
        lake
    })
    .path()
}

/// A delivery in a lake of its own, and a project that takes it in.
fn lay(delivery: &Delivery) -> (TempDir, TempDir) {
    let (lake, project) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
    let file = accounts().join("sources/accounts/part-00000.parquet");
    write(lake.path(), "sources/accounts/part.parquet", std::fs::read(file).expect("accounts"));
    (delivery.make)(lake.path());
    write(project.path(), "project.toml", extends_small());
    let head = format!("label = \"t\"\nkey = [\"account_id\", \"day\"]\n{}", delivery.head);
    write(project.path(), "schemas/sources/t.toml", head + delivery.columns);
    write(project.path(), "jobs/t.toml", "label = \"t\"\nbuild = [\"stg_t\"]\n");
    (lake, project)
}

/// What comes of a delivery: the check, the run, the rows.
fn story(delivery: &Delivery) -> String {
    let (lake, project) = lay(delivery);
    let (project_path, out) = (project.path(), lake.path().join("kwhy"));
    let clean = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.replace(&lake.path().display().to_string(), "LAKE").replace(&project_path.display().to_string(), "PROJECT")
    };
    let mut told = format!("== {}: {}\n", delivery.name, delivery.about);
    let mut tell = |command: &mut Command, is_shown: bool| {
        let done = output(command);
        let message = clean(&done.stderr);
        assert!(!message.contains("panicked"), "{}: {message}", delivery.name);
        let code = done.status.code().expect("code");
        if is_shown {
            told.push_str(&clean(&done.stdout));
            told.push_str(&message);
        }
        told.push_str(&format!("[{code}]\n"));
        code == 0
    };
    let with_project = |command: &mut Command| {
        command.arg("--lake").arg(lake.path()).arg("--project").arg(project_path);
    };
    let mut check = kwhy();
    with_project(check.args(["sources", "check", "accounts", "t"]));
    tell(&mut check, true);
    let mut run = kwhy();
    with_project(run.args(["run", "t", "--as-of", "2026-03-01"]));
    if tell(&mut run, false) {
        let mut sql = kwhy();
        sql.args(["sql", "-c", "select * from stg_t order by account_id, day", "--lake"]).arg(lake.path());
        tell(&mut sql, true);
    } else {
        assert!(!out.join("marts/releases").exists(), "{}: something was published", delivery.name);
    }
    told
}

/// Every form and every mistake: what comes out, and what is refused, in words
/// that a person can act on.
#[test]
fn each_delivery_comes_in_or_is_refused_as_written_down() {
    let stories: Vec<String> = deliveries().iter().map(story).collect();
    assert_told("deliveries.txt", &stories);
}

/// Our own reader and our own quarantine travel to executors.
#[test]
fn deliveries_come_in_the_same_way_on_a_cluster() {
    let cluster = Cluster::start(1, &[]);
    let mut set_aside = 0;
    for name in ["zip", "gb18030", "rows-that-are-none", "points-as-text", "parquet-rows-that-break-rules"] {
        let delivery = deliveries().into_iter().find(|delivery| delivery.name == name).expect(name);
        let (lake, project) = lay(&delivery);
        let found: Vec<_> = ["local".to_owned(), cluster.target()]
            .map(|target| {
                let out = TempDir::new().expect("folder");
                let mut run = kwhy();
                run.args(["run", "t", "--as-of", "2026-03-01", "--buckets", "4", "--target", &target]);
                run.arg("--lake").arg(lake.path()).arg("--project").arg(project.path()).arg("--out").arg(out.path());
                succeed(&mut run);
                tables(out.path())
            })
            .into();
        assert_same(&found[0], &found[1], name);
        set_aside += found[1].get("quarantine/t").map_or(0, Vec::len);
    }
    assert_eq!(set_aside, 1 + 1 + 4 + 1 + 3);
}

/// A table that kwhy or anyone else wrote as Delta comes in by its log.
#[test]
fn a_delta_table_comes_in_as_of_its_last_version() {
    let lake = TempDir::new().expect("folder");
    generate(lake.path(), 60, 2);
    let out = TempDir::new().expect("folder");
    let run = |project: Option<&Path>, lake: &Path, out: &Path| {
        let mut command = run_daily(lake, out);
        if let Some(project) = project {
            command.arg("--project").arg(project);
        }
        succeed(&mut command);
        tables(out)
    };
    let expected = run(None, lake.path(), out.path());
    // The staged bills of the first run are the delivered bills of a second lake.
    let second = TempDir::new().expect("folder");
    for table in std::fs::read_dir(lake.path().join("sources")).expect("sources").flatten() {
        if table.file_name() != "bills" {
            let copied = Command::new("cp").arg("-r").arg(table.path()).arg(second.path()).status();
            assert!(copied.expect("cp").success());
        }
    }
    let sources = second.path().join("sources");
    std::fs::create_dir_all(&sources).expect("folder");
    for table in std::fs::read_dir(second.path()).expect("lake").flatten() {
        if table.path() != sources {
            std::fs::rename(table.path(), sources.join(table.file_name())).expect("moved");
        }
    }
    let delta = sources.join("bills");
    assert!(
        Command::new("cp")
            .arg("-r")
            .arg(out.path().join("features/stg_bills"))
            .arg(&delta)
            .status()
            .expect("cp")
            .success()
    );
    // A file that no version of the log names is no delivery.
    write(&delta, "stray.parquet", "not even Parquet");
    let project = TempDir::new().expect("folder");
    write(project.path(), "project.toml", extends_small());
    let contract = std::fs::read_to_string(repository().join("schemas/sources/bills.toml")).expect("contract");
    let contract = contract
        .replace("files = [\"sources/bills/*.parquet\"]", "files = [\"sources/bills\"]")
        .replace("format = \"parquet\"", "format = \"delta\"");
    write(project.path(), "schemas/sources/bills.toml", contract);
    let again = TempDir::new().expect("folder");
    let found = run(Some(project.path()), second.path(), again.path());
    for table in ["stg_bills", "account_bill", "customer_tags"] {
        assert_eq!(expected[table], found[table], "{table}");
    }
}
