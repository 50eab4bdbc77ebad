#!/usr/bin/env python3
"""Independent oracle: temperature models of the 100 London homes of 2013, by numpy and scipy.

Shares no code with the Rust side. The golden was made by (Python 3.11, numpy 2.4, scipy 1.17)

    python3 tests/peers/temperature_oracle.py "$KWHY_TEST_DATA" tests/golden/temperature_london.csv

Input: lcl/lcl_100_2013_long.csv.gz and lcl/weather_hourly_darksky.csv.gz.
Data: Low Carbon London, UK Power Networks, London Datastore, CC BY 4.0; weather of Dark Sky.
Definitions:
  day          a date of the stamps with all 48 half hours; homes with under 60 are left out
  energy       Wh of the day: each half hour rounded half to even to a whole Wh, then summed
  temperature  mean of the hours of the date that are there, as stamped (UTC), rounded half away
               from zero to 0.01 degrees, from exact fractions
  model        base + hs * max(hb - T, 0) + cs * max(T - cb, 0), hb <= cb, hs > 0, cs > 0; or with
               either slope alone, or none. At least max(5, n / 10 rounded up) days have T < hb,
               as many T > cb. Least squares over all parameters, balance points continuous.
  variant      the one of the largest adjusted R2 with k = 0, 2, 2, 4; on a tie the simpler one
  normal_wh    the model's energy of the home's days, had each been one degree colder
A balance point may lie on the limit of what the days allow (m-th coldest or m-th warmest), and
never beyond the days: there the fit would be a straight line whatever it is. Where no day lies
between the two, only where they meet is determined, and they are put there. A model of both
slopes that leaves no less over than one slope alone within the same limits is none: its best is
only approached as a slope goes to 0.
The optimum: for balance points at every day's temperature and every 0.1 degrees between, linear
least squares; then the cells around the best of these, inside which the function is smooth, are
searched one by one by scipy. What is left empty does not exist. The audit goes to stdout.
"""
import csv
import gzip
import sys
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache
from math import ceil
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from curve_functions import real, rounded

BEST = 40  # how many of the best points of the grid are searched around
VARIANTS = {"none": 0, "heating": 2, "cooling": 2, "both": 4}  # parameters besides the base


@cache  # few distinct texts among 1.7 million
def watt_hours(text):
    return int((Decimal(text.strip()) * 1000).quantize(Decimal(1), ROUND_HALF_EVEN))


def read(path, *columns):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield [row[column] for column in columns]


def heating(t, hb):
    return np.maximum(hb - t, 0)


def cooling(t, cb):
    return np.maximum(t - cb, 0)


def heating_only(at):
    return at[0], None


def cooling_only(at):
    return None, at[0]


def meeting(at):
    return at[0], at[0]


class Home:
    """Temperature and energy of its days; a fit is a share of the variance that is left over."""

    def __init__(self, t, e):
        self.t, self.e = np.array(t), np.array(e, dtype=float)
        self.total = ((self.e - self.e.mean()) ** 2).sum()
        order, few = np.sort(self.t), max(5, ceil(len(t) / 10))
        self.grid = np.unique(np.concatenate([order, np.round(np.arange(order[0], order[-1], 0.1), 2)]))
        self.limits = order[few - 1], order[-few]  # of hb from below, of cb from above
        self.ends = order[0], order[-1]

    def fit(self, hb, cb):
        """Linear least squares: base and slopes, what is left over per day, and as a share."""
        columns = [np.ones(len(self.t))]
        columns += [] if hb is None else [heating(self.t, hb)]
        columns += [] if cb is None else [cooling(self.t, cb)]
        design = np.column_stack(columns)
        x = np.linalg.lstsq(design, self.e, rcond=None)[0]
        left = self.e - design @ x
        return x, left, left @ left / self.total

    def share(self, hb, cb):
        x, _, share = self.fit(hb, cb)
        return share if (x[1:] > 0).all() else np.inf

    def valley(self, pair, cell):
        """The least share within a cell of balance points, which no day's temperature divides."""
        middle = [(low + high) / 2 for low, high in cell]
        hb, cb = pair(middle)
        cold, warm = None if hb is None else self.t < hb, None if cb is None else self.t > cb

        def share_and_slopes(at):
            x, left, share = self.fit(*pair(at))
            # The linear parameters are at their optimum, so only the balance points count.
            slopes = [] if cold is None else [-2 * x[1] * left[cold].sum() / self.total]
            slopes += [] if warm is None else [2 * x[-1] * left[warm].sum() / self.total]
            return share, np.array(slopes if len(slopes) == len(at) else [sum(slopes)])

        found = minimize(share_and_slopes, middle, jac=True, bounds=cell, method="L-BFGS-B",
                         options={"ftol": 0, "gtol": 1e-13})
        return self.share(*pair(found.x)), pair(found.x)

    def search(self, pair, grids, shares):
        """The best of the grid and of the cells around its best points."""
        points = [np.unravel_index(i, shares.shape) for i in np.argsort(shares, axis=None)[:BEST]]
        points = [point for point in points if shares[point] < np.inf]
        steps = np.ndindex((2,) * len(grids))
        cells = {tuple(np.subtract(point, step)) for step in steps for point in points}
        found = [(shares[point], pair([grid[i] for grid, i in zip(grids, point)])) for point in points]
        for cell in cells:
            if all(0 <= i < len(grid) - 1 for grid, i in zip(grids, cell)):
                cell = [(grid[i], grid[i + 1]) for grid, i in zip(grids, cell)]
                if len(cell) == 1 or cell[0][1] <= cell[1][0]:  # where they meet is another search
                    found.append(self.valley(pair, cell))
        return min(found, key=lambda item: item[0], default=(np.inf, None))

    def one(self, pair, grid):
        """The best along one balance point, or along both at once."""
        return self.search(pair, [grid], np.array([self.share(*pair([b])) for b in grid]))

    def optimum(self, variant):
        """Share left over and (hb, cb), or an infinite share where the days allow no such model."""
        low = self.grid[self.grid >= self.limits[0]]  # of hb
        high = self.grid[self.grid <= self.limits[1]]  # of cb
        if variant == "none":
            return 1.0, (None, None)
        if variant == "heating":
            return self.one(heating_only, low)
        if variant == "cooling":
            return self.one(cooling_only, high)
        same = np.intersect1d(low, high)
        met, apart = self.one(meeting, same), self.search(tuple, [low, high], self.shares(low, high))
        best = met if met[0] <= apart[0] + 1e-12 else apart
        alone = min(self.one(heating_only, same), self.one(cooling_only, same))[0]
        return best if best[0] < alone - 1e-12 else (np.inf, None)

    def shares(self, low, high):
        """The share left over for each pair of balance points, by the normal equations."""
        h, c = heating(self.t[:, None], low), cooling(self.t[:, None], high)
        h, c, e = h - h.mean(axis=0), c - c.mean(axis=0), self.e - self.e.mean()
        hh, cc, hc = (h * h).sum(axis=0)[:, None], (c * c).sum(axis=0), h.T @ c
        he, ce = (h.T @ e)[:, None], c.T @ e
        with np.errstate(divide="ignore", invalid="ignore"):
            hs, cs = (he * cc - ce * hc) / (hh * cc - hc**2), (ce * hh - he * hc) / (hh * cc - hc**2)
            left = 1 - (hs * he + cs * ce) / self.total
        return np.where((hs > 0) & (cs > 0) & (low[:, None] <= high), left, np.inf)


def figures(name, home, audit):
    n, best = len(home.t), {variant: home.optimum(variant) for variant in VARIANTS}
    adjusted = {variant: 1 - share * (n - 1) / (n - VARIANTS[variant] - 1)
                for variant, (share, _) in best.items() if share < np.inf}
    variant = max(adjusted, key=adjusted.get)  # the first, so the simplest, on a tie
    share, (hb, cb) = best[variant]
    x, _, _ = home.fit(hb, cb)
    normal = x[0] * n
    normal += 0 if hb is None else x[1] * heating(home.t - 1, hb).sum()
    normal += 0 if cb is None else x[-1] * cooling(home.t - 1, cb).sum()
    f = {"home": name, "days": n, "variant": variant, "base_wh": real(x[0]), "r2": real(1 - share),
         "normal_wh": real(normal)} | {f"adj_{variant}": real(value) for variant, value in adjusted.items()}
    if hb is not None:
        f |= {"heating_wh_per_c": real(x[1]), "heating_balance_c": real(hb)}
    if cb is not None:
        f |= {"cooling_wh_per_c": real(x[-1]), "cooling_balance_c": real(cb)}
    near = sorted(adjusted.values())[-2] > adjusted[variant] - 0.001
    for what, holds in {
        f"chosen: {variant}": True, "chosen by less than 0.001": near,
        "no model of heating": "heating" not in adjusted, "no model of cooling": "cooling" not in adjusted,
        "no model of both": "both" not in adjusted,
        "hb on its limit": hb == home.limits[0], "cb on its limit": cb == home.limits[1],
        "hb at the warmest day": hb == home.ends[1], "cb at the coldest day": cb == home.ends[0],
        "hb at a day": hb in home.t, "cb at a day": cb in home.t, "hb meets cb": hb is not None and hb == cb,
    }.items():
        audit[what] += [name] if holds else []
    return f, list(falls(home, share, hb, cb))


def falls(home, share, hb, cb):
    """By how much R2 falls for each balance point moved by 0.1 degrees, where the limits let it."""
    for by in (-0.1, 0.1):
        if hb is not None and home.limits[0] <= hb + by <= (home.ends[1] if cb is None else cb):
            yield "heating", home.fit(hb + by, cb)[2] - share
        if cb is not None and (home.ends[0] if hb is None else hb) <= cb + by <= home.limits[1]:
            yield "cooling", home.fit(hb, cb + by)[2] - share


NAMES = ["home", "days", "variant", "base_wh", "heating_wh_per_c", "heating_balance_c", "cooling_wh_per_c",
         "cooling_balance_c", "r2", "adj_none", "adj_heating", "adj_cooling", "adj_both", "normal_wh"]


def main(source, target):
    source, target = Path(source).resolve() / "lcl", Path(target).resolve()
    assert not target.is_relative_to(source), "never write beside the data"
    hours, homes = defaultdict(list), defaultdict(lambda: defaultdict(list))
    for stamp, degrees in read(source / "weather_hourly_darksky.csv.gz", "time", "temperature"):
        hours[stamp[:10]].append(Fraction(degrees))
    weather = {day: rounded(sum(known) / len(known), 100) / 100 for day, known in hours.items()}
    for home, stamp, energy in read(source / "lcl_100_2013_long.csv.gz", "LCLid", "tstp", "energy(kWh/hh)"):
        homes[home][stamp[:10]].append(watt_hours(energy))

    audit, fallen = defaultdict(list), []
    with open(target, "w", encoding="ascii", newline="") as file:
        out = csv.DictWriter(file, NAMES, lineterminator="\n", restval="")
        out.writeheader()
        for name, days in sorted(homes.items()):
            full = sorted(day for day, known in days.items() if len(known) == 48)
            if len(full) >= 60:
                home = Home([weather[day] for day in full], [sum(days[day]) for day in full])
                row, falls_of_home = figures(name, home, audit)
                out.writerow(row)
                fallen += falls_of_home
    for what, names in sorted(audit.items()):
        print(f"{what}: {len(names)}", *(names if len(names) <= 30 else ()))
    for side in ("heating", "cooling"):
        by = sorted(fall for which, fall in fallen if which == side)
        print(f"R2 falls, {side} balance point moved by 0.1: median {np.median(by):.1e}, least {by[0]:.1e}")


if __name__ == "__main__":
    main(*sys.argv[1:])  # <folder of the data> <output file>
