//! How each kind of customer spreads its energy over day, week and year. The
//! tables are hourly; the templates made of them have 96 points.

use std::f64::consts::PI;

use super::archetype::Archetype;
use super::calendar::DayType;

/// Points of a curve: a day in quarter hours.
pub const POINTS: usize = 96;

/// Points by which an account may be early or late.
pub const MAX_SHIFT: usize = 4;

/// A template with a margin on either side, so that a shifted one is a slice.
type Padded = [f32; POINTS + 2 * MAX_SHIFT];

type Hours = [u16; 24];

/// The habits of a kind: any unit by the hour, percent otherwise.
struct Habit {
    workday: Hours,
    weekend: Hours,
    months: [u16; 12],
    holiday: u16,
    festival: u16,
}

const EVEN: [u16; 12] = [100; 12];

#[rustfmt::skip]
static HABITS: [Habit; Archetype::ALL.len()] = [
    // Working family.
    Habit {
        workday: [40, 34, 31, 30, 31, 45, 95, 125, 80, 50, 46, 50, 58, 50, 46, 50, 66, 112, 165, 190, 185, 160, 110, 64],
        weekend: [44, 36, 32, 31, 31, 36, 55, 85, 105, 105, 100, 112, 118, 100, 88, 86, 95, 122, 160, 180, 178, 160, 118, 70],
        months: EVEN, holiday: 104, festival: 112,
    },
    // At home.
    Habit {
        workday: [38, 32, 30, 30, 36, 62, 98, 110, 104, 98, 106, 130, 122, 92, 88, 92, 106, 130, 150, 150, 132, 98, 62, 46],
        weekend: [38, 32, 30, 30, 36, 60, 94, 110, 106, 102, 110, 134, 126, 96, 90, 94, 108, 132, 152, 150, 132, 100, 64, 46],
        months: EVEN, holiday: 102, festival: 120,
    },
    // Night owl.
    Habit {
        workday: [168, 150, 120, 84, 52, 40, 38, 40, 46, 60, 74, 86, 92, 86, 80, 80, 84, 96, 114, 126, 138, 152, 168, 176],
        weekend: [180, 168, 142, 104, 64, 44, 38, 38, 42, 52, 68, 88, 98, 94, 88, 86, 90, 102, 118, 130, 142, 158, 176, 186],
        months: EVEN, holiday: 102, festival: 104,
    },
    // Vacant.
    Habit {
        workday: [100; 24], weekend: [100; 24],
        months: EVEN, holiday: 100, festival: 105,
    },
    // Shop.
    Habit {
        workday: [28, 27, 27, 27, 27, 28, 36, 60, 105, 145, 160, 165, 162, 158, 156, 158, 160, 164, 168, 166, 150, 110, 56, 34],
        weekend: [28, 27, 27, 27, 27, 28, 36, 60, 108, 154, 174, 180, 178, 174, 172, 174, 176, 180, 184, 180, 162, 118, 60, 34],
        months: EVEN, holiday: 108, festival: 48,
    },
    // Restaurant.
    Habit {
        workday: [34, 30, 29, 29, 30, 38, 62, 84, 92, 116, 168, 214, 200, 136, 96, 92, 130, 206, 232, 216, 168, 110, 62, 42],
        weekend: [38, 32, 29, 29, 30, 38, 62, 86, 96, 124, 184, 236, 222, 154, 108, 102, 146, 232, 262, 244, 190, 124, 70, 46],
        months: EVEN, holiday: 110, festival: 72,
    },
    // Office.
    Habit {
        workday: [32, 31, 30, 30, 31, 34, 48, 96, 168, 202, 210, 206, 176, 192, 208, 208, 202, 176, 122, 84, 62, 48, 38, 34],
        weekend: [32, 31, 30, 30, 30, 32, 36, 42, 50, 56, 58, 58, 54, 54, 56, 56, 54, 50, 44, 40, 38, 36, 34, 32],
        months: EVEN, holiday: 92, festival: 78,
    },
    // Factory, one shift.
    Habit {
        workday: [22, 22, 22, 22, 22, 24, 44, 150, 250, 268, 270, 232, 150, 238, 268, 268, 250, 162, 80, 46, 32, 26, 24, 22],
        weekend: [20, 20, 20, 20, 20, 22, 32, 78, 116, 122, 122, 104, 70, 106, 120, 120, 110, 68, 36, 26, 22, 20, 20, 20],
        months: [96, 92, 102, 102, 100, 100, 102, 102, 102, 100, 102, 100], holiday: 40, festival: 18,
    },
    // Factory, two shifts.
    Habit {
        workday: [42, 38, 38, 38, 40, 80, 150, 162, 166, 166, 164, 140, 132, 156, 166, 166, 162, 148, 140, 156, 158, 150, 96, 54],
        weekend: [36, 34, 34, 34, 36, 64, 112, 122, 126, 126, 124, 106, 98, 116, 124, 124, 120, 108, 102, 110, 110, 102, 68, 42],
        months: [96, 92, 102, 102, 100, 100, 102, 102, 102, 100, 102, 100], holiday: 55, festival: 20,
    },
    // Factory, continuous.
    Habit {
        workday: [101, 102, 102, 102, 101, 100, 99, 98, 99, 100, 100, 99, 98, 99, 100, 100, 100, 99, 98, 99, 100, 101, 101, 102],
        weekend: [100, 101, 101, 101, 100, 99, 98, 97, 98, 98, 98, 98, 97, 98, 98, 98, 98, 98, 97, 98, 99, 100, 100, 101],
        months: EVEN, holiday: 98, festival: 82,
    },
    // Farm.
    Habit {
        workday: [24, 22, 22, 24, 60, 170, 230, 240, 232, 210, 170, 96, 60, 70, 120, 180, 220, 226, 170, 80, 40, 30, 26, 24],
        weekend: [24, 22, 22, 24, 60, 168, 226, 236, 228, 206, 168, 96, 60, 70, 118, 176, 216, 222, 168, 80, 40, 30, 26, 24],
        months: [32, 34, 66, 118, 156, 176, 198, 194, 112, 56, 32, 26], holiday: 96, festival: 48,
    },
    // School.
    Habit {
        workday: [26, 25, 25, 25, 26, 34, 86, 170, 226, 238, 240, 224, 176, 190, 232, 230, 196, 120, 90, 86, 70, 44, 30, 27],
        weekend: [24, 24, 24, 24, 24, 26, 34, 44, 52, 54, 54, 54, 48, 48, 50, 50, 46, 42, 38, 36, 34, 28, 25, 24],
        months: [84, 40, 120, 122, 122, 116, 48, 34, 126, 124, 126, 120], holiday: 84, festival: 60,
    },
    // Street lighting.
    Habit {
        workday: [240, 200, 160, 160, 165, 150, 40, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 60, 220, 250, 250, 250, 250, 244],
        weekend: [240, 200, 160, 160, 165, 150, 40, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 60, 220, 250, 250, 250, 250, 244],
        months: [120, 112, 104, 94, 87, 82, 84, 91, 99, 107, 116, 122], holiday: 104, festival: 106,
    },
    // Data centre.
    Habit {
        workday: [98, 97, 97, 96, 96, 97, 98, 99, 101, 102, 103, 103, 102, 102, 103, 103, 103, 102, 101, 101, 101, 100, 100, 99],
        weekend: [97, 97, 96, 96, 96, 96, 97, 98, 99, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 99, 99, 98],
        months: EVEN, holiday: 100, festival: 99,
    },
];

const COOLING_AWAY: Hours =
    [58, 50, 44, 40, 34, 26, 18, 10, 6, 6, 8, 12, 14, 12, 12, 14, 24, 48, 76, 94, 100, 98, 88, 74];
const COOLING_HOME: Hours =
    [56, 48, 42, 38, 32, 24, 20, 18, 20, 28, 42, 60, 74, 76, 72, 68, 68, 72, 82, 94, 100, 94, 82, 68];
const HEATING_AWAY: Hours =
    [34, 28, 24, 22, 24, 40, 80, 76, 40, 16, 12, 14, 16, 14, 14, 18, 30, 62, 90, 100, 96, 84, 66, 46];
const HEATING_HOME: Hours =
    [36, 30, 26, 24, 28, 48, 84, 92, 84, 70, 60, 56, 54, 52, 54, 58, 66, 82, 94, 100, 94, 80, 60, 44];
const HEATING_PUMP: Hours =
    [80, 80, 82, 84, 90, 98, 100, 94, 84, 74, 66, 60, 56, 54, 56, 60, 68, 78, 86, 88, 86, 84, 82, 80];

/// Hours from sunrise to sunset, in tenths, by month.
const DAYLIGHT_TENTHS: [u16; 12] = [104, 111, 119, 129, 137, 141, 139, 132, 123, 114, 106, 102];
/// Power at noon under a clear sky, in percent of a plant's capacity, by month.
const NOON_PERCENT: [u16; 12] = [58, 64, 70, 76, 79, 78, 80, 79, 74, 68, 61, 56];
/// Solar noon, in hours of clock time.
const SOLAR_NOON: f64 = 11.9;

/// The templates of load and sun, made once.
pub struct Shapes {
    base: Vec<Padded>,
    cooling: [Padded; 2],
    heating: [Padded; 3],
    solar: Vec<[f32; POINTS]>,
}

/// Which of the heating templates an account follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heating {
    Away,
    AtHome,
    HeatPump,
}

impl Heating {
    /// Every template, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Away, Self::AtHome, Self::HeatPump];
}

/// The template without shift.
pub const NO_SHIFT: usize = MAX_SHIFT;

impl Shapes {
    /// Makes all templates.
    pub fn new() -> Self {
        let mut base = Vec::with_capacity(HABITS.len() * DayType::ALL.len() * 12);
        for habit in &HABITS {
            let unit = habit.mean();
            for day_type in DayType::ALL {
                for month in habit.months {
                    let (hours, percent) = habit.day(day_type);
                    let factor = f64::from(percent) * f64::from(month) / 10_000.0 / unit;
                    base.push(padded(hours, factor));
                }
            }
        }
        Self {
            base,
            cooling: [&COOLING_AWAY, &COOLING_HOME].map(|hours| padded(hours, 0.01)),
            heating: [&HEATING_AWAY, &HEATING_HOME, &HEATING_PUMP].map(|hours| padded(hours, 0.01)),
            solar: (0..12).map(clear_sky).collect(),
        }
    }

    /// Load of a kind over its yearly mean; `shift` runs from 0 (early) to
    /// twice [`MAX_SHIFT`] (late), `month` from 0.
    pub fn base(&self, archetype: Archetype, day_type: DayType, month: usize, shift: usize) -> &[f32] {
        let place = (archetype as usize * DayType::ALL.len() + day_type as usize) * 12 + month;
        shifted(&self.base[place], shift)
    }

    /// Load of a household's cooling over its full power.
    pub fn cooling(&self, is_home_by_day: bool, shift: usize) -> &[f32] {
        shifted(&self.cooling[usize::from(is_home_by_day)], shift)
    }

    /// Load of a household's heating over its full power.
    pub fn heating(&self, heating: Heating, shift: usize) -> &[f32] {
        shifted(&self.heating[heating as usize], shift)
    }

    /// Output of a photovoltaic plant under a clear sky over its capacity.
    pub fn solar(&self, month: usize) -> &[f32; POINTS] {
        &self.solar[month]
    }
}

impl Habit {
    /// Mean of an ordinary week.
    fn mean(&self) -> f64 {
        let sum = |hours: &Hours| hours.iter().map(|value| f64::from(*value)).sum::<f64>();
        (5.0 * sum(&self.workday) + 2.0 * sum(&self.weekend)) / (7.0 * 24.0)
    }

    /// The hours of a kind of day, and the percentage to which they apply.
    fn day(&self, day_type: DayType) -> (&Hours, u16) {
        match day_type {
            DayType::Workday => (&self.workday, 100),
            DayType::Weekend => (&self.weekend, 100),
            DayType::Holiday => (&self.weekend, self.holiday),
            DayType::Festival => (&self.weekend, self.festival),
        }
    }
}

/// A late account (a large shift) sees what others saw before.
fn shifted(template: &Padded, shift: usize) -> &[f32] {
    let start = 2 * MAX_SHIFT - shift.min(2 * MAX_SHIFT);
    &template[start..start + POINTS]
}

/// Quarter hours between the middles of the hours, drawn by straight lines.
fn padded(hours: &Hours, factor: f64) -> Padded {
    std::array::from_fn(|place| {
        let point = (place + POINTS - MAX_SHIFT) % POINTS;
        let (hour, quarter) = (point / 4, point % 4);
        // The middles of the quarters lie 3 and 1 eighths of an hour before
        // the middle of their hour and 1 and 3 eighths after it.
        let (neighbour, eighths) = match quarter {
            0 => ((hour + 23) % 24, 3.0),
            1 => ((hour + 23) % 24, 1.0),
            2 => ((hour + 1) % 24, 1.0),
            _ => ((hour + 1) % 24, 3.0),
        };
        let (own, other) = (f64::from(hours[hour]), f64::from(hours[neighbour]));
        ((own + (other - own) * eighths / 8.0) * factor) as f32
    })
}

fn clear_sky(month: usize) -> [f32; POINTS] {
    let daylight = f64::from(DAYLIGHT_TENTHS[month]) / 10.0;
    let noon = f64::from(NOON_PERCENT[month]) / 100.0;
    std::array::from_fn(|point| {
        let hour = (point as f64 + 0.5) / 4.0;
        let passed = (hour - SOLAR_NOON) / daylight + 0.5;
        if !(0.0..=1.0).contains(&passed) {
            return 0.0;
        }
        let height = libm::sin(PI * passed);
        (noon * height * libm::sqrt(height)) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(points: &[f32]) -> f32 {
        points.iter().sum::<f32>() / points.len() as f32
    }

    #[test]
    fn an_ordinary_week_has_mean_one() {
        let shapes = Shapes::new();
        for archetype in Archetype::ALL {
            let of = |day_type, month| mean(shapes.base(archetype, day_type, month, NO_SHIFT));
            let year: f32 = (0..12)
                .map(|month| (5.0 * of(DayType::Workday, month) + 2.0 * of(DayType::Weekend, month)) / 7.0)
                .sum();
            assert!((year / 12.0 - 1.0).abs() < 0.02, "{archetype:?} {year}");
        }
    }

    #[test]
    fn a_shift_moves_the_day() {
        let shapes = Shapes::new();
        let of = |shift| shapes.base(Archetype::Office, DayType::Workday, 3, shift);
        assert_eq!(of(NO_SHIFT)[40], of(NO_SHIFT + 2)[42]);
        assert_eq!(of(NO_SHIFT)[40], of(NO_SHIFT - 3)[37]);
    }

    #[test]
    fn the_sun_shines_by_day() {
        let shapes = Shapes::new();
        let june = shapes.solar(5);
        assert!(june[0] == 0.0 && june[95] == 0.0);
        assert!(june[47] > 0.75 && june[47] > shapes.solar(11)[47]);
    }
}
