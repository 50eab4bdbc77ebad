//! The load curves as they arrive: mostly whole, here and there with gaps,
//! twice, broken, or with what failing meters say.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int32Array, ListArray, NullBufferBuilder, RecordBatch, StringBuilder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::calibrated::{REACTIVE_FIXED, REACTIVE_SLOPE};
use super::curve::fault::Fault;
use super::curve::{self, Blend, Curve, POINTS};
use super::damage::Planted;
use super::error::GenerateError;
use super::random::{Key, Stream};
use super::who::account::{Account, account_id};
use super::world::{Day, World};
use super::write::{ParquetFile, Written, part_name, properties};

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
    planted: &mut Vec<Planted>,
) -> Result<Written, GenerateError> {
    let folder = sources.join(TABLE).join(format!("date={}", day.date));
    let mut rows = Rows::new();
    let mut file = ParquetFile::create(&folder, &part_name(part), Arc::clone(&rows.schema), curve_properties())?;
    let mut readings = 0;
    let mut curve: Curve = [0; POINTS];
    let mut blend = Blend::default();
    for account in accounts {
        if account.opened > day.number || account.supplied_to() <= day.number {
            continue;
        }
        let fault = Fault::draw(world.seed, account, day.number);
        let mut plant = |rule: &str| {
            let row_key = format!("account_id={}, date={}", account_id(account.index), day.date);
            planted.push(Planted { table: TABLE, rule: rule.to_owned(), row_key });
        };
        if fault == Some(Fault::Missing) {
            plant(Fault::Missing.name());
            continue;
        }
        curve::fill(world, account, day, &mut blend, &mut curve);
        let fault = fault.filter(|fault| fault.befall(account, day.number, &mut curve));
        if let Some(fault) = fault {
            plant(fault.name());
        }
        let times = if fault == Some(Fault::Repeated) { 2 } else { 1 };
        let key = Key::new(world.seed, Stream::Reactive).with(account.index).on(day.number);
        for _ in 0..times {
            readings += rows.push(account, &curve, fault, key) as u64;
        }
        if rows.len() >= BATCH_ROWS {
            let batch = rows.take().map_err(GenerateError::arrow(&folder))?;
            file.write(&batch)?;
        }
    }
    let batch = rows.take().map_err(GenerateError::arrow(&folder))?;
    file.write(&batch)?;
    Ok(Written { readings, ..file.finish()? })
}

/// Whole watts differ little from one quarter hour to the next: deltas pack
/// them tighter than compression would, and unpack faster.
fn curve_properties() -> WriterProperties {
    let points = |name: &str| ColumnPath::new([name, "list", "element"].map(str::to_owned).to_vec());
    properties()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_column_encoding(ColumnPath::from("account_id"), Encoding::DELTA_BYTE_ARRAY)
        .set_column_encoding(points("power_w"), Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(points("reactive_var"), Encoding::DELTA_BINARY_PACKED)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build()
}

/// Lists of whole numbers on their way to a column.
struct Lists {
    element: FieldRef,
    points: Vec<i32>,
    known: NullBufferBuilder,
    lengths: Vec<usize>,
}

impl Lists {
    fn new(element: &FieldRef) -> Self {
        Self {
            element: Arc::clone(element),
            points: Vec::new(),
            known: NullBufferBuilder::new((BATCH_ROWS + 1) * POINTS),
            lengths: Vec::with_capacity(BATCH_ROWS + 1),
        }
    }

    /// Appends a list; what hides behind a null is part of the bytes, so it is
    /// zero.
    fn push(&mut self, points: &[i32], known: Option<&[bool]>) {
        self.lengths.push(points.len());
        match known {
            None => {
                self.points.extend_from_slice(points);
                self.known.append_n_non_nulls(points.len());
            }
            Some(known) => {
                let points = points.iter().zip(known);
                self.points.extend(points.map(|(point, known)| if *known { *point } else { 0 }));
                self.known.append_slice(known);
            }
        }
    }

    fn take(&mut self, rows: Option<NullBuffer>) -> Result<ListArray, ArrowError> {
        let points = Vec::with_capacity(self.points.capacity());
        let points = std::mem::replace(&mut self.points, points);
        let values = Int32Array::try_new(points.into(), self.known.finish())?;
        let offsets = OffsetBuffer::from_lengths(self.lengths.drain(..));
        ListArray::try_new(Arc::clone(&self.element), offsets, Arc::new(values), rows)
    }
}

/// The reactive power of a day: of motors that turn, more or less with their load,
/// and now and then with a bank of capacitors too many.
fn reactive(account: &Account, curve: &Curve, key: Key) -> Curve {
    let fixed_var = REACTIVE_FIXED * f64::from(account.tenant.mean_w);
    let slope = REACTIVE_SLOPE * account.reactive;
    let mut drift = key.unit(0);
    std::array::from_fn(|point| {
        drift = 0.8 * drift + 0.2 * key.unit(1 + point as u64);
        let bank = if key.chance(100 + point as u64 / 8, 0.08) { 0.45 } else { 1.04 };
        ((fixed_var + slope * f64::from(curve[point])) * (0.7 + 0.6 * drift) * bank) as i32
    })
}

/// Rows on their way to a batch.
struct Rows {
    schema: SchemaRef,
    account_ids: StringBuilder,
    power_w: Lists,
    reactive_var: Lists,
    has_reactive: NullBufferBuilder,
}

impl Rows {
    fn new() -> Self {
        let element: FieldRef = Arc::new(Field::new("element", DataType::Int32, true));
        let list = |name: &str, nullable| Field::new(name, DataType::List(Arc::clone(&element)), nullable);
        let account_id = Field::new("account_id", DataType::Utf8, false);
        Self {
            schema: Arc::new(Schema::new(vec![account_id, list("power_w", false), list("reactive_var", true)])),
            account_ids: StringBuilder::with_capacity(BATCH_ROWS + 1, (BATCH_ROWS + 1) * 13),
            power_w: Lists::new(&element),
            reactive_var: Lists::new(&element),
            has_reactive: NullBufferBuilder::new(BATCH_ROWS + 1),
        }
    }

    fn len(&self) -> usize {
        self.power_w.lengths.len()
    }

    /// Appends a row; returns the number of its points.
    fn push(&mut self, account: &Account, curve: &Curve, fault: Option<Fault>, key: Key) -> usize {
        let length = if fault == Some(Fault::Broken) { POINTS - 1 } else { POINTS };
        let known = fault.and_then(Fault::known);
        let known = known.as_ref().map(|known| &known[..length]);
        self.account_ids.append_value(account_id(account.index));
        self.power_w.push(&curve[..length], known);
        let has_reactive = account.has_reactive_meter();
        self.has_reactive.append(has_reactive);
        if has_reactive {
            self.reactive_var.push(&reactive(account, curve, key)[..length], known);
        } else {
            self.reactive_var.push(&[], None);
        }
        length
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let power_w = self.power_w.take(None)?;
        let reactive_var = self.reactive_var.take(self.has_reactive.finish())?;
        let columns: [arrow::array::ArrayRef; 3] =
            [Arc::new(self.account_ids.finish()), Arc::new(power_w), Arc::new(reactive_var)];
        RecordBatch::try_new(Arc::clone(&self.schema), columns.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::generate::world::tests::world;

    #[test]
    fn broken_rows_are_short_and_gaps_are_null() {
        let (account, key) = (Account::draw(&world(1), 17), Key::new(1, Stream::Reactive));
        let mut rows = Rows::new();
        assert_eq!(rows.push(&account, &[5; POINTS], Some(Fault::Gap { start: 10, points: 3 }), key), POINTS);
        assert_eq!(rows.push(&account, &[5; POINTS], Some(Fault::Broken), key), POINTS - 1);
        let batch = rows.take().expect("a sound batch");
        assert_eq!(batch.num_rows(), 2);
        let curves = batch.column(1).as_any().downcast_ref::<ListArray>().expect("lists");
        assert_eq!((curves.value(0).null_count(), curves.value(1).len()), (3, POINTS - 1));
        assert_eq!(rows.take().expect("an empty batch").num_rows(), 0);
    }
}
