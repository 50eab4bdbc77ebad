//! The ledger: which runs there were, which units they ran, and what became of
//! the rows. The version of a run's first entry is the run's number.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use chrono::NaiveDate;

use crate::engine::relation::Relation;
use crate::engine::{Engine, build_id};
use crate::error::Error;
use crate::lake::{Change, Output, Table};
use crate::state::Area;

/// One unit that was run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitRecord {
    pub table: String,
    pub unit: String,
    pub label: String,
    pub rows_in: u64,
    pub rows_out: u64,
    pub quarantined: u64,
    pub duplicates: u64,
    pub seconds: f64,
}

pub struct Ledger {
    table: Table,
    job: String,
    as_of: NaiveDate,
    sequence: i64,
    known: BTreeMap<String, UnitRecord>,
    /// Entries that this run has made, for the numbers of its commits.
    entries: i64,
}

pub const TABLE: &str = "run_ledger";
/// More than a run makes: one per table, its start and its end.
const MOST_ENTRIES: i64 = 1000;

fn schema() -> SchemaRef {
    let field = |name: &str, kind: DataType| Field::new(name, kind, true);
    Arc::new(Schema::new(vec![
        field("run", DataType::Int64),
        field("event", DataType::Utf8),
        field("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        field("job", DataType::Utf8),
        field("as_of", DataType::Date32),
        field("build", DataType::Utf8),
        field("table_name", DataType::Utf8),
        field("unit", DataType::Utf8),
        field("label", DataType::Utf8),
        field("rows_in", DataType::Int64),
        field("rows_out", DataType::Int64),
        field("quarantined", DataType::Int64),
        field("duplicates", DataType::Int64),
        field("seconds", DataType::Float64),
        field("message", DataType::Utf8),
    ]))
}

impl Ledger {
    /// Reads what earlier runs did and enters this one.
    pub async fn open(engine: &Engine, out: &Output, job: &str, as_of: NaiveDate) -> Result<Self, Error> {
        let table = out.table(Area::Marts, TABLE);
        let standing = table.snapshot(None).await?;
        let sequence = standing.as_ref().map_or(1, |snapshot| snapshot.version as i64 + 1);
        let mut known = BTreeMap::new();
        if let Some(snapshot) = standing {
            let sql = "select unit, rows_in, rows_out, quarantined, duplicates from run_ledger where event = 'unit'";
            for batch in engine.query(vec![Relation::of_table(TABLE, &snapshot)], sql).await? {
                let count = |column: usize, row: usize| {
                    batch.column(column).as_primitive::<Int64Type>().value(row).max(0) as u64
                };
                for row in 0..batch.num_rows() {
                    let unit = batch.column(0).as_string::<i32>().value(row).to_owned();
                    let record = UnitRecord {
                        unit: unit.clone(),
                        rows_in: count(1, row),
                        rows_out: count(2, row),
                        quarantined: count(3, row),
                        duplicates: count(4, row),
                        ..UnitRecord::default()
                    };
                    known.insert(unit, record);
                }
            }
        }
        let ledger = Self { table, job: job.to_owned(), as_of, sequence, known, entries: 0 };
        ledger.append(engine, "started", &[], None).await?;
        Ok(ledger)
    }

    pub fn sequence(&self) -> i64 {
        self.sequence
    }

    pub fn job(&self) -> &str {
        &self.job
    }

    pub fn as_of(&self) -> NaiveDate {
        self.as_of
    }

    /// Enters units that were run, before anything is made of their files.
    pub async fn units(&mut self, engine: &Engine, records: Vec<UnitRecord>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        self.entries += 1;
        self.append(engine, "units", &records, None).await?;
        self.known.extend(records.into_iter().map(|record| (record.unit.clone(), record)));
        Ok(())
    }

    /// What a unit did, in this run or an earlier one.
    pub fn known(&self, unit: &str) -> Option<&UnitRecord> {
        self.known.get(unit)
    }

    /// Enters the end of the run.
    pub async fn close(&mut self, engine: &Engine, failure: Option<String>) -> Result<(), Error> {
        let event = if failure.is_some() { "failed" } else { "finished" };
        self.entries += 1;
        self.append(engine, event, &[], failure).await
    }

    async fn append(
        &self,
        engine: &Engine,
        event: &str,
        units: &[UnitRecord],
        message: Option<String>,
    ) -> Result<(), Error> {
        let transaction = self.sequence * MOST_ENTRIES + self.entries;
        let batch = self.batch(event, units, message)?;
        let file = engine.write(&self.table.location(), &format!("{transaction:016x}"), &batch).await?;
        self.table
            .commit(Change {
                schema: &schema(),
                partition: &[],
                add: vec![file],
                remove: Vec::new(),
                sequence: transaction,
            })
            .await?;
        Ok(())
    }

    fn batch(&self, event: &str, units: &[UnitRecord], message: Option<String>) -> Result<RecordBatch, Error> {
        let rows = units.len() + 1;
        let text = |of: fn(&UnitRecord) -> &String| {
            StringArray::from_iter(units.iter().map(|unit| Some(of(unit).as_str())).chain([None]))
        };
        let count = |of: fn(&UnitRecord) -> u64| {
            Int64Array::from_iter(units.iter().map(|unit| Some(of(unit) as i64)).chain([None]))
        };
        let now = chrono::Utc::now().timestamp_micros();
        let columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![self.sequence; rows])),
            Arc::new(StringArray::from_iter_values(units.iter().map(|_| "unit").chain([event]))),
            Arc::new(TimestampMicrosecondArray::from(vec![now; rows]).with_timezone("UTC")),
            Arc::new(StringArray::from(vec![self.job.as_str(); rows])),
            Arc::new(Date32Array::from(vec![Date32Type::from_naive_date(self.as_of); rows])),
            Arc::new(StringArray::from(vec![build_id(); rows])),
            Arc::new(text(|unit| &unit.table)),
            Arc::new(text(|unit| &unit.unit)),
            Arc::new(text(|unit| &unit.label)),
            Arc::new(count(|unit| unit.rows_in)),
            Arc::new(count(|unit| unit.rows_out)),
            Arc::new(count(|unit| unit.quarantined)),
            Arc::new(count(|unit| unit.duplicates)),
            Arc::new(Float64Array::from_iter(units.iter().map(|unit| Some(unit.seconds)).chain([None]))),
            Arc::new(StringArray::from_iter(units.iter().map(|_| None).chain([message]))),
        ];
        RecordBatch::try_new(schema(), columns).map_err(|error| Error::Query(Box::new(error.into())))
    }
}
