use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, ListArray, RecordBatch};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use kwhy::engine::{Engine, Target};
use kwhy_udfs::reference;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

use crate::support::repository;

/// A session such as `kwhy sql` opens.
async fn session() -> SessionContext {
    let engine = Engine::open(Target::Local, 256 << 20, None).await.expect("an engine");
    engine.analyst().expect("a session")
}

fn cells(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        rows.extend(
            (0..batch.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()),
        );
    }
    Ok(rows)
}

async fn ask(session: &SessionContext, sql: &str) -> Result<Vec<Vec<String>>, DataFusionError> {
    Ok(cells(&session.sql(sql).await?.collect().await?)?)
}

struct Analyst(SessionContext);

#[async_trait::async_trait]
impl AsyncDB for Analyst {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, DataFusionError> {
        let rows = ask(&self.0, sql).await?;
        let types = vec![DefaultColumnType::Text; rows.first().map_or(0, Vec::len)];
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}
}

fn folder() -> PathBuf {
    repository().join("tests/slt")
}

/// The file of a function, in the folder of its family.
fn file_of(function: &str) -> Option<PathBuf> {
    let families = std::fs::read_dir(folder()).expect("tests/slt").flatten();
    families.map(|family| family.path().join(format!("{function}.slt"))).find(|file| file.is_file())
}

/// With KWHY_BLESS=1 the answers in the files are made anew, to be looked at.
#[tokio::test(flavor = "multi_thread")]
async fn every_function_answers_as_its_file_says() {
    for entry in reference::entries() {
        let file = file_of(&entry.name);
        let file = file.unwrap_or_else(|| panic!("{0} has no tests/slt/<family>/{0}.slt", entry.name));
        let mut runner = Runner::new(|| async { Ok(Analyst(session().await)) });
        if std::env::var_os("KWHY_BLESS").is_some() {
            let normalize = |text: &String| text.trim().to_owned();
            let updated = runner.update_test_file(
                &file,
                " ",
                sqllogictest::default_validator,
                normalize,
                sqllogictest::default_column_validator,
            );
            updated.await.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
        // Blessing writes what fails down as what is expected.
        let text = std::fs::read_to_string(&file).expect("file");
        assert!(!text.contains("query error"), "{} expects a question to fail", file.display());
        runner.run_file_async(&file).await.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

/// What the documentation shows is what comes out.
#[tokio::test(flavor = "multi_thread")]
async fn examples_of_the_documentation_are_true() {
    let session = session().await;
    for entry in reference::entries() {
        let (statement, answer) = entry.example().unwrap_or_else(|| panic!("{} has no example", entry.name));
        let rows = ask(&session, statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let rows: Vec<String> = rows.iter().map(|row| row.join("  ")).collect();
        assert_eq!(rows.join("\n"), answer, "{statement}");
    }
}

/// splitmix64, as Vigna published it; `tests/peers/curve_functions.py` has it
/// too.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// The curve of that number of the oracle.
fn random_curve(number: u64) -> Vec<Option<i32>> {
    let mut random = Random(number);
    let points = [24, 48, 96, 288][random.below(4) as usize];
    let kind = random.below(8);
    let size = 1 + random.below(5000);
    let mut level = random.below(size);
    let mut point = || {
        if random.below(6) == 0 {
            level = random.below(size);
        }
        let mut value = (level + random.below(1 + size / 10)) as i32;
        if kind == 3 {
            value = size as i32;
        }
        if kind == 4 && random.below(2) == 0 {
            value = 0;
        }
        if (kind == 1 || kind == 2) && random.below(3) == 0 {
            value = -value;
        }
        let is_gap = (kind == 0 || kind == 2) && random.below(5) == 0;
        (!is_gap).then_some(value)
    };
    (0..points).map(|_| point()).collect()
}

/// How each column of the golden file is asked for.
fn question(name: &str) -> String {
    match name {
        "switch_ons" => "switch_ons(curve, 500)".to_owned(),
        "longest_below_minutes" | "longest_above_minutes" => format!("{name}(curve, 300)"),
        "energy_share" => "energy_share(curve, 435, 1000)".to_owned(),
        "time_of_second_peak" => "time_of_second_peak(curve, 180)".to_owned(),
        "curve_distance" | "curve_correlation" | "profile_distance" => format!("{name}(curve, other)"),
        _ => format!("{name}(curve)"),
    }
}

/// 10,000 random curves, measured by numpy and scipy.
#[tokio::test(flavor = "multi_thread")]
async fn curves_are_what_an_independent_program_says() {
    let (names, expected) = golden("curve_functions");
    assert_eq!(expected.len(), 10_000);

    let curves: Vec<_> = (0..expected.len() as u64).map(random_curve).collect();
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let others = curves.iter().enumerate().map(|(number, curve)| {
        let other = before.insert(curve.len(), number).unwrap_or(number);
        Some(curves[other].clone())
    });
    let others: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(others));
    let curves: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves.iter().map(|curve| Some(curve.clone()))));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..expected.len() as i64));
    let table = RecordBatch::try_from_iter([("number", numbers), ("curve", curves), ("other", others)]);
    let session = session().await;
    session.register_batch("curves", table.expect("table")).expect("registered");

    let columns: Vec<String> = names.iter().map(|name| question(name)).collect();
    let found =
        ask(&session, &format!("select {} from curves order by number", columns.join(", "))).await.expect("rows");
    compare(&names, &found, &expected);
}

/// What `tests/peers/<name>.py` found: columns and rows.
fn golden(name: &str) -> (Vec<String>, Vec<csv::StringRecord>) {
    let file = repository().join(format!("tests/golden/{name}.csv.gz"));
    let file = flate2::read::GzDecoder::new(std::fs::File::open(file).expect("golden"));
    let mut file = csv::Reader::from_reader(file);
    let names = file.headers().expect("header").iter().map(str::to_owned).collect();
    (names, file.records().collect::<Result<_, _>>().expect("rows"))
}

fn compare(names: &[String], found: &[Vec<String>], expected: &[csv::StringRecord]) {
    assert_eq!(found.len(), expected.len());
    for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
        for ((name, found), expected) in names.iter().zip(found).zip(expected) {
            let is_same = match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(found), Ok(expected)) if FLOATS.contains(&name.as_str()) => {
                    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-6)
                }
                _ => found == expected || (found == "NULL" && expected.is_empty()),
            };
            assert!(is_same, "{name} of {number} is {found}, not {expected}");
        }
    }
}

/// The series of that number of the oracle: days and values.
fn random_series(number: u64) -> Vec<(i32, i64)> {
    let mut random = Random(number);
    let length = 1 + random.below(60) as i64;
    let (slope, season, step) = (random.below(21) as i64, random.below(200) as i64, random.below(300) as i64);
    let at = random.below(60) as i64;
    let mut rows = Vec::new();
    for i in 0..length {
        let day = 19_000 + i * 30 + random.below(5) as i64;
        let seasonal = if i % 12 < 3 { season } else { 0 };
        let stepped = if i >= at { step } else { 0 };
        let value = 100 + i * (slope - 10) + seasonal + stepped + random.below(50) as i64;
        if random.below(10) != 0 {
            rows.push((day as i32, value));
        }
    }
    rows
}

/// 1,000 random series, measured by numpy and scipy.
#[tokio::test(flavor = "multi_thread")]
async fn series_are_what_an_independent_program_says() {
    let (names, expected) = golden("series_functions");
    assert_eq!(expected.len(), 1_000);
    let series: Vec<_> = (0..expected.len() as u64).map(random_series).collect();
    let rows = || series.iter().enumerate().flat_map(|(number, rows)| rows.iter().map(move |row| (number, row)));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows().map(|(number, _)| number as i64)));
    let days: ArrayRef = Arc::new(Date32Array::from_iter_values(rows().map(|(_, row)| row.0)));
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(rows().map(|(_, row)| row.1)));
    let table = RecordBatch::try_from_iter([("number", numbers), ("day", days), ("value", values)]);
    let session = session().await;
    session.register_batch("series", table.expect("table")).expect("registered");

    let columns = names.iter().map(|name| match name.as_str() {
        "lorenz_share" => "lorenz_share(value, 0.3)".to_owned(),
        "exact_median" | "median_deviation" | "gini" | "herfindahl" => format!("{name}(value)"),
        "at" | "before" | "after" | "explained_share" => format!("level_shift(day, value)['{name}']"),
        _ => format!("{name}(day, value)"),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    // A series of which nothing is known has no row, so all of them are asked for.
    let sql = format!(
        "select {columns} from unnest(range({})) as n (number) left join series using (number)
         group by number order by number",
        expected.len()
    );
    compare(&names, &ask(&session, &sql).await.expect("rows"), &expected);
}

/// Figures that are not rounded.
const FLOATS: [&str; 16] = [
    "load_entropy",
    "curve_distance",
    "curve_correlation",
    "profile_distance",
    "exact_median",
    "median_deviation",
    "gini",
    "herfindahl",
    "lorenz_share",
    "ols_slope",
    "theil_sen_slope",
    "before",
    "after",
    "explained_share",
    "seasonality_strength",
    "year_on_year",
];

/// `load_day` describes a day in one pass; each function says the same of it.
#[tokio::test(flavor = "multi_thread")]
async fn one_pass_over_a_day_says_what_each_function_says() {
    let curves = (0..10_000).map(|number| Some(random_curve(number)));
    let curves: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves));
    let session = session().await;
    session.register_batch("curves", RecordBatch::try_from_iter([("curve", curves)]).expect("table")).expect("curves");
    let laws = [
        ("energy_wh", "energy_wh(curve)"),
        ("max_demand_w", "max_demand_w(curve)"),
        ("min_demand_w", "min_demand_w(curve)"),
        ("base_load_w", "base_load_w(curve)"),
        ("peak_minute", "time_of_peak(curve)"),
        ("load_factor", "load_factor(curve)"),
        ("max_ramp_w", "greatest(ramp_up_w(curve), ramp_down_w(curve))"),
        ("backfeed_wh", "backfeed_wh(curve)"),
        ("points", "curve_points(curve)"),
    ];
    for (field, function) in laws {
        let sql = format!(
            "select count(*), count(d['{field}']) from (select load_day(curve) as d, curve from curves)
             where d['{field}'] is not distinct from {function}"
        );
        let found = ask(&session, &sql).await.expect("counts");
        assert_eq!(found[0][0], "10000", "{field} and {function}");
        assert!(found[0][1].parse::<u32>().expect("count") > 9_000, "{field} is hardly ever known");
    }
}
