//! What k-means needs to know of the members of a cluster.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Int64Type};
use datafusion_common::{Result, exec_datafusion_err, exec_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::{exactly, primitive};
use crate::figure::{Figure, figures};
use crate::list::{ListWriter, Lists, list_of};
use crate::row::{Kind, Numbers};

const NAME: &str = "kmeans_statistics";
/// Features are counted in units of 1e-10: the scale of `Decimal128Type`.
const SCALE: f64 = 1e10;
/// The largest feature: its square times 10^9 rows fits into 128 bits.
const LIMIT: f64 = 1e9;

/// Sufficient statistics of a cluster.
#[user_doc(
    doc_section(label = "Clusters"),
    description = r"What k-means has to know of the members of a cluster: a struct of `count` BIGINT, and of LIST of DOUBLE `centroid`, the mean of each feature, which is the next centre, `sums` and `squares`, the sum of each feature and of its square. Features and their squares are rounded to units of 1e-10 and then counted exactly, so that the result has the same bits whatever the order of the rows and the partitions.

Lists that are NULL or empty, or hold a NULL, NaN or infinity, are left out; all fields are NULL where none is left. Features beyond 1e9, and lists of different lengths in one group, are errors.",
    syntax_example = "kmeans_statistics(features)",
    sql_example = r"```sql
> select kmeans_statistics(x) from (values ([1, 2]), ([3, 0.5])) as t (x);
{count: 2, centroid: [2.0, 1.25], sums: [4.0, 2.5], squares: [10.0, 4.25]}
```",
    argument(name = "features", description = "LIST of numbers, on scales that can be compared.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct KmeansStatistics;

figures! {
    pub(super) struct Statistics {
        count: i64,
        centroid: Vec<f64>,
        sums: Vec<f64>,
        squares: Vec<f64>,
    }
}

impl Aggregate for KmeansStatistics {
    const NAME: &'static str = NAME;
    type Groups = Sums;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [features] = exactly(NAME, ["features"], types)?;
        Ok(vec![Numbers::coerce(NAME, "features", features)?])
    }

    fn data_type() -> DataType {
        Statistics::data_type()
    }

    fn state() -> Vec<(&'static str, DataType)> {
        vec![("count", DataType::Int64), ("sums", list_of(Decimal128Type::DATA_TYPE))]
    }

    fn groups() -> Sums {
        Sums::default()
    }
}

aggregate!(KmeansStatistics);

/// Of each group, how many members there are, and of each feature the sum, then
/// of each the sum of squares.
#[derive(Debug, Default)]
pub(super) struct Sums {
    counts: Vec<i64>,
    sums: Vec<Vec<i128>>,
}

impl Sums {
    fn add(&mut self, group: usize, count: i64, values: impl ExactSizeIterator<Item = i128>) -> Result<()> {
        let sums = &mut self.sums[group];
        if sums.is_empty() {
            sums.resize(values.len(), 0);
        }
        if sums.len() != values.len() {
            return exec_err!("{NAME}: {} and {} features in one group", sums.len() / 2, values.len() / 2);
        }
        for (sum, value) in sums.iter_mut().zip(values) {
            let added = sum.checked_add(value);
            *sum = added.ok_or_else(|| exec_datafusion_err!("{NAME}: a sum of squares is beyond 1e28"))?;
        }
        self.counts[group] += count;
        Ok(())
    }
}

impl Groups for Sums {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        let groups = groups.max(self.counts.len());
        self.counts.resize(groups, 0);
        self.sums.resize_with(groups, Vec::new);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [features] = args else { return exec_err!("{NAME} was called with {} arguments", args.len()) };
        let features = Numbers::reader(NAME, features)?;
        for (row, &group) in groups.iter().enumerate() {
            let Some(features) = features(row).filter(|features| !features.is_empty() && filter.keeps(row)) else {
                continue;
            };
            if let Some(large) = features.iter().find(|feature| feature.abs() > LIMIT) {
                return exec_err!("{NAME}: argument features takes numbers up to 1e9, not {large}: scale them");
            }
            // Within the limit, both fit.
            let units = |value: f64| (value * SCALE).round() as i128;
            let values = (0..2 * features.len()).map(|at| match at.checked_sub(features.len()) {
                None => units(features[at]),
                Some(at) => units(features[at] * features[at]),
            });
            self.add(group, 1, values)?;
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [counts, sums] = states else { return exec_err!("{NAME} was given {} states", states.len()) };
        let (counts, sums) = (primitive::<Int64Type>(NAME, counts)?, Lists::<Decimal128Type>::try_new(NAME, sums)?);
        for (row, &group) in groups.iter().enumerate() {
            if let Some(sums) = sums.row(row).and_then(|row| row.dense())
                && counts.is_valid(row)
            {
                self.add(group, counts.value(row), sums.iter().copied())?;
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        Self { counts: emit_to.take_needed(&mut self.counts), sums: emit_to.take_needed(&mut self.sums) }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let mut sums = ListWriter::<Decimal128Type>::with_capacity(self.sums.len(), 0);
        for group in &self.sums {
            if group.is_empty() { sums.push_null() } else { sums.push_dense(group) }
        }
        let counts = self.counts.iter().map(|&count| (count > 0).then_some(count));
        Ok(vec![Arc::new(counts.collect::<Int64Array>()), Arc::new(sums.finish(NAME)?)])
    }

    fn result(&self) -> Result<ArrayRef> {
        let statistics = |(count, sums): (&i64, &Vec<i128>)| {
            let (sums, squares) = sums.split_at(sums.len() / 2);
            let floats = |units: &[i128], count: f64| units.iter().map(|&units| units as f64 / SCALE / count).collect();
            (*count > 0).then(|| Statistics {
                count: *count,
                centroid: floats(sums, *count as f64),
                sums: floats(sums, 1.0),
                squares: floats(squares, 1.0),
            })
        };
        Statistics::column(self.counts.iter().zip(&self.sums).map(statistics).collect())
    }

    fn heap_size(&self) -> usize {
        let cells: usize = self.sums.iter().map(Vec::capacity).sum();
        self.counts.capacity() * size_of::<i64>()
            + self.sums.capacity() * size_of::<Vec<i128>>()
            + cells * size_of::<i128>()
    }
}
