//! Figures of real customers: made by `tests/peers/calibrate_lake.py`, which says how.

/// Hours of a profile in percent of its mean: of winter, the months between, and summer;
/// of workdays, Saturdays, and Sundays and holidays.
pub type Profile = [[[u16; 24]; 3]; 3];

/// Winter, the months between, summer, by month.
pub const SEASONS: [usize; 12] = [0, 0, 1, 1, 1, 2, 2, 2, 1, 1, 1, 0];

/// Households (BDEW H25).
pub const HOUSEHOLD: Profile = [
    [
        [65, 56, 53, 53, 55, 63, 82, 89, 84, 81, 81, 88, 92, 90, 88, 92, 105, 129, 146, 146, 134, 119, 105, 84],
        [71, 60, 55, 54, 54, 55, 65, 84, 103, 113, 121, 132, 131, 125, 122, 122, 130, 146, 153, 145, 130, 118, 108, 91],
        [75, 64, 58, 56, 55, 56, 63, 79, 102, 120, 136, 153, 147, 134, 126, 123, 129, 147, 157, 149, 134, 118, 104, 84],
    ],
    [
        [68, 58, 55, 55, 59, 69, 88, 93, 87, 84, 84, 92, 96, 94, 91, 93, 103, 122, 142, 150, 143, 129, 111, 87],
        [75, 64, 59, 57, 58, 61, 72, 93, 113, 123, 129, 138, 136, 128, 124, 122, 125, 137, 148, 149, 141, 129, 116, 96],
        [78, 67, 61, 59, 59, 61, 70, 89, 114, 133, 147, 162, 154, 138, 128, 123, 125, 140, 153, 154, 144, 129, 110, 86],
    ],
    [
        [82, 72, 67, 66, 68, 76, 90, 97, 95, 95, 96, 105, 110, 107, 104, 105, 112, 128, 144, 150, 147, 141, 128, 103],
        [
            90, 77, 71, 68, 68, 70, 80, 99, 119, 131, 138, 148, 148, 140, 136, 134, 134, 141, 148, 147, 142, 137, 129,
            111,
        ],
        [
            92, 79, 72, 69, 67, 68, 75, 93, 118, 138, 152, 169, 164, 148, 138, 132, 132, 143, 154, 154, 150, 142, 127,
            101,
        ],
    ],
];

/// Trade (BDEW G25).
pub const TRADE: Profile = [
    [
        [51, 50, 50, 51, 55, 67, 96, 153, 201, 219, 229, 227, 209, 194, 192, 184, 170, 152, 121, 94, 78, 67, 59, 55],
        [52, 50, 50, 50, 52, 60, 67, 75, 89, 108, 118, 119, 111, 99, 91, 87, 85, 87, 81, 75, 68, 62, 56, 53],
        [50, 49, 48, 48, 49, 51, 54, 57, 58, 60, 63, 65, 64, 63, 61, 62, 66, 70, 70, 67, 63, 58, 53, 50],
    ],
    [
        [46, 45, 45, 46, 50, 62, 88, 137, 182, 199, 210, 209, 192, 179, 176, 167, 152, 134, 106, 84, 72, 63, 55, 50],
        [47, 46, 45, 45, 47, 54, 60, 67, 81, 100, 110, 111, 103, 92, 84, 80, 76, 76, 71, 68, 62, 57, 52, 49],
        [46, 45, 44, 44, 45, 46, 49, 52, 55, 58, 62, 64, 64, 63, 61, 61, 62, 64, 63, 61, 59, 54, 49, 46],
    ],
    [
        [46, 44, 44, 45, 48, 56, 76, 115, 155, 174, 186, 187, 173, 163, 162, 155, 141, 122, 96, 75, 65, 59, 54, 49],
        [46, 45, 44, 44, 46, 50, 54, 61, 76, 94, 104, 106, 99, 89, 80, 78, 74, 72, 66, 62, 57, 55, 51, 48],
        [45, 44, 43, 43, 43, 43, 45, 48, 53, 57, 61, 63, 63, 61, 60, 61, 61, 61, 59, 57, 55, 52, 49, 46],
    ],
];

/// Farms (BDEW L25).
pub const FARM: Profile = [
    [
        [60, 54, 52, 50, 50, 55, 74, 123, 180, 179, 141, 136, 121, 98, 95, 95, 102, 135, 190, 204, 154, 107, 87, 72],
        [64, 61, 56, 52, 50, 53, 63, 104, 163, 185, 159, 150, 130, 100, 84, 77, 80, 111, 167, 195, 150, 103, 84, 68],
        [57, 54, 51, 50, 50, 55, 79, 129, 186, 185, 144, 139, 123, 102, 98, 93, 99, 131, 184, 203, 154, 106, 87, 70],
    ],
    [
        [58, 52, 49, 48, 47, 52, 72, 120, 171, 159, 125, 126, 113, 93, 90, 89, 92, 113, 161, 181, 144, 105, 86, 70],
        [61, 56, 52, 49, 48, 50, 59, 104, 160, 168, 142, 140, 123, 96, 82, 75, 77, 99, 146, 170, 137, 100, 81, 65],
        [55, 51, 49, 48, 48, 52, 76, 126, 175, 166, 130, 131, 118, 96, 90, 87, 88, 112, 159, 179, 145, 107, 86, 68],
    ],
    [
        [54, 48, 46, 44, 43, 48, 63, 108, 153, 140, 113, 120, 109, 88, 84, 85, 85, 96, 135, 154, 125, 96, 80, 66],
        [57, 52, 47, 45, 44, 45, 53, 93, 145, 149, 125, 127, 112, 87, 75, 71, 72, 85, 124, 141, 116, 89, 72, 60],
        [52, 48, 46, 44, 43, 48, 69, 116, 159, 145, 119, 128, 114, 91, 88, 86, 85, 98, 135, 156, 127, 98, 81, 64],
    ],
];

/// A steel works: hours of workdays, Saturdays and Sundays in percent of its mean.
pub const ONE_SHIFT: [[u16; 24]; 3] = [
    [29, 19, 16, 16, 16, 16, 16, 20, 227, 257, 247, 250, 29, 229, 248, 244, 248, 181, 176, 186, 163, 45, 36, 34],
    [36, 24, 18, 18, 18, 17, 18, 16, 119, 133, 136, 123, 20, 121, 139, 142, 118, 32, 28, 26, 25, 23, 22, 21],
    [19, 15, 14, 14, 14, 12, 12, 12, 53, 58, 58, 54, 15, 52, 54, 53, 42, 18, 17, 18, 17, 15, 13, 12],
];

/// Reactive power of the works without load, over its mean power.
pub const REACTIVE_FIXED: f64 = 0.039;

/// Reactive power of the works that goes with a unit of load.
pub const REACTIVE_SLOPE: f64 = 0.437;

/// Shares of the homes to which the quantiles belong.
pub const QUANTILES: [f64; 11] = [0.005, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.995];

/// Mean power of London homes, in watts, by quantile.
pub const MEAN_W: [f64; 11] = [32.0, 147.1, 205.8, 252.7, 311.9, 386.0, 481.6, 537.8, 657.5, 805.2, 1387.4];

/// Power exceeded nine tenths of the time, over the mean, by quantile.
pub const FLOOR_SHARE: [f64; 11] = [0.0, 0.087, 0.157, 0.217, 0.242, 0.274, 0.306, 0.352, 0.413, 0.464, 0.652];

/// Share of the mean power that a kelvin below 15 degC adds, by quantile.
pub const COLD_RESPONSE: [f64; 11] = [0.0, 0.0036, 0.0093, 0.0129, 0.019, 0.0247, 0.0326, 0.0367, 0.0439, 0.0752, 0.13];

/// Share of what is above the floor that recurs every day: mean over homes.
pub const ROUTINE: f64 = 0.271;

/// The same: standard deviation.
pub const ROUTINE_SD: f64 = 0.418;

/// How regularly appliances are used, as a logit: mean over homes.
pub const REGULAR: f64 = 1.18;

/// The same: standard deviation.
pub const REGULAR_SD: f64 = 0.651;

/// Uses of appliances a day, as a logarithm: mean over homes.
pub const USES: f64 = 3.08;

/// The same: standard deviation.
pub const USES_SD: f64 = 0.348;

/// What a home adds to the evening of the profile: mean over homes.
pub const EVENING: f64 = 0.0896;

/// The same: standard deviation.
pub const EVENING_SD: f64 = 0.532;

/// Share of the profile's lowest hour that is no routine but floor.
pub const HOLLOW: f64 = 0.394;

/// Highest power of an appliance in a home of 400 W.
pub const CAP_W: f64 = 2140.0;

/// By how much weeks differ: standard deviation of the logarithm.
pub const WEEK_SD: f64 = 0.175;

/// By how much days of a week differ: standard deviation of the logarithm.
pub const DAY_SD: f64 = 0.107;

/// Share of the weeks in which nobody is at home.
pub const AWAY: f64 = 0.0417;
