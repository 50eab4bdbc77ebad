//! How well clusters are told apart.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion_common::{Result, exec_err};
use datafusion_expr::EmitTo;
use datafusion_macros::user_doc;

use crate::aggregate::{Aggregate, Filter, Groups, aggregate};
use crate::args::exactly;
use crate::figure::Figure;
use crate::list::{ListWriter, Lists, list_of};
use crate::row::{Kind, Number, Numbers};

const NAME: &str = "davies_bouldin";

/// The Davies-Bouldin index of clusters.
#[user_doc(
    doc_section(label = "Clusters"),
    description = r"The Davies-Bouldin index of some clusters, one a row (DOUBLE, 0 or more, smaller is better): for each cluster the worst of the others, by the sum of the two spreads over the distance of the two centres; of these, the mean.

Rows in which an argument is NULL, or a centre is empty or holds a NULL, NaN or infinity, are left out; NULL where fewer than two are left, or two centres are the same. Centres with different numbers of features, and a negative spread, are errors. Source: D. L. Davies and D. W. Bouldin, A cluster separation measure, IEEE PAMI 1 (1979).",
    syntax_example = "davies_bouldin(centroid, spread)",
    sql_example = r"```sql
> select davies_bouldin(c, s) from (values ([0, 0], 1), ([4, 0], 1), ([0, 8], 2)) as t (c, s);
0.4583333333333333
```",
    argument(name = "centroid", description = "LIST of numbers: the centre of a cluster."),
    argument(name = "spread", description = "Number: the mean distance of its members from the centre.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DaviesBouldin;

impl Aggregate for DaviesBouldin {
    const NAME: &'static str = NAME;
    type Groups = Clusters;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let [centroid, spread] = exactly(NAME, ["centroid", "spread"], types)?;
        Ok(vec![Numbers::coerce(NAME, "centroid", centroid)?, Number::coerce(NAME, "spread", spread)?])
    }

    fn data_type() -> DataType {
        DataType::Float64
    }

    fn state() -> Vec<(&'static str, DataType)> {
        vec![("features", list_of(DataType::Float64)), ("lengths", list_of(DataType::Int64))]
    }

    fn groups() -> Clusters {
        Clusters::default()
    }
}

aggregate!(DaviesBouldin);

/// The clusters of each group: the spread, then the centre.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    groups: Vec<Vec<Vec<f64>>>,
    /// Bytes of the clusters.
    bytes: usize,
}

impl Clusters {
    fn push(&mut self, group: usize, cluster: Vec<f64>) -> Result<()> {
        let clusters = &mut self.groups[group];
        if let Some(first) = clusters.first().filter(|first| first.len() != cluster.len()) {
            let (one, other) = (first.len() - 1, cluster.len() - 1);
            return exec_err!("{NAME}: argument centroid has {one} and {other} features in one group");
        }
        self.bytes += size_of::<Vec<f64>>() + cluster.capacity() * size_of::<f64>();
        clusters.push(cluster);
        Ok(())
    }
}

impl Groups for Clusters {
    fn empty(&self) -> Self {
        Self::default()
    }

    fn resize(&mut self, groups: usize) {
        self.groups.resize_with(groups.max(self.groups.len()), Vec::new);
    }

    fn update(&mut self, args: &[ArrayRef], groups: &[usize], filter: Filter<'_>) -> Result<()> {
        let [centroids, spreads] = args else { return exec_err!("{NAME} was called with {} arguments", args.len()) };
        let (centroid, spread) = (Numbers::reader(NAME, centroids)?, Number::reader(NAME, spreads)?);
        for (row, &group) in groups.iter().enumerate() {
            let (Some(centroid), Some(spread), true) = (centroid(row), spread(row), filter.keeps(row)) else {
                continue;
            };
            if spread < 0.0 {
                return exec_err!("{NAME}: argument spread takes a distance, not {spread}");
            }
            if !centroid.is_empty() {
                // A zero has one sign, so that equal rows have equal bits.
                self.push(group, std::iter::once(&spread).chain(centroid).map(|number| number + 0.0).collect())?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize]) -> Result<()> {
        let [numbers, lengths] = states else { return exec_err!("{NAME} was given {} states", states.len()) };
        let numbers = Lists::<Float64Type>::try_new(NAME, numbers)?;
        let lengths = Lists::<Int64Type>::try_new(NAME, lengths)?;
        for (row, &group) in groups.iter().enumerate() {
            let (Some(numbers), Some(lengths)) = (numbers.row(row), lengths.row(row)) else { continue };
            let mut numbers = numbers.known().map(|(_, number)| number);
            for (_, length) in lengths.known() {
                // As many as a list has elements.
                self.push(group, numbers.by_ref().take(length as usize).collect())?;
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Self {
        let groups = emit_to.take_needed(&mut self.groups);
        let clusters = groups.iter().flatten();
        let bytes = clusters.map(|cluster| size_of::<Vec<f64>>() + cluster.capacity() * size_of::<f64>()).sum();
        self.bytes -= bytes;
        Self { groups, bytes }
    }

    fn state(&self) -> Result<Vec<ArrayRef>> {
        let mut numbers = ListWriter::<Float64Type>::with_capacity(self.groups.len(), 0);
        let mut lengths = ListWriter::<Int64Type>::with_capacity(self.groups.len(), 0);
        for clusters in &self.groups {
            if clusters.is_empty() {
                numbers.push_null();
                lengths.push_null();
            } else {
                numbers.push(clusters.iter().flatten().copied().map(Some));
                lengths.push(clusters.iter().map(|cluster| Some(cluster.len() as i64)));
            }
        }
        Ok(vec![Arc::new(numbers.finish(NAME)?), Arc::new(lengths.finish(NAME)?)])
    }

    fn result(&self) -> Result<ArrayRef> {
        let clusters = |clusters: &'_ Vec<Vec<f64>>| {
            davies_bouldin_of(clusters.iter().map(|cluster| (cluster[0], &cluster[1..])).collect())
        };
        f64::column(self.groups.iter().map(clusters).collect())
    }

    fn heap_size(&self) -> usize {
        self.groups.capacity() * size_of::<Vec<Vec<f64>>>() + self.bytes
    }
}

/// The index of clusters, each by its spread and its centre; centres of one length.
pub fn davies_bouldin_of(mut clusters: Vec<(f64, &[f64])>) -> Option<f64> {
    clusters.sort_unstable_by(|left, right| {
        let features = left.1.iter().zip(right.1).map(|(left, right)| left.total_cmp(right));
        features.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then(left.0.total_cmp(&right.0))
    });
    let mut sum = 0.0;
    for (at, (spread, centroid)) in clusters.iter().enumerate() {
        let mut worst = 0.0f64;
        for (other_at, (other_spread, other)) in clusters.iter().enumerate() {
            if other_at != at {
                let square: f64 =
                    centroid.iter().zip(*other).map(|(left, right)| (left - right) * (left - right)).sum();
                if square == 0.0 {
                    return None;
                }
                worst = worst.max((spread + other_spread) / square.sqrt());
            }
        }
        sum += worst;
    }
    (clusters.len() > 1).then(|| sum / clusters.len() as f64)
}
