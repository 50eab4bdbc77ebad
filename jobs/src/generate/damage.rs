//! What happens to records on their way: values that cannot be, values that
//! are missing, rows that come twice. Everything is written down.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{cast, interleave, take_record_batch};
use arrow::datatypes::{DataType, Date32Type, Field, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::random::{Key, Stream, mix};
use super::write::{Row, opt_texts, texts};

/// Days by which what ends before it begins does so.
const BEFORE_DAYS: i32 = 10;

/// Something that may be wrong with a row.
#[derive(Clone, Copy, Debug)]
pub struct Flaw {
    column: &'static str,
    kind: FlawKind,
}

#[derive(Clone, Copy, Debug)]
enum FlawKind {
    Missing,
    /// A value, as text, that breaks the rule of this name.
    Value(&'static str, &'static str),
    /// The end before the beginning that this column holds.
    Before(&'static str),
}

/// A column without its value.
pub const fn missing(column: &'static str) -> Flaw {
    Flaw { column, kind: FlawKind::Missing }
}

/// A column with a value, as text, that breaks a rule of its contract.
pub const fn wrong(column: &'static str, rule: &'static str, value: &'static str) -> Flaw {
    Flaw { column, kind: FlawKind::Value(rule, value) }
}

/// A column that ends before another one begins.
pub const fn before(column: &'static str, from: &'static str) -> Flaw {
    Flaw { column, kind: FlawKind::Before(from) }
}

impl Flaw {
    fn rule(self) -> String {
        let rule = match self.kind {
            FlawKind::Missing => "missing",
            FlawKind::Value(rule, _) => rule,
            FlawKind::Before(_) => "before",
        };
        format!("{}.{rule}", self.column)
    }

    /// The column with a flaw in some rows.
    fn spoil(self, batch: &RecordBatch, rows: &[usize]) -> Result<ArrayRef, ArrowError> {
        let column = column_of(batch, self.column)?;
        let spoilt: ArrayRef = match self.kind {
            FlawKind::Missing => arrow::array::new_null_array(column.data_type(), 1),
            FlawKind::Value(_, value) => cast(&StringArray::from(vec![value]), column.data_type())?,
            FlawKind::Before(from) => {
                let from = column_of(batch, from)?.as_primitive::<Date32Type>();
                let early: Date32Array = from.iter().map(|day| day.map(|day| day - BEFORE_DAYS)).collect();
                return replaced(column, &early, rows, |row| row);
            }
        };
        replaced(column, &spoilt, rows, |_| 0)
    }
}

fn no_column(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("no column {name}"))
}

/// A column in which some rows come from another one.
fn replaced(
    column: &ArrayRef,
    others: &dyn Array,
    rows: &[usize],
    place: impl Fn(usize) -> usize,
) -> Result<ArrayRef, ArrowError> {
    let mut rows = rows.iter().copied().peekable();
    let indices: Vec<(usize, usize)> = (0..column.len())
        .map(|row| match rows.next_if_eq(&row) {
            Some(row) => (1, place(row)),
            None => (0, row),
        })
        .collect();
    interleave(&[column.as_ref(), others], &indices)
}

/// One row that was spoilt, repeated or lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planted {
    pub table: &'static str,
    pub rule: String,
    /// The row's key, as in the quarantine.
    pub row_key: String,
}

impl Row for Planted {
    const TABLE: &'static str = "dirty";
    const KEY: &'static [&'static str] = &["source", "rule", "row_key"];

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_from_iter_with_nullable([
            ("source", texts(rows.iter().map(|row| row.table)), false),
            ("rule", texts(rows.iter().map(|row| &row.rule)), false),
            ("row_key", opt_texts(rows.iter().map(|row| Some(&row.row_key))), false),
        ])
    }
}

/// The schema of a table whose rows may have flaws.
pub fn schema_of<R: Row>(schema: &Schema) -> SchemaRef {
    let is_missing =
        |name: &str| R::FLAWS.iter().any(|flaw| flaw.column == name && matches!(flaw.kind, FlawKind::Missing));
    let fields = schema.fields().iter().map(|field| {
        let nullable = field.is_nullable() || is_missing(field.name());
        Field::new(field.name(), field.data_type().clone(), nullable)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Spoils some rows of a batch, and repeats some. Which ones depends on their
/// keys alone.
pub fn spoil<R: Row>(batch: RecordBatch, seed: u64, planted: &mut Vec<Planted>) -> Result<RecordBatch, ArrowError> {
    let schema = schema_of::<R>(&batch.schema());
    let mut batch = RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())?;
    if R::FLAWS.is_empty() {
        return Ok(batch);
    }
    let digests = digests_of::<R>(&batch)?;
    let mut written = Vec::new();
    let root = Key::new(seed, Stream::Damage).with(hash(R::TABLE.as_bytes()));
    let mut flawed: Vec<Vec<usize>> = vec![Vec::new(); R::FLAWS.len()];
    let mut order: Vec<u32> = Vec::with_capacity(digests.len());
    for (row, digest) in digests.into_iter().enumerate() {
        order.push(row as u32);
        let key = root.with(digest);
        let rule = if key.chance(0, R::FLAWED) {
            let place = key.below(1, R::FLAWS.len() as u64) as usize;
            flawed[place].push(row);
            R::FLAWS[place].rule()
        } else if key.chance(2, R::REPEATED) {
            order.push(row as u32);
            "repeated".to_owned()
        } else {
            continue;
        };
        written.push((row, rule));
    }
    let row_keys = row_keys::<R>(&batch, written.iter().map(|(row, _)| *row))?;
    planted.extend(written.into_iter().zip(row_keys).map(|((_, rule), row_key)| Planted {
        table: R::TABLE,
        rule,
        row_key,
    }));
    for (flaw, rows) in R::FLAWS.iter().zip(flawed).filter(|(_, rows)| !rows.is_empty()) {
        let spoilt = flaw.spoil(&batch, &rows)?;
        let place = schema.index_of(flaw.column)?;
        let mut columns = batch.columns().to_vec();
        columns[place] = spoilt;
        batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    }
    if order.len() == batch.num_rows() { Ok(batch) } else { take_record_batch(&batch, &UInt32Array::from(order)) }
}

/// The keys of some rows, as the quarantine writes them.
fn row_keys<R: Row>(batch: &RecordBatch, rows: impl Iterator<Item = usize>) -> Result<Vec<String>, ArrowError> {
    let options = FormatOptions::default();
    let mut columns = Vec::with_capacity(R::KEY.len());
    for name in R::KEY {
        columns.push((*name, ArrayFormatter::try_new(column_of(batch, name)?.as_ref(), &options)?));
    }
    Ok(rows
        .map(|row| {
            let parts = columns.iter().map(|(name, column)| format!("{name}={}", column.value(row)));
            parts.collect::<Vec<_>>().join(", ")
        })
        .collect())
}

/// A number for each row that depends on its key alone.
fn digests_of<R: Row>(batch: &RecordBatch) -> Result<Vec<u64>, ArrowError> {
    let mut digests = vec![0; batch.num_rows()];
    for name in R::KEY {
        let column = column_of(batch, name)?;
        match column.data_type() {
            DataType::Utf8 => {
                for (digest, text) in digests.iter_mut().zip(column.as_string::<i32>()) {
                    *digest = mix(*digest ^ hash(text.unwrap_or_default().as_bytes()));
                }
            }
            _ => {
                let numbers = cast(column, &DataType::Int64)?;
                for (digest, number) in digests.iter_mut().zip(numbers.as_primitive::<Int64Type>()) {
                    *digest = mix(*digest ^ hash(&number.unwrap_or_default().to_le_bytes()));
                }
            }
        }
    }
    Ok(digests)
}

fn column_of<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| no_column(name))
}

/// A hash of bytes that is the same everywhere.
fn hash(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(bytes.len() as u64, |sum, chunk| {
        let mut eight = [0; 8];
        eight[..chunk.len()].copy_from_slice(chunk);
        mix(sum ^ u64::from_le_bytes(eight))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::write::{dates, ints};

    struct Sample(i32);

    impl Row for Sample {
        const TABLE: &'static str = "sample";
        const KEY: &'static [&'static str] = &["name", "from"];
        const FLAWS: &'static [Flaw] = &[missing("name"), wrong("count", "max", "999"), before("to", "from")];
        const FLAWED: f64 = 0.02;
        const REPEATED: f64 = 0.01;

        fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
            RecordBatch::try_from_iter_with_nullable([
                ("name", texts(rows.iter().map(|row| format!("n{}", row.0))), false),
                ("count", ints(rows.iter().map(|_| 5)), false),
                ("from", dates(rows.iter().map(|row| row.0)), false),
                ("to", dates(rows.iter().map(|row| row.0 + 3)), false),
            ])
        }
    }

    fn spoilt(range: std::ops::Range<i32>) -> (RecordBatch, Vec<Planted>) {
        let rows: Vec<Sample> = range.map(Sample).collect();
        let mut planted = Vec::new();
        let batch = Sample::batch(&rows).expect("a batch");
        (spoil::<Sample>(batch, 1, &mut planted).expect("a batch"), planted)
    }

    #[test]
    fn what_is_planted_is_there_and_nothing_else() {
        let (batch, planted) = spoilt(0..4_000);
        let of = |rule: &str| planted.iter().filter(|one| one.rule == rule).count();
        assert_eq!(batch.column(0).null_count(), of("name.missing"));
        let counts = batch.column(1).as_primitive::<Int64Type>();
        assert_eq!(counts.values().iter().filter(|count| **count == 999).count(), of("count.max"));
        let (from, to) = (batch.column(2).as_primitive::<Date32Type>(), batch.column(3).as_primitive::<Date32Type>());
        let early = from.values().iter().zip(to.values()).filter(|(from, to)| to < from).count();
        assert_eq!(early, of("to.before"));
        assert_eq!(batch.num_rows(), 4_000 + of("repeated"));
        assert!(["name.missing", "count.max", "to.before", "repeated"].iter().all(|rule| of(rule) > 10), "{planted:?}");
        assert!(planted.iter().any(|one| one.row_key.contains(", from=1970-")));
    }

    #[test]
    fn a_row_fares_the_same_among_any_others() {
        let (_, all) = spoilt(0..4_000);
        let (_, some) = spoilt(1_000..2_000);
        assert!(!some.is_empty() && some.iter().all(|one| all.contains(one)));
    }
}
