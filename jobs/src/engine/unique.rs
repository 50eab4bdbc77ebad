//! Repeated keys in a sorted stream: of rows with one key the greatest row
//! stays, compared column by column, and by its version first where rows have
//! one, so that the order of delivery does not matter.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Schema;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use datafusion::common::Result;

use super::keep;
use super::write::WriteSpec;
use crate::project::contract::{IS_RESTATED, VERSION};

/// Holds back the last row of what it has seen, because the next batch may
/// begin with the same key.
pub struct Unique {
    key_columns: Vec<usize>,
    keys: RowConverter,
    /// All columns but those of versions.
    content_columns: Vec<usize>,
    contents: RowConverter,
    versions: Option<Versions>,
    held: Option<(OwnedRow, RecordBatch)>,
    dropped: u64,
}

/// Columns of rows that correct each other.
struct Versions {
    version: usize,
    restated: usize,
    converter: RowConverter,
}

impl Unique {
    pub fn new(schema: &Schema, spec: &WriteSpec) -> Result<Self> {
        let names = spec.partition.iter().chain(&spec.key);
        let key_columns = names.map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let field = |column: &usize| SortField::new(schema.field(*column).data_type().clone());
        let versions = match spec.is_versioned {
            true => {
                let (version, restated) = (schema.index_of(VERSION)?, schema.index_of(IS_RESTATED)?);
                Some(Versions { version, restated, converter: RowConverter::new(vec![field(&version)])? })
            }
            false => None,
        };
        let is_content = |column: &usize| {
            versions.as_ref().is_none_or(|versions| ![versions.version, versions.restated].contains(column))
        };
        let content_columns: Vec<usize> = (0..schema.fields().len()).filter(is_content).collect();
        Ok(Self {
            keys: RowConverter::new(key_columns.iter().map(field).collect())?,
            contents: RowConverter::new(content_columns.iter().map(field).collect())?,
            key_columns,
            content_columns,
            versions,
            held: None,
            dropped: 0,
        })
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Rows that are certain now, in order.
    pub fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let mut ready = Vec::new();
        let mut batch = batch;
        let mut keys = convert(&self.keys, &batch, &self.key_columns)?;
        if self.held.as_ref().is_some_and(|(key, _)| key.row() != keys.row(0)) {
            ready.extend(self.finish()?);
        }
        if let Some((_, held)) = self.held.take() {
            batch = concat_batches(&batch.schema(), [&held, &batch])?;
            keys = convert(&self.keys, &batch, &self.key_columns)?;
        }
        let rows = batch.num_rows();
        let mut runs: Vec<Range<usize>> = Vec::new();
        let mut first = 0;
        for row in 1..rows {
            if keys.row(row) != keys.row(first) {
                runs.push(first..row);
                first = row;
            }
        }
        let last = first..rows;
        let key = keys.row(first).owned();
        // Few rows repeat a key: only theirs are looked at whole.
        runs.retain(|run| run.len() > 1);
        let settled = batch.slice(0, last.start);
        ready.extend(self.settle(&settled, &runs)?);
        self.held = Some((key, self.condense(batch.slice(last.start, last.len()))?));
        Ok(ready)
    }

    /// The row of the key that was held back.
    pub fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        let Some((_, held)) = self.held.take() else { return Ok(Vec::new()) };
        let run = 0..held.num_rows();
        self.settle(&held, if run.len() > 1 { std::slice::from_ref(&run) } else { &[] })
    }

    /// The rows that stay, of a batch with whole runs of repeated keys.
    fn settle(&mut self, batch: &RecordBatch, runs: &[Range<usize>]) -> Result<Vec<RecordBatch>> {
        let (mut keep, mut restated) = (vec![true; batch.num_rows()], vec![false; batch.num_rows()]);
        let said = self.said(batch, runs)?;
        let mut place = 0;
        for run in runs {
            let greatest = said.greatest(place..place + run.len());
            let content = |at: &usize| said.contents.row(*at);
            // Versions ascend: the last one stands.
            if let Some(winner) = greatest.last() {
                keep[run.clone()].fill(false);
                keep[run.start + winner - place] = true;
                restated[run.start + winner - place] = greatest.iter().any(|at| content(at) != content(winner));
            }
            self.dropped += run.len() as u64 - 1;
            place += run.len();
        }
        let batch = self.with_restated(batch.clone(), &restated)?;
        keep::keep(&batch, &BooleanArray::from(keep))
    }

    /// Of rows of one key the greatest of each version: what comes may yet be
    /// compared with every one of them.
    fn condense(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        if rows == 1 {
            return Ok(batch);
        }
        let all = 0..rows;
        let greatest = self.said(&batch, std::slice::from_ref(&all))?.greatest(all);
        self.dropped += (rows - greatest.len()) as u64;
        let greatest = UInt64Array::from_iter_values(greatest.into_iter().map(|row| row as u64));
        Ok(take_record_batch(&batch, &greatest)?)
    }

    /// What the rows of some runs say, one after the other.
    fn said(&self, batch: &RecordBatch, runs: &[Range<usize>]) -> Result<Said> {
        let rows = UInt64Array::from_iter_values(runs.iter().cloned().flatten().map(|row| row as u64));
        let repeated = take_record_batch(batch, &rows)?;
        let versions = self.versions.as_ref();
        let versions = versions.map(|of| convert(&of.converter, &repeated, &[of.version])).transpose()?;
        Ok(Said { contents: convert(&self.contents, &repeated, &self.content_columns)?, versions })
    }

    /// With versions every row says whether it came with other content before.
    fn with_restated(&self, batch: RecordBatch, restated: &[bool]) -> Result<RecordBatch> {
        let Some(versions) = &self.versions else { return Ok(batch) };
        let mut columns = batch.columns().to_vec();
        columns[versions.restated] = Arc::new(BooleanArray::from(restated.to_vec()));
        Ok(RecordBatch::try_new(batch.schema(), columns)?)
    }
}

/// Rows in a form that compares as bytes: all that they say, and their versions
/// where they have some.
struct Said {
    contents: Rows,
    versions: Option<Rows>,
}

impl Said {
    /// The greatest row of each version, versions ascending.
    fn greatest(&self, rows: Range<usize>) -> Vec<usize> {
        let version = |row: usize| self.versions.as_ref().map(|versions| versions.row(row));
        let mut rows: Vec<usize> = rows.collect();
        rows.sort_by_key(|row| (version(*row), self.contents.row(*row)));
        let mut greatest: Vec<usize> = Vec::new();
        for row in rows {
            match greatest.last_mut() {
                Some(last) if version(*last) == version(row) => *last = row,
                _ => greatest.push(row),
            }
        }
        greatest
    }
}

/// Some columns of a batch in a form that compares as bytes.
fn convert(converter: &RowConverter, batch: &RecordBatch, columns: &[usize]) -> Result<Rows> {
    let columns: Vec<ArrayRef> = columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
    Ok(converter.convert_columns(&columns)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, SchemaRef};
    use proptest::prelude::*;

    use super::*;

    /// Rows of key, value, version and whether they are restated.
    type Versioned = (i64, i64, Option<i64>, bool);

    fn run_versioned(batches: &[Vec<Versioned>]) -> Vec<Versioned> {
        let field = |name: &str, kind| Field::new(name, kind, true);
        let schema: SchemaRef = Arc::new(Schema::new(vec![
            field("k", DataType::Int64),
            field(VERSION, DataType::Int64),
            field("v", DataType::Int64),
            field(IS_RESTATED, DataType::Boolean),
        ]));
        let mut spec = spec();
        spec.is_versioned = true;
        let mut unique = Unique::new(&schema, &spec).expect("schema");
        let mut out = Vec::new();
        for rows in batches {
            let columns: Vec<ArrayRef> = vec![
                Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>()),
                Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>()),
                Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>()),
                Arc::new(rows.iter().map(|row| Some(row.3)).collect::<BooleanArray>()),
            ];
            out.extend(unique.push(RecordBatch::try_new(Arc::clone(&schema), columns).expect("batch")).expect("push"));
        }
        out.extend(unique.finish().expect("finish"));
        let rows = out.iter().flat_map(|batch| {
            let number = |column: usize| batch.column(column).as_primitive::<Int64Type>();
            (0..batch.num_rows()).map(move |row| {
                let version = number(1).is_valid(row).then(|| number(1).value(row));
                (number(0).value(row), number(2).value(row), version, batch.column(3).as_boolean().value(row))
            })
        });
        rows.collect()
    }

    fn spec() -> WriteSpec {
        WriteSpec {
            table: "t".into(),
            folder: "f".into(),
            unit: "u".into(),
            partition: vec![],
            key: vec!["k".into()],
            is_versioned: false,
        }
    }

    fn run(batches: &[Vec<(i64, i64)>]) -> (Vec<(i64, i64)>, u64) {
        let schema =
            Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, true)]));
        let mut unique = Unique::new(&schema, &spec()).expect("schema");
        let mut out = Vec::new();
        for rows in batches {
            let (keys, values): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
            let batch = RecordBatch::try_new(
                Arc::clone(&schema),
                vec![Arc::new(Int64Array::from(keys)), Arc::new(Int64Array::from(values))],
            );
            out.extend(unique.push(batch.expect("batch")).expect("push"));
        }
        out.extend(unique.finish().expect("finish"));
        let pairs = out.iter().flat_map(|batch| {
            let (keys, values) =
                (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
            (0..batch.num_rows()).map(|row| (keys.value(row), values.value(row))).collect::<Vec<_>>()
        });
        (pairs.collect(), unique.dropped())
    }

    proptest! {
        /// However the rows are cut into batches: the greatest version stands, and
        /// says whether an earlier one said anything else.
        #[test]
        fn a_later_version_stands_and_says_so(
            mut rows in prop::collection::vec((0i64..4, 0i64..3, prop::option::of(0i64..3)), 0..30),
            cuts in prop::collection::vec(0usize..30, 0..5),
        ) {
            let mut versions = std::collections::BTreeMap::<i64, std::collections::BTreeMap<_, _>>::new();
            for (key, value, version) in &rows {
                let greatest = versions.entry(*key).or_default().entry(*version).or_insert(*value);
                *greatest = *value.max(greatest);
            }
            rows.sort_by_key(|row| row.0);
            let rows: Vec<Versioned> = rows.into_iter().map(|(key, value, version)| (key, value, version, false)).collect();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(rows.len())).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            let batches: Vec<_> = cuts.windows(2).map(|pair| rows[pair[0]..pair[1]].to_vec()).collect();
            let expected: Vec<Versioned> = versions
                .into_iter()
                .filter_map(|(key, values)| {
                    let (version, value) = values.last_key_value().map(|(version, value)| (*version, *value))?;
                    Some((key, value, version, values.values().any(|other| *other != value)))
                })
                .collect();
            prop_assert_eq!(run_versioned(&batches), expected);
        }

        #[test]
        fn the_greatest_row_of_each_key_stays_in_order(
            mut rows in prop::collection::vec((0i64..6, 0i64..4), 0..40),
            cuts in prop::collection::vec(0usize..40, 0..6),
        ) {
            // Sorted by key alone: rows of one key come in any order.
            rows.sort_by_key(|row| row.0);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(rows.len())).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            let batches: Vec<_> = cuts.windows(2).map(|pair| rows[pair[0]..pair[1]].to_vec()).collect();
            let mut expected = std::collections::BTreeMap::new();
            for (key, value) in &rows {
                let best = expected.entry(*key).or_insert(*value);
                *best = (*best).max(*value);
            }
            let (found, dropped) = run(&batches);
            prop_assert_eq!(dropped as usize, rows.len() - expected.len());
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
