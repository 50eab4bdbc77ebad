//! Awkward files, one for each form and mistake.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Float64Builder, Int32Array, ListBuilder, RecordBatch, StringArray,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;

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
pub struct Delivery {
    pub name: &'static str,
    /// What is out of the ordinary.
    pub about: &'static str,
    pub head: &'static str,
    pub columns: &'static str,
    pub make: fn(&Path),
}

pub fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
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

pub fn deliveries() -> Vec<Delivery> {
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
