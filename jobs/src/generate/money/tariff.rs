//! Tariffs as data: prices, tiers and the periods of the day.

use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::generate::write::{Row, decimals, ints, opt_ints, texts};

/// Points of a curve in half an hour.
const POINTS_PER_HALF_HOUR: usize = 2;

/// The periods of the day, in the order of their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Sharp,
    Peak,
    Flat,
    Valley,
}

impl Period {
    fn name(self) -> &'static str {
        match self {
            Self::Sharp => "sharp",
            Self::Peak => "peak",
            Self::Flat => "flat",
            Self::Valley => "valley",
        }
    }
}

/// A stretch of the day in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    start_half_hour: usize,
    end_half_hour: usize,
    pub period: Period,
}

impl Run {
    /// The points of a 96-point curve in the run.
    pub fn points(&self) -> Range<usize> {
        self.start_half_hour * POINTS_PER_HALF_HOUR..self.end_half_hour * POINTS_PER_HALF_HOUR
    }
}

const fn run(start_half_hour: usize, end_half_hour: usize, period: Period) -> Run {
    Run { start_half_hour, end_half_hour, period }
}

/// How a day is cut into periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One price all day.
    Flat,
    /// Households: peak by day, valley by night.
    Home,
    /// Business, in the milder months.
    Standard,
    /// Business, in the months with sharp peaks.
    Sharp,
}

impl Layout {
    /// Every layout, in the order of its number.
    #[cfg(test)]
    pub const ALL: [Self; 4] = [Self::Flat, Self::Home, Self::Standard, Self::Sharp];

    /// The runs of the day, in order and without gaps.
    pub fn runs(self) -> &'static [Run] {
        const FLAT: &[Run] = &[run(0, 48, Period::Flat)];
        const HOME: &[Run] = &[run(0, 16, Period::Valley), run(16, 44, Period::Peak), run(44, 48, Period::Valley)];
        const STANDARD: &[Run] = &[
            run(0, 16, Period::Valley),
            run(16, 17, Period::Flat),
            run(17, 22, Period::Peak),
            run(22, 27, Period::Valley),
            run(27, 34, Period::Flat),
            run(34, 44, Period::Peak),
            run(44, 48, Period::Flat),
        ];
        const SHARP: &[Run] = &[
            run(0, 16, Period::Valley),
            run(16, 18, Period::Peak),
            run(18, 22, Period::Sharp),
            run(22, 27, Period::Valley),
            run(27, 30, Period::Flat),
            run(30, 34, Period::Sharp),
            run(34, 44, Period::Peak),
            run(44, 48, Period::Flat),
        ];
        match self {
            Self::Flat => FLAT,
            Self::Home => HOME,
            Self::Standard => STANDARD,
            Self::Sharp => SHARP,
        }
    }

    /// The period of a point of a 96-point curve.
    #[cfg(test)]
    pub fn period(self, point: usize) -> Period {
        self.runs().iter().find(|run| run.points().contains(&point)).map_or(Period::Flat, |run| run.period)
    }
}

/// The tariffs of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tariff {
    ResidentialTiered,
    ResidentialTou,
    CommercialTou,
    IndustrialTwoPart,
    Agricultural,
    Public,
}

/// Yearly energy, in watt-hours, up to which the first tier reaches.
pub const TIER_1_LIMIT_WH: i64 = 2_760_000;
/// Yearly energy, in watt-hours, up to which the second tier reaches.
pub const TIER_2_LIMIT_WH: i64 = 4_800_000;
/// Price added in the second tier, in ten-thousandths of a yuan per kWh.
pub const TIER_2_SURCHARGE: i64 = 500;
/// Price added in the third tier, in ten-thousandths of a yuan per kWh.
pub const TIER_3_SURCHARGE: i64 = 3_000;
/// Ten-thousandths of a yuan per kVA and month.
pub const CAPACITY_PRICE: i64 = 300_000;
/// Ten-thousandths of a yuan per kW and month.
pub const DEMAND_PRICE: i64 = 400_000;

impl Tariff {
    /// Every tariff.
    pub const ALL: [Self; 6] = [
        Self::ResidentialTiered,
        Self::ResidentialTou,
        Self::CommercialTou,
        Self::IndustrialTwoPart,
        Self::Agricultural,
        Self::Public,
    ];

    /// The code that accounts and bills carry.
    pub fn code(self) -> &'static str {
        match self {
            Self::ResidentialTiered => "RES_TIERED",
            Self::ResidentialTou => "RES_TOU",
            Self::CommercialTou => "COM_TOU",
            Self::IndustrialTwoPart => "IND_2PART",
            Self::Agricultural => "AGR_FLAT",
            Self::Public => "PUB_FLAT",
        }
    }

    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::ResidentialTiered => ("Residential, tiered", "居民阶梯电价", "tiered"),
            Self::ResidentialTou => ("Residential, tiered, time of use", "居民峰谷电价", "tiered"),
            Self::CommercialTou => ("Business, single part, time of use", "工商业单一制分时电价", "time_of_use"),
            Self::IndustrialTwoPart => ("Business, two part, time of use", "工商业两部制分时电价", "two_part"),
            Self::Agricultural => ("Agriculture", "农业生产电价", "flat"),
            Self::Public => ("Public services", "公共服务电价", "flat"),
        }
    }

    /// Whether the price rises with the energy of the calendar year.
    pub fn is_tiered(self) -> bool {
        matches!(self, Self::ResidentialTiered | Self::ResidentialTou)
    }

    /// The power factor, in hundredths, below which large customers pay more and
    /// above which they pay less.
    fn power_factor_standard(self) -> Option<i128> {
        match self {
            Self::ResidentialTiered | Self::ResidentialTou => None,
            Self::Agricultural | Self::CommercialTou | Self::IndustrialTwoPart | Self::Public => Some(90),
        }
    }

    /// How the days of a month (0 is January) are cut.
    pub fn layout(self, month: usize) -> Layout {
        match self {
            Self::ResidentialTiered | Self::Agricultural | Self::Public => Layout::Flat,
            Self::ResidentialTou => Layout::Home,
            Self::CommercialTou | Self::IndustrialTwoPart => {
                if matches!(month, 0 | 6 | 7 | 11) {
                    Layout::Sharp
                } else {
                    Layout::Standard
                }
            }
        }
    }

    /// Price in ten-thousandths of a yuan per kWh.
    pub fn price(self, period: Period) -> i64 {
        let [sharp, peak, flat, valley] = match self {
            Self::ResidentialTiered => [5_380; 4],
            Self::ResidentialTou => [5_680, 5_680, 5_380, 2_880],
            Self::CommercialTou => [13_260, 10_870, 6_980, 3_060],
            Self::IndustrialTwoPart => [11_640, 9_720, 6_190, 2_710],
            Self::Agricultural => [4_480; 4],
            Self::Public => [5_210; 4],
        };
        match period {
            Period::Sharp => sharp,
            Period::Peak => peak,
            Period::Flat => flat,
            Period::Valley => valley,
        }
    }
}

impl Row for Tariff {
    const TABLE: &'static str = "tariffs";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let tiered = |value: i64| rows.iter().map(move |row| row.is_tiered().then_some(value));
        let two_part = |value: i64| {
            let price = i128::from(value);
            rows.iter().map(move |row| (*row == Self::IndustrialTwoPart).then_some(price))
        };
        let surcharge = |value| decimals(tiered(value).map(|price| price.map(i128::from)), 9, 4);
        RecordBatch::try_from_iter_with_nullable([
            ("tariff_code", texts(rows.iter().map(|row| row.code())), false),
            ("name", texts(rows.iter().map(|row| row.names().0)), false),
            ("name_zh", texts(rows.iter().map(|row| row.names().1)), true),
            ("kind", texts(rows.iter().map(|row| row.names().2)), false),
            ("tier1_limit_kwh", opt_ints(tiered(TIER_1_LIMIT_WH / 1_000)), true),
            ("tier2_limit_kwh", opt_ints(tiered(TIER_2_LIMIT_WH / 1_000)), true),
            ("tier2_surcharge_cny_kwh", surcharge(TIER_2_SURCHARGE)?, true),
            ("tier3_surcharge_cny_kwh", surcharge(TIER_3_SURCHARGE)?, true),
            ("capacity_price_cny_kva", decimals(two_part(CAPACITY_PRICE), 9, 4)?, true),
            ("demand_price_cny_kw", decimals(two_part(DEMAND_PRICE), 9, 4)?, true),
            ("power_factor_standard", decimals(rows.iter().map(|row| row.power_factor_standard()), 3, 2)?, true),
        ])
    }
}

/// One row of the tariff periods: a run of the days of a month.
pub struct TariffPeriod {
    tariff: Tariff,
    /// 0 is January.
    month: usize,
    run: Run,
}

/// The periods of every tariff in every month.
pub fn tariff_periods() -> impl Iterator<Item = TariffPeriod> {
    Tariff::ALL.into_iter().flat_map(|tariff| {
        (0..12).flat_map(move |month| {
            let runs = tariff.layout(month).runs();
            runs.iter().map(move |run| TariffPeriod { tariff, month, run: *run })
        })
    })
}

impl Row for TariffPeriod {
    const TABLE: &'static str = "tariff_periods";

    fn batch(rows: &[Self]) -> Result<RecordBatch, ArrowError> {
        let minutes = |half_hour: usize| half_hour as i64 * 30;
        let price = |row: &Self| Some(i128::from(row.tariff.price(row.run.period)));
        RecordBatch::try_from_iter_with_nullable([
            ("tariff_code", texts(rows.iter().map(|row| row.tariff.code())), false),
            ("month", ints(rows.iter().map(|row| row.month as i64 + 1)), false),
            ("start_minute", ints(rows.iter().map(|row| minutes(row.run.start_half_hour))), false),
            ("end_minute", ints(rows.iter().map(|row| minutes(row.run.end_half_hour))), false),
            ("period", texts(rows.iter().map(|row| row.run.period.name())), false),
            ("price_cny_kwh", decimals(rows.iter().map(price), 9, 4)?, false),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_cover_each_minute_once() {
        for tariff in Tariff::ALL {
            for month in 0..12 {
                let mut seen = [0; 24 * 60];
                for period in tariff_periods().filter(|period| period.tariff == tariff && period.month == month) {
                    let run = period.run;
                    seen[run.start_half_hour * 30..run.end_half_hour * 30].iter_mut().for_each(|count| *count += 1);
                }
                assert!(seen.iter().all(|count| *count == 1), "{tariff:?} {month}");
            }
        }
    }

    #[test]
    fn sharp_prices_hold_in_four_months() {
        let months: Vec<usize> =
            (0..12).filter(|month| Tariff::CommercialTou.layout(*month) == Layout::Sharp).collect();
        assert_eq!(months, [0, 6, 7, 11]);
        assert_eq!(Layout::Sharp.period(36), Period::Sharp);
        assert_eq!(Layout::Home.period(95), Period::Valley);
    }
}
