//! The dictionary of load shapes: in the driver, of a sample of days.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder, Int32Array, ListBuilder, RecordBatch, StringArray};
use arrow::datatypes::Float64Type;
use datafusion::sql::sqlparser::ast::Expr;

use super::Build;
use crate::engine::relation::Relation;
use crate::error::Error;
use crate::plan::Step;
use crate::project::tag::parse_expression;
use crate::project::{
    LOAD_SHAPE_KINDS, LOAD_SHAPE_LIST, LOAD_SHAPE_SAMPLE, LOAD_SHAPES, PREVIOUS_LOAD_SHAPES, STANDARD_PROFILES,
};
use crate::run::models::{made, millionths};
use crate::segment::Points;
use crate::segment::scale::lists;
use crate::segment::shapes::{Shape, fit};

/// Points of a day.
const POINTS: usize = 48;

/// A standard profile: what it is called, and the shares of its half hours.
type Profile = (String, Vec<f64>);

impl Build<'_> {
    /// `load_shape`: shapes of days, which go on from those of the release before.
    pub(super) async fn shapes(&self) -> Result<RecordBatch, Error> {
        let mut days = Points::new(POINTS);
        if let Some(sample) = self.tables.get(LOAD_SHAPE_SAMPLE) {
            let sql = format!("select shares from {LOAD_SHAPE_SAMPLE} order by place, account_id, date");
            for batch in &self.engine.query(vec![Relation::of_table(LOAD_SHAPE_SAMPLE, sample)], &sql).await? {
                let lists = batch.column(0).as_list::<i32>();
                for list in (0..batch.num_rows()).filter(|row| lists.is_valid(*row)).map(|row| lists.value(row)) {
                    let shares = list.as_primitive::<Float64Type>();
                    if shares.len() == POINTS && shares.null_count() == 0 {
                        days.push(shares.values(), 1.0);
                    }
                }
            }
        }
        let mut earlier = Points::new(POINTS);
        for (shares, _) in self.dictionary(PREVIOUS_LOAD_SHAPES).await?.iter().filter(|row| row.0.len() == POINTS) {
            earlier.push(shares, 0.0);
        }
        // On a thread of its own: it takes seconds.
        let shapes = tokio::task::spawn_blocking(move || fit(&days, Some(&earlier))).await;
        let shapes = shapes.map_err(|error| Error::Fit { file: LOAD_SHAPES.into(), message: error.to_string() })?;
        let profiles = self.profiles().await?;
        let nearest: Vec<Option<(&str, f64)>> = shapes.iter().map(|shape| nearest(shape, &profiles)).collect();
        let text = |of: &dyn Fn(&Shape) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(shapes.iter().map(of)))
        };
        let hour = |hour: Option<usize>| hour.map(|hour| hour as i32);
        let mut shares = ListBuilder::new(Float64Builder::new());
        for shape in &shapes {
            shares.values().append_slice(&shape.shares);
            shares.append(true);
        }
        made(vec![
            ("shape", Arc::new((1..=shapes.len() as i32).map(Some).collect::<Int32Array>())),
            ("kind", text(&|shape| shape.kind.name().to_owned())),
            ("label", text(&Shape::label)),
            ("label_zh", text(&Shape::label_zh)),
            ("peak_hour", Arc::new(shapes.iter().map(|shape| hour(Some(shape.peak_hour))).collect::<Int32Array>())),
            ("second_peak_hour", Arc::new(shapes.iter().map(|it| hour(it.second_peak_hour)).collect::<Int32Array>())),
            ("days_share", millionths(shapes.iter().map(|shape| Some(shape.days_share)), 9)),
            ("near_share", millionths(shapes.iter().map(|shape| shape.near_share), 9)),
            ("profile", Arc::new(nearest.iter().map(|found| found.map(|(name, _)| name)).collect::<StringArray>())),
            ("profile_distance", millionths(nearest.iter().map(|found| found.map(|(_, distance)| distance)), 9)),
            ("shares", Arc::new(shares.finish())),
        ])
    }

    /// Standard profiles of the lake, if it has any.
    async fn profiles(&self) -> Result<Vec<Profile>, Error> {
        let Some(table) = self.tables.get(STANDARD_PROFILES) else { return Ok(Vec::new()) };
        let sql = format!(
            "select concat_ws(' ', profile, season, day_type), array_agg(cast(power_w as double) order by start_time) \
             from {STANDARD_PROFILES} where power_w >= 0 group by 1 having count(*) in (24, 48, 96) and sum(power_w) > 0 order by 1"
        );
        let mut profiles = Vec::new();
        for batch in &self.engine.query(vec![Relation::of_table(STANDARD_PROFILES, table)], &sql).await? {
            let (names, lists) = (batch.column(0).as_string::<i32>(), batch.column(1).as_list::<i32>());
            for row in 0..batch.num_rows() {
                let powers = lists.value(row);
                let powers = powers.as_primitive::<Float64Type>().values();
                let sum: f64 = powers.iter().sum();
                // Quarters of an hour are added two by two, hours halved.
                let shares = (0..POINTS).map(|at| {
                    let (from, to) = (at * powers.len() / POINTS, ((at + 1) * powers.len()).div_ceil(POINTS));
                    powers[from..to].iter().sum::<f64>() * powers.len() as f64
                        / ((to - from) as f64 * POINTS as f64 * sum)
                });
                profiles.push((names.value(row).to_owned(), shares.collect()));
            }
        }
        Ok(profiles)
    }

    /// The shares and the kind of each shape of a dictionary, in the order of its numbers.
    async fn dictionary(&self, name: &str) -> Result<Vec<(Vec<f64>, String)>, Error> {
        let Some(table) = self.tables.get(name) else { return Ok(Vec::new()) };
        let sql = format!("select shares, kind from {name} order by shape");
        let mut shapes = Vec::new();
        for batch in &self.engine.query(vec![Relation::of_table(name, table)], &sql).await? {
            let (lists, kinds) = (batch.column(0).as_list::<i32>(), batch.column(1).as_string::<i32>());
            for row in 0..batch.num_rows() {
                let shares = lists.value(row).as_primitive::<Float64Type>().values().to_vec();
                shapes.push((shares, kinds.value(row).to_owned()));
            }
        }
        Ok(shapes)
    }

    /// What stands in SQL for the shapes that there are: nothing where there are none.
    pub(super) async fn shape_parameters(&self, step: &Step) -> Result<BTreeMap<String, Expr>, Error> {
        let is_asked = step.sql.contains(&format!("${LOAD_SHAPE_LIST}"));
        if !is_asked {
            return Ok(BTreeMap::new());
        }
        let (rows, kinds): (Vec<_>, Vec<_>) = self.dictionary(LOAD_SHAPES).await?.into_iter().unzip();
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
        if rows.is_empty() {
            return Ok(BTreeMap::new());
        }
        let stands =
            [(LOAD_SHAPE_LIST, lists(rows.into_iter())), (LOAD_SHAPE_KINDS, format!("[{}]", kinds.join(", ")))];
        let parsed = stands.into_iter().map(|(name, sql)| Ok((name.to_owned(), parse_expression(&sql)?)));
        parsed.collect::<Result<_, String>>().map_err(|message| Error::Fit { file: LOAD_SHAPES.into(), message })
    }
}

/// The profile from which least of the energy would have to be moved.
fn nearest<'a>(shape: &Shape, profiles: &'a [Profile]) -> Option<(&'a str, f64)> {
    let distance =
        |shares: &[f64]| shape.shares.iter().zip(shares).map(|(one, other)| (one - other).abs()).sum::<f64>() / 2.0;
    let all = profiles.iter().map(|(name, shares)| (name.as_str(), distance(shares)));
    all.min_by(|left, right| left.1.total_cmp(&right.1))
}
