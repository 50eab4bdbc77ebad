use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Float32Array, ListArray, StringArray, StructArray};
use arrow::datatypes::{Date32Type, Decimal128Type, Int32Type, Int64Type};
use proptest::prelude::*;

use super::LoadDay;
use super::scan::{Shape, dense, sparse};
use crate::testing::call_arrays;

type Curve = Vec<Option<i32>>;

fn days(curves: Vec<Option<Curve>>) -> StructArray {
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(curves));
    call_arrays(LoadDay, &[lists]).unwrap().as_struct().clone()
}

/// A field of a row, widened; `None` where NULL.
fn field(days: &StructArray, name: &str, row: usize) -> Option<i128> {
    let column = days.column_by_name(name).unwrap();
    if column.is_null(row) {
        None
    } else if let Some(column) = column.as_primitive_opt::<Int32Type>() {
        Some(i128::from(column.value(row)))
    } else if let Some(column) = column.as_primitive_opt::<Int64Type>() {
        Some(i128::from(column.value(row)))
    } else {
        Some(column.as_primitive::<Decimal128Type>().value(row))
    }
}

fn half_hours(days: &StructArray, row: usize) -> Option<Vec<Option<i64>>> {
    let column = days.column_by_name("half_hour_wh").unwrap().as_list::<i32>();
    column
        .is_valid(row)
        .then(|| column.value(row).as_primitive::<Int32Type>().iter().map(|v| v.map(i64::from)).collect())
}

/// Rounds half away from zero, by the definition.
fn rounded(numerator: i128, denominator: i128) -> i128 {
    let magnitude = (2 * numerator.abs() + denominator) / (2 * denominator);
    magnitude * numerator.signum()
}

/// What `load_day` promises, written down without a thought for speed.
fn expected(curve: &Curve) -> Vec<(&'static str, Option<i128>)> {
    let n = curve.len();
    let per_hour = (n / 24) as i128;
    let minutes = 1440 / n as i128;
    let sum = |from: usize, to: usize| -> Option<i128> {
        let known: Vec<i128> =
            curve[from * n / 24..to * n / 24].iter().flatten().map(|&w| i128::from(w.max(0))).collect();
        (!known.is_empty()).then(|| known.iter().sum())
    };
    let energy = |sum: Option<i128>| sum.map(|sum| rounded(sum, per_hour));
    let mut sorted: Vec<i128> = curve.iter().flatten().map(|&w| i128::from(w)).collect();
    sorted.sort_unstable();
    let taken: Vec<i128> = sorted.iter().map(|&w| w.max(0)).collect();
    let lowest = &taken[..taken.len().min(n / 8)];
    let max = sorted.last().copied();
    let ramp = curve
        .windows(2)
        .filter_map(|pair| Some((i128::from(pair[0]?) - i128::from(pair[1]?)).abs().min(i128::from(i32::MAX))));
    let zeros = curve.split(|w| *w != Some(0)).map(<[_]>::len).max().unwrap_or(0);
    let negative: i128 = sorted.iter().filter(|&&w| w < 0).sum();
    let any = !sorted.is_empty();
    vec![
        ("energy_wh", energy(sum(0, 24))),
        ("max_demand_w", max),
        ("min_demand_w", sorted.first().copied()),
        ("base_load_w", any.then(|| rounded(lowest.iter().sum(), lowest.len() as i128))),
        (
            "peak_minute",
            curve.iter().position(|w| w.is_some() && w.map(i128::from) == max).map(|i| i as i128 * minutes),
        ),
        (
            "load_factor",
            max.filter(|&max| max > 0)
                .map(|max| rounded(taken.iter().sum::<i128>() * 1_000_000, max * taken.len() as i128)),
        ),
        ("night_wh", energy(sum(0, 6))),
        ("morning_wh", energy(sum(6, 9))),
        ("noon_wh", energy(sum(11, 14))),
        ("evening_wh", energy(sum(17, 21))),
        ("max_ramp_w", ramp.max()),
        ("longest_zero_minutes", any.then_some(zeros as i128 * minutes)),
        ("backfeed_wh", any.then(|| rounded(-negative, per_hour))),
        ("valid_points", Some(sorted.len() as i128)),
        ("points", Some(n as i128)),
    ]
}

fn check(curve: &Curve) {
    let days = days(vec![Some(curve.clone())]);
    for (name, value) in expected(curve) {
        assert_eq!(field(&days, name, 0), value, "{name} of {curve:?}");
    }
    let Some(half_hours) = half_hours(&days, 0) else {
        assert!(curve.iter().all(Option::is_none));
        return;
    };
    let slots = if curve.len() == 24 { 24 } else { 48 };
    let per_slot = curve.len() / slots;
    assert_eq!(half_hours.len(), slots);
    for (value, points) in half_hours.iter().zip(curve.chunks(per_slot)) {
        assert_eq!(value.is_some(), points.iter().any(Option::is_some));
        let exact: i128 = points.iter().flatten().map(|&w| i128::from(w.max(0))).sum();
        let distance = i128::from(value.unwrap_or(0)) * (curve.len() as i128 / 24) - exact;
        assert!(distance.abs() <= curve.len() as i128 / 24, "{value:?} for {points:?}");
    }
    let total: i64 = half_hours.iter().flatten().sum();
    assert_eq!(Some(i128::from(total)), field(&days, "energy_wh", 0));
}

fn watts() -> impl Strategy<Value = i32> {
    prop_oneof![
        4 => 0..3_000i32,
        2 => Just(0),
        1 => -2_000..2_000i32,
        1 => any::<i32>(),
        1 => prop_oneof![Just(i32::MIN), Just(i32::MAX)],
    ]
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![Just(24usize), Just(48), Just(96), Just(288)]
}

/// Curves of all kinds; values come from a few, so that ties happen.
fn curve() -> impl Strategy<Value = Vec<i32>> {
    (length(), proptest::collection::vec(watts(), 1..40)).prop_flat_map(|(length, values)| {
        prop_oneof![
            proptest::collection::vec(proptest::sample::select(values), length),
            proptest::collection::vec(0..5_000i32, length),
        ]
    })
}

fn both<const N: usize>(values: &[i32]) -> bool {
    let Ok(day) = <&[i32; N]>::try_from(values) else {
        return false;
    };
    let points = values.iter().copied().enumerate().map(|(at, w)| (at, at, w));
    Some(dense(day)) == sparse(points, Shape::of(N))
}

proptest! {
    #[test]
    fn both_paths_see_the_same(values in curve()) {
        prop_assert!(both::<24>(&values) || both::<48>(&values) || both::<96>(&values) || both::<288>(&values));
    }

    #[test]
    fn a_day_is_what_the_definition_says(values in curve()) {
        check(&values.into_iter().map(Some).collect());
    }

    #[test]
    fn so_is_a_day_with_gaps(
        values in curve(),
        gaps in proptest::collection::vec(0..4u8, 288),
        many in any::<bool>(),
    ) {
        let is_gap = |gap: u8| if many { gap != 0 } else { gap == 0 };
        check(&values.into_iter().zip(gaps).map(|(w, gap)| (!is_gap(gap)).then_some(w)).collect());
    }
}

#[test]
fn a_flat_day() {
    let days = days(vec![Some(vec![Some(1_000); 96])]);
    let value = |name| field(&days, name, 0);
    assert_eq!(value("energy_wh"), Some(24_000));
    assert_eq!(value("base_load_w"), Some(1_000));
    assert_eq!(value("load_factor"), Some(1_000_000));
    assert_eq!(value("evening_wh"), Some(4_000));
    assert_eq!(value("max_ramp_w"), Some(0));
    assert_eq!(value("peak_minute"), Some(0));
    assert_eq!(half_hours(&days, 0), Some(vec![Some(500); 48]));
}

#[test]
fn half_hours_carry_the_remainder() {
    let days = days(vec![Some(vec![Some(1); 96]), Some(vec![Some(-1); 48])]);
    let values = half_hours(&days, 0).unwrap();
    assert_eq!(values[..4], [Some(1), Some(0), Some(1), Some(0)]);
    assert_eq!(values.iter().flatten().sum::<i64>(), 24);
    let values = half_hours(&days, 1).unwrap();
    assert_eq!(values, [Some(0); 48], "what is fed back is not taken");
    assert_eq!(field(&days, "backfeed_wh", 1), Some(24));
}

#[test]
fn nothing_known_is_null() {
    let days = days(vec![None, Some(vec![]), Some(vec![Some(1); 92]), Some(vec![None; 48])]);
    for (name, _) in expected(&vec![None; 24]) {
        for row in 0..3 {
            assert_eq!(field(&days, name, row), None, "{name} of row {row}");
        }
    }
    assert_eq!(field(&days, "valid_points", 3), Some(0));
    assert_eq!(field(&days, "points", 3), Some(48));
    assert_eq!(field(&days, "energy_wh", 3), None);
    assert!((0..4).all(|row| half_hours(&days, row).is_none()));
    assert_eq!(days.null_count(), 0);
}

/// What goes by the clock is what the same readings give on a day of 24 hours, of
/// which an hour is unknown in spring and two readings meet in autumn.
#[test]
fn days_of_23_and_25_hours() {
    let describe = |hours: usize, date: &str| {
        let curve = (0..4 * hours as i32).map(|i| Some(i * i % 977)).collect::<Curve>();
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(curve.clone())]));
        let date = Date32Type::from_naive_date(date.parse().unwrap());
        let date: ArrayRef = Arc::new(Date32Array::from(vec![date]));
        let zone: ArrayRef = Arc::new(StringArray::from(vec!["Europe/London"]));
        (curve, call_arrays(LoadDay, &[lists, date, zone]).unwrap().as_struct().clone())
    };
    let (curve, day) = describe(23, "2026-03-29");
    let plain: Curve = [&curve[..4], &[None; 4], &curve[4..]].concat();
    let plain = days(vec![Some(plain)]);
    for name in ["energy_wh", "max_demand_w", "peak_minute", "base_load_w", "load_factor", "night_wh", "evening_wh"] {
        assert_eq!(field(&day, name, 0), field(&plain, name, 0), "{name}");
    }
    assert_eq!(half_hours(&day, 0), half_hours(&plain, 0));
    assert_eq!((field(&day, "points", 0), field(&day, "valid_points", 0)), (Some(92), Some(92)));

    let (curve, day) = describe(25, "2026-10-25");
    let sum = |points: &[Option<i32>]| points.iter().flatten().map(|&w| i128::from(w)).sum::<i128>();
    assert_eq!(field(&day, "energy_wh", 0), Some(rounded(sum(&curve), 4)));
    assert_eq!(field(&day, "night_wh", 0), Some(rounded(sum(&curve[..28]), 4)), "seven hours until six o'clock");
    let slots = half_hours(&day, 0).unwrap();
    assert_eq!(slots.iter().flatten().sum::<i64>() as i128, rounded(sum(&curve), 4));
    let twice = sum(&curve[4..6]) + sum(&curve[8..10]);
    assert!((i128::from(slots[2].unwrap()) * 4 - twice).abs() <= 4);
    assert_eq!((field(&day, "points", 0), field(&day, "valid_points", 0)), (Some(100), Some(100)));

    assert_eq!(field(&describe(23, "2026-07-01").1, "points", 0), None, "23 hours on a day of 24");
    assert_eq!(field(&describe(24, "2026-03-29").1, "points", 0), None, "24 hours on a day of 23");
}

#[test]
fn floats_are_rounded_to_watts() {
    let fixed: ArrayRef = Arc::new(
        arrow::array::FixedSizeListArray::try_new(
            Arc::new(arrow::datatypes::Field::new("item", arrow::datatypes::DataType::Float32, true)),
            24,
            Arc::new(Float32Array::from(vec![1.9f32; 24])),
            None,
        )
        .unwrap(),
    );
    let days = call_arrays(LoadDay, &[fixed]).unwrap();
    assert_eq!(field(days.as_struct(), "energy_wh", 0), Some(48));
    let text: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["1"]));
    let error = call_arrays(LoadDay, &[text]).unwrap_err().to_string();
    assert!(error.contains("load_day: argument power_w takes a list of numbers"), "{error}");
}
