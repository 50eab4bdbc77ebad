//! Functions of single values, texts and rows, by numpy and other libraries.

use std::sync::Arc;

use arrow::array::{Float64Array, StringArray};

use super::*;
use crate::functions::{ask, session};

/// Two texts, a numerator and a denominator, a value in eighths, and a row
/// before and after.
struct Values {
    texts: [String; 2],
    parts: [i64; 2],
    eighths: i64,
    rows: [[Option<i64>; 3]; 2],
}

fn word(random: &mut Random) -> String {
    let length = 3 + random.below(10);
    (0..length).map(|_| ['a', 'b', 'c', 'd', 'e', 'o'][random.below(6) as usize]).collect()
}

fn values(number: u64) -> Values {
    let mut random = Random(800_000 + number);
    let left = word(&mut random);
    let (at, kind) = (random.below(left.len() as u64 - 1) as usize, random.below(4));
    // The other program draws a word for each text, whether it is taken or not.
    let other = word(&mut random);
    let (before, after) = (&left[..at], &left[at + 1..]);
    let right = match kind {
        0 => format!("{before}z{after}"),
        1 => format!("{before}{after}"),
        2 => format!("{before}{}{}{}", &after[..1], &left[at..=at], &after[1..]),
        _ => other,
    };
    let parts = [random.below(2_000_000) as i64 - 1_000_000, random.below(4_000) as i64 - 2_000];
    let digits = 1 + random.below(9) as u32;
    let eighths = random.below(10u64.pow(digits)) as i64 - 7;
    let mut row = || std::array::from_fn(|_| (random.below(5) != 0).then(|| random.below(3) as i64));
    let rows = [row(), row()];
    Values { texts: [left, right], parts, eighths, rows }
}

/// 10,000 rows, as numpy, xxhash, rapidfuzz and Python have them.
#[tokio::test(flavor = "multi_thread")]
async fn values_are_what_an_independent_program_says() {
    let (names, expected) = golden("value_functions");
    assert_eq!(expected.len(), 10_000);
    let rows: Vec<Values> = (0..expected.len() as u64).map(values).collect();
    let texts =
        |at: usize| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.texts[at]))) };
    let parts = |at: usize| integers(rows.iter().map(|row| row.parts[at]));
    let eighths = Float64Array::from_iter_values(rows.iter().map(|row| row.eighths as f64 / 8.0));
    let field = |side: usize, at: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.rows[side][at]).collect::<Int64Array>())
    };
    let session = session().await;
    let columns = [
        ("number", integers(0..expected.len() as i64)),
        ("left_text", texts(0)),
        ("right_text", texts(1)),
        ("above", parts(0)),
        ("below", parts(1)),
        ("value", Arc::new(eighths)),
        ("a0", field(0, 0)),
        ("b0", field(0, 1)),
        ("c0", field(0, 2)),
        ("a1", field(1, 0)),
        ("b1", field(1, 1)),
        ("c1", field(1, 2)),
    ];
    register(&session, "numbers", columns);
    let columns = names.iter().map(|name| match name.as_str() {
        "account_bucket" => "account_bucket(left_text, 64)",
        "pseudonym" => "pseudonym(left_text, right_text)",
        "name_similarity" => "name_similarity(left_text, right_text)",
        "log1p" => "log1p(value)",
        "ratio" => "ratio(above, below)",
        "changed_fields" => "changed_fields({a: a0, b: b0, c: c0}, {a: a1, b: b1, c: c1})",
        "named_fields" => "named_fields({a: a0, b: b0, c: c0})",
        other => panic!("{other} is not asked for"),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let found = ask(&session, &format!("select {columns} from numbers order by number")).await.expect("rows");
    compare(&names, &found, &expected);
}
