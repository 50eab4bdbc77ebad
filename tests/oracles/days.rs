//! Days by the clock and as they were delivered, by pandas.

use std::sync::Arc;

use arrow::array::{Int32Array, StringArray, TimestampSecondArray};

use super::*;
use crate::functions::{ask, session};

/// 10,000 days in six zones, half of them days on which a clock is changed, as
/// pandas has them.
#[tokio::test(flavor = "multi_thread")]
async fn days_are_what_an_independent_program_says() {
    let (names, expected) = golden("clock_functions");
    assert_eq!(expected.len(), 10_000);
    // What was asked stands before what was answered.
    let (asked, answered) = names.split_at(names.iter().position(|name| name == "day_minutes").expect("answers"));
    let column = |name: &str| {
        let at = asked.iter().position(|asked| asked == name).expect("column");
        expected.iter().map(move |row| &row[at])
    };
    let texts = |name: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(column(name))) };
    let curves: Vec<_> = (0..expected.len() as u64).map(random_curve).collect();
    let of_the_day = column("points").zip(&curves).map(|(points, curve)| {
        let points: usize = points.parse().expect("points");
        curve.iter().copied().cycle().take(points).collect::<Vec<_>>()
    });
    let of_the_day: Vec<_> = of_the_day.collect();
    let with_room = column("beyond").zip(&curves).zip(&of_the_day).map(|((beyond, curve), day)| {
        let mut row = day.clone();
        row.resize(25 * curve.len() / 24, None);
        if let Ok(beyond) = beyond.parse() {
            *row.last_mut().expect("a point") = Some(beyond);
        }
        Some(row)
    });
    let second = curves.iter().enumerate().map(|(number, curve)| {
        let is_known = number % 5 != 0;
        is_known.then(|| curve.iter().rev().copied().collect())
    });
    let session = session().await;
    let columns = [
        ("number", integers(0..expected.len() as i64)),
        ("with_room", curves_column(with_room.collect::<Vec<_>>())),
        ("second", curves_column(second.collect::<Vec<_>>())),
        ("of_the_day", curves_column(of_the_day.into_iter().map(Some))),
        ("curve", curves_column(curves.iter().cloned().map(Some))),
        ("zone", texts("zone")),
        ("source", texts("source")),
        ("reader", texts("reader")),
        ("date", texts("date")),
        ("clock", texts("clock")),
        ("text", texts("text")),
        ("format", texts("format")),
    ];
    register(&session, "days", columns);

    let columns = answered.iter().map(|name| match name.as_str() {
        "day_minutes" => "day_minutes(date, zone)",
        "month_start" => "month_start(cast(date as date))",
        "wall_clock_curve" => "wall_clock_curve(of_the_day, date, zone)",
        "elapsed_curve" => "elapsed_curve(curve, second, date, zone)",
        "cut_curve" => "cut_curve(with_room, date, zone)",
        "local_time" => "local_time(clock, source, reader)",
        "is_second_hour" => "is_second_hour(clock, source, reader)",
        "parse_timestamp" => "parse_timestamp(text, format)",
        other => panic!("{other} is not asked for"),
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let found = ask(&session, &format!("select {columns} from days order by number")).await.expect("rows");
    let answers: Vec<csv::StringRecord> = expected.iter().map(|row| row.iter().skip(asked.len()).collect()).collect();
    compare_digests(answered, &found, &answers);
}

/// A curve, its factor and its version.
type Delivered = (Option<Vec<Option<i32>>>, Option<i64>, Option<i64>);

/// Half of the curves correct the one before; one in twenty has no curve.
fn deliveries(group: u64) -> Vec<Delivered> {
    let mut random = Random(400_000 + group);
    let count = 1 + random.below(6);
    let mut values: Option<Vec<Option<i32>>> = None;
    let mut rows = Vec::new();
    for at in 0..count {
        let factor = [Some(1), Some(1), Some(-1), Some(40), None][random.below(5) as usize];
        let version = random.below(4) as i64;
        let is_new = values.is_none() || random.below(2) != 0;
        let current = if is_new {
            random_curve(600_000 + 6 * group + at)
        } else {
            let corrected = |value: Option<i32>| {
                let value = value?;
                Some(if random.below(8) == 0 { value + random.below(9) as i32 } else { value })
            };
            values.take().unwrap_or_default().into_iter().map(corrected).collect()
        };
        values = Some(current.clone());
        rows.push(((random.below(20) != 0).then_some(current), factor, (version != 0).then_some(version)));
    }
    rows
}

/// Minutes of an interval; seconds of the day and watts of its readings.
fn readings(group: u64) -> (i64, Vec<(i64, Option<i32>)>) {
    let mut random = Random(500_000 + group);
    let interval = [5, 15, 30, 60][random.below(4) as usize];
    let count = random.below(200);
    let reading = |_| {
        let (second, watts) = (random.below(86_400) as i64, random.below(20_000) as i32 - 5_000);
        (second, (random.below(9) != 0).then_some(watts))
    };
    (interval, (0..count).map(reading).collect())
}

/// 3,000 groups of deliveries, meters and readings, as pandas puts them together.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_what_an_independent_program_says() {
    let (names, expected) = golden("delivery_functions");
    assert_eq!(expected.len(), 3_000);
    let session = session().await;

    let mut rows: Vec<(i64, Delivered)> = Vec::new();
    for group in 0..expected.len() as u64 {
        rows.extend(deliveries(group).into_iter().map(|row| (group as i64, row)));
    }
    let known = |of: fn(&Delivered) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, row)| of(row)).collect::<Int64Array>())
    };
    let columns = [
        ("number", integers(rows.iter().map(|(group, _)| *group))),
        ("curve", curves_column(rows.iter().map(|(_, row)| row.0.clone()))),
        ("factor", known(|row| row.1)),
        ("version", known(|row| row.2)),
    ];
    register(&session, "deliveries", columns);

    let mut rows: Vec<(i64, i64, i64, Option<i32>)> = Vec::new();
    for group in 0..expected.len() as u64 {
        let (interval, read) = readings(group);
        rows.extend(read.into_iter().map(|(second, watts)| (group as i64, interval, second, watts)));
    }
    let times = TimestampSecondArray::from_iter_values(rows.iter().map(|row| row.2 + 86_400 * (row.2 % 7)));
    let watts: Int32Array = rows.iter().map(|row| row.3).collect();
    let columns = [
        ("number", integers(rows.iter().map(|row| row.0))),
        ("minutes", integers(rows.iter().map(|row| row.1))),
        ("read_at", Arc::new(times) as ArrayRef),
        ("power_w", Arc::new(watts)),
    ];
    register(&session, "readings", columns);

    let columns = names.iter().map(|name| match name.as_str() {
        "net_curves" => "net",
        "settle_curves.curve" => "settled['curve']",
        "settle_curves.restated_points" => "settled['restated_points']",
        "fold_curve" => "folded",
        other => panic!("{other} is not asked for"),
    });
    let sql = format!(
        "with delivered as (select number, net_curves(curve, factor) as net, settle_curves(curve, version) as settled
           from deliveries group by number),
         read as (select number, fold_curve(read_at, power_w, minutes) as folded from readings group by number)
         select {} from delivered left join read using (number) order by number",
        columns.collect::<Vec<_>>().join(", ")
    );
    compare_digests(&names, &ask(&session, &sql).await.expect("rows"), &expected);
}
