use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use crate::support::{AS_OF, kwhy, output, query, repository, succeed};

/// Made homes beside those of London.
mod likeness;

/// What was planted, and how much of it is found.
mod planted;

/// Every Parquet file below a folder, in order.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for path in std::fs::read_dir(folder).expect("folder").flatten().map(|entry| entry.path()) {
            match path.extension() {
                Some(kind) if kind == "parquet" => found.push(path),
                _ if path.is_dir() => pending.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The columns of all files below a folder, as texts.
pub fn texts(folder: &Path, columns: &[&str]) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("null");
    let mut rows = Vec::new();
    for path in files(folder) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("a file")).expect("Parquet");
        for batch in reader.build().expect("a reader").map(|batch| batch.expect("rows")) {
            let named = |name: &&str| batch.column_by_name(name).expect("a column");
            let columns: Vec<_> = columns
                .iter()
                .map(|name| ArrayFormatter::try_new(named(name), &options).expect("a column that prints"))
                .collect();
            rows.extend(
                (0..batch.num_rows())
                    .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>()),
            );
        }
    }
    rows
}

/// A lake of everything, made once, and what a run over all of it made.
struct Made {
    lake: TempDir,
    out: TempDir,
    audit: String,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let (lake, out) = (TempDir::new().expect("folder"), TempDir::new().expect("folder"));
        let size = ["--accounts", "3000", "--days", "62", "--end", AS_OF, "--seed", "5"];
        succeed(kwhy().args(["generate", "--out"]).arg(lake.path()).args(size));
        let mut run = kwhy();
        run.args(["run", "everything", "--as-of", AS_OF, "--lake"]).arg(lake.path()).arg("--out").arg(out.path());
        let audit = succeed(run.arg("--project").arg(repository().join("tests/made_lake")));
        Made { lake, out, audit }
    })
}

/// For months and accounts whose every quarter hour was delivered, the bill is
/// what the curves say, to the watt-hour.
#[test]
fn bills_are_the_energy_of_their_curves() {
    let rows = query(
        made().out.path(),
        "with month as (
           select account_id, date_trunc('month', cast(date as timestamp)) as month, count(*) as days,
             sum(energy_wh + coalesce(backfeed_wh, 0)) as taken_wh, sum(valid_points) as points,
             sum(estimated_points) as estimated, sum(coalesce(backfeed_wh, 0)) as backfeed_wh
           from account_load_day where date >= date '2026-01-01' and date < date '2026-02-01' group by 1, 2
         )
         select count(*), sum(case when abs(bill.energy_wh - month.taken_wh) <= 31 then 1 else 0 end),
           max(abs(bill.energy_wh - month.taken_wh))
         from month join stg_bills as bill
           on bill.account_id = month.account_id and cast(bill.bill_month as timestamp) = month.month
           left join (select distinct account_id from account_load_exception) as doubtful
           on doubtful.account_id = month.account_id
         where doubtful.account_id is null and month.points = 31 * 96 and month.estimated = 0 and month.backfeed_wh = 0",
    );
    let whole: u64 = rows[0][0].parse().expect("a number");
    assert!(whole > 300, "{rows:?}");
    // A day's energy is rounded in its own row, a month's once.
    assert_eq!(rows[0][0], rows[0][1], "{rows:?}");
}

#[test]
fn amounts_are_energies_at_the_prices_of_the_tariff() {
    let rows = query(
        made().out.path(),
        "with price as (
           select tariff_code, month, period, max(price_cny_kwh) as price from stg_tariff_periods group by 1, 2, 3
         ), priced as (
           select bill.account_id, bill.bill_month, bill.amount_energy_cny,
             sum(price.price * case price.period when 'sharp' then bill.sharp_wh when 'peak' then bill.peak_wh
               when 'flat' then bill.flat_wh else bill.valley_wh end) / 1000 as amount
           from stg_bills as bill join price
             on price.tariff_code = bill.tariff_code and price.month = extract(month from bill.bill_month)
           where bill.tariff_code in ('COM_TOU', 'IND_2PART', 'AGR_FLAT', 'PUB_FLAT')
           group by 1, 2, 3
         )
         select count(*), sum(case when abs(amount - amount_energy_cny) > 0.005 then 1 else 0 end) from priced",
    );
    assert!(rows[0][0].parse::<u64>().expect("a number") > 5_000, "{rows:?}");
    assert_eq!(rows[0][1], "0", "{rows:?}");
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let folder = TempDir::new().expect("folder");
    let lake = folder.path().join("lake");
    let program = env!("CARGO_BIN_EXE_kwhy");
    // A file that may not grow is what a full disk is to the program.
    let script = format!(
        "ulimit -f 16; trap '' XFSZ; exec {program} generate --accounts 3000 --days 3 --out {}",
        lake.display()
    );
    let refused = output(std::process::Command::new("sh").args(["-c", &script]).env("KWHY_LOG", "error"));
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(4), "{message}");
    assert!(message.contains(".parquet") && message.contains("no room"), "{message}");
    assert!(!lake.exists(), "half a lake is left");
}
