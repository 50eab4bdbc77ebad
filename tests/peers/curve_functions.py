#!/usr/bin/env python3
"""Independent oracle: the functions of load curves, by numpy and scipy.

Shares no code with the Rust side. 10,000 random curves (of 24, 48, 96 and 288 points; with
gaps, feed-in, flat stretches, zeros) come from a small generator of whole numbers that
`tests/oracles.rs` repeats, so that only the figures are kept:

    python3 tests/peers/curve_functions.py tests/golden/curve_functions.csv.gz

made them with Python 3.11, numpy 2.4, scipy 1.17. A figure that is NULL is left empty. Floats
have 17 digits; what kwhy rounds is rounded here, half away from zero, from exact fractions
where the definition is one of whole numbers.
"""
import csv
import gzip
import io
import sys
from fractions import Fraction
from math import floor

import numpy as np
from scipy import stats

CURVES = 10_000
MASK = (1 << 64) - 1


class Random:
    """splitmix64, as Vigna published it."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, limit):
        return self.next() % limit


def curve(number):
    """One curve: a level per stretch, noise, and what may be odd about it."""
    r = Random(number)
    points = (24, 48, 96, 288)[r.below(4)]
    kind = r.below(8)  # 0 gaps, 1 feed-in, 2 both, 3 flat, 4 zeros, else plain
    size = 1 + r.below(5000)
    level = r.below(size)
    values = []
    for _ in range(points):
        if r.below(6) == 0:
            level = r.below(size)
        value = level + r.below(1 + size // 10)
        if kind == 3:
            value = size
        if kind == 4 and r.below(2) == 0:
            value = 0
        if kind in (1, 2) and r.below(3) == 0:
            value = -value
        if kind in (0, 2) and r.below(5) == 0:
            value = None
        values.append(value)
    return values


def rounded(fraction, scale=1):
    """A fraction times `scale`, rounded half away from zero to a whole number."""
    scaled = abs(fraction) * scale
    whole = floor(scaled + Fraction(1, 2))
    return whole if fraction >= 0 else -whole


def ratio(above, below):
    whole = rounded(Fraction(int(above), int(below)), 10**6)
    whole = max(-999_999_999, min(999_999_999, whole))
    sign = "-" if whole < 0 else ""
    return f"{sign}{abs(whole) // 10**6}.{abs(whole) % 10**6:06d}"


def real(value):
    return repr(float(value))


def longest(flags):
    best = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        best = max(best, run)
    return best


def figures(values):
    points = len(values)
    minutes = 1440 // points
    known = np.array([v for v in values if v is not None], dtype=np.int64)
    taken = np.maximum(known, 0)
    per_minute = [max(v, 0) if v is not None else 0 for v in values for _ in range(minutes)]
    pairs = [(a, b) for a, b in zip(values, values[1:]) if a is not None and b is not None]
    changes = np.array([b - a for a, b in pairs], dtype=np.int64)
    f = {"known_points": len(known), "curve_points": points, "valid_share": ratio(len(known), points)}
    if len(known) == 0:
        return f
    total, most, least = int(taken.sum()), int(known.max()), int(known.min())
    f["energy_wh"] = rounded(Fraction(total * minutes, 60))
    f["backfeed_wh"] = rounded(Fraction(int(-np.minimum(known, 0).sum()) * minutes, 60))
    f["backfeed_minutes"] = int((known < 0).sum()) * minutes
    f["max_demand_w"], f["min_demand_w"], f["peak_valley_w"] = most, least, most - least
    if most > 0:
        f["load_factor"] = ratio(total, len(known) * most)
        f["peak_valley_ratio"] = ratio(most - least, most)
    lowest = np.sort(taken)[: 180 // minutes]
    f["base_load_w"] = rounded(Fraction(int(lowest.sum()), len(lowest)))
    # numpy's default percentile, in exact arithmetic: position (n - 1) / 20
    order, at = np.sort(taken).tolist(), Fraction(len(taken) - 1, 20)
    low, high = order[floor(at)], order[min(floor(at) + 1, len(order) - 1)]
    exact = low + (high - low) * (at - floor(at))
    assert abs(float(exact) - np.percentile(taken, 5)) <= 1e-9 * max(1.0, float(exact))
    f["base_load_p5_w"] = rounded(exact)
    if len(changes):
        f["ramp_up_w"] = max(0, int(changes.max()))
        f["ramp_down_w"] = max(0, int(-changes.min()))
        f["switch_ons"] = int((changes >= 500).sum())
        if total > 0:
            f["load_roughness"] = ratio(int(np.abs(changes).sum()) * len(known), len(changes) * total)
    f["longest_below_minutes"] = longest(v is not None and v < 300 for v in values) * minutes
    f["longest_above_minutes"] = longest(v is not None and v > 300 for v in values) * minutes
    if total > 0:
        for name, start, end in (("night_share", 0, 360), ("morning_share", 360, 540),
                                 ("noon_share", 660, 840), ("evening_share", 1020, 1260),
                                 ("energy_share", 435, 1000)):
            f[name] = ratio(sum(per_minute[start:end]), sum(per_minute))
        if len(known) > 1:
            f["load_entropy"] = real(stats.entropy(taken / taken.sum()) / np.log(len(known)))
    f["time_of_peak"] = next(i for i, v in enumerate(values) if v == most) * minutes
    first, best = f["time_of_peak"], None
    for i, v in enumerate(values):
        if v is None or (i > 0 and values[i - 1] == v):
            continue  # unknown, or not the first of equal points
        end = i
        while end + 1 < points and values[end + 1] == v:
            end += 1
        around = [values[j] for j in (i - 1, end + 1) if 0 <= j < points and values[j] is not None]
        if abs(i * minutes - first) >= 180 and around and all(v > w for w in around):
            if best is None or v > values[best]:
                best = i
    if best is not None:
        f["time_of_second_peak"] = best * minutes
    return f


def pair_figures(one, other):
    """Figures of two curves of one length."""
    both = [(a, b) for a, b in zip(one, other) if a is not None and b is not None]
    if not both:
        return {}
    a, b = (np.array(column, dtype=float) for column in zip(*both))
    f = {"curve_distance": real(np.linalg.norm(a - b))}
    if len(both) > 1 and a.std() > 0 and b.std() > 0:
        f["curve_correlation"] = real(stats.pearsonr(a, b).statistic)
    p, q = np.maximum(a, 0), np.maximum(b, 0)
    if p.sum() > 0 and q.sum() > 0:
        f["profile_distance"] = real(np.abs(p / p.sum() - q / q.sum()).sum() / 2)
    return f


NAMES = ["energy_wh", "backfeed_wh", "backfeed_minutes", "max_demand_w", "min_demand_w", "load_factor",
         "peak_valley_w", "peak_valley_ratio", "base_load_w", "base_load_p5_w", "ramp_up_w", "ramp_down_w",
         "switch_ons", "longest_below_minutes", "longest_above_minutes", "valid_share", "load_roughness",
         "night_share", "morning_share", "noon_share", "evening_share", "energy_share", "load_entropy",
         "time_of_peak", "time_of_second_peak", "curve_distance", "curve_correlation", "profile_distance",
         "known_points", "curve_points"]


def main(target):
    text = io.StringIO()
    out = csv.DictWriter(text, NAMES, lineterminator="\n", restval="")
    out.writeheader()
    # The other curve of a pair is the one before of the same length.
    before = {}
    for number in range(CURVES):
        values = curve(number)
        other = before.get(len(values), values)
        out.writerow(figures(values) | pair_figures(values, other))
        before[len(values)] = values
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
