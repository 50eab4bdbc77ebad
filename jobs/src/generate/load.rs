//! The load curves as they arrive: mostly whole, here and there with gaps,
//! twice, or broken.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int32Array, ListArray, NullBufferBuilder, RecordBatch, StringBuilder};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::curve::{self, Blend, Curve, POINTS};
use super::damage::Damage;
use super::error::GenerateError;
use super::who::account::{Account, account_id};
use super::world::{Day, World};
use super::write::{ParquetFile, Written, properties};

/// Name of the table.
pub const TABLE: &str = "load_curve";

const ROW_GROUP_ROWS: usize = 32_768;
/// Rows that are encoded at once: small enough to stay in the cache.
const BATCH_ROWS: usize = 4_096;

/// Writes the curves of some accounts on one day, sorted by account.
pub fn write(
    world: &World,
    sources: &Path,
    day: &Day,
    accounts: &[Account],
    part: u64,
) -> Result<Written, GenerateError> {
    let folder = sources.join(TABLE).join(format!("date={}", day.date));
    let element: FieldRef = Arc::new(Field::new("element", DataType::Int32, true));
    let schema = schema(&element);
    let mut file = ParquetFile::create(&folder, part, Arc::clone(&schema), curve_properties())?;
    let mut rows = Rows::new();
    let mut readings = 0;
    let mut curve: Curve = [0; POINTS];
    let mut blend = Blend::default();
    for account in accounts {
        let damage = Damage::draw(world.seed, account.index, day.number);
        if account.opened > day.number || account.supplied_to() <= day.number || damage.is_missing {
            continue;
        }
        curve::fill(world, account, day, &mut blend, &mut curve);
        let times = if damage.is_repeated { 2 } else { 1 };
        for _ in 0..times {
            readings += rows.push(account.index, &curve, &damage) as u64;
        }
        if rows.len() >= BATCH_ROWS {
            let batch = rows.take(&schema, &element).map_err(GenerateError::arrow(&folder))?;
            file.write(&batch)?;
        }
    }
    let batch = rows.take(&schema, &element).map_err(GenerateError::arrow(&folder))?;
    file.write(&batch)?;
    Ok(Written { readings, ..file.finish()? })
}

fn schema(element: &FieldRef) -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("account_id", DataType::Utf8, false),
        Field::new("power_w", DataType::List(Arc::clone(element)), false),
    ]))
}

/// Whole watts differ little from one quarter hour to the next: deltas pack
/// them tighter than compression would, and unpack faster.
fn curve_properties() -> WriterProperties {
    let account_id = ColumnPath::from("account_id");
    let power_w = ColumnPath::new(["power_w", "list", "element"].map(str::to_owned).to_vec());
    properties()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_column_encoding(account_id, Encoding::DELTA_BYTE_ARRAY)
        .set_column_encoding(power_w, Encoding::DELTA_BINARY_PACKED)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build()
}

/// Rows on their way to a batch.
struct Rows {
    account_ids: StringBuilder,
    points: Vec<i32>,
    known: NullBufferBuilder,
    lengths: Vec<usize>,
}

impl Rows {
    fn new() -> Self {
        Self {
            account_ids: StringBuilder::with_capacity(BATCH_ROWS + 1, (BATCH_ROWS + 1) * 13),
            points: Vec::with_capacity((BATCH_ROWS + 1) * POINTS),
            known: NullBufferBuilder::new((BATCH_ROWS + 1) * POINTS),
            lengths: Vec::with_capacity(BATCH_ROWS + 1),
        }
    }

    fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Appends a row; returns the number of its points.
    fn push(&mut self, index: u64, curve: &Curve, damage: &Damage) -> usize {
        let length = if damage.is_broken { POINTS - 1 } else { POINTS };
        self.account_ids.append_value(account_id(index));
        self.lengths.push(length);
        if damage.holes == 0 {
            self.points.extend_from_slice(&curve[..length]);
            self.known.append_n_non_nulls(length);
        } else {
            let known = damage.known();
            let points = curve.iter().zip(&known);
            // What hides behind a null is part of the bytes, so it is zero.
            self.points.extend(points.take(length).map(|(power, known)| if *known { *power } else { 0 }));
            self.known.append_slice(&known[..length]);
        }
        length
    }

    fn take(&mut self, schema: &SchemaRef, element: &FieldRef) -> Result<RecordBatch, ArrowError> {
        let points = Vec::with_capacity(self.points.capacity());
        let points = std::mem::replace(&mut self.points, points);
        let values = Int32Array::try_new(points.into(), self.known.finish())?;
        let offsets = OffsetBuffer::from_lengths(self.lengths.drain(..));
        let curves = ListArray::try_new(Arc::clone(element), offsets, Arc::new(values), None)?;
        let account_ids = self.account_ids.finish();
        RecordBatch::try_new(Arc::clone(schema), vec![Arc::new(account_ids), Arc::new(curves)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_rows_are_short_and_holes_are_null() {
        let element: FieldRef = Arc::new(Field::new("element", DataType::Int32, true));
        let mut damage = Damage::draw(1, 0, 20_000);
        damage.holes = 3;
        damage.is_one_gap = true;
        damage.is_broken = false;
        let mut rows = Rows::new();
        assert_eq!(rows.push(17, &[5; POINTS], &damage), POINTS);
        damage.holes = 0;
        damage.is_broken = true;
        assert_eq!(rows.push(18, &[5; POINTS], &damage), POINTS - 1);
        let batch = rows.take(&schema(&element), &element).expect("a sound batch");
        assert_eq!(batch.num_rows(), 2);
        let again = rows.take(&schema(&element), &element).expect("an empty batch");
        assert_eq!(again.num_rows(), 0);
    }
}
