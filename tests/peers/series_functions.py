#!/usr/bin/env python3
"""Independent oracle: aggregates over values and series, by numpy and scipy.

Shares no code with the Rust side. 1,000 random series come from a small generator of whole
numbers that `tests/oracles.rs` repeats, so that only the figures are kept:

    python3 tests/peers/series_functions.py tests/golden/series_functions.csv.gz

made them with Python 3.11, numpy 2.4, scipy 1.17. A figure that is NULL is left empty.
"""
import csv
import gzip
import io
import sys
from collections import Counter
from datetime import date, timedelta
from decimal import ROUND_CEILING, Context

import numpy as np
from scipy import stats

from curve_functions import Random, real

SERIES = 1_000
FIRST_DAY = 19_000  # since 1970-01-01
THREE_DIGITS = Context(prec=3, rounding=ROUND_CEILING)


def series(number):
    """(day, value) pairs: about monthly, with a trend, a season, a step, ties and gaps."""
    r = Random(number)
    length = 1 + r.below(60)
    slope, season, step = r.below(21), r.below(200), r.below(300)
    at = r.below(60)
    rows = []
    for i in range(length):
        day = FIRST_DAY + i * 30 + r.below(5)
        value = 100 + i * (slope - 10) + (season if (i % 12) < 3 else 0) + (step if i >= at else 0) + r.below(50)
        if r.below(10) != 0:
            rows.append((day, value))
    return rows


def mann_kendall(values):
    n = len(values)
    if n < 4:
        return None
    s = sum(np.sign(values[j] - values[i]) for i in range(n) for j in range(i + 1, n))
    _, ties = np.unique(values, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    if variance == 0 or s == 0:
        return 0
    z = (abs(s) - 1) / np.sqrt(variance)
    return int(np.sign(s)) if 2 * stats.norm.sf(z) < 0.05 else 0


def level_shift(days, values):
    """The best cut, by trying all of them."""
    best = None
    for cut in range(3, len(values) - 2):
        if days[cut] == days[cut - 1]:
            continue
        left, right = values[:cut], values[cut:]
        rest = ((left - left.mean()) ** 2).sum() + ((right - right.mean()) ** 2).sum()
        if best is None or rest < best[0] - 1e-9:
            best = (rest, cut)
    total = ((values - values.mean()) ** 2).sum()
    if best is None or total == 0:
        return None
    cut = best[1]
    return days[cut], values[:cut].mean(), values[cut:].mean(), 1 - best[0] / total


def seasonality(days, values):
    months = np.array([(date(1970, 1, 1) + timedelta(days=int(day))).month for day in days])
    if len(values) < 24 or len(set(months)) < 12:
        return None
    line = stats.linregress(days, values)
    rest = values - line.slope * days - line.intercept
    means = {month: rest[months == month].mean() for month in set(months)}
    left = rest - np.array([means[month] for month in months])
    return None if rest.var() == 0 else min(1, max(0, 1 - left.var() / rest.var()))


def year_on_year(days, values):
    months = {}
    for day, value in zip(days, values):
        moment = date(1970, 1, 1) + timedelta(days=int(day))
        months[moment.year * 12 + moment.month] = months.get(moment.year * 12 + moment.month, 0) + value
    last = max(months)
    pairs = [(months[m], months[m - 12]) for m in range(last - 11, last + 1) if m in months and m - 12 in months]
    now, before = sum(a for a, _ in pairs), sum(b for _, b in pairs)
    return now / before - 1 if before > 0 else None


def figures(rows):
    if not rows:
        return {}
    days = np.array([day for day, _ in rows], dtype=float)
    values = np.array([value for _, value in rows], dtype=float)
    taken = np.sort(np.maximum(values, 0))
    f = {"exact_median": np.median(values), "median_deviation": stats.median_abs_deviation(values)}
    f["exact_quantile"] = np.quantile(values, 0.75, method="inverted_cdf")
    counts = Counter(str(THREE_DIGITS.create_decimal(int(value)).quantize(1)) for value in values)
    f["histogram"] = ", ".join(f"{{value: {value}, count: {counts[value]}}}" for value in sorted(counts, key=int))
    if taken.sum() > 0:
        n = len(taken)
        f["gini"] = np.abs(taken[:, None] - taken[None, :]).sum() / (2 * n * taken.sum())
        f["herfindahl"] = ((taken / taken.sum()) ** 2).sum()
        whole, part = divmod(0.3 * n, 1)
        top = taken[::-1]
        f["lorenz_share"] = (top[: int(whole)].sum() + (part * top[int(whole)] if part else 0)) / taken.sum()
    if len(set(days)) > 1:
        f["ols_slope"] = stats.linregress(days, values).slope
        f["theil_sen_slope"] = stats.theilslopes(values, days).slope
    f["mann_kendall"] = mann_kendall(values)
    shift = level_shift(days, values)
    if shift:
        day, f["before"], f["after"], f["explained_share"] = shift
        f["at"] = (date(1970, 1, 1) + timedelta(days=int(day))).isoformat()
    f["seasonality_strength"] = seasonality(days, values)
    f["year_on_year"] = year_on_year(days, values)
    texts = {name: value if isinstance(value, (str, int)) else real(value)
             for name, value in f.items() if value is not None}
    return texts


NAMES = ["exact_median", "median_deviation", "gini", "herfindahl", "lorenz_share", "ols_slope", "theil_sen_slope",
         "mann_kendall", "at", "before", "after", "explained_share", "seasonality_strength", "year_on_year",
         "exact_quantile", "histogram"]


def main(target):
    text = io.StringIO()
    out = csv.DictWriter(text, NAMES, lineterminator="\n", restval="")
    out.writeheader()
    for number in range(SERIES):
        out.writerow(figures(series(number)))
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
