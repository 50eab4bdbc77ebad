use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use kwhy::engine::{Engine, Target};
use kwhy_udfs::reference;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

use crate::support::repository;

/// A session such as `kwhy sql` opens.
pub async fn session() -> SessionContext {
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

pub async fn ask(session: &SessionContext, sql: &str) -> Result<Vec<Vec<String>>, DataFusionError> {
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

/// What can be told before any row is read is told then: the function, the
/// argument and what it takes.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_calls_are_refused_at_planning() {
    let session = session().await;
    for (call, refusal) in [
        ("energy_wh()", "energy_wh takes 1 to 2 argument(s), (curve, interval_minutes), not 0"),
        ("energy_wh('x')", "energy_wh: argument curve takes a list of numbers, not Utf8"),
        ("energy_share([1, 2], 0, 2000)", "energy_share: argument to_minute takes 0 to 1440, not 2000"),
        ("normalise_curve([1, 2], 'sums')", "argument method takes 'sum', 'max' or 'z', not 'sums'"),
        ("energy_by_period([1], [1, 1, 1, 1, 1, 1, 1])", "takes the periods of a day, such as 24, 48 or 96, not 7"),
        ("energy_by_period([1.5], [1])", "energy_by_period: argument wh_list takes a list of integers"),
        ("wilson_interval(1, 2, 95)", "wilson_interval: argument confidence takes a number between 0 and 1"),
        ("uplift(1, 2, 1, 2, 'x')", "uplift: argument confidence takes a number, not Utf8"),
        ("quantile_tier(1, 2)", "quantile_tier: argument cuts takes a list of numbers, not Int64"),
        ("nearest_centroid([1], [1, 2])", "nearest_centroid: argument centroids takes a list of lists of numbers"),
        ("monthly_bill({tierz: 1}, {flat_wh: 1})", "argument tariff has no field tierz; it takes seasons, tiers"),
        ("monthly_bill({tiers: [{above_kwh: 1, price: 2}]}, {flat_wh: 1})", "argument tariff.tiers has no field price"),
        ("monthly_bill({seasons: 3}, {flat_wh: 1})", "argument tariff.seasons takes a LIST of STRUCT, not Int64"),
        (
            "average_price({tax_rate: 0.1}, {month: 'May'})",
            "argument usage.month takes a DATE or the number of a month",
        ),
        (
            "shift_saving({tax_rate: 0}, {flat_wh: 1}, 'Peak', 'flat', 1)",
            "argument from_period takes 'sharp', 'peak', 'flat'",
        ),
        ("pseudonym('a', '')", "pseudonym: argument salt takes a text that is not empty"),
        ("normalise_phone('1', '+86')", "argument country_code takes 1 to 3 digits, such as '86', not '+86'"),
        ("classify_text('a', ['x'])", "argument dictionary takes a LIST of STRUCT of term, class and weight"),
        ("run_lengths('x', true)", "run_lengths: argument time takes a date or a number, not Utf8"),
        ("recency_weighted_count(date '2026-01-01', 5, 30)", "argument as_of takes what time takes"),
        ("run_lengths(1, 1)", "run_lengths: argument condition takes a BOOLEAN, not Int64"),
        ("most_frequent(1.5)", "most_frequent: argument category takes a text, an integer or a date"),
        ("davies_bouldin([1])", "davies_bouldin takes 2 argument(s), (centroid, spread), not 1"),
        ("curve_quantile([1], 'half')", "curve_quantile: argument quantile takes a number, not Utf8"),
        ("load_duration_curve([1], 1.5)", "load_duration_curve: argument steps takes an integer, not Float64"),
    ] {
        let plan = async { session.sql(&format!("select {call}")).await?.create_physical_plan().await };
        let error = plan.await.expect_err(call).to_string();
        assert!(error.contains(refusal), "{call}: {error}");
    }
}

/// What only a row can tell names the function, too.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_values_are_refused_by_name() {
    let session = session().await;
    for (call, refusal) in [
        ("max_demand_w([i, 3000000000])", "max_demand_w: 3000000000 does not fit into a curve of INT watts"),
        ("curve_max([i, 3000000000])", "curve_max: 3000000000 does not fit into a curve of INT watts"),
        ("curve_quantile([i], 1.5)", "curve_quantile: argument quantile takes a number from 0 to 1, not 1.5"),
        ("load_duration_curve([i], 0)", "load_duration_curve: argument steps takes 1 to 10000, not 0"),
        ("typical_day([i], case when i = 0 then 0.1 else 0.2 end)", "argument trim takes one number in each group"),
        ("quantile_tier(i, [2, 1])", "quantile_tier: argument cuts takes numbers that ascend"),
        ("wilson_interval(i + 9, 8, 0.95)", "wilson_interval: argument hits takes 0 to trials, not 9 of 8"),
        ("over_index(i, 3, 9, 8)", "over_index: argument population_hits takes 0 to population_total, not 9 of 8"),
        ("recency_weighted_count(i, 5, -1)", "argument half_life_days takes a number above 0, not -1"),
        ("kmeans_statistics([i, 1e10])", "kmeans_statistics: argument features takes numbers up to 1e9"),
        ("davies_bouldin(case when i = 0 then [1] else [1, 2] end, 1)", "1 and 2 features in one group"),
        ("silhouette([i], [[1], [2]], 3)", "silhouette: argument cluster takes 1 to 2"),
        ("monthly_bill({tier_period: 'week'}, {flat_wh: i})", "tier_period takes 'month' or 'year', not 'week'"),
        ("monthly_bill({tax_rate: 13}, {flat_wh: i})", "tax_rate takes 0 to 1, such as 0.13, not 13"),
        ("monthly_bill({tax_rate: 0}, {flat_wh: i, month: 13})", "usage: month takes 1 to 12, not 13"),
        ("monthly_bill({tax_rate: 0}, {flat_wh: i, power_factor: 95})", "power_factor takes 0 to 1, not 95"),
        ("monthly_bill({tax_rate: 0}, {flat_wh: i, max_demand_w: -5})", "max_demand_w takes 0 or more, not -5"),
        (
            "monthly_bill({capacity_price: 999999999999.0}, {flat_wh: i, contract_capacity_va: 9223372036854775807})",
            "monthly_bill: an amount has more than 16 digits",
        ),
        (
            "tier_distance({tiers: [{above_kwh: 4800, surcharge: 1}, {above_kwh: 2520, surcharge: 2}]}, {flat_wh: i})",
            "tiers do not ascend",
        ),
    ] {
        let asked = ask(&session, &format!("select {call} from unnest(range(2)) as t (i)")).await;
        let error = asked.expect_err(call).to_string();
        assert!(error.contains(refusal), "{call}: {error}");
    }
}
