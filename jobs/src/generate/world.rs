//! What all accounts share: the seed, the days with their weather, the months
//! that are billed and the templates.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::Options;
use super::calendar::{Decree, decree, is_term};
use super::curve::shape::Shapes;
use super::curve::template::Template;
use super::weather::{REGIONS, RegionDay, region_day, sky};

/// Day of a month by which all bills of the month before are out.
const ISSUED_BY_DAY: u32 = 8;
/// Days before the end that the records of apps and meters reach back.
pub const RECORDED_DAYS: i32 = 365;
/// Months that calendar and weather reach back beyond the bills.
const REPORTED_MONTHS: u32 = 6;
/// Months after the end that the calendar reaches ahead.
const ANNOUNCED_MONTHS: u32 = 3;
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

/// One day of the lake.
pub struct Day {
    /// Days since 1970-01-01.
    pub number: i32,
    pub date: NaiveDate,
    /// 0 is January.
    pub month: usize,
    pub decree: Decree,
    /// Whether schools are in term.
    pub is_term: bool,
    /// By region.
    pub weather: [RegionDay; REGIONS.len()],
    /// Output of a plant of one watt, by region.
    pub sky: [Template; REGIONS.len()],
}

/// One calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// First day, in days since 1970-01-01.
    pub first: i32,
    /// First day that is not of the month.
    pub next: i32,
    pub year: i32,
    /// 0 is January.
    pub month: usize,
}

/// What all accounts share.
pub struct World {
    pub seed: u64,
    /// First day that is not in the lake, in days since 1970-01-01.
    pub end: i32,
    /// First day with curves.
    pub curves_from: i32,
    /// First day of weather and calendar.
    pub reported_from: i32,
    /// First day that the calendar leaves out.
    pub announced_to: i32,
    pub shapes: Shapes,
    days: Vec<Day>,
    months: Vec<Month>,
    first_billed: usize,
    /// All months, the last one as far as it lies before the end.
    known: Vec<Month>,
}

impl World {
    /// Prepares a lake, or nothing if its dates leave the years 1900 to 2200.
    pub fn new(options: &Options) -> Option<Self> {
        let end = options.end;
        let this_month = end.with_day(1)?;
        // Bills of the last month may still be to come.
        let billed_to =
            if end.day() > ISSUED_BY_DAY { this_month } else { this_month.checked_sub_months(Months::new(1))? };
        let billed_from = billed_to.checked_sub_months(Months::new(options.months))?;
        // Tiers run by calendar year, so energy is known from its first day.
        let year_start = NaiveDate::from_ymd_opt(billed_from.year(), 1, 1)?;
        let curves_from = end.checked_sub_days(Days::new(u64::from(options.days)))?;
        let reported_from =
            this_month.checked_sub_months(Months::new(options.months.checked_add(REPORTED_MONTHS)?))?.min(curves_from);
        let announced_to = end.checked_add_months(Months::new(ANNOUNCED_MONTHS))?;
        let recorded_from = end.checked_sub_days(Days::new(RECORDED_DAYS.unsigned_abs().into()))?;
        // A day more than is asked for: what began in the evening before.
        let earliest = reported_from.min(year_start).min(recorded_from).with_day(1)?;
        let first = earliest.checked_sub_months(Months::new(1))?;
        if !YEARS.contains(&first.year()) || !YEARS.contains(&announced_to.year()) {
            return None;
        }

        let shapes = Shapes::new(options.seed);
        let days = (first.to_epoch_days()..announced_to.to_epoch_days())
            .map(|number| Some(day(options.seed, number, NaiveDate::from_epoch_days(number)?)))
            .collect::<Option<Vec<Day>>>()?;
        let metered = months(year_start, billed_to)?;
        let first_billed = metered.len().saturating_sub(options.months as usize);
        let mut known = months(first, this_month)?;
        known.extend((end > this_month).then(|| Month {
            first: this_month.to_epoch_days(),
            next: end.to_epoch_days(),
            year: this_month.year(),
            month: this_month.month0() as usize,
        }));
        Some(Self {
            seed: options.seed,
            end: end.to_epoch_days(),
            curves_from: curves_from.to_epoch_days(),
            reported_from: reported_from.to_epoch_days(),
            announced_to: announced_to.to_epoch_days(),
            shapes,
            days,
            months: metered,
            first_billed,
            known,
        })
    }

    /// The day of this number, which lies between the first month and the end
    /// of the calendar.
    pub fn day(&self, number: i32) -> &Day {
        &self.days[(number - self.days[0].number).unsigned_abs() as usize]
    }

    /// The day, or the last workday before it: offices are closed otherwise.
    pub fn workday(&self, number: i32) -> i32 {
        (number - 12..=number).rev().find(|day| self.is_workday(*day)).unwrap_or(number)
    }

    /// The day, or the first workday after it.
    pub fn next_workday(&self, number: i32) -> i32 {
        (number..=number + 12).find(|day| self.is_workday(*day)).unwrap_or(number)
    }

    /// Whether a day is worked, also one of which the lake knows nothing else.
    fn is_workday(&self, number: i32) -> bool {
        if (self.days[0].number..self.announced_to).contains(&number) {
            return self.day(number).decree.is_workday;
        }
        NaiveDate::from_epoch_days(number).is_some_and(|date| decree(date).is_workday)
    }

    /// First day of the first month of which there are records.
    pub fn first_served(&self) -> i32 {
        self.served_months().next().map_or(self.end, |month| month.first)
    }

    /// First day of the last month with a bill.
    pub fn first_of_last_month(&self) -> i32 {
        self.billed_months().last().map_or(self.end, |month| month.first)
    }

    /// All months of which anything is known, oldest first; of the last one what
    /// lies before the end.
    pub fn known_months(&self) -> &[Month] {
        &self.known
    }

    /// The months of which bills are made, oldest first.
    pub fn billed_months(&self) -> &[Month] {
        &self.months[self.first_billed..]
    }

    /// The billed months and those before them in the same calendar year.
    pub fn metered_months(&self) -> &[Month] {
        &self.months
    }

    /// The billed months, and those after them, as far as they lie before the end.
    pub fn served_months(&self) -> impl Iterator<Item = &Month> {
        let first = self.billed_months().first().map_or(self.end, |month| month.first);
        self.known.iter().filter(move |month| month.first >= first)
    }
}

fn day(seed: u64, number: i32, date: NaiveDate) -> Day {
    let weather = std::array::from_fn(|region| region_day(seed, region, number, date.ordinal()));
    let month = date.month0() as usize;
    Day {
        number,
        date,
        month,
        decree: decree(date),
        is_term: is_term(date),
        sky: std::array::from_fn(|region| sky(seed, region, number, month, weather[region].sun)),
        weather,
    }
}

/// The months from `first` to before `end`, both first days of a month.
fn months(first: NaiveDate, end: NaiveDate) -> Option<Vec<Month>> {
    let mut months = Vec::new();
    let mut start = first;
    while start < end {
        let next = start.checked_add_months(Months::new(1))?;
        months.push(Month {
            first: start.to_epoch_days(),
            next: next.to_epoch_days(),
            year: start.year(),
            month: start.month0() as usize,
        });
        start = next;
    }
    Some(months)
}

#[cfg(test)]
pub mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A world that ends in the middle of a month.
    pub fn world(seed: u64) -> World {
        let end = NaiveDate::from_ymd_opt(2026, 3, 11).expect("a real date");
        let options = Options { accounts: 1, days: 45, months: 24, seed, out: PathBuf::new(), end, threads: 1 };
        World::new(&options).expect("dates in range")
    }

    #[test]
    fn bills_reach_back_over_whole_months() {
        let world = world(1);
        let billed = world.billed_months();
        assert_eq!(billed.len(), 24);
        assert_eq!((billed[0].year, billed[0].month), (2024, 2));
        assert_eq!((billed[23].year, billed[23].month), (2026, 1));
        assert_eq!(world.metered_months().len(), 26);
        assert_eq!(world.metered_months()[0].month, 0);
        assert_eq!(world.served_months().count(), 25);
        assert_eq!(world.day(world.end - 1).date.to_string(), "2026-03-10");
    }

    #[test]
    fn a_month_whose_bills_are_to_come_is_not_billed() {
        let end = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a real date");
        let options = Options { accounts: 1, days: 1, months: 1, seed: 1, out: PathBuf::new(), end, threads: 1 };
        let world = World::new(&options).expect("dates in range");
        let months: Vec<usize> = world.billed_months().iter().map(|month| month.month).collect();
        assert_eq!(months, [0]);
        assert_eq!(world.served_months().map(|month| month.month).collect::<Vec<_>>(), [0, 1]);
        assert!(world.day(world.end - RECORDED_DAYS).number < world.end);
    }

    #[test]
    fn dates_out_of_range_make_no_world() {
        let end = NaiveDate::from_ymd_opt(2026, 3, 11).expect("a real date");
        let options = Options { accounts: 1, days: 60_000, months: 24, seed: 1, out: PathBuf::new(), end, threads: 1 };
        assert!(World::new(&options).is_none());
        let options = Options { days: 1, months: u32::MAX, ..options };
        assert!(World::new(&options).is_none());
    }
}
