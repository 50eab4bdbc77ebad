//! Workdays and public holidays of mainland China. The years 2023 to 2026 are
//! as decreed, 2027 is a plausible guess; other years keep their fixed dates
//! and, where listed, the Spring Festival.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use chrono::{Datelike, NaiveDate, Weekday};

use super::world::Day;
use super::write::{Row, dates, flags, opt_texts};

pub const MINUTES_PER_DAY: i64 = 24 * 60;

/// Friday, Saturday and Sunday, as [`weekday`] counts.
pub const FRIDAY: i32 = 4;
pub const SATURDAY: i32 = 5;
pub const SUNDAY: i32 = 6;

/// Place in its week, from Monday, of a day since 1970-01-01, which was a Thursday.
pub fn weekday(day: i32) -> i32 {
    (day + 3).rem_euclid(7)
}

/// The kinds of day that load shapes distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayType {
    Workday,
    Saturday,
    Sunday,
    Holiday,
    /// The Spring Festival, and the days about it for those who are away.
    Festival,
}

impl DayType {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 5] = [Self::Workday, Self::Saturday, Self::Sunday, Self::Holiday, Self::Festival];
}

/// What the calendar says about a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decree {
    pub is_workday: bool,
    pub holiday: Option<&'static str>,
    pub day_type: DayType,
    /// Days that are left until the Spring Festival, as a negative number, or that
    /// have passed since, where it is near.
    pub festival_days: Option<i32>,
}

impl Decree {
    /// The kind of day for those who leave so many days before the Spring
    /// Festival, and come back so many after it.
    pub fn day_type_for(&self, leave_days: i32, return_days: i32) -> DayType {
        match self.festival_days {
            Some(days) if (-leave_days..=return_days).contains(&days) => DayType::Festival,
            _ => self.day_type,
        }
    }
}

struct Span {
    year: i32,
    month: u32,
    day: u32,
    days: i32,
    name: &'static str,
}

const NEW_YEAR: &str = "New Year";
const SPRING: &str = "Spring Festival";
const TOMB_SWEEPING: &str = "Tomb-Sweeping Day";
const LABOUR: &str = "Labour Day";
const DRAGON_BOAT: &str = "Dragon Boat Festival";
const MID_AUTUMN: &str = "Mid-Autumn Festival";
const NATIONAL: &str = "National Day";

const DECREED_YEARS: std::ops::RangeInclusive<i32> = 2023..=2027;

/// Days before and after the Spring Festival on which some are away too.
const FESTIVAL_MARGIN_DAYS: i32 = 9;

const fn span(year: i32, month: u32, day: u32, days: i32, name: &'static str) -> Span {
    Span { year, month, day, days, name }
}

const SPANS: &[Span] = &[
    span(2018, 2, 15, 7, SPRING),
    span(2019, 2, 4, 7, SPRING),
    span(2020, 1, 24, 7, SPRING),
    span(2021, 2, 11, 7, SPRING),
    span(2022, 1, 31, 7, SPRING),
    span(2022, 12, 31, 3, NEW_YEAR),
    span(2023, 1, 21, 7, SPRING),
    span(2023, 4, 5, 1, TOMB_SWEEPING),
    span(2023, 4, 29, 5, LABOUR),
    span(2023, 6, 22, 3, DRAGON_BOAT),
    span(2023, 9, 29, 2, MID_AUTUMN),
    span(2023, 10, 1, 6, NATIONAL),
    span(2024, 1, 1, 1, NEW_YEAR),
    span(2024, 2, 10, 8, SPRING),
    span(2024, 4, 4, 3, TOMB_SWEEPING),
    span(2024, 5, 1, 5, LABOUR),
    span(2024, 6, 10, 1, DRAGON_BOAT),
    span(2024, 9, 15, 3, MID_AUTUMN),
    span(2024, 10, 1, 7, NATIONAL),
    span(2025, 1, 1, 1, NEW_YEAR),
    span(2025, 1, 28, 8, SPRING),
    span(2025, 4, 4, 3, TOMB_SWEEPING),
    span(2025, 5, 1, 5, LABOUR),
    span(2025, 5, 31, 3, DRAGON_BOAT),
    span(2025, 10, 1, 8, NATIONAL),
    span(2026, 1, 1, 3, NEW_YEAR),
    span(2026, 2, 15, 9, SPRING),
    span(2026, 4, 4, 3, TOMB_SWEEPING),
    span(2026, 5, 1, 5, LABOUR),
    span(2026, 6, 19, 3, DRAGON_BOAT),
    span(2026, 9, 25, 3, MID_AUTUMN),
    span(2026, 10, 1, 7, NATIONAL),
    span(2027, 1, 1, 3, NEW_YEAR),
    span(2027, 2, 5, 8, SPRING),
    span(2027, 4, 3, 3, TOMB_SWEEPING),
    span(2027, 5, 1, 5, LABOUR),
    span(2027, 6, 9, 1, DRAGON_BOAT),
    span(2027, 9, 15, 1, MID_AUTUMN),
    span(2027, 10, 1, 7, NATIONAL),
    span(2028, 1, 25, 7, SPRING),
    span(2029, 2, 12, 7, SPRING),
    span(2030, 2, 2, 7, SPRING),
];

/// Weekend days that are worked to make up for a holiday.
const MAKE_UP_WORKDAYS: &[(i32, u32, u32)] = &[
    (2023, 1, 28),
    (2023, 1, 29),
    (2023, 4, 23),
    (2023, 5, 6),
    (2023, 6, 25),
    (2023, 10, 7),
    (2023, 10, 8),
    (2024, 2, 4),
    (2024, 2, 18),
    (2024, 4, 7),
    (2024, 4, 28),
    (2024, 5, 11),
    (2024, 9, 14),
    (2024, 9, 29),
    (2024, 10, 12),
    (2025, 1, 26),
    (2025, 2, 8),
    (2025, 4, 27),
    (2025, 9, 28),
    (2025, 10, 11),
    (2026, 1, 4),
    (2026, 2, 14),
    (2026, 2, 28),
    (2026, 5, 9),
    (2026, 9, 20),
    (2026, 10, 10),
    (2027, 1, 31),
    (2027, 2, 20),
    (2027, 4, 25),
    (2027, 5, 8),
    (2027, 9, 26),
    (2027, 10, 9),
];

impl Span {
    /// Days from the span to a date: negative before it, 0 within.
    fn days_from(&self, date: NaiveDate) -> Option<i32> {
        let start = NaiveDate::from_ymd_opt(self.year, self.month, self.day)?.to_epoch_days();
        let day = date.to_epoch_days();
        Some((day - start).min(0) + (day - start - self.days + 1).max(0))
    }

    /// Whether the date lies in the span, widened by `margin` days either side.
    fn covers(&self, date: NaiveDate, margin: i32) -> bool {
        NaiveDate::from_ymd_opt(self.year, self.month, self.day).is_some_and(|start| {
            let offset = date.to_epoch_days() - start.to_epoch_days();
            (-margin..self.days + margin).contains(&offset)
        })
    }
}

/// What the calendar says about `date`.
pub fn decree(date: NaiveDate) -> Decree {
    let holiday = holiday(date);
    let is_weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    let is_made_up = MAKE_UP_WORKDAYS.contains(&(date.year(), date.month(), date.day()));
    let is_workday = holiday.is_none() && (!is_weekend || is_made_up);
    let day_type = match (holiday, is_workday) {
        (Some(SPRING), _) => DayType::Festival,
        (Some(_), _) => DayType::Holiday,
        (None, true) => DayType::Workday,
        (None, false) if date.weekday() == Weekday::Sat => DayType::Saturday,
        (None, false) => DayType::Sunday,
    };
    let near = SPANS.iter().find(|span| span.name == SPRING && span.covers(date, FESTIVAL_MARGIN_DAYS));
    let festival_days = near.and_then(|span| span.days_from(date));
    Decree { is_workday, holiday, day_type, festival_days }
}

/// Whether schools are in term.
pub fn is_term(date: NaiveDate) -> bool {
    matches!((date.month(), date.day()), (1, ..=20) | (2, 21..) | (3..=6, _) | (7, ..=4) | (9..=12, _))
}

fn holiday(date: NaiveDate) -> Option<&'static str> {
    let listed = SPANS.iter().find(|span| span.covers(date, 0)).map(|span| span.name);
    if listed.is_some() || DECREED_YEARS.contains(&date.year()) {
        return listed;
    }
    match (date.month(), date.day()) {
        (1, 1) => Some(NEW_YEAR),
        (4, 4..=6) => Some(TOMB_SWEEPING),
        (5, 1..=5) => Some(LABOUR),
        (10, 1..=7) => Some(NATIONAL),
        _ => None,
    }
}

/// One row of the calendar table.
pub struct CalendarRow {
    pub day: i32,
    pub decree: Decree,
}

impl From<&Day> for CalendarRow {
    fn from(day: &Day) -> Self {
        Self { day: day.number, decree: day.decree }
    }
}

impl Row for CalendarRow {
    const TABLE: &'static str = "calendar";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_from_iter_with_nullable([
            ("date", dates(rows.iter().map(|row| row.day)), false),
            ("is_workday", flags(rows.iter().map(|row| row.decree.is_workday)), false),
            ("holiday", opt_texts(rows.iter().map(|row| row.decree.holiday)), true),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(year: i32, month: u32, day: u32) -> Decree {
        decree(NaiveDate::from_ymd_opt(year, month, day).expect("a real date"))
    }

    #[test]
    fn weeks_begin_on_mondays() {
        let day = |day: u32| NaiveDate::from_ymd_opt(2026, 2, day).expect("a real date").to_epoch_days();
        assert_eq!([27, 28, 22].map(|of_month| weekday(day(of_month))), [FRIDAY, SATURDAY, SUNDAY]);
        assert_eq!(weekday(-4), SUNDAY);
    }

    #[test]
    fn holidays_are_as_decreed() {
        assert_eq!(on(2025, 10, 8).holiday, Some(NATIONAL));
        assert_eq!(on(2025, 1, 28).holiday, Some(SPRING));
        assert_eq!(on(2026, 10, 8).holiday, None);
        assert_eq!(on(2031, 5, 3).holiday, Some(LABOUR));
    }

    #[test]
    fn make_up_days_are_weekend_days_that_are_worked() {
        for &(year, month, day) in MAKE_UP_WORKDAYS {
            let date = NaiveDate::from_ymd_opt(year, month, day).expect("a real date");
            assert!(matches!(date.weekday(), Weekday::Sat | Weekday::Sun), "{date}");
            assert!(decree(date).is_workday, "{date}");
        }
    }

    #[test]
    fn some_are_away_about_the_spring_festival() {
        assert_eq!(on(2025, 1, 24).festival_days, Some(-4));
        assert_eq!(on(2025, 1, 30).festival_days, Some(0));
        assert_eq!(on(2025, 2, 6).festival_days, Some(2));
        assert_eq!(on(2025, 2, 20).festival_days, None);
        assert_eq!(on(2025, 1, 24).day_type_for(5, 3), DayType::Festival);
        assert_eq!(on(2025, 1, 24).day_type_for(3, 3), DayType::Workday);
        assert!(on(2025, 1, 24).is_workday);
        assert_eq!(on(2025, 3, 5).day_type, DayType::Workday);
        assert_eq!(on(2025, 3, 8).day_type, DayType::Saturday);
        assert_eq!(on(2025, 5, 1).day_type, DayType::Holiday);
    }
}
