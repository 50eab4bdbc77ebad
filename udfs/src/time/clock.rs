//! Days by the clock on the wall: of 24 hours mostly, of 23 or 25 where the clock
//! is changed.

use arrow::array::{Array, StringArray};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;
use datafusion_common::{Result, exec_datafusion_err};
use datafusion_expr::ScalarFunctionArgs;

use crate::args::{Column, primitive, texts};

/// The zone of a name.
pub(crate) fn zone(function: &str, name: &str) -> Result<Tz> {
    name.parse().map_err(|_| exec_datafusion_err!("{function}: `{name}` is not a time zone"))
}

/// A day in a zone.
#[derive(Debug, Clone)]
pub(crate) struct ClockDay {
    zone: Tz,
    start: DateTime<Tz>,
    /// From midnight to midnight.
    pub(crate) minutes: i64,
}

impl ClockDay {
    /// `None` of a date that no calendar knows.
    fn of(function: &str, day: i32, name: &str) -> Result<Option<Self>> {
        let zone = zone(function, name)?;
        let midnight = |date: NaiveDate| {
            let midnight = date.and_time(NaiveTime::MIN);
            // Where the clock skips midnight, the day begins an hour later.
            let later = midnight + TimeDelta::hours(1);
            zone.from_local_datetime(&midnight).earliest().or_else(|| zone.from_local_datetime(&later).earliest())
        };
        let bounds = Date32Type::to_naive_date_opt(day).and_then(|date| {
            let next = date.checked_add_days(Days::new(1))?;
            Some((midnight(date)?, midnight(next)?))
        });
        Ok(bounds.map(|(start, end)| Self { zone, start, minutes: (end - start).num_minutes() }))
    }

    /// What the clock shows so many minutes after the day's begin.
    pub(crate) fn clock_minute(&self, elapsed: i64) -> i64 {
        let clock = (self.start + TimeDelta::minutes(elapsed)).with_timezone(&self.zone);
        i64::from(clock.hour() * 60 + clock.minute())
    }
}

/// The days of a batch: rows of one day and zone come together, mostly.
#[derive(Debug, Default)]
pub(crate) struct ClockDays<'a> {
    last: Option<(i32, &'a str, Option<ClockDay>)>,
}

impl<'a> ClockDays<'a> {
    /// `None` of a date that no calendar knows.
    pub(crate) fn day(&mut self, function: &str, day: i32, zone: &'a str) -> Result<Option<&ClockDay>> {
        if self.last.as_ref().is_none_or(|(known_day, known_zone, _)| (*known_day, *known_zone) != (day, zone)) {
            self.last = Some((day, zone, ClockDay::of(function, day, zone)?));
        }
        Ok(self.last.as_ref().and_then(|(_, _, day)| day.as_ref()))
    }
}

/// What `tell` says of each instant of a column, by the clocks of two zones; `None`
/// where one of the arguments is NULL.
pub(crate) fn between_clocks<T>(
    function: &'static str,
    args: &ScalarFunctionArgs,
    tell: impl Fn(i64, Tz, Tz) -> Option<T>,
) -> Result<Vec<Option<T>>> {
    let rows = args.number_rows;
    let column = |at: usize| Column::new(&args.args[at], rows);
    let (timestamp, from, to) = (column(0)?, column(1)?, column(2)?);
    let instants = primitive::<TimestampMicrosecondType>(function, timestamp.array())?;
    let mut zones =
        Zones { function, from: texts(function, from.array())?, to: texts(function, to.array())?, last: None };
    let told = (0..rows).map(|row| {
        let at = timestamp.at(row);
        let zones = zones.at(from.at(row), to.at(row))?.filter(|_| instants.is_valid(at));
        Ok(zones.and_then(|(from, to)| tell(instants.value(at), from, to)))
    });
    told.collect()
}

/// The pairs of zones of a batch: one serves all rows, mostly.
#[derive(Debug)]
struct Zones<'a> {
    function: &'static str,
    from: &'a StringArray,
    to: &'a StringArray,
    last: Option<(&'a str, &'a str, Tz, Tz)>,
}

impl<'a> Zones<'a> {
    /// `None` where one of the names is NULL.
    fn at(&mut self, from_at: usize, to_at: usize) -> Result<Option<(Tz, Tz)>> {
        if self.from.is_null(from_at) || self.to.is_null(to_at) {
            return Ok(None);
        }
        let (from, to) = (self.from.value(from_at), self.to.value(to_at));
        let zones = match self.last {
            Some((known_from, known_to, from_zone, to_zone)) if known_from == from && known_to == to => {
                (from_zone, to_zone)
            }
            _ => (zone(self.function, from)?, zone(self.function, to)?),
        };
        self.last = Some((from, to, zones.0, zones.1));
        Ok(Some(zones))
    }
}
