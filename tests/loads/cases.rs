//! Lakes that are out of the ordinary, one for each form and rule.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int32Type};
use parquet::arrow::ArrowWriter;

use super::contracts::{
    HOURS, LONDON_COLUMNS, LONDON_LISTS, LONDON_READINGS, LONDON_REGISTERS, METERS, READINGS, REGISTERS, SNAPSHOTS,
};

/// A lake that is out of the ordinary, and what is asked of the tables made of it.
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    /// Beside the accounts: table and contract.
    pub contracts: Vec<(&'static str, String)>,
    pub build: &'static [&'static str],
    /// The lake's files.
    pub files: Vec<(&'static str, Vec<u8>)>,
    pub ask: &'static [&'static str],
}

/// The watts of some hours.
type Watts<'a> = &'a [(usize, &'a str)];

/// Rows of [`HOURS`]: account, date, and hours that are not 300 watts and a bit.
fn hours(rows: &[(&str, &str, Watts)]) -> String {
    let names: Vec<String> = (1..=24).map(|hour| format!("P{hour}")).collect();
    let mut text = format!("account_id,date,{}\n", names.join(","));
    for (account, date, others) in rows {
        let other = |hour: usize| others.iter().find(|(at, _)| *at == hour).map(|(_, watts)| (*watts).to_owned());
        let watts: Vec<String> = (0..24).map(|hour| other(hour).unwrap_or(format!("{}", 300 + hour))).collect();
        text.push_str(&format!("{account},{date},{}\n", watts.join(",")));
    }
    text
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("rows");
    writer.close().expect("file");
    bytes
}

fn accounts(ids: &[&str]) -> (&'static str, Vec<u8>) {
    let rows: String = ids.iter().map(|id| format!("{id},T1\n")).collect();
    ("accounts.csv", format!("account_id,transformer_id\n{rows}").into_bytes())
}

pub fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "validation",
            about: "gaps, a hanging meter, spikes, loads that the rest of the lake contradicts",
            contracts: vec![
                ("load_curve", HOURS.to_owned()),
                (
                    "devices",
                    "label = \"Devices\"\nfiles = [\"devices.csv\"]\nformat = \"csv\"\nkey = [\"account_id\", \"device_id\"]\n\
                     [[column]]\nname = \"account_id\"\ntype = \"text\"\n\
                     [[column]]\nname = \"device_id\"\nvalue = \"1\"\ntype = \"text\"\n\
                     [[column]]\nname = \"device_type\"\nvalue = \"pv\"\ntype = \"text\"\n\
                     [[column]]\nname = \"installed_date\"\nvalue = \"2020-01-01\"\ntype = \"date\"\n".to_owned(),
                ),
                (
                    "outages",
                    "label = \"Outages\"\nfiles = [\"outages.csv\"]\nformat = \"csv\"\nkey = [\"outage_id\"]\ntime = \"start_at\"\n\
                     [[column]]\nname = \"outage_id\"\ntype = \"text\"\n\
                     [[column]]\nname = \"transformer_id\"\ntype = \"text\"\n\
                     [[column]]\nname = \"start_at\"\ntype = \"timestamp\"\n\
                     [[column]]\nname = \"end_at\"\ntype = \"timestamp\"\n\
                     [[column]]\nname = \"is_planned\"\nvalue = \"false\"\ntype = \"bool\"\n".to_owned(),
                ),
            ],
            build: &["account_load_day", "account_load_exception"],
            files: {
                let none: Vec<(usize, &str)> = (0..24).map(|hour| (hour, "0")).collect();
                let stuck: Vec<(usize, &str)> = (8..20).map(|hour| (hour, "411")).collect();
                let nearly: Vec<(usize, &str)> = (8..19).map(|hour| (hour, "411")).collect();
                let rows = hours(&[
                    ("a gap of an hour", "2026-01-01", &[(7, "")]),
                    ("a gap of two hours", "2026-01-01", &[(7, ""), (8, "")]),
                    ("a gap at midnight", "2026-01-01", &[(0, "")]),
                    ("feeds back", "2026-01-01", &[(12, "-700"), (13, "-900")]),
                    ("feeds back by its panels", "2026-01-01", &[(12, "-700"), (13, "-900")]),
                    ("hangs for 11 hours", "2026-01-01", &nearly),
                    ("hangs for 12 hours", "2026-01-01", &stuck),
                    ("more than its cable", "2026-01-01", &[(18, "25000"), (19, "25000"), (20, "25000")]),
                    ("nothing for a day", "2026-01-01", &none),
                    ("nothing in an outage", "2026-01-02", &none),
                    ("one spike", "2026-01-01", &[(3, "65535")]),
                    ("two spikes", "2026-01-01", &[(3, "65535"), (4, "65535")]),
                    ("a kettle", "2026-01-01", &[(3, "6000")]),
                ]);
                let ids: Vec<&str> = rows.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
                vec![
                    accounts(&ids),
                    ("load/a.csv", rows.clone().into_bytes()),
                    ("devices.csv", b"account_id\nfeeds back by its panels\n".to_vec()),
                    (
                        "outages.csv",
                        "outage_id,transformer_id,start_at,end_at\n1,T1,2026-01-02 09:00:00,2026-01-02 10:00:00\n"
                            .as_bytes()
                            .to_vec(),
                    ),
                ]
            },
            ask: &[
                "select account_id, valid_points, estimated_points, stuck_points, spike_points, estimated_share,
                   energy_wh, max_demand_w from account_load_day order by account_id",
                "select * from account_load_exception order by account_id",
            ],
        },
        Case {
            name: "corrected-days",
            about: "delivered again: the same, corrected, corrected and then the old file once more",
            contracts: vec![("load_curve", format!("{HOURS}\n[[column]]\nname = \"version\"\nfrom = \"delivered\"\ntype = \"int\"\n"))],
            build: &["account_load_day"],
            files: {
                let delivery = |version: &str, rows: &[(&str, &str, Watts)]| {
                    let text = hours(rows);
                    let lines = text.lines().enumerate().map(|(at, line)| match at {
                        0 => format!("{line},delivered\n"),
                        _ => format!("{line},{version}\n"),
                    });
                    lines.collect::<String>()
                };
                let first: &[(&str, &str, Watts)] = &[
                    ("once", "2026-01-01", &[]),
                    ("twice the same", "2026-01-01", &[]),
                    ("corrected", "2026-01-01", &[(9, "9000")]),
                    ("corrected twice", "2026-01-01", &[(9, "9000")]),
                ];
                let second: &[(&str, &str, Watts)] = &[
                    ("twice the same", "2026-01-01", &[]),
                    ("corrected", "2026-01-01", &[(9, "100")]),
                    ("corrected twice", "2026-01-01", &[(9, "200")]),
                ];
                let third: &[(&str, &str, Watts)] = &[("corrected twice", "2026-01-01", &[(9, "100")])];
                vec![
                    accounts(&["once", "twice the same", "corrected", "corrected twice"]),
                    ("load/a.csv", delivery("20260102", first).into_bytes()),
                    ("load/b.csv", delivery("20260105", second).into_bytes()),
                    ("load/c.csv", delivery("20260109", third).into_bytes()),
                    ("load/d.csv", delivery("20260102", first).into_bytes()),
                ]
            },
            ask: &["select account_id, energy_wh, max_demand_w, is_restated from account_load_day order by account_id"],
        },
        Case {
            name: "corrected-readings",
            about: "some hours of a day again, with a later revision; and the first file once more",
            contracts: vec![("load_reading", READINGS.to_owned())],
            build: &["account_load_day"],
            files: {
                let readings = |revision: u32, of: &[(&str, std::ops::Range<u32>, &str)]| {
                    let mut text = "account_id,read_at,kwh,revision\n".to_owned();
                    for (account, hours, kwh) in of {
                        text.extend(hours.clone().map(|hour| format!("{account},2026-01-01 {hour:02}:00:00,{kwh}.{hour:02},{revision}\n")));
                    }
                    text
                };
                let first = readings(1, &[("left alone", 0..24, "1"), ("corrected", 0..20, "1"), ("late", 0..20, "1")]);
                vec![
                    accounts(&["left alone", "corrected", "late"]),
                    ("readings/a.csv", first.clone().into_bytes()),
                    ("readings/b.csv", readings(2, &[("corrected", 18..24, "0"), ("late", 20..24, "1")]).into_bytes()),
                    ("readings/c.csv", first.into_bytes()),
                ]
            },
            ask: &["select account_id, energy_wh, max_demand_w, valid_points, is_restated from account_load_day order by account_id"],
        },
        Case {
            name: "clock-changes-of-readings",
            about: "half hours of Greenwich on days of 23, 24 and 25 hours in London",
            contracts: vec![("load_reading", LONDON_READINGS.to_owned())],
            build: &["account_load_day"],
            files: {
                let mut text = "account_id,utc,w\n".to_owned();
                // Each day from local midnight to local midnight, in half hours.
                for (first, count) in [("2026-03-29T00:00:00", 46), ("2026-07-01T23:00:00", 48), ("2026-10-24T23:00:00", 50)] {
                    let first: chrono::NaiveDateTime = first.parse().expect("time");
                    text.extend((0..count).map(|at| {
                        let stamp = first + chrono::TimeDelta::minutes(30 * at);
                        format!("home,{stamp},{}\n", 100 * at)
                    }));
                }
                vec![accounts(&["home"]), ("readings/a.csv", text.into_bytes())]
            },
            ask: &[
                "select date, time_zone, curve_points(power_w) as points, power_w[1:8] as first_hours, readings, distinct_readings
                   from stg_load_curve order by date",
                "select date, points, valid_points, energy_wh, night_wh, peak_minute, half_hour_wh[1:6] as first_half_hours
                   from account_load_day order by date",
            ],
        },
        Case {
            name: "clock-changes-of-registers",
            about: "a register that is read each half hour by the clock of Greenwich, on days of 23 and 25 hours",
            contracts: vec![("load_register", LONDON_REGISTERS.to_owned())],
            build: &["account_load_day"],
            files: {
                let mut text = "account_id,utc,wh\n".to_owned();
                for (first, count) in [("2026-03-29T00:00:00", 46), ("2026-10-24T23:00:00", 50)] {
                    let first: chrono::NaiveDateTime = first.parse().expect("time");
                    // Half hours of 0, 100, 200 watts and so on.
                    text.extend((0..=count).map(|at: i64| {
                        let stamp = first + chrono::TimeDelta::minutes(30 * at);
                        format!("home,{stamp},{}\n", 50 * at * (at - 1) / 2)
                    }));
                }
                vec![accounts(&["home"]), ("registers.csv", text.into_bytes())]
            },
            ask: &[
                "select date, points, valid_points, energy_wh, night_wh, peak_minute, half_hour_wh[1:6] as first_half_hours
                   from account_load_day order by date",
            ],
        },
        Case {
            name: "clock-changes-of-lists",
            about: "lists of 23, 24 and 25 hours: each is right on its day, and on no other",
            contracts: vec![("load_curve", LONDON_LISTS.to_owned())],
            build: &["account_load_day"],
            files: {
                let days = [("2026-03-29", 23), ("2026-03-29", 24), ("2026-07-01", 24), ("2026-10-24", 25), ("2026-10-25", 25)];
                let dates: Date32Array =
                    days.iter().map(|(date, _)| Some(Date32Type::from_naive_date(date.parse().expect("date")))).collect();
                let curve = |(_, hours): &(&str, i32)| Some((0..*hours).map(|hour| Some(100 * hour)).collect::<Vec<_>>());
                let columns: Vec<(&str, ArrayRef)> = vec![
                    ("account_id", Arc::new(StringArray::from(vec!["home"; days.len()]))),
                    ("date", Arc::new(dates)),
                    ("power_w", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(days.iter().map(curve)))),
                ];
                vec![accounts(&["home"]), ("load/a.parquet", parquet(columns))]
            },
            ask: &["select date, points, energy_wh, peak_minute from account_load_day order by date"],
        },
        Case {
            name: "columns-for-the-longest-day",
            about: "50 half hours, of which a day of 24 hours leaves two empty; one has a value too many",
            contracts: vec![("load_curve", LONDON_COLUMNS.to_owned())],
            build: &["account_load_day"],
            files: {
                let names: Vec<String> = (1..=50).map(|point| format!("P{point}")).collect();
                let row = |account: &str, date: &str, count: usize| {
                    let points = (0..50).map(|at| if at < count { format!("{}", 100 * at) } else { String::new() });
                    format!("{account},{date},{}\n", points.collect::<Vec<_>>().join(","))
                };
                let text = [
                    format!("account_id,date,{}\n", names.join(",")),
                    row("home", "2026-03-29", 46),
                    row("home", "2026-07-01", 48),
                    row("home", "2026-10-25", 50),
                    row("too many", "2026-07-01", 49),
                ];
                vec![accounts(&["home", "too many"]), ("load/a.csv", text.concat().into_bytes())]
            },
            ask: &[
                "select account_id, date, points, energy_wh, peak_minute from account_load_day order by date",
                "select row_key, rule, reason from quarantine_load_curve",
            ],
        },
        Case {
            name: "local-time-with-clock-changes",
            about: "the clock of London itself: an hour that it skips is not read, of the two that it shows alike one stays",
            contracts: vec![(
                "load_reading",
                LONDON_READINGS.replace("from = \"utc\"", "from = \"local\"").replace("from_time_zone = \"UTC\"\n", ""),
            )],
            build: &["account_load_day"],
            files: {
                let mut text = "account_id,local,w\n".to_owned();
                for day in ["2026-03-29", "2026-10-25"] {
                    // An export that knows of no clock change.
                    let stamp = |at: i32| format!("{day} {:02}:{:02}:00", at / 2, at % 2 * 30);
                    text.extend((0..48).map(|at| format!("home,{},{}\n", stamp(at), 100 * at)));
                }
                vec![accounts(&["home"]), ("readings/a.csv", text.into_bytes())]
            },
            ask: &[
                "select date, points, valid_points, estimated_points, energy_wh, half_hour_wh[1:6] as first_half_hours
                   from account_load_day order by date",
                "select row_key, rule, reason from quarantine_load_reading order by row_key",
            ],
        },
        Case {
            name: "stamps-at-the-end-when-the-clock-changes",
            about: "London's clock at the end of each half hour, and whether it shows that for the second time",
            contracts: vec![(
                "load_reading",
                LONDON_READINGS
                    .replace("from = \"utc\"", "from = \"local\"\nstamp_marks = \"end\"")
                    .replace("from_time_zone = \"UTC\"\n", "")
                    + "\n[[column]]\nname = \"is_second_hour\"\nfrom = \"again\"\ntype = \"bool\"\n",
            )],
            build: &["account_load_day"],
            files: {
                let mut text = "account_id,local,again,w\n".to_owned();
                let mut tell = |day: &str, minute: i64, again: bool, w: i64| {
                    let midnight: chrono::NaiveDateTime = format!("{day}T00:00:00").parse().expect("time");
                    text += &format!("home,{},{again},{w}\n", midnight + chrono::TimeDelta::minutes(minute));
                };
                for end in 1..=46 {
                    // At one o'clock it is two.
                    tell("2026-03-29", 30 * end + if end < 2 { 0 } else { 60 }, false, 100 * end);
                }
                for end in 1..=50 {
                    // At two o'clock it is one again.
                    let again = (4..=5).contains(&end);
                    tell("2026-10-25", 30 * end - if end < 4 { 0 } else { 60 }, again, 100 * end);
                }
                vec![accounts(&["home"]), ("readings/a.csv", text.into_bytes())]
            },
            ask: &["select date, curve_points(power_w) as points, known_points(power_w) as known, power_w[1:7] as first_hours,
                   power_w[-1] as last_w from stg_load_curve order by date"],
        },
        Case {
            name: "registers",
            about: "one that begins anew at 1,000 kWh, one whose meter is changed, one behind transformers, two that are netted",
            contracts: vec![("load_register", REGISTERS.to_owned())],
            build: &["account_load_day"],
            files: {
                let mut text = "account_id,register,meter,time,kwh,ratio,full_kwh,sign\n".to_owned();
                for hour in 0..=24u32 {
                    let stamp = format!("2026-01-{:02} {:02}:00:00", 1 + hour / 24, hour % 24);
                    let meter = if hour < 12 { "old" } else { "new" };
                    let changed = if hour < 12 { 500 + hour } else { hour - 12 };
                    text += &format!("rolls over,1,m,{stamp},{},,1000,\n", (990 + hour) % 1000);
                    text += &format!("changed,1,{meter},{stamp},{changed},,,\n");
                    text += &format!("behind transformers,1,m,{stamp},{},40,,\n", hour * hour);
                    text += &format!("netted,1,m,{stamp},{},,,1\n", 3 * hour);
                    text += &format!("netted,2,m,{stamp},{},,,-1\n", hour.max(12) - 12);
                }
                vec![
                    accounts(&["rolls over", "changed", "behind transformers", "netted"]),
                    ("registers.csv", text.into_bytes()),
                ]
            },
            ask: &[
                "select account_id, power_w[1] as first_w, power_w[12] as noon_w, power_w[24] as last_w,
                   known_points(power_w) as points from stg_load_curve order by account_id",
            ],
        },
        Case {
            name: "stamps-at-the-end",
            about: "readings of the hour before their stamp, out of order, midnight on the wrong day",
            contracts: vec![(
                "load_reading",
                READINGS.replace(
                    "name = \"read_at\"",
                    "name = \"read_at\"\nstamp_marks = \"end\"\nmidnight_ends_day = true",
                ),
            )],
            build: &["account_load_day"],
            files: {
                let reading = |hour: u32| format!("home,2026-01-01 {:02}:00:00,{hour},1\n", hour % 24);
                let rows: String = (1..=24).map(|at| reading(at * 7 % 25)).collect();
                let text = format!("account_id,read_at,kwh,revision\n{rows}");
                vec![accounts(&["home"]), ("readings/a.csv", text.into_bytes())]
            },
            ask: &["select date, power_w from stg_load_curve"],
        },
        Case {
            name: "meters",
            about: "moves, changes, feed-in, meters that come back, that are late, that nobody has, that end before they begin",
            contracts: vec![
                ("load_curve", HOURS.replace("name = \"account_id\"", "name = \"account_id\"\nfrom = \"meter\"\nthrough = \"meters\"")),
                ("meters", METERS.to_owned()),
            ],
            build: &["account_load_day"],
            files: {
                let from = |first: usize, watts: &'static str| (first..24).map(move |hour| (hour, watts)).collect::<Vec<_>>();
                let until = |last: usize| (0..last).map(|hour| (hour, "")).collect::<Vec<_>>();
                let rows = hours(&[
                    ("moving", "2026-01-30", &[]),
                    ("moving", "2026-01-31", &[]),
                    ("moving", "2026-02-01", &[]),
                    ("moving", "2026-02-02", &[]),
                    ("old", "2026-01-31", &[]),
                    ("old", "2026-02-01", &from(12, "")),
                    ("new", "2026-02-01", &until(12)),
                    ("new", "2026-02-02", &[]),
                    ("load", "2026-02-01", &[]),
                    ("load", "2026-02-02", &[]),
                    ("load", "2026-02-03", &[(9, ""), (10, "")]),
                    ("feed", "2026-02-01", &[(12, "1000")]),
                    ("feed", "2026-02-03", &[]),
                    ("lost", "2026-02-01", &[]),
                    ("flat A", "2026-02-01", &[]),
                    ("flat B", "2026-02-01", &[(9, "900")]),
                    ("flat B", "2026-02-02", &[]),
                    ("comes back", "2026-01-31", &[]),
                    ("comes back", "2026-02-01", &[]),
                    ("comes back", "2026-02-02", &[]),
                    ("stays", "2026-01-31", &[]),
                    ("stays", "2026-02-01", &[]),
                    ("stays", "2026-02-02", &[]),
                    ("taken out", "2026-02-01", &[]),
                    ("taken out", "2026-02-02", &[]),
                ]);
                let meters = "meter_id,account_id,valid_from,valid_to,direction,ratio\n\
                    moving,tenant one,2025-01-01,2026-02-01,,\n\
                    moving,tenant two,2026-02-01,,,\n\
                    old,changed at noon,2020-01-01,2026-02-01,,\n\
                    new,changed at noon,2026-02-01,,,\n\
                    load,has panels,2020-01-01,,1,40\n\
                    feed,has panels,2020-01-01,,-1,\n\
                    flat A,moves from A to B,2020-01-01,2026-02-01,,\n\
                    flat B,moves from A to B,2026-02-01,,,\n\
                    stays,lends a meter,2020-01-01,,,\n\
                    comes back,lends a meter,2020-01-01,2026-02-01,,\n\
                    comes back,borrows it,2026-02-01,2026-02-02,,\n\
                    comes back,lends a meter,2026-02-02,,,\n\
                    taken out,goes without,2020-01-01,2026-02-02,,\n\
                    stays,ends before it begins,2026-02-01,2025-12-01,,\n";
                vec![
                    accounts(&["tenant one", "tenant two", "changed at noon", "has panels"]),
                    ("load/a.csv", rows.replace("account_id,", "meter,").into_bytes()),
                    ("meters.csv", meters.as_bytes().to_vec()),
                ]
            },
            ask: &[
                "select account_id, date, energy_wh, max_demand_w, valid_points, estimated_points from account_load_day
                   order by account_id, date",
                "select meter_id, date, power_w[1:3] as first_hours from assigned_load_curve where account_id is null",
            ],
        },
        Case {
            name: "readings-by-meter",
            about: "readings come through meters, too: two of one account are added",
            contracts: vec![
                ("load_reading", READINGS.replace("name = \"account_id\"", "name = \"account_id\"\nfrom = \"meter\"\nthrough = \"meters\"")),
                ("meters", METERS.to_owned()),
            ],
            build: &["account_load_day"],
            files: {
                let readings = |meter: &str, kwh: &str| {
                    (0..24).map(|hour| format!("{meter},2026-01-01 {hour:02}:00:00,{kwh}.{hour:02},1\n")).collect::<String>()
                };
                let text = |rows: String| format!("meter,read_at,kwh,revision\n{rows}").into_bytes();
                let meters = "meter_id,account_id,valid_from,valid_to,direction\n\
                    flat,home,2020-01-01,,\nheating,home,2020-01-01,,\n";
                vec![
                    accounts(&["home"]),
                    ("readings/a.csv", text(readings("flat", "1"))),
                    ("readings/b.csv", text(readings("heating", "5"))),
                    ("meters.csv", meters.as_bytes().to_vec()),
                ]
            },
            ask: &["select account_id, date, energy_wh, max_demand_w from account_load_day"],
        },
        Case {
            name: "a-file-for-each-meter",
            about: "the meter and the revision stand in the name of the file, in an archive too",
            contracts: vec![(
                "load_reading",
                READINGS
                    .replace("files = [\"readings/*.csv\"]", "files = [\"readings/*\"]")
                    .replace("name = \"account_id\"", "name = \"account_id\"\nfrom_path = 'M_(\\w+)_v\\d+\\.csv'")
                    .replace("from = \"revision\"", "from_path = '_v(\\d+)\\.csv'"),
            )],
            build: &["account_load_day"],
            files: {
                let readings = |kwh: &str| {
                    let rows = (0..24).map(|hour| format!("2026-01-01 {hour:02}:00:00,{kwh}.{hour:02}\n"));
                    format!("read_at,kwh\n{}", rows.collect::<String>())
                };
                let mut archive = Vec::new();
                let mut zip = zip::ZipWriter::new(std::io::Cursor::new(&mut archive));
                zip.start_file("M_third_v1.csv", zip::write::SimpleFileOptions::default()).expect("member");
                zip.write_all(readings("3").as_bytes()).expect("member");
                zip.finish().expect("archive");
                vec![
                    accounts(&["first", "second", "third"]),
                    ("readings/M_first_v1.csv", readings("5").into_bytes()),
                    ("readings/M_first_v2.csv", readings("1").into_bytes()),
                    ("readings/M_second_v1.csv", readings("2").into_bytes()),
                    ("readings/more.zip", archive),
                ]
            },
            ask: &["select account_id, date, energy_wh, max_demand_w, is_restated from account_load_day order by account_id"],
        },
        Case {
            name: "snapshots",
            about: "states of four days: one changes, one goes and comes back, one goes for good, one day comes twice",
            contracts: vec![("accounts", SNAPSHOTS.to_owned())],
            build: &["stg_accounts"],
            files: {
                let day = |rows: &[(&str, &str)]| {
                    let rows: String = rows.iter().map(|(account, class)| format!("{account},{class}\n")).collect();
                    format!("account_id,class\n{rows}").into_bytes()
                };
                let homes = [("stays", "residential"), ("changes", "residential"), ("comes back", "residential")];
                let first = [&homes[..], &[("goes", "residential")]].concat();
                vec![
                    ("all/day=2026-01-01/a.csv", day(&first)),
                    ("all/day=2026-01-02/a.csv", day(&first)),
                    ("all/day=2026-01-05/a.csv", day(&[homes[0], ("changes", "commercial")])),
                    ("all/day=2026-01-06/a.csv", day(&[homes[0], ("changes", "commercial"), homes[2]])),
                    ("all/day=2026-01-06/again.csv", day(&[homes[0]])),
                ]
            },
            ask: &["select account_id, account_class, valid_from, valid_to from stg_accounts order by account_id, valid_from"],
        },
    ]
}
