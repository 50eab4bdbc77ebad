//! Daily weather of each region: the course of the year, spells of a few days
//! that the regions mostly share, and cloud.

use std::f64::consts::TAU;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::curve::shape::clear_sky;
use super::curve::template::Template;
use super::damage::{Flaw, missing, wrong};
use super::random::{Key, Stream};
use super::write::{Row, dates, decimals, texts};

/// The regions, all of one climate.
pub const REGIONS: [&str; 4] = ["330101", "330102", "330103", "330104"];

/// Degrees Celsius by which a region differs from the climate of the lake.
const REGION_OFFSET_C: [f64; 4] = [0.6, 0.0, -0.5, -1.2];

const YEAR_MEAN_C: f64 = 17.2;
const YEAR_SWING_C: f64 = 12.2;
/// Day of the year on which it is coldest.
const COLDEST_DAY: f64 = 20.0;
const SPELL_C: f64 = 4.2;
const SPELL_MEMORY: f64 = 0.75;
const SPELL_DAYS: i32 = 8;

/// Above this felt temperature, in degrees Celsius, rooms are cooled.
const COOLING_FROM_C: f64 = 24.0;
/// Below this felt temperature, in degrees Celsius, rooms are heated.
const HEATING_FROM_C: f64 = 8.0;
/// Below this felt temperature, in degrees Celsius, homes use more.
const COLD_FROM_C: f64 = 15.0;
/// Shares of a day and the days before it in what a building feels: walls store
/// warmth.
const INERTIA: [f64; 3] = [0.6, 0.28, 0.12];

/// The weather of one region on one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionDay {
    /// Hundredths of a degree Celsius.
    pub mean_centi_c: i32,
    /// Hundredths of a degree Celsius.
    pub min_centi_c: i32,
    /// Hundredths of a degree Celsius.
    pub max_centi_c: i32,
    /// Need of cooling: 0 below 24 degC inside thick walls, 1 at 32 degC.
    pub cooling: f32,
    /// Need of heating: 0 above 8 degC inside thick walls, 1 at -2 degC.
    pub heating: f32,
    /// Kelvin below 15 degC inside thick walls.
    pub cold_k: f32,
    /// Share of a clear sky's sunlight, in (0, 1].
    pub sun: f32,
}

/// The weather of `region` on the day numbered `day` from 1970-01-01, which is
/// the `ordinal`-th of its year.
pub fn region_day(seed: u64, region: usize, day: i32, ordinal: u32) -> RegionDay {
    let shared = Key::new(seed, Stream::Weather).with(0);
    let own = Key::new(seed, Stream::Weather).with(1 + region as u64);
    let on = |back: i32| {
        let angle = TAU * (f64::from(ordinal) - f64::from(back) - COLDEST_DAY) / 365.25;
        let season = YEAR_MEAN_C - YEAR_SWING_C * libm::cos(angle);
        // Cold waves come in winter and spring; summers are steady.
        let unrest = 1.0 + 0.45 * libm::cos(angle);
        let spell = SPELL_C * unrest * (0.85 * spell(shared, day - back) + 0.35 * spell(own, day - back));
        season + REGION_OFFSET_C[region] + if spell < 0.0 { 1.25 * spell } else { spell }
    };
    let mean = on(0);
    let felt = INERTIA[0] * mean + INERTIA[1] * on(1) + INERTIA[2] * on(2);
    // Grey days come in rows, as fronts do.
    let grey = 0.5 - 0.22 * spell(shared.with(1), day);
    let cloud = (0.55 * grey + 0.3 * shared.on(day).unit(2) + 0.15 * own.on(day).unit(2)).clamp(0.0, 1.0);
    let sun = 1.0 - 0.85 * cloud * cloud;
    // A clear sky lets the day warm and the night cool.
    let swing = 1.2 + 5.2 * sun * (1.0 + 0.2 * libm::cos(TAU * (f64::from(ordinal) - 110.0) / 182.6));
    RegionDay {
        mean_centi_c: centi(mean),
        min_centi_c: centi(mean - swing * own.on(day).between(3, 0.8, 1.1)),
        max_centi_c: centi(mean + swing * own.on(day).between(4, 0.8, 1.2)),
        cooling: ((felt - COOLING_FROM_C) / 8.0).clamp(0.0, 1.5) as f32,
        heating: ((HEATING_FROM_C - felt) / 10.0).clamp(0.0, 1.5) as f32,
        cold_k: (COLD_FROM_C - felt).max(0.0) as f32,
        sun: sun as f32,
    }
}

/// What a plant of one watt makes, seen from the network, at each point of a
/// day: neighbours lie under the same clouds.
pub fn sky(seed: u64, region: usize, day: i32, month: usize, sun: f32) -> Template {
    let key = Key::new(seed, Stream::Sky).with(region as u64).on(day);
    let sun = f64::from(sun);
    // Passing clouds matter most when the sky is half covered, and last a while.
    let ripple = 0.8 * sun * (1.0 - sun);
    let cloud = |point: usize| 2.0 * key.unit(point as u64) - 1.0;
    Template::new(|point| {
        let passing = 0.6 * cloud(point) + 0.4 * cloud(point + 1);
        clear_sky(month, point) * sun * (1.0 + ripple * passing)
    })
}

/// A mean of the last days' draws that fades with their age.
fn spell(key: Key, day: i32) -> f64 {
    let mut weight = 1.0;
    let mut sum = 0.0;
    for age in 0..SPELL_DAYS {
        let draws = key.on(day.wrapping_sub(age));
        sum += weight * (draws.unit(0) + draws.unit(1) - 1.0);
        weight *= SPELL_MEMORY;
    }
    sum
}

fn centi(degrees: f64) -> i32 {
    (degrees * 100.0).round() as i32
}

/// One row of the weather table.
pub struct WeatherRow {
    pub region: usize,
    pub day: i32,
    pub weather: RegionDay,
}

impl Row for WeatherRow {
    const TABLE: &'static str = "weather";
    const KEY: &'static [&'static str] = &["region_code", "date"];
    const FLAWS: &'static [Flaw] = &[
        wrong("temperature_mean_c", "min", "-99.90"),
        wrong("temperature_max_c", "max", "99.90"),
        missing("temperature_mean_c"),
    ];
    const FLAWED: f64 = 0.001;
    const REPEATED: f64 = 0.001;

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let column =
            |centi: fn(&RegionDay) -> i32| decimals(rows.iter().map(|row| Some(i128::from(centi(&row.weather)))), 5, 2);
        RecordBatch::try_from_iter_with_nullable([
            ("region_code", texts(rows.iter().map(|row| REGIONS[row.region])), false),
            ("date", dates(rows.iter().map(|row| row.day)), false),
            ("temperature_mean_c", column(|weather| weather.mean_centi_c)?, false),
            ("temperature_min_c", column(|weather| weather.min_centi_c)?, true),
            ("temperature_max_c", column(|weather| weather.max_centi_c)?, true),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summers_are_hot_and_winters_cold() {
        let mean = |ordinal: u32| {
            let day = |year: i32| year * 365 + ordinal.cast_signed();
            let years = 0..40;
            years.map(|year| region_day(5, 0, day(year), ordinal).mean_centi_c).sum::<i32>() / 40
        };
        assert!(mean(200) > 2_500, "{}", mean(200));
        assert!(mean(20) < 900, "{}", mean(20));
    }

    #[test]
    fn the_mean_lies_between_the_extremes() {
        for day in 19_000..19_400 {
            let weather = region_day(5, 2, day, (day % 365 + 1).cast_unsigned());
            assert!(weather.min_centi_c < weather.mean_centi_c);
            assert!(weather.mean_centi_c < weather.max_centi_c);
            assert!(weather.sun > 0.0 && weather.sun <= 1.0);
        }
    }
}
