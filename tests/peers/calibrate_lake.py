"""Derives the figures by which the made lake imitates real customers, from
published data, and writes them as Rust (jobs/src/generate/calibrated.rs):

    python3 tests/peers/calibrate_lake.py DATA > jobs/src/generate/calibrated.rs
    rustfmt jobs/src/generate/calibrated.rs

DATA holds `bdew/` (standard load profiles of 2025), `lcl/` (Low Carbon London,
100 homes of 2013) and `steel/` (UCI Steel Industry Energy Consumption, 2018).
Needs numpy and scipy.

The day shapes of households, trade and farms are means of the BDEW profiles.
What London tells directly (mean power, floor, response to cold) is taken as
quantiles over the homes. What no single reading tells (how much of a home's
day is routine, how many appliances it uses and how regularly, how its days
differ) is found by simulating homes the way the lake maker makes them and
comparing five distributions with London's, over days and over homes: daily
energy, load factor, evening share, entropy, correlation of a day with the next.
"""

import csv
import datetime
import gzip
import sys

import numpy as np
from scipy.stats import ks_2samp

DATA = sys.argv[1]
YEAR = 2013
DAYS = 365
SEASONS = [[11, 0, 1], [2, 3, 4, 8, 9, 10], [5, 6, 7]]  # winter, between, summer
QUANTILES = [0.005, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.995]

# Appliances: share among the uses of a home, watts, shortest and longest minutes.
APPLIANCES = [
    (0.22, 2200, 4, 12),  # kettle, microwave
    (0.10, 5000, 6, 18),  # instantaneous water heater
    (0.22, 1600, 15, 60),  # cooking
    (0.12, 1000, 40, 100),  # washing, drying, dishes
    (0.24, 250, 60, 240),  # screens, computers, light
    (0.10, 700, 15, 60),  # ironing, vacuuming, hair
]


# Half the width of the noise of a point over its power, and the share of it that
# is still there a quarter of an hour later.
NOISE = (0.8, 0.7)

# Hours of cooling, percent: of who is out by day, and of who is at home.
COOLING = np.array([
    [58, 50, 44, 40, 34, 26, 18, 10, 6, 6, 8, 12, 14, 12, 12, 14, 24, 48, 76, 94, 100, 98, 88, 74],
    [56, 48, 42, 38, 32, 24, 20, 18, 20, 28, 42, 60, 74, 76, 72, 68, 68, 72, 82, 94, 100, 94, 82, 68],
])



def leaning(shape):
    """The profile of each kind of household: out by day, at home, up at night."""
    kinds = np.stack([shape, shape, shape]).astype(float)
    kinds[0, :, 0, 9:17] *= 0.84
    kinds[0, :, 0, 18:23] *= 1.05
    kinds[1, :, 0, 9:17] *= 1.18
    kinds[1, :, :, 21:24] *= 0.86
    kinds[2, :, :, 0:3] *= 1.65
    kinds[2, :, :, 3:5] *= 1.3
    kinds[2, :, :, 6:11] *= 0.7
    kinds[2, :, :, 22:24] *= 1.3
    return kinds


def bdew(name):
    """Hours of a profile in percent of its yearly mean: [season][workday,
    Saturday, Sunday or holiday][24]."""
    with open(f"{DATA}/bdew/{name}.csv", encoding="utf-8") as file:
        rows = list(csv.reader(file))[2:98]
    points = np.array([[float(value) for value in row[1:37]] for row in rows]).reshape(96, 12, 3)
    points = points[:, :, [2, 0, 1]]
    of_month = points.mean(0) @ np.array([5, 1, 1]) / 7
    percent = points / of_month.mean() * 100
    shape = np.stack([percent[:, months, :].mean(1).reshape(24, 4, 3).mean(1).T for months in SEASONS])
    return np.round(shape).astype(int)


def steel():
    """Hours of the works in percent of its mean, and its reactive power: a
    fixed part as a share of the mean power, and a part that goes with load."""
    with gzip.open(f"{DATA}/steel/Steel_industry_data.csv.gz", "rt", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))[1:]
    active = np.array([float(row[1]) for row in rows])
    reactive = np.array([float(row[2]) for row in rows])
    # A stamp marks the end of its quarter hour; midnight bears the date it ends.
    hour = ((np.array([int(row[7]) for row in rows]) - 900) % 86400) // 3600
    day = np.array([row[9] for row in rows])
    kinds = [~np.isin(day, ["Saturday", "Sunday"]), day == "Saturday", day == "Sunday"]
    shape = [[active[kind & (hour == h)].mean() / active.mean() * 100 for h in range(24)] for kind in kinds]
    fixed, slope = np.linalg.lstsq(np.vstack([np.ones_like(active), active]).T, reactive, rcond=None)[0]
    return np.round(shape).astype(int), fixed / active.mean(), slope


def london():
    """Watts of each home: [home, day, half hour], nan where unknown."""
    homes = {}
    start = datetime.date(YEAR, 1, 1)
    with gzip.open(f"{DATA}/lcl/lcl_100_2013_long.csv.gz", "rt") as file:
        reader = csv.reader(file)
        next(reader)
        for home, stamp, value in reader:
            at = datetime.datetime.fromisoformat(stamp)
            day = (at.date() - start).days
            if 0 <= day < DAYS and value.strip():
                watts = homes.setdefault(home, np.full((DAYS, 48), np.nan))
                watts[day, at.hour * 2 + at.minute // 30] = float(value) * 2000
    return np.stack([homes[home] for home in sorted(homes)])


def temperatures():
    """Mean of the highest and the lowest temperature of each day."""
    mean = np.full(DAYS, np.nan)
    with gzip.open(f"{DATA}/lcl/weather_daily_darksky.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            day = (datetime.date.fromisoformat(row["time"][:10]) - datetime.date(YEAR, 1, 1)).days
            if 0 <= day < DAYS:
                mean[day] = (float(row["temperatureMax"]) + float(row["temperatureMin"])) / 2
    return np.where(np.isfinite(mean), mean, np.nanmean(mean))


def figures(watts):
    """The five figures of every day of every home, nan where a day is not whole."""
    total = watts.sum(2)
    whole = np.isfinite(total)
    positive = whole & (total > 0)
    with np.errstate(all="ignore"):
        share = watts / total[:, :, None]
        terms = np.where(share > 0, share * np.log(share), 0)
        centred = watts - watts.mean(2, keepdims=True)
        norm = np.sqrt((centred**2).sum(2))
        return {
            "energy": np.where(whole, total * 0.5 / 1000, np.nan),
            "load_factor": np.where(positive, watts.mean(2) / watts.max(2), np.nan),
            "evening_share": np.where(positive, watts[:, :, 34:44].sum(2) / total, np.nan),
            "entropy": np.where(positive, -terms.sum(2) / np.log(48), np.nan),
            "day_correlation": (centred[:, 1:] * centred[:, :-1]).sum(2) / (norm[:, 1:] * norm[:, :-1]),
        }


def distributions(watts):
    """Of each figure all days, and the mean of each home."""
    found = {}
    for name, values in figures(watts).items():
        homes = [row[np.isfinite(row)] for row in values]
        found[name] = np.concatenate(homes), np.array([row.mean() for row in homes if len(row) >= 20])
    return found


def cold_response(watts, kelvin):
    """Of each home, the share of its mean power that a kelvin below 15 adds."""
    found = []
    for home in watts:
        power = home.mean(1)
        known = np.isfinite(power) & (power > 0.3 * np.nanmedian(power))
        if known.sum() >= 100:
            design = np.vstack([np.ones(known.sum()), kelvin[known]]).T
            slope = np.linalg.lstsq(design, power[known], rcond=None)[0][1]
            found.append(max(slope, 0) / power[known].mean())
    return found


def restlessness(watts, kelvin):
    """By how much the weeks of a home differ, and the days of its weeks: medians
    over homes of the standard deviations of the logarithm of daily energy, less
    what cold adds."""
    weeks, days = [], []
    for home in watts:
        power = home.mean(1)
        known = np.isfinite(power) & (power > 0.3 * np.nanmedian(power))
        if known.sum() < 200:
            continue
        design = np.vstack([np.ones(known.sum()), kelvin[known]]).T
        expected = np.full(DAYS, np.nan)
        expected[known] = np.maximum(design @ np.linalg.lstsq(design, power[known], rcond=None)[0], 1)
        rest = np.log(power / expected)[: DAYS // 7 * 7].reshape(-1, 7)
        whole = np.isfinite(rest).all(1)
        weeks.append(rest[whole].mean(1).std())
        days.append((rest[whole] - rest[whole].mean(1, keepdims=True)).std())
    return float(np.median(weeks)), float(np.median(days))


def from_quantiles(rng, values):
    return np.interp(rng.random(), QUANTILES, values)


def climate(rng):
    """Kelvin below 15 and need of cooling on the days of the lake's climate,
    where summers are hot."""
    angle = 2 * np.pi * (np.arange(DAYS) - 20) / 365.25
    spell = (1 + 0.45 * np.cos(angle)) * np.convolve(rng.normal(0, 1.6, DAYS + 4), [0.5, 0.7, 0.8, 0.7, 0.5], "valid")
    felt = 17.2 - 12.2 * np.cos(angle) + np.where(spell < 0, 1.25 * spell, spell)
    return np.maximum(15 - felt, 0), np.clip((felt - 24) / 8, 0, 1.5)


def simulate(p, known, shape, homes, seed):
    """Homes as the lake maker makes them, on the days of London."""
    rng = np.random.default_rng(seed)
    kelvin, cooling = climate(rng)
    first = datetime.date(YEAR, 1, 1)
    dates = [first + datetime.timedelta(day) for day in range(DAYS)]
    kinds = np.array([max(0, date.weekday() - 4) for date in dates])
    season = np.array([next(s for s, months in enumerate(SEASONS) if date.month - 1 in months) for date in dates])
    hours = (np.arange(96) + 0.5) / 4
    evening = np.exp(-(((hours - 19.5) / 2.2) ** 2))
    by_share = np.array([kind[0] for kind in APPLIANCES])
    watts = np.zeros((homes, DAYS, 48))
    for home in range(homes):
        mean_w = np.exp(from_quantiles(rng, np.log(known["mean_w"])))
        cooled_w = mean_w * rng.uniform(0.4, 1.8) * (rng.random() < 0.85)
        floor = from_quantiles(rng, known["floor_share"])
        cold = from_quantiles(rng, known["cold_response"])
        routine = np.clip(rng.normal(p["routine"], p["routine_sd"]), 0.05, 0.95)
        regular = 1 / (1 + np.exp(-rng.normal(p["regular"], p["regular_sd"])))
        count = int(np.clip(np.round(np.exp(rng.normal(p["uses"], p["uses_sd"]))), 3, 16))
        late = np.clip(rng.normal(p["evening"], p["evening_sd"]), -0.6, 2.5)
        shift = rng.integers(-8, 9)
        household = rng.choice(3, p=[0.57, 0.295, 0.135])
        day = np.repeat(leaning(shape)[household] / 100, 4, axis=2) + late * evening
        day = np.roll(day - p["hollow"] * day.min(axis=2, keepdims=True), shift, axis=2)
        day = np.maximum(day, 0) / (day[1].mean(1) @ np.array([5, 1, 1]) / 7)
        when = np.cumsum(day[1, 0] / day[1, 0].sum())

        kind = rng.choice(len(APPLIANCES), count, p=by_share / by_share.sum())
        power = np.array([APPLIANCES[k][1] for k in kind]) * np.exp(0.35 * rng.normal(size=count))
        lasts = np.array([rng.uniform(APPLIANCES[k][2], APPLIANCES[k][3]) for k in kind])
        starts = np.searchsorted(when, rng.random(count)) * 15.0
        use = np.clip(regular + (1 - regular) * 0.8 * rng.random(count), 0.05, 0.97)
        target = mean_w * (1 - floor) * (1 - routine)
        use = np.clip(use * np.sqrt(target / ((power * lasts * use).sum() / 1440)), 0.03, 0.98)
        power *= target / ((power * lasts * use).sum() / 1440)
        power = np.minimum(power, p["cap_w"] * np.sqrt(mean_w / 400))

        week = np.exp(known["week_sd"] * (rng.random(DAYS // 7 + 2) + rng.random(DAYS // 7 + 2) - 1) * 2.45)
        level = week[np.arange(DAYS) // 7] * np.exp(known["day_sd"] * (rng.random(DAYS) + rng.random(DAYS) - 1) * 2.45)
        away = (rng.random(DAYS // 7 + 2) < p["away"])[np.arange(DAYS) // 7]
        present = np.where(away, 0.1, 1.0)
        minutes = np.zeros((DAYS, 1440))
        for one in range(count):
            is_used = rng.random(DAYS) < np.clip(use[one] * level, 0, 1) * present
            is_usual = rng.random(DAYS) < regular
            usual = starts[one] + (rng.random(DAYS) + rng.random(DAYS) - 1) * 2.45 * (8 + 60 * (1 - regular))
            other = np.searchsorted(when, rng.random(DAYS)) * 15 + 15 * rng.random(DAYS)
            start = np.where(is_usual, usual, other).astype(int) % 1440
            length = np.maximum(1, lasts[one] * rng.uniform(0.6, 1.4, DAYS)).astype(int)
            for number in np.nonzero(is_used)[0]:
                begin, end = start[number], start[number] + length[number]
                minutes[number, begin:end] += power[one]
                minutes[number, : max(0, end - 1440)] += power[one]
        points = minutes.reshape(DAYS, 96, 15).mean(2)
        points += (floor * mean_w * np.where(away, 0.7, 1.0))[:, None]
        noise = np.zeros((DAYS, 96))
        noise[:, 0] = 2 * rng.random(DAYS) - 1
        for point in range(1, 96):
            noise[:, point] = NOISE[1] * noise[:, point - 1] + np.sqrt(1 - NOISE[1] ** 2) * (2 * rng.random(DAYS) - 1)
        noise = 1 + np.clip(NOISE[0] * noise, -0.95, 0.95)
        points += (1 - floor) * routine * mean_w * (level * present)[:, None] * day[season, kinds] * noise
        points *= 1 - cold * kelvin.mean()
        lively = rng.random((2, DAYS)) + rng.random((2, DAYS))
        points += (0.55 * mean_w * cold * kelvin * lively[0])[:, None] * day[season, kinds]
        warm = np.roll(np.repeat(COOLING[int(household > 0)], 4) / 100, shift)
        points += (cooled_w * cooling * lively[1])[:, None] * warm
        watts[home] = np.maximum(points, 0).reshape(DAYS, 48, 2).mean(2)
    return watts


def distances(real, made):
    return {name: [ks_2samp(real[name][k], made[name][k]).statistic for k in (0, 1)] for name in real}


def fit(real, known, shape, rounds=120, homes=300):
    """A seeded search around a first guess for what London does not tell directly."""
    best = {"routine": 0.3, "routine_sd": 0.45, "regular": 0.9, "regular_sd": 0.75, "uses": 2.75, "uses_sd": 0.25,
            "evening": 0.2, "evening_sd": 0.78, "hollow": 0.35, "cap_w": 2350.0, "away": 0.049}

    def cost(p):
        found = distances(real, distributions(simulate(p, known, shape, homes, 1)))
        # The worst distance counts most.
        return sum(days**4 + homes**4 for days, homes in found.values())

    least = cost(best)
    rng = np.random.default_rng(2)
    names = list(best)
    for _ in range(rounds):
        trial = dict(best)
        for name in rng.choice(names, 3, replace=False):
            is_signed = name in ("regular", "evening")
            trial[name] = trial[name] + rng.normal(0, 0.15) if is_signed else trial[name] * np.exp(rng.normal(0, 0.15))
        trial["hollow"] = min(trial["hollow"], 1.0)
        found = cost(trial)
        if found < least:
            least, best = found, trial
            print(f"{least:.2e}", file=sys.stderr)
    return best


def table(name, values, what):
    print(f"/// {what}\npub const {name}: {kind_of(values)} = {rust(values)};\n")


def kind_of(values):
    if isinstance(values, (list, np.ndarray)):
        return f"[{kind_of(values[0])}; {len(values)}]"
    return "f64" if isinstance(values, float) else "u16"


def rust(values):
    if isinstance(values, (list, np.ndarray)):
        return "[" + ", ".join(rust(value) for value in values) + "]"
    return str(values)


def main():
    household, trade, farm = bdew("h25"), bdew("g25"), bdew("l25")
    shift, reactive_fixed, reactive_slope = steel()
    watts = london()
    cold = np.maximum(15 - temperatures(), 0)
    flat = watts.reshape(len(watts), -1)
    mean_w = np.nanmean(flat, axis=1)
    known = {
        "mean_w": np.quantile(mean_w, QUANTILES),
        "floor_share": np.quantile(np.nanquantile(flat, 0.1, axis=1) / mean_w, QUANTILES),
        "cold_response": np.quantile(cold_response(watts, cold), QUANTILES),
    }
    week_sd, day_sd = restlessness(watts, cold)
    # Appliances that are used on some days and not on others make up the rest.
    known["week_sd"], known["day_sd"] = week_sd, day_sd / 2
    real = distributions(watts)
    found = fit(real, known, household)
    for name, (days, homes) in distances(real, distributions(simulate(found, known, household, 500, 3))).items():
        print(f"{name}: Kolmogorov-Smirnov distance of days {days:.3f}, of homes {homes:.3f}", file=sys.stderr)

    print("//! Figures of real customers: made by `tests/peers/calibrate_lake.py`, which says how.\n")
    print("/// Hours of a profile in percent of its mean: of winter, the months between, and summer;\n"
          "/// of workdays, Saturdays, and Sundays and holidays.")
    print("pub type Profile = [[[u16; 24]; 3]; 3];\n")
    print(f"/// Winter, the months between, summer, by month.\npub const SEASONS: [usize; 12] = "
          f"{[next(s for s, months in enumerate(SEASONS) if month in months) for month in range(12)]};\n")
    for name, shape, what in [
        ("HOUSEHOLD", household, "Households (BDEW H25)"),
        ("TRADE", trade, "Trade (BDEW G25)"),
        ("FARM", farm, "Farms (BDEW L25)"),
    ]:
        print(f"/// {what}.\npub const {name}: Profile = {rust(shape)};\n")
    table("ONE_SHIFT", shift, "A steel works: hours of workdays, Saturdays and Sundays in percent of its mean.")
    table("REACTIVE_FIXED", float(round(reactive_fixed, 3)), "Reactive power of the works without load, over its mean power.")
    table("REACTIVE_SLOPE", float(round(reactive_slope, 3)), "Reactive power of the works that goes with a unit of load.")
    table("QUANTILES", QUANTILES, "Shares of the homes to which the quantiles belong.")
    table("MEAN_W", [float(round(v, 1)) for v in known["mean_w"]], "Mean power of London homes, in watts, by quantile.")
    table("FLOOR_SHARE", [float(round(v, 3)) for v in known["floor_share"]],
          "Power exceeded nine tenths of the time, over the mean, by quantile.")
    table("COLD_RESPONSE", [float(round(v, 4)) for v in known["cold_response"]],
          "Share of the mean power that a kelvin below 15 degC adds, by quantile.")
    for name, what in [
        ("routine", "Share of what is above the floor that recurs every day: mean over homes."),
        ("routine_sd", "The same: standard deviation."),
        ("regular", "How regularly appliances are used, as a logit: mean over homes."),
        ("regular_sd", "The same: standard deviation."),
        ("uses", "Uses of appliances a day, as a logarithm: mean over homes."),
        ("uses_sd", "The same: standard deviation."),
        ("evening", "What a home adds to the evening of the profile: mean over homes."),
        ("evening_sd", "The same: standard deviation."),
        ("hollow", "Share of the profile's lowest hour that is no routine but floor."),
        ("cap_w", "Highest power of an appliance in a home of 400 W."),
        ("week_sd", "By how much weeks differ: standard deviation of the logarithm."),
        ("day_sd", "By how much days of a week differ: standard deviation of the logarithm."),
        ("away", "Share of the weeks in which nobody is at home."),
    ]:
        table(name.upper(), float(f"{(found | known)[name]:.3g}"), what)


main()
