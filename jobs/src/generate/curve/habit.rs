//! How each kind of customer spreads its energy over the hours of a day.

use crate::generate::calendar::DayType;
use crate::generate::calibrated::{FARM, HOUSEHOLD, ONE_SHIFT, Profile, TRADE};
use crate::generate::who::archetype::Archetype;

/// Percent of any unit, by hour.
type Hours = [u16; 24];

/// The hours of a kind of customer.
enum Habit {
    /// A published profile: by season, and on workdays, Saturdays and Sundays.
    Published(&'static Profile),
    /// The same in every season: on workdays, Saturdays and Sundays.
    Weekly([Hours; 3]),
}

/// Where the year has three seasons, the mildest stands for all of it.
pub const BETWEEN: usize = 1;

#[rustfmt::skip]
const SHOP: [Hours; 3] = [
    [28, 27, 27, 27, 27, 28, 36, 60, 105, 145, 160, 165, 162, 158, 156, 158, 160, 164, 168, 166, 150, 110, 56, 34],
    [28, 27, 27, 27, 27, 28, 36, 60, 108, 154, 174, 180, 178, 174, 172, 174, 176, 180, 184, 180, 162, 118, 60, 34],
    [28, 27, 27, 27, 27, 28, 36, 60, 108, 154, 174, 180, 178, 174, 172, 174, 176, 180, 184, 180, 162, 118, 60, 34],
];
#[rustfmt::skip]
const RESTAURANT: [Hours; 3] = [
    [34, 30, 29, 29, 30, 38, 62, 84, 92, 116, 168, 214, 200, 136, 96, 92, 130, 206, 232, 216, 168, 110, 62, 42],
    [38, 32, 29, 29, 30, 38, 62, 86, 96, 124, 184, 236, 222, 154, 108, 102, 146, 232, 262, 244, 190, 124, 70, 46],
    [38, 32, 29, 29, 30, 38, 62, 86, 96, 124, 184, 236, 222, 154, 108, 102, 146, 232, 262, 244, 190, 124, 70, 46],
];
#[rustfmt::skip]
const HOTEL: [Hours; 3] = [
    [92, 84, 78, 74, 74, 80, 98, 118, 120, 108, 100, 98, 100, 98, 96, 96, 100, 108, 122, 130, 130, 126, 116, 104],
    [96, 88, 80, 76, 76, 80, 94, 114, 122, 114, 106, 104, 106, 104, 102, 102, 106, 114, 128, 136, 136, 130, 120, 108],
    [94, 86, 80, 76, 76, 80, 94, 112, 120, 112, 104, 102, 104, 102, 100, 100, 104, 110, 124, 130, 128, 122, 112, 100],
];
#[rustfmt::skip]
const HOSPITAL: [Hours; 3] = [
    [68, 66, 65, 64, 65, 70, 84, 108, 138, 150, 152, 148, 132, 132, 144, 146, 138, 118, 98, 90, 86, 82, 76, 70],
    [66, 64, 63, 62, 63, 66, 76, 94, 116, 124, 126, 122, 110, 108, 114, 114, 108, 98, 88, 84, 80, 78, 72, 68],
    [64, 62, 61, 61, 62, 64, 72, 84, 96, 100, 102, 100, 94, 92, 94, 94, 92, 88, 84, 80, 78, 76, 70, 66],
];
#[rustfmt::skip]
const TWO_SHIFTS: [Hours; 3] = [
    [42, 38, 38, 38, 40, 80, 150, 162, 166, 166, 164, 140, 132, 156, 166, 166, 162, 148, 140, 156, 158, 150, 96, 54],
    [38, 36, 36, 36, 38, 74, 138, 150, 154, 154, 152, 128, 120, 144, 154, 154, 148, 132, 124, 138, 138, 130, 84, 48],
    [32, 30, 30, 30, 32, 44, 70, 78, 80, 80, 78, 68, 64, 74, 78, 78, 76, 66, 62, 68, 68, 64, 48, 36],
];
#[rustfmt::skip]
const THREE_SHIFTS: [Hours; 3] = [
    [101, 102, 102, 102, 101, 100, 94, 99, 99, 100, 100, 98, 98, 99, 95, 100, 100, 99, 98, 99, 100, 101, 96, 102],
    [100, 101, 101, 101, 100, 99, 93, 98, 98, 99, 99, 98, 97, 98, 94, 98, 98, 98, 97, 98, 99, 100, 95, 101],
    [98, 99, 99, 99, 98, 97, 91, 96, 96, 97, 97, 96, 95, 96, 92, 96, 96, 96, 95, 96, 97, 98, 94, 99],
];
#[rustfmt::skip]
const SCHOOL: [Hours; 3] = [
    [26, 25, 25, 25, 26, 34, 86, 170, 226, 238, 240, 224, 176, 190, 232, 230, 196, 120, 90, 86, 70, 44, 30, 27],
    [24, 24, 24, 24, 24, 26, 34, 44, 52, 54, 54, 54, 48, 48, 50, 50, 46, 42, 38, 36, 34, 28, 25, 24],
    [24, 24, 24, 24, 24, 26, 34, 42, 48, 50, 50, 50, 46, 46, 48, 50, 50, 52, 54, 54, 46, 34, 27, 24],
];
#[rustfmt::skip]
const STREET_LIGHTS: [Hours; 3] =
    [[240, 200, 160, 160, 165, 150, 40, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 60, 220, 250, 250, 250, 250, 244]; 3];
#[rustfmt::skip]
const BASE_STATION: [Hours; 3] =
    [[92, 89, 87, 86, 86, 88, 93, 98, 102, 104, 105, 105, 106, 106, 106, 106, 106, 107, 108, 109, 109, 107, 103, 97]; 3];
#[rustfmt::skip]
const COLD_STORE: [Hours; 3] = [
    [92, 90, 89, 88, 90, 96, 104, 108, 112, 114, 114, 112, 110, 112, 114, 112, 108, 104, 100, 98, 96, 94, 92, 92],
    [92, 90, 89, 88, 90, 95, 102, 106, 108, 110, 110, 108, 106, 108, 108, 106, 104, 100, 98, 96, 95, 94, 92, 92],
    [90, 89, 88, 88, 88, 90, 92, 94, 96, 98, 99, 100, 100, 100, 100, 99, 97, 95, 94, 93, 92, 91, 90, 90],
];
#[rustfmt::skip]
const DATA_CENTRE: [Hours; 3] = [
    [98, 97, 97, 96, 96, 97, 98, 99, 101, 102, 103, 103, 102, 102, 103, 103, 103, 102, 101, 101, 101, 100, 100, 99],
    [97, 97, 96, 96, 96, 96, 97, 98, 99, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 99, 99, 98],
    [97, 97, 96, 96, 96, 96, 97, 98, 99, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 99, 99, 98],
];

impl Archetype {
    fn habit(self) -> Habit {
        match self {
            Self::WorkingFamily | Self::AtHome | Self::NightOwl => Habit::Published(&HOUSEHOLD),
            Self::Vacant => Habit::Weekly([[100; 24]; 3]),
            Self::Shop => Habit::Weekly(SHOP),
            Self::Restaurant => Habit::Weekly(RESTAURANT),
            Self::Hotel => Habit::Weekly(HOTEL),
            Self::Office => Habit::Published(&TRADE),
            Self::Hospital => Habit::Weekly(HOSPITAL),
            Self::FactoryOneShift => Habit::Weekly(ONE_SHIFT),
            Self::FactoryTwoShifts => Habit::Weekly(TWO_SHIFTS),
            Self::FactoryThreeShifts => Habit::Weekly(THREE_SHIFTS),
            Self::Farm => Habit::Published(&FARM),
            Self::School => Habit::Weekly(SCHOOL),
            Self::StreetLighting => Habit::Weekly(STREET_LIGHTS),
            Self::BaseStation => Habit::Weekly(BASE_STATION),
            Self::ColdStore => Habit::Weekly(COLD_STORE),
            Self::DataCentre => Habit::Weekly(DATA_CENTRE),
        }
    }

    /// Percent of a Sunday's load that is left on a holiday, and about the
    /// Spring Festival.
    fn holiday_percent(self) -> (u16, u16) {
        match self {
            Self::WorkingFamily => (104, 112),
            Self::AtHome => (102, 118),
            Self::NightOwl => (102, 104),
            Self::Vacant => (100, 100),
            Self::Shop => (108, 48),
            Self::Restaurant => (110, 72),
            Self::Hotel => (124, 84),
            Self::Office => (92, 78),
            Self::Hospital => (96, 84),
            Self::FactoryOneShift => (80, 62),
            Self::FactoryTwoShifts => (80, 46),
            Self::FactoryThreeShifts => (98, 82),
            Self::Farm => (98, 72),
            Self::School => (84, 60),
            Self::StreetLighting => (104, 106),
            Self::BaseStation | Self::DataCentre => (100, 99),
            Self::ColdStore => (102, 96),
        }
    }

    /// Percent by which a kind of household leans away from the profile of all
    /// households.
    fn lean(self, day_type: DayType, hour: usize) -> u16 {
        let is_workday = day_type == DayType::Workday;
        match (self, hour) {
            (Self::WorkingFamily, 9..=16) if is_workday => 84,
            (Self::WorkingFamily, 18..=22) if is_workday => 105,
            (Self::AtHome, 9..=16) if is_workday => 118,
            (Self::AtHome, 21..=23) => 86,
            (Self::NightOwl, 0..=2) => 165,
            (Self::NightOwl, 22..=23) => 130,
            (Self::NightOwl, 3..=4) => 130,
            (Self::NightOwl, 6..=10) => 70,
            _ => 100,
        }
    }

    /// The load by hour on a kind of day, in any unit.
    pub(super) fn hours(self, season: usize, day_type: DayType) -> [f64; 24] {
        let kind = match day_type {
            DayType::Workday => 0,
            DayType::Saturday => 1,
            DayType::Sunday | DayType::Holiday | DayType::Festival => 2,
        };
        let percent = match day_type {
            DayType::Holiday => self.holiday_percent().0,
            DayType::Festival => self.holiday_percent().1,
            _ => 100,
        };
        let hours = match self.habit() {
            Habit::Published(profile) => profile[season][kind],
            Habit::Weekly(week) => week[kind],
        };
        std::array::from_fn(|hour| {
            f64::from(hours[hour]) * f64::from(self.lean(day_type, hour)) * f64::from(percent) / 10_000.0
        })
    }
}
