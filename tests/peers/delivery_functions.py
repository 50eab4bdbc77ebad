#!/usr/bin/env python3
"""Independent oracle: curves of readings, of several meters and of several deliveries, by pandas.

Shares no code with the Rust side. 3,000 groups of up to six of the curves of `curve_functions.py`,
of several intervals, and of up to 200 readings come from small generators of whole numbers that
`tests/oracles/days.rs` repeats, so that only the figures are kept:

    python3 tests/peers/delivery_functions.py tests/golden/delivery_functions.csv.gz

made them with Python 3.11, numpy 2.4, pandas 3.1. Of a list there is what `shape_functions.py`
keeps. A figure that is NULL is left empty.
"""
import csv
import gzip
import io
import sys

import numpy as np
import pandas as pd

from curve_functions import Random, curve
from shape_functions import digest

GROUPS = 3_000
FACTORS = [1, 1, -1, 40, None]


def curves_of(group):
    """(curve, factor, version); half of them correct the one before; one in twenty has no curve."""
    r = Random(400_000 + group)
    rows, values = [], None
    for at in range(1 + r.below(6)):
        factor, version = FACTORS[r.below(5)], r.below(4)
        if values is None or r.below(2):
            values = curve(600_000 + 6 * group + at)
        else:
            values = [value + r.below(9) if value is not None and r.below(8) == 0 else value for value in values]
        rows.append((None if r.below(20) == 0 else values, factor, version or None))
    return rows


def readings_of(group):
    """An interval, and (second of a day, watts) of readings in any order, some twice."""
    r = Random(500_000 + group)
    interval = (5, 15, 30, 60)[r.below(4)]
    rows = []
    for _ in range(r.below(200)):
        second, watts = r.below(86_400), r.below(20_000) - 5_000
        rows.append((second, None if r.below(9) == 0 else watts))
    return interval, rows


def points(rows):
    """A row for each known point of each curve, in slots of the finest of their intervals."""
    finest = max((len(values) for values, *_ in rows if values), default=0)
    long = [(slot, watts, factor, -1 if version is None else version)
            for values, factor, version in rows if values
            for slot, watts in enumerate(np.repeat(np.array(values, dtype=object), finest // len(values)))
            if watts is not None]
    return finest, pd.DataFrame(long, columns=["slot", "watts", "factor", "version"])


def listed(series, length):
    return [int(series[slot]) if slot in series.index else None for slot in range(length)]


def netted(rows):
    rows = [row for row in rows if row[1] is not None]
    if not rows or any(values is None for values, *_ in rows):
        return None
    length, table = points(rows)
    table["part"] = table["watts"] * table["factor"]
    slots = table.groupby("slot")["part"].agg(["sum", "size"])
    return listed(slots[slots["size"] == len(rows)]["sum"], length)


def settled(rows):
    """The last version of each point, and how many points an earlier one has otherwise."""
    length, table = points(rows)
    if not length:
        return None, None
    table = table.groupby(["slot", "version"], as_index=False)["watts"].max()
    last = table.sort_values("version").groupby("slot").last()
    both = table.merge(last, on="slot", suffixes=("", "_last"))
    earlier = both[(both["version"] < both["version_last"]) & (both["watts"] != both["watts_last"])]
    return listed(last["watts"], length), earlier["slot"].nunique()


def folded(interval, rows):
    known = [(second // 60 // interval, watts) for second, watts in rows if watts is not None]
    if not known:
        return None
    day = np.full(1440 // interval, np.nan)
    np.fmax.at(day, *np.array(known).T)
    return [None if np.isnan(watts) else int(watts) for watts in day]


NAMES = ["net_curves", "settle_curves.curve", "settle_curves.restated_points", "fold_curve"]


def main(target):
    text = io.StringIO()
    out = csv.DictWriter(text, NAMES, lineterminator="\n", restval="")
    out.writeheader()
    for group in range(GROUPS):
        rows = curves_of(group)
        curve_of, restated = settled(rows)
        lists = {"net_curves": netted(rows), "settle_curves.curve": curve_of, "fold_curve": folded(*readings_of(group))}
        figures = {name: digest(values) for name, values in lists.items() if values is not None}
        out.writerow(figures | ({} if restated is None else {"settle_curves.restated_points": restated}))
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
