#!/usr/bin/env python3
"""Independent oracle: functions of groups of curves, of rows and of counts, by numpy and friends.

Shares no code with the Rust side. 500 random groups come from small generators of whole numbers
that `tests/oracles.rs` repeats, so that only the figures are kept:

    python3 tests/peers/group_functions.py tests/golden/group_functions.csv.gz

made them with Python 3.11, numpy 2.4, pandas 3.1, scipy 1.17, scikit-learn 1.9. A figure that is NULL is left
empty; a list is its values between blanks, with `null` for an unknown one. What kwhy rounds is
rounded here, half away from zero, from exact fractions, and held against numpy and scipy.
"""
import csv
import gzip
import io
import sys
from collections import Counter
from fractions import Fraction
from math import floor, isclose, sqrt

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from curve_functions import Random, curve, ratio, real, rounded

GROUPS = 500
LAST_DAY = 19_400  # since 1970-01-01


def curves_of(group):
    """Curves of one length: of up to 160, those as long as the first."""
    r = Random(50_000 + group)
    candidates = [curve(group * 200 + i) for i in range(1 + r.below(160))]
    return [values for values in candidates if len(values) == len(candidates[0])]


def rows_of(group):
    """(category, other, day, flag, expected, actual); in an unknown row only day and actual are known."""
    r = Random(90_000 + group)
    length, kinds = 1 + r.below(80), 1 + r.below(6)
    rows = []
    for _ in range(length):
        category, other, day, flag = r.below(kinds), r.below(3), 19_000 + r.below(400), r.below(3) != 0
        expected, actual = r.below(100), r.below(100)
        if r.below(12) == 0:
            category = other = flag = expected = None
        rows.append((category, other, day, flag, expected, actual))
    return rows


def scalars_of(group):
    r = Random(70_000 + group)
    trials = 1 + r.below(2000)
    hits = r.below(trials + 1)
    others = 1 + r.below(5000)
    other_hits = r.below(others + 1)
    value = r.below(1000)
    count = 1 + r.below(6)
    cuts = sorted({r.below(1000) for _ in range(count)})
    return hits, trials, other_hits, others, value, cuts


def quantile(values, q):
    """numpy's default quantile, in exact arithmetic: position (n - 1) * q."""
    order, at = sorted(values), (len(values) - 1) * q
    low, high = order[floor(at)], order[min(floor(at) + 1, len(order) - 1)]
    exact = low + (high - low) * (at - floor(at))
    assert isclose(exact, np.quantile(values, float(q)), rel_tol=1e-9, abs_tol=1e-6)
    return rounded(exact)


def trimmed_mean(values):
    drop = len(values) // 10
    kept = sorted(values)[drop : len(values) - drop]
    exact = Fraction(sum(kept), len(kept))
    assert isclose(exact, stats.trim_mean(values, 0.1), rel_tol=1e-9, abs_tol=1e-6)
    return rounded(exact)


def listed(values):
    return " ".join("null" if value is None else str(value) for value in values)


def curve_figures(curves):
    positions = [[v for v in column if v is not None] for column in zip(*curves)]
    every = [v for known in positions for v in known]
    f = {"curve_quantile": listed(quantile(known, Fraction(1, 4)) if known else None for known in positions),
         "typical_day": listed(trimmed_mean(known) if known else None for known in positions)}
    sums = [sum(known) if known else None for known in positions]
    f |= {"curve_min": listed(min(known, default=None) for known in positions),
          "curve_max": listed(max(known, default=None) for known in positions),
          "energy_curve_sum": listed(sums),
          "energy_curve_mean": listed(rounded(Fraction(sum(known), len(known))) if known else None
                                      for known in positions)}
    tops = sum(max(known) for values in curves if (known := [v for v in values if v is not None]))
    if tops > 0:
        f["coincidence_factor"] = ratio(max(v for v in sums if v is not None), tops)
    if every:
        f["load_duration_curve"] = listed(quantile(every, 1 - Fraction(i, 20)) for i in range(21))
    if sum(any(v is not None for v in values) for values in curves) < 2:
        return f
    mean = Fraction(sum(every), len(every))
    total = sum(v * v for v in every) - len(every) * mean**2
    between = sum(len(known) * (Fraction(sum(known), len(known)) - mean) ** 2 for known in positions if known)
    if total > 0:
        within = sum(np.var(known) * len(known) for known in positions if known)
        assert isclose(between / total, 1 - within / (np.var(every) * len(every)), abs_tol=1e-9)
        share = between / total
        f["day_regularity"] = ratio(share.numerator, share.denominator)
    return f


def runs(flags):
    """The length of each run of true, and of the one the last row is in."""
    lengths = [len(run) for run in "".join("x" if flag else " " for flag in flags).split()]
    return {"run_lengths.runs": len(lengths), "run_lengths.longest": max(lengths, default=0),
            "run_lengths.latest": lengths[-1] if flags[-1] else 0}


def stability(bins):
    """The population stability index; half a unit stands for a zero on one side."""
    bins = np.array([pair for pair in bins if any(pair)], dtype=float).reshape(-1, 2)
    if not bins.sum(axis=0).all():  # one side has no unit at all, or nothing is known
        return None
    shares = np.where(bins == 0, 0.5, bins)
    expected, actual = (shares / shares.sum(axis=0)).T
    index = ((actual - expected) * np.log(actual / expected)).sum()
    # It is the sum of the two divergences.
    assert isclose(index, stats.entropy(actual, expected) + stats.entropy(expected, actual), abs_tol=1e-12)
    return real(index)


def counted(column):
    """Each value and how often it is met, ascending; NULL after the others."""
    counts = column.value_counts(dropna=False)
    known = sorted(value for value in counts.index if not pd.isna(value))
    shown = [(str(value).lower(), counts[value]) for value in known]
    return shown + [("NULL", counts[value]) for value in counts.index if pd.isna(value)]


def counts_of(rows):
    """`field_counts` and `cross_counts` as kwhy writes them."""
    table = pd.DataFrame([row[:2] + row[3:4] for row in rows], columns=["category", "other", "flag"], dtype=object)
    table["category"] = table["category"].map(lambda value: None if pd.isna(value) else f"c{value}")
    fields = ", ".join(f"{{field: {field}, value: {value}, count: {count}}}"
                       for field in table.columns for value, count in counted(table[field]))
    crossed = ", ".join(f"{{grouping: {grouping}, member: {str(member).lower()}, field: {field}, value: {value}, "
                        f"count: {count}}}"
                        for grouping in ("category", "flag") for member, part in table.groupby(grouping)
                        for field in ("other", "flag") for value, count in counted(part[field]))
    return {"field_counts": fields, "cross_counts": crossed}


def row_figures(rows):
    f = counts_of(rows) | {"recency_weighted_count": real(sum(0.5 ** ((LAST_DAY - row[2]) / 90) for row in rows))}
    known = [row for row in rows if row[0] is not None]
    if not known:
        return f
    counts = Counter(f"c{row[0]}" for row in known)
    value, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
    f |= {"most_frequent.value": value, "most_frequent.count": count,
          "most_frequent.share": ratio(count, len(known)),
          "category_entropy": real(abs(stats.entropy(list(counts.values()), base=2)))}  # abs: no -0.0
    f |= runs([flag for _, flag in sorted((row[2], row[3]) for row in known)])
    f["population_stability"] = stability([row[4:] for row in known])
    if len(known) > 1:
        f["adjusted_rand"] = real(adjusted_rand_score([row[0] for row in known], [row[1] for row in known]))
    return f


def two_proportions(hits, trials, other_hits, others):
    """z with the pooled variance, and its p-value on both sides."""
    pooled = Fraction(hits + other_hits, trials + others)
    variance = pooled * (1 - pooled) * (Fraction(1, trials) + Fraction(1, others))
    if variance == 0:
        return None
    z = float(Fraction(hits, trials) - Fraction(other_hits, others)) / sqrt(variance)
    table = [[hits, trials - hits], [other_hits, others - other_hits]]
    square = stats.chi2_contingency(table, correction=False).statistic
    assert isclose(z * z, square, rel_tol=1e-9, abs_tol=1e-12)
    return z, 2 * stats.norm.sf(abs(z))


def wilson(hits, trials):
    interval = stats.binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    return interval.low, interval.high


def scalar_figures(hits, trials, other_hits, others, value, cuts):
    one, other = hits / trials, other_hits / others
    lower, upper = wilson(hits, trials)
    other_lower, other_upper = wilson(other_hits, others)
    difference = float(Fraction(hits, trials) - Fraction(other_hits, others))
    f = {"wilson_interval.lower": real(lower), "wilson_interval.upper": real(upper),
         "uplift.difference": real(difference),
         "uplift.lower": real(difference - sqrt((one - lower) ** 2 + (other_upper - other) ** 2)),
         "uplift.upper": real(difference + sqrt((upper - one) ** 2 + (other - other_lower) ** 2)),
         "quantile_tier": 1 + int(np.searchsorted(cuts, value, side="right"))}
    if other_hits > 0:
        f["over_index.index"] = ratio(hits * others, trials * other_hits)
    if test := two_proportions(hits, trials, other_hits, others):
        f["over_index.z"], f["over_index.p_value"] = map(real, test)
        f["uplift.p_value"] = f["over_index.p_value"]
    return f


NAMES = ["curve_min", "curve_max", "energy_curve_sum", "energy_curve_mean", "coincidence_factor",
         "curve_quantile", "typical_day", "load_duration_curve", "day_regularity",
         "most_frequent.value", "most_frequent.count", "most_frequent.share", "category_entropy",
         "run_lengths.runs", "run_lengths.longest", "run_lengths.latest", "recency_weighted_count",
         "population_stability", "adjusted_rand", "wilson_interval.lower", "wilson_interval.upper", "over_index.index",
         "over_index.z", "over_index.p_value", "uplift.difference", "uplift.lower", "uplift.upper",
         "uplift.p_value", "quantile_tier", "field_counts", "cross_counts"]


def main(target):
    text = io.StringIO()
    out = csv.DictWriter(text, NAMES, lineterminator="\n", restval="")
    out.writeheader()
    for group in range(GROUPS):
        out.writerow(curve_figures(curves_of(group)) | row_figures(rows_of(group))
                     | scalar_figures(*scalars_of(group)))
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
