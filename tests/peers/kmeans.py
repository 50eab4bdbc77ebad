#!/usr/bin/env python3
"""Independent oracle: k-means and its indices, by scikit-learn.

Shares no code with the Rust side. 60 sets of points come from a small generator of eighths that
`tests/segments.rs` repeats, so that only the figures are kept: every other set is of blobs far
apart, the rest overlap. The first k points are the start.

    python3 tests/peers/kmeans.py tests/golden/kmeans.csv.gz

made them with Python 3.11, numpy 2.4, scikit-learn 1.9. Labels are digits, from 0 on.
"""
import csv
import gzip
import io
import sys

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

from curve_functions import Random, real

SETS = 60


def points(number):
    """k blobs and n points of d dimensions; point i is near blob i % k."""
    r = Random(90_000 + number)
    k, d = 2 + r.below(5), 1 + r.below(8)
    apart = 400 if number % 2 == 0 else 20
    blobs = [[c * apart + r.below(100) for _ in range(d)] for c in range(k)]
    n = 20 * k + r.below(200)
    return k, np.array([[blobs[i % k][f] + (r.below(321) - 160) / 8 for f in range(d)] for i in range(n)])


def figures(number):
    k, rows = points(number)
    fitted = KMeans(k, init=rows[:k], n_init=1, tol=0, max_iter=300, algorithm="lloyd").fit(rows)
    return {"inertia": real(fitted.inertia_), "silhouette": real(silhouette_score(rows, fitted.labels_)),
            "davies_bouldin": real(davies_bouldin_score(rows, fitted.labels_)),
            "calinski_harabasz": real(calinski_harabasz_score(rows, fitted.labels_)),
            "labels": "".join(str(label) for label in fitted.labels_)}


def main(target):
    text = io.StringIO()
    out = csv.DictWriter(text, ["inertia", "silhouette", "davies_bouldin", "calinski_harabasz", "labels"],
                         lineterminator="\n")
    out.writeheader()
    for number in range(SETS):
        out.writerow(figures(number))
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
