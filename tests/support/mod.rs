use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use kwhy::engine::relation::Relation;
use kwhy::engine::{Engine, Target};
use kwhy::run::{last_release, release_tables};
use kwhy::state::Area;
use tempfile::TempDir;

pub const AS_OF: &str = "2026-03-01";

/// The built program in the folder of the small project, which it therefore runs
/// unless told otherwise: the whole catalogue would take each test half a minute.
pub fn kwhy() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kwhy"));
    command.current_dir(small()).env("KWHY_LOG", "error").stdin(Stdio::null());
    command
}

pub fn output(command: &mut Command) -> Output {
    command.output().expect("kwhy starts")
}

/// The project with few tags.
pub fn small() -> PathBuf {
    repository().join("tests/small").canonicalize().expect("the small project")
}

/// The first lines of an overlay of it.
pub fn extends_small() -> String {
    format!("extends = {:?}\n", small().display().to_string())
}

/// Runs a command that must succeed and gives what it printed.
pub fn succeed(command: &mut Command) -> String {
    let output = output(command);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A small lake, made once for all tests and never written to: give `--out`.
pub fn lake() -> &'static Path {
    static LAKE: OnceLock<TempDir> = OnceLock::new();
    LAKE.get_or_init(|| {
        let folder = TempDir::new().expect("folder");
        generate(folder.path(), 600, 50);
        folder
    })
    .path()
}

pub fn generate(out: &Path, accounts: u32, days: u32) {
    let (accounts, days) = (accounts.to_string(), days.to_string());
    succeed(kwhy().args(["generate", "--accounts", &accounts, "--days", &days, "--end", AS_OF, "--out"]).arg(out));
}

/// A command must fail with this code and say each of these.
pub fn refused(command: &mut Command, code: i32, says: &[&str]) {
    let refused = output(command);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(code), "{command:?}\n{message}");
    for part in says {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

/// `kwhy run` of a job over a lake into `out`.
pub fn run_job(job: &str, lake: &Path, out: &Path) -> Command {
    let mut command = kwhy();
    command.args(["run", job, "--as-of", AS_OF, "--lake"]).arg(lake).arg("--out").arg(out);
    command
}

pub fn run_daily(lake: &Path, out: &Path) -> Command {
    run_job("daily", lake, out)
}

/// The same with models made first.
pub fn run_refit(lake: &Path, out: &Path) -> Command {
    run_job("refit", lake, out)
}

/// Every released table as sorted texts, without what may differ between runs.
pub type Tables = BTreeMap<String, Vec<String>>;

pub fn tables(out: &Path) -> Tables {
    block_on(async {
        let engine = Engine::open(Target::Local, 1 << 30, None).await.expect("engine");
        let out = kwhy::lake::Output::open(out).expect("output folder");
        let release = last_release(&engine, &out).await.expect("releases").expect("a release");
        let mut tables = Tables::new();
        for (name, snapshot) in release_tables(&out, &release, &|_| true).await.expect("tables") {
            if !["run_ledger", "releases"].contains(&name.as_str()) {
                let rows = rows(&engine, &name, snapshot).await;
                tables.insert(name, rows);
            }
        }
        for source in std::fs::read_dir(out.root.join("quarantine")).into_iter().flatten().flatten() {
            let name = source.file_name().to_string_lossy().into_owned();
            if let Some(snapshot) = out.table(Area::Quarantine, &name).snapshot(None).await.expect("quarantine") {
                let rows = rows(&engine, &name, snapshot).await;
                tables.insert(format!("quarantine/{name}"), rows);
            }
        }
        tables
    })
}

async fn rows(engine: &Engine, name: &str, snapshot: kwhy::state::Snapshot) -> Vec<String> {
    let columns: Vec<String> = snapshot
        .schema
        .fields()
        .iter()
        .filter(|field| !["bucket", "month"].contains(&field.name().as_str()))
        .map(|field| format!("\"{}\"", field.name()))
        .collect();
    let sql = format!("select {} from {name}", columns.join(", "));
    let batches = engine.query(vec![Relation::of_table(name, &snapshot)], &sql).await.expect("rows");
    let mut rows: Vec<String> = texts(&batches).into_iter().map(|row| row.join("|")).collect();
    rows.sort();
    rows
}

/// What a query over the last release gives, as texts.
pub fn query(out: &Path, sql: &str) -> Vec<Vec<String>> {
    block_on(async {
        let engine = Engine::open(Target::Local, 1 << 30, None).await.expect("engine");
        let out = kwhy::lake::Output::open(out).expect("output folder");
        let release = last_release(&engine, &out).await.expect("releases").expect("a release");
        let tables = release_tables(&out, &release, &|_| true).await.expect("tables");
        let relations = tables.iter().map(|(name, snapshot)| Relation::of_table(name, snapshot)).collect();
        texts(&engine.query(relations, sql).await.expect("rows"))
    })
}

fn texts(batches: &[arrow::array::RecordBatch]) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("null");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).expect("column")).collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column.value(row).to_string()).collect());
        }
    }
    rows
}

/// Fails with the first difference instead of with two whole tables. A table
/// that is per bucket by nature (parts of totals) is left to its total.
pub fn assert_same(expected: &Tables, found: &Tables, what: &str) {
    let is_part = |name: &str| ["_part", "_count", "_histogram"].iter().any(|end| name.ends_with(end));
    // A quarantine from which all was released is as good as none.
    let is_empty = |name: &str, rows: &[String]| name.starts_with("quarantine/") && rows.is_empty();
    let names = |tables: &Tables| {
        let told = tables.iter().filter(|(name, rows)| !is_part(name) && !is_empty(name, rows));
        told.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(expected), names(found), "{what}: other tables");
    for name in names(expected) {
        let (expected, found) = (&expected[&name], &found[&name]);
        assert_eq!(expected.len(), found.len(), "{what}: rows of {name}");
        let differing = expected.iter().zip(found).find(|(a, b)| a != b);
        if let Some((a, b)) = differing {
            panic!("{what}: {name} differs\n  {a}\n  {b}");
        }
    }
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(32 << 20).build();
    runtime.expect("runtime").block_on(work)
}

/// A scheduler and its executors, ended when dropped.
pub struct Cluster {
    pub scheduler: SocketAddr,
    scheduler_process: Child,
    executors: Vec<Child>,
    environment: Vec<(String, String)>,
    _scratch: TempDir,
}

impl Cluster {
    pub fn start(executors: usize, environment: &[(&str, &str)]) -> Self {
        let scratch = TempDir::new().expect("folder");
        let scheduler = free_port();
        let address = scheduler.to_string();
        let log = std::fs::File::create(scratch.path().join("scheduler.log")).expect("log");
        let process = kwhy().args(["cluster", "scheduler", "--bind", &address]).stderr(log).spawn().expect("scheduler");
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut cluster =
            Self { scheduler, scheduler_process: process, executors: Vec::new(), environment, _scratch: scratch };
        wait_for("the scheduler", || std::net::TcpStream::connect(scheduler).is_ok());
        for _ in 0..executors {
            cluster.add_executor();
        }
        wait_for("the executors", || cluster.alive() == executors);
        cluster
    }

    pub fn add_executor(&mut self) {
        let bind = free_port_pair().to_string();
        let scheduler = self.scheduler.to_string();
        let mut command = kwhy();
        command.args(["cluster", "executor", "--vcores", "1", "--bind", &bind, "--scheduler", &scheduler]);
        command.envs(self.environment.iter().cloned()).stderr(Stdio::null()).stdout(Stdio::null());
        self.executors.push(command.spawn().expect("executor"));
    }

    /// Executors that the scheduler knows to be alive.
    pub fn alive(&self) -> usize {
        http_get(self.scheduler, "/executors").matches("\"id\"").count()
    }

    pub fn target(&self) -> String {
        format!("df://{}", self.scheduler)
    }

    /// SIGKILL to one executor, by process id; false where it is not ours.
    pub fn kill(&mut self, process: u32) -> bool {
        let Some(child) = self.executors.iter_mut().find(|child| child.id() == process) else { return false };
        child.kill().expect("kill");
        child.wait().expect("wait");
        true
    }

    pub fn executor_ids(&self) -> Vec<u32> {
        self.executors.iter().map(Child::id).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.executors.iter_mut().chain([&mut self.scheduler_process]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits for a child, but not for ever: a hang is a failure, not a longer test.
pub fn finish(mut child: Child) -> Output {
    let start = Instant::now();
    while child.try_wait().expect("wait").is_none() {
        if start.elapsed() > Duration::from_secs(180) {
            child.kill().expect("kill");
            let output = child.wait_with_output().expect("wait");
            panic!("no end after three minutes\n{}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("wait")
}

pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(120), "waited two minutes for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn http_get(address: SocketAddr, path: &str) -> String {
    use std::io::{Read, Write};
    let mut text = String::new();
    if let Ok(mut stream) = std::net::TcpStream::connect(address) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: kwhy\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut text));
    }
    text
}

pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// A free port whose next one is free too.
pub fn free_port_pair() -> SocketAddr {
    for _ in 0..1000 {
        let first = free_port();
        if first.port() < u16::MAX && TcpListener::bind(SocketAddr::new(first.ip(), first.port() + 1)).is_ok() {
            return first;
        }
    }
    panic!("no two free ports beside each other");
}

/// Folder with real data; `None`, said loudly, where it is not there.
pub fn real_data(part: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KWHY_TEST_DATA").map_or_else(|| repository().join("../shared/data"), PathBuf::from);
    let folder = folder.join(part);
    if folder.is_dir() {
        println!("real data: {part} is there");
        return Some(folder);
    }
    eprintln!("SKIPPED: no real data at {}; set KWHY_TEST_DATA", folder.display());
    None
}

/// The repository in which cargo runs the tests. Where they were built may be
/// another: clones can share a target folder.
pub fn repository() -> PathBuf {
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    Path::new(&crate_folder).join("..")
}

/// Holds stories, which begin with `== `, against a file of `tests/golden`, one by
/// one. `KWHY_BLESS=1` writes it anew.
pub fn assert_told(file: &str, stories: &[String]) {
    let file = repository().join("tests/golden").join(file);
    if std::env::var_os("KWHY_BLESS").is_some() {
        std::fs::write(&file, stories.join("\n")).expect("golden");
    }
    let expected = std::fs::read_to_string(&file).expect("golden");
    for (found, expected) in stories.iter().zip(expected.split("\n== ")) {
        assert_eq!(found.trim_start_matches("== ").trim_end(), expected.trim_start_matches("== ").trim_end());
    }
    assert_eq!(stories.len(), expected.split("\n== ").count());
}
