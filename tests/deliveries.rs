use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Float64Builder, Int32Array, ListBuilder, RecordBatch, StringArray,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

use crate::support::{Cluster, assert_same, generate, kwhy, output, repository, run_daily, succeed, tables};

/// The contract of most deliveries: a reading of each account and day.
const COLUMNS: &str = r#"
[[column]]
name = "account_id"
from = "CONS_NO"
type = "text"

[[column]]
name = "day"
from = "DATA_DATE"
type = "date"

[[column]]
name = "energy_wh"
from = "T_PQ"
type = "int"
unit = "Wh"
from_unit = "kWh"
min = 0

[[column]]
name = "kind"
from = "KIND"
type = "text"
map = { "1" = "measured", "2" = "estimated" }
values = ["measured", "estimated"]
nullable = true
"#;

/// A column for each hour.
const POINTS: &str = r#"
[[column]]
name = "account_id"
type = "text"

[[column]]
name = "day"
type = "date"

[[column]]
name = "power_w"
from = "P{01..24}"
type = "curve"
unit = "W"
from_unit = "kW"
"#;

/// A delivery: what lies in the lake, and the contract that it comes by.
struct Delivery {
    name: &'static str,
    /// What is out of the ordinary.
    about: &'static str,
    head: &'static str,
    columns: &'static str,
    make: fn(&Path),
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    std::fs::write(path, bytes).expect("file");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("gzip");
    encoder.finish().expect("gzip")
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(&mut bytes));
    for (name, text) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("member");
        archive.write_all(text.as_bytes()).expect("member");
    }
    archive.finish().expect("archive");
    bytes
}

fn parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let file = File::create(path).expect("file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("rows");
    writer.close().expect("file");
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Curves of two accounts.
fn two_curves(lake: &Path, mut curves: ListBuilder<Float64Builder>) {
    let accounts = texts(&[Some("17"), Some("18")]);
    let columns = vec![("account_id", accounts), ("day", days(2)), ("power_w", Arc::new(curves.finish()) as ArrayRef)];
    parquet(&lake.join("t/a.parquet"), columns);
}

/// 2026-01-01 and the days after it.
fn days(count: i32) -> ArrayRef {
    Arc::new((0..count).map(|day| Some(20_454 + day)).collect::<Date32Array>())
}

const GOOD: &str = "CONS_NO,DATA_DATE,T_PQ,KIND\n17,2026-01-01,12.5,1\n18,2026-01-01,0.0004,2\n";

fn deliveries() -> Vec<Delivery> {
    let csv = "files = [\"t/*\"]\nformat = \"csv\"\n";
    vec![
        Delivery {
            name: "text-of-windows",
            about: "byte order mark, carriage returns, blank lines, blanks, quotes",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let text = "\u{feff}CONS_NO,DATA_DATE,T_PQ,KIND\r\n\r\n\" 17 \", 2026-01-01 ,\"12.5\",1\r\n\t18\u{3000},2026-01-01,7,\r\n\r\n";
                write(lake, "t/a.csv", text);
            },
        },
        Delivery {
            name: "semicolons-and-decimal-commas",
            about: "12,5 is twelve and a half, 1.234,5 is more than a thousand",
            head: "files = [\"t/*\"]\nformat = \"csv\"\ndelimiter = \";\"\ndecimal_comma = true\n",
            columns: COLUMNS,
            make: |lake| {
                let text = "CONS_NO;DATA_DATE;T_PQ;KIND\n17;2026-01-01;12,5;1\n18;2026-01-01;1.234,5;2\n19;2026-01-01;1,2,3;2\n20;2026-01-01;1,234.50;2\n21;2026-01-01;1.5;2\n22;2026-01-01;-0,001;2\n";
                write(lake, "t/a.csv", text);
            },
        },
        Delivery {
            name: "gzip",
            about: "a gzipped file",
            head: csv,
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.csv.gz", gzip(GOOD.as_bytes())),
        },
        Delivery {
            name: "zip",
            about: "an archive of two files, a folder's notes of the Mac beside them",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let more = "T_PQ,CONS_NO,DATA_DATE,KIND\n3,20,2026-01-02,1\nx,21,2026-01-02,1\n";
                write(lake, "t/a.zip", zip(&[("one.csv", GOOD), ("two.csv", more), ("__MACOSX/._one.csv", "?")]));
            },
        },
        Delivery {
            name: "gb18030",
            about: "Chinese text as older systems write it",
            head: "files = [\"t/*\"]\nformat = \"csv\"\nencoding = \"gb18030\"\n",
            columns: r#"
[[column]]
name = "account_id"
from = "户号"
type = "text"

[[column]]
name = "day"
from = "日期"
type = "date"
format = "%Y年%m月%d日"

[[column]]
name = "kind"
from = "用电类别"
type = "text"
map = { "居民" = "residential", "商业" = "commercial" }
"#,
            make: |lake| {
                let text =
                    "户号,日期,用电类别\n17,2026年01月01日,居民\n18,2026年01月01日,商业\n19,2026年13月01日,商业\n";
                write(lake, "t/a.csv", encoding_rs::GB18030.encode(text).0);
            },
        },
        Delivery {
            name: "no-header",
            about: "the columns are named by the contract",
            head: "files = [\"t/*\"]\nformat = \"csv\"\nheader = [\"CONS_NO\", \"DATA_DATE\", \"T_PQ\", \"KIND\"]\n",
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.txt", "17,2026-01-01,12.5,1\n18,2026-01-01,3,1\n"),
        },
        Delivery {
            name: "rows-that-are-none",
            about: "too short, too long, an open quote, text behind a quote",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let text = "CONS_NO,DATA_DATE,T_PQ,KIND\n17,2026-01-01\n18,2026-01-01,1,1,1\n19,\"2026-01-01,1,1\n20,2026-01-01,1,1\n21,\"2026\"-01-01,1,1\n22,2026-01-01,2,2\n";
                write(lake, "t/a.csv", text);
            },
        },
        Delivery {
            name: "values-that-are-none",
            about: "no number, no date, missing, negative, an unknown code, too large",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let text = "CONS_NO,DATA_DATE,T_PQ,KIND\n17,2026-01-01,n/a,1\n18,2026-02-30,1,1\n,2026-01-01,1,1\n20,2026-01-01,-1,1\n21,2026-01-01,1,7\n22,2026-01-01,1e300,1\n23,2026-01-01,1,1\n";
                write(lake, "t/a.csv", text);
            },
        },
        Delivery {
            name: "other-columns-in-later-files",
            about: "another order, one column more, one that may be missing",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                write(lake, "t/2025.csv", "CONS_NO,DATA_DATE,T_PQ\n17,2025-12-31,1\n");
                write(lake, "t/2026.csv", "KIND,REMARK,T_PQ,DATA_DATE,CONS_NO\n1,ok,2,2026-01-01,17\n");
            },
        },
        Delivery {
            name: "points-as-text",
            about: "a column for each hour in kW, one point missing, one row with a word in it",
            head: csv,
            columns: POINTS,
            make: |lake| {
                let names: Vec<String> = (1..=24).map(|hour| format!("P{hour:02}")).collect();
                let row = |of: &dyn Fn(usize) -> String| (1..=24).map(of).collect::<Vec<_>>().join(",");
                let text = format!(
                    "account_id,day,{}\n17,2026-01-01,{}\n18,2026-01-01,{}\n19,2026-01-01,{}\n",
                    names.join(","),
                    row(&|hour| format!("{}.25", hour % 3)),
                    row(&|hour| if hour == 5 { String::new() } else { "1".into() }),
                    row(&|hour| if hour == 7 { "fault".into() } else { "1".into() }),
                );
                write(lake, "t/a.csv", text);
            },
        },
        Delivery {
            name: "points-as-numbers",
            about: "a column for each hour, floats in some files' columns and null in others",
            head: "files = [\"t/*\"]\n",
            columns: POINTS,
            make: |lake| {
                let mut columns = vec![("account_id", texts(&[Some("17"), Some("18")])), ("day", days(2))];
                let names: Vec<String> = (1..=24).map(|hour| format!("P{hour:02}")).collect();
                for (hour, name) in names.iter().enumerate() {
                    let point = (hour != 3).then_some(hour as f64 / 8.0);
                    columns.push((name, Arc::new(Float64Array::from(vec![Some(1.5), point]))));
                }
                parquet(&lake.join("t/a.parquet"), columns);
            },
        },
        Delivery {
            name: "parquet-rows-that-break-rules",
            about: "set aside with all their columns, those too that the contract does not read",
            head: "files = [\"t/*\"]\n",
            columns: COLUMNS,
            make: |lake| {
                let columns: Vec<(&str, ArrayRef)> = vec![
                    ("CONS_NO", texts(&[Some("17"), None, Some("19"), Some("20")])),
                    ("DATA_DATE", days(4)),
                    ("T_PQ", Arc::new(Int32Array::from(vec![Some(3), Some(4), Some(-5), None]))),
                    ("KIND", texts(&[Some("1"), Some("1"), Some("1"), Some("2")])),
                    ("REMARK", texts(&[None, Some("a \"quoted\" word\nand a line"), None, None])),
                ];
                parquet(&lake.join("t/a.parquet"), columns);
            },
        },
        Delivery {
            name: "dates-of-another-zone",
            about: "23:00 UTC is tomorrow in London's summer, and today in its winter",
            head: csv,
            columns: "[[column]]\nname = \"account_id\"\ntype = \"text\"\n[[column]]\nname = \"day\"\nfrom = \"time\"\ntype = \"date\"\nfrom_time_zone = \"UTC\"\ntime_zone = \"Europe/London\"\n",
            make: |lake| write(lake, "t/a.csv", "account_id,time\n17,2026-07-01 23:00:00\n17,2026-01-31 23:00:00\n"),
        },
        Delivery {
            name: "watts-that-are-not-whole",
            about: "rounded as elsewhere; a number that no connection has is not read",
            head: "files = [\"t/*\"]\n",
            columns: "[[column]]\nname = \"account_id\"\ntype = \"text\"\n[[column]]\nname = \"day\"\ntype = \"date\"\n[[column]]\nname = \"power_w\"\ntype = \"curve\"\nunit = \"W\"\n",
            make: |lake| {
                let mut curves = ListBuilder::new(Float64Builder::new());
                for of in [|hour: i32| f64::from(hour) + 0.9, |hour: i32| if hour == 7 { 5e9 } else { 1.0 }] {
                    curves.append_value((0..24).map(|hour| (hour != 3).then(|| of(hour))));
                }
                two_curves(lake, curves);
            },
        },
        Delivery {
            name: "energy-of-another-interval",
            about: "the contract says quarters of an hour, the list has hours",
            head: "files = [\"t/*\"]\n",
            columns: "[[column]]\nname = \"account_id\"\ntype = \"text\"\n[[column]]\nname = \"day\"\ntype = \"date\"\n[[column]]\nname = \"power_w\"\ntype = \"curve\"\nunit = \"W\"\nfrom_unit = \"kWh\"\ninterval_minutes = 15\n",
            make: |lake| {
                let mut curves = ListBuilder::new(Float64Builder::new());
                for points in [96, 24] {
                    curves.append_value((0..points).map(|_| Some(0.25)));
                }
                two_curves(lake, curves);
            },
        },
        Delivery {
            name: "readings-between-intervals",
            about: "quarters of an hour that are called hours; a clock some seconds late",
            head: "files = [\"t/*\"]\nformat = \"csv\"\n",
            columns: "[[column]]\nname = \"account_id\"\ntype = \"text\"\n[[column]]\nname = \"day\"\ntype = \"timestamp\"\n[[column]]\nname = \"interval_minutes\"\nvalue = \"60\"\ntype = \"int\"\n",
            make: |lake| {
                write(
                    lake,
                    "t/a.csv",
                    "account_id,day\n17,2026-01-01 00:00:00\n17,2026-01-01 00:15:00\n17,2026-01-01 01:00:07\n",
                );
            },
        },
        Delivery {
            name: "one-key-in-two-folders",
            about: "the folder is not the key: the row counts once, whatever the units",
            head: "files = [\"t/**\"]\nformat = \"csv\"\npartition = [\"DATA_DATE\"]\n",
            columns: "[[column]]\nname = \"account_id\"\ntype = \"text\"\n[[column]]\nname = \"day\"\nvalue = \"2026-01-01\"\ntype = \"date\"\n[[column]]\nname = \"folder\"\nfrom = \"DATA_DATE\"\ntype = \"text\"\n",
            make: |lake| {
                write(lake, "t/DATA_DATE=a/a.csv", "account_id\n17\n");
                write(lake, "t/DATA_DATE=b/b.csv", "account_id\n17\n18\n");
            },
        },
        Delivery {
            name: "two-files-of-one-name",
            about: "in an archive: which of them is meant?",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let bytes = zip(&[("one.csv", GOOD), ("two.csv", GOOD)]);
                let text = bytes.windows(7).enumerate().filter(|(_, name)| *name == b"two.csv").map(|(at, _)| at);
                let mut renamed = bytes.clone();
                for at in text.collect::<Vec<_>>() {
                    renamed[at..at + 3].copy_from_slice(b"one");
                }
                write(lake, "t/a.zip", renamed);
            },
        },
        Delivery {
            name: "nothing-fits",
            about: "a wrong contract: better no run than an empty table",
            head: csv,
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.csv", "CONS_NO,DATA_DATE,T_PQ,KIND\n17,01.01.2026,1,1\n18,02.01.2026,1,1\n"),
        },
        Delivery {
            name: "columns-that-are-missing",
            about: "all of them at once, and in which file of the archive",
            head: csv,
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.zip", zip(&[("read me.txt", "hello\n"), ("two.csv", GOOD)])),
        },
        Delivery {
            name: "mixed-encodings",
            about: "half of the file is UTF-8",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let mut bytes = GOOD.as_bytes().to_vec();
                bytes.extend(b"19,2026-01-01,1,");
                bytes.extend_from_slice(&encoding_rs::GB18030.encode("居民\n").0);
                write(lake, "t/a.csv", bytes);
            },
        },
        Delivery {
            name: "a-header-and-nothing-else",
            about: "an export that went wrong",
            head: csv,
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.csv", "CONS_NO,DATA_DATE,T_PQ,KIND\n"),
        },
        Delivery {
            name: "nothing-is-an-answer",
            about: "the same, where the contract says so",
            head: "files = [\"t/*\"]\nformat = \"csv\"\nmay_be_empty = true\n",
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.csv", "CONS_NO,DATA_DATE,T_PQ,KIND\n"),
        },
        Delivery {
            name: "an-empty-file",
            about: "not even a header",
            head: csv,
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.csv", ""),
        },
        Delivery {
            name: "gzip-by-another-name",
            about: "not what its name says",
            head: csv,
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.csv", gzip(GOOD.as_bytes())),
        },
        Delivery {
            name: "parquet-by-another-name",
            about: "not what its name says",
            head: csv,
            columns: COLUMNS,
            make: |lake| parquet(&lake.join("t/a.csv"), vec![("CONS_NO", texts(&[None]))]),
        },
        Delivery {
            name: "text-by-the-name-of-parquet",
            about: "not what its name says",
            head: "files = [\"t/*.parquet\"]\n",
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.parquet", GOOD),
        },
        Delivery {
            name: "a-truncated-archive",
            about: "an interrupted copy",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let rows: String =
                    (0..9_000).map(|row| format!("{row},2026-01-01,{},1\n", row * 7919 % 1013)).collect();
                let bytes = gzip(format!("CONS_NO,DATA_DATE,T_PQ,KIND\n{rows}").as_bytes());
                write(lake, "t/a.csv.gz", &bytes[..bytes.len() / 2]);
            },
        },
        Delivery {
            name: "a-line-without-end",
            about: "18 MB and no line end",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let mut bytes = GOOD.as_bytes().to_vec();
                bytes.resize(18_000_000, b'7');
                write(lake, "t/a.csv", bytes);
            },
        },
        Delivery {
            name: "a-bomb",
            about: "small, and 67 MB when it is unpacked",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                let mut bytes = GOOD.as_bytes().to_vec();
                let line = [vec![b'0'; 99_999], vec![b'\n']].concat();
                bytes.extend(line.repeat(680));
                write(lake, "t/a.csv.gz", gzip(&bytes));
            },
        },
        Delivery {
            name: "a-missing-column",
            about: "the contract asks for more than there is",
            head: csv,
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.csv", "CONS_NO,DATA_DATE,KIND\n17,2026-01-01,1\n"),
        },
        Delivery {
            name: "a-column-twice",
            about: "which of them is meant?",
            head: csv,
            columns: COLUMNS,
            make: |lake| write(lake, "t/a.csv", "CONS_NO,DATA_DATE,T_PQ,T_PQ\n17,2026-01-01,1,2\n"),
        },
        Delivery {
            name: "a-missing-file",
            about: "named in full, so it is expected",
            head: "files = [\"t/a.csv\"]\nformat = \"csv\"\n",
            columns: COLUMNS,
            make: |_| (),
        },
        Delivery {
            name: "a-file-of-two-tables",
            about: "the contract's glob takes the accounts too",
            head: "files = [\"sources/accounts/*\"]\n",
            columns: "[[column]]\nname = \"account_id\"\ntype = \"text\"\n[[column]]\nname = \"day\"\nfrom = \"open_date\"\ntype = \"date\"\nnullable = true\n",
            make: |_| (),
        },
        Delivery {
            name: "a-link-out-of-the-lake",
            about: "to a file of the machine",
            head: csv,
            columns: COLUMNS,
            make: |lake| {
                std::fs::create_dir_all(lake.join("t")).expect("folder");
                std::os::unix::fs::symlink("/etc/hostname", lake.join("t/a.csv")).expect("link");
            },
        },
    ]
}

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
    write(project.path(), "project.toml", "extends = \"builtin\"\n");
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
/// that a person can act on. `KWHY_BLESS=1` writes the answers anew.
#[test]
fn each_delivery_comes_in_or_is_refused_as_written_down() {
    let found: Vec<String> = deliveries().iter().map(story).collect();
    let file: PathBuf = repository().join("tests/golden/deliveries.txt");
    if std::env::var_os("KWHY_BLESS").is_some() {
        std::fs::write(&file, found.join("\n")).expect("golden");
    }
    let expected = std::fs::read_to_string(&file).expect("golden");
    for (found, expected) in found.iter().zip(expected.split("\n== ")) {
        assert_eq!(found.trim_start_matches("== ").trim_end(), expected.trim_start_matches("== ").trim_end());
    }
    assert_eq!(found.len(), expected.split("\n== ").count());
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
    write(project.path(), "project.toml", "extends = \"builtin\"\n");
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
