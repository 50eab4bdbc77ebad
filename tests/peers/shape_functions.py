#!/usr/bin/env python3
"""Independent oracle: curves made of curves, and blocks of load, by numpy and exact fractions.

Shares no code with the Rust side. For each of the 10,000 curves of `curve_functions.py`

    python3 tests/peers/shape_functions.py tests/golden/shape_functions.csv.gz

(Python 3.11, numpy 2.4) writes what `fill_gaps(curve, 3)`, `resample_curve` to 60 and to 5 minutes,
`normalise_curve` by sum, max and z, `reject_stuck(curve, 2)` and `reject_spikes(curve, 2)` give, and
`load_block(curve, 500, 60)`; `curve_from_w` and its like of the same curve in floats of other units,
with parts of a watt. Of a list there is its length, how many values are null, and the sum of each
value times its position, from 1: lists that differ in a value or in a place differ in this. A
figure that is NULL is left empty.
"""
import csv
import gzip
import io
import sys
from fractions import Fraction
from itertools import groupby

import numpy as np

from curve_functions import CURVES, Random, curve, figures, real, rounded


def digest(values, text=str):
    total = sum((at * value for at, value in enumerate(values, 1) if value is not None), 0)
    return f"{len(values)} {sum(value is None for value in values)} {text(total)}"


def filled(values, most):
    """Every null within a short gap lies on the line between the known points beside it."""
    known = [at for at, value in enumerate(values) if value is not None]
    result = list(values)
    for left, right in zip(known, known[1:]):
        if right - left - 1 <= most:
            for at in range(left + 1, right):
                part = Fraction(at - left, right - left)
                result[at] = rounded(values[left] + (values[right] - values[left]) * part)
    return result


def resampled(values, minutes):
    found = 1440 // len(values)
    if minutes <= found:
        return list(np.repeat(np.array(values, dtype=object), found // minutes))
    count, carried, result = minutes // found, 0, []
    for part in zip(*[iter(values)] * count):
        if None in part:
            carried = 0
            result.append(None)
            continue
        exact = sum(part) + carried
        result.append(rounded(Fraction(exact, count)))
        carried = exact - result[-1] * count
    return result


def normalised(values, method):
    known = np.array([value for value in values if value is not None], dtype=float)
    if not len(known):
        return None
    origin, unit = {"sum": (0, known.sum()), "max": (0, known.max()), "z": (known.mean(), known.std())}[method]
    return None if unit <= 0 else [None if value is None else (value - origin) / unit for value in values]


def unstuck(values, least):
    """Every run of as many equal known points is unknown, but of zeros."""
    result = []
    for value, run in groupby(values):
        run = list(run)
        result += [None] * len(run) if value not in (None, 0) and len(run) >= least else run
    return result


def without_spikes(values, times):
    sizes = np.sort(np.abs([value for value in values if value is not None]))
    if len(sizes) < 3 or sizes[-3] == 0:
        return values
    return [None if value is None or abs(value) > times * sizes[-3] else value for value in values]


def milliwatts(number, values):
    """The curve with parts of a watt, but no half ones, which a float of kilowatts may miss."""
    r = Random(200_000 + number)
    parts = [r.below(1000) for _ in values]
    return [None if value is None else 1000 * value + part + (part == 500) for value, part in zip(values, parts)]


def in_watts(parts, factor):
    """What a list of floats is in whole watts, by numpy; as exact arithmetic on the parts has it."""
    exact = [None if part is None else rounded(Fraction(part, 1000)) for part in parts]
    floats = np.array([np.nan if part is None else part / factor for part in parts])
    found = np.rint(floats * (factor / 1000))
    assert all(np.isnan(watts) if whole is None else watts == whole for watts, whole in zip(found, exact))
    return exact


def block(values, level, least):
    """Of the runs above base load and level that last, the first of those with most energy."""
    minutes = 1440 // len(values)
    found = figures(values)
    if "base_load_w" not in found:
        return {}
    base = int(found["base_load_w"])
    runs, run = [], []
    for at, value in enumerate(values + [None]):
        if value is not None and value - base >= level:
            run.append(at)
        elif run:
            runs.append(run)
            run = []
    runs = [run for run in runs if len(run) * minutes >= least]
    if not runs:
        return {}
    above = [sum(values[at] - base for at in run) for run in runs]
    best = above.index(max(above))
    return {"start_minute": runs[best][0] * minutes, "minutes": len(runs[best]) * minutes,
            "level_w": rounded(Fraction(above[best], len(runs[best]))),
            "energy_wh": rounded(Fraction(above[best] * minutes, 60))}


NAMES = ["fill_gaps", "resample_60", "resample_5", "sum", "max", "z", "start_minute", "minutes", "level_w", "energy_wh",
         "reject_stuck", "reject_spikes", "curve_from_w", "curve_from_kw", "curve_from_kwh"]


def main(target):
    text = io.StringIO()
    out = csv.DictWriter(text, NAMES, lineterminator="\n", restval="")
    out.writeheader()
    for number in range(CURVES):
        values = curve(number)
        row = {"fill_gaps": digest(filled(values, 3)), "resample_60": digest(resampled(values, 60)),
               "resample_5": digest(resampled(values, 5))}
        shapes = {method: normalised(values, method) for method in ("sum", "max", "z")}
        row |= {method: digest(shape, real) for method, shape in shapes.items() if shape is not None}
        row |= {"reject_stuck": digest(unstuck(values, 2)), "reject_spikes": digest(without_spikes(values, 2))}
        parts = milliwatts(number, values)
        row |= {name: digest(in_watts(parts, factor)) for name, factor in (
            ("curve_from_w", 1000), ("curve_from_kw", 10**6), ("curve_from_kwh", 10**6 * len(values) // 24))}
        out.writerow(row | block(values, 500, 60))
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
