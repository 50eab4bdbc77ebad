//! The figures of programs that others wrote, made by `tests/peers` and kept in
//! `tests/golden`.

/// Functions of one curve and of two.
mod curves;

/// Dates, zones and clocks; readings, meters and deliveries of a day.
mod days;

/// Functions of series, of groups and of clusters.
mod groups;

/// Real homes with their weather, and a real works.
mod measured;

/// Functions of single values, texts and rows.
mod values;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, ListArray, RecordBatch};
use arrow::datatypes::Int32Type;
use datafusion::prelude::SessionContext;

use crate::support::repository;

/// What nobody else computes: worked out by hand, where it is and in tests/slt.
const BY_HAND: [&str; 9] = [
    "address_similarity",
    "average_price",
    "classify_text",
    "curve_of_points",
    "normalise_address",
    "normalise_name",
    "normalise_phone",
    "shift_saving",
    "tier_distance",
];

/// No function is without figures of others: a column of theirs bears its name,
/// or a test here asks for it.
#[test]
fn each_function_is_held_against_another_program() {
    let asked = [
        include_str!("oracles/curves.rs"),
        include_str!("oracles/days.rs"),
        include_str!("oracles/groups.rs"),
        include_str!("oracles/measured.rs"),
        include_str!("oracles/values.rs"),
    ];
    let columns: Vec<String> = ["curve", "shape", "series", "group", "cluster"]
        .iter()
        .flat_map(|of| golden(&format!("{of}_functions")).0)
        .collect();
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let words: BTreeSet<&str> =
        asked.into_iter().flat_map(|text| text.split(|character| !is_word(character))).collect();
    let is_found = |name: &String| words.contains(name.as_str()) || columns.contains(name);
    let others: BTreeSet<String> =
        kwhy_udfs::reference::entries().into_iter().map(|entry| entry.name).filter(|name| !is_found(name)).collect();
    assert_eq!(others, BY_HAND.map(str::to_owned).into());
}

/// splitmix64, as Vigna published it; `tests/peers/curve_functions.py` has it
/// too.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// The curve of that number of the oracle.
fn random_curve(number: u64) -> Vec<Option<i32>> {
    let mut random = Random(number);
    let points = [24, 48, 96, 288][random.below(4) as usize];
    let kind = random.below(8);
    let size = 1 + random.below(5000);
    let mut level = random.below(size);
    let mut point = || {
        if random.below(6) == 0 {
            level = random.below(size);
        }
        let mut value = (level + random.below(1 + size / 10)) as i32;
        if kind == 3 {
            value = size as i32;
        }
        if kind == 4 && random.below(2) == 0 {
            value = 0;
        }
        if (kind == 1 || kind == 2) && random.below(3) == 0 {
            value = -value;
        }
        let is_gap = (kind == 0 || kind == 2) && random.below(5) == 0;
        (!is_gap).then_some(value)
    };
    (0..points).map(|_| point()).collect()
}

/// How each column of the golden file is asked for.
fn question(name: &str) -> String {
    match name {
        "switch_ons" => "switch_ons(curve, 500)".to_owned(),
        "longest_below_minutes" | "longest_above_minutes" => format!("{name}(curve, 300)"),
        "energy_share" => "energy_share(curve, 435, 1000)".to_owned(),
        "time_of_second_peak" => "time_of_second_peak(curve, 180)".to_owned(),
        "curve_distance" | "curve_correlation" | "profile_distance" => format!("{name}(curve, other)"),
        _ => format!("{name}(curve)"),
    }
}

/// A curve a row, as a column.
fn curves_column(curves: impl IntoIterator<Item = Option<Vec<Option<i32>>>>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves))
}

fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn register<'a>(session: &SessionContext, name: &str, columns: impl IntoIterator<Item = (&'a str, ArrayRef)>) {
    session.register_batch(name, RecordBatch::try_from_iter(columns).expect("columns")).expect("registered");
}

/// What `tests/peers/<name>.py` found: columns and rows.
pub fn golden(name: &str) -> (Vec<String>, Vec<csv::StringRecord>) {
    let file = repository().join(format!("tests/golden/{name}.csv.gz"));
    let file = flate2::read::GzDecoder::new(std::fs::File::open(file).expect("golden"));
    let mut file = csv::Reader::from_reader(file);
    let names = file.headers().expect("header").iter().map(str::to_owned).collect();
    (names, file.records().collect::<Result<_, _>>().expect("rows"))
}

/// Whether all figures are those expected, lists value by value.
fn compare(names: &[String], found: &[Vec<String>], expected: &[csv::StringRecord]) {
    compare_lists_by(|list, expected| as_golden(list) == expected, names, found, expected);
}

/// As `compare`, with lists by length, nulls and a weighted sum.
fn compare_digests(names: &[String], found: &[Vec<String>], expected: &[csv::StringRecord]) {
    compare_lists_by(is_digest, names, found, expected);
}

fn compare_lists_by(
    is_list: fn(&str, &str) -> bool,
    names: &[String],
    found: &[Vec<String>],
    expected: &[csv::StringRecord],
) {
    assert_eq!(found.len(), expected.len());
    for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
        for ((name, found), expected) in names.iter().zip(found).zip(expected) {
            let is_same = match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(found), Ok(expected)) if FLOATS.contains(&name.as_str()) => {
                    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-6)
                }
                _ if found.starts_with('[') => is_list(found, expected),
                _ => as_golden(found) == expected,
            };
            assert!(is_same, "{name} of {number} is {found}, not {expected}");
        }
    }
}

/// Whether a list has this many values, this many nulls, and this sum of each
/// value times its position.
fn is_digest(list: &str, digest: &str) -> bool {
    let list = list.trim_matches(['[', ']']);
    let values: Vec<Option<f64>> = list.split(", ").map(|value| value.parse().ok()).collect();
    let terms = || (1..).zip(&values).filter_map(|(at, value)| value.map(|value| f64::from(at) * value));
    let (sum, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
    let digest: Vec<f64> = digest.split(' ').map(|number| number.parse().expect("a number")).collect();
    let nulls = values.iter().filter(|value| value.is_none()).count();
    digest[..2] == [values.len() as f64, nulls as f64] && (sum - digest[2]).abs() <= 1e-9 * size
}

/// NULL as nothing, and a list as its values with blanks between them, or its
/// structs as they are.
fn as_golden(found: &str) -> String {
    let list = found.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    match list {
        Some(structs) if structs.starts_with('{') => structs.to_owned(),
        Some(list) => list.replace(", ", " ").replace("NULL", "null"),
        None => if found == "NULL" { "" } else { found }.to_owned(),
    }
}

/// Figures that are not rounded.
const FLOATS: [&str; 35] = [
    "log1p",
    "exact_quantile",
    "name_similarity",
    "load_entropy",
    "curve_distance",
    "curve_correlation",
    "profile_distance",
    "exact_median",
    "median_deviation",
    "gini",
    "herfindahl",
    "lorenz_share",
    "ols_slope",
    "theil_sen_slope",
    "before",
    "after",
    "explained_share",
    "seasonality_strength",
    "year_on_year",
    "category_entropy",
    "recency_weighted_count",
    "population_stability",
    "adjusted_rand",
    "wilson_interval.lower",
    "wilson_interval.upper",
    "over_index.z",
    "over_index.p_value",
    "uplift.difference",
    "uplift.lower",
    "uplift.upper",
    "uplift.p_value",
    "nearest_centroid.distance",
    "nearest_centroid.second_distance",
    "silhouette",
    "davies_bouldin",
];
