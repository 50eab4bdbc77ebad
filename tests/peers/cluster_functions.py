#!/usr/bin/env python3
"""Independent oracle: functions of clusters, by numpy and scikit-learn.

Shares no code with the Rust side. 300 random clusterings come from a small generator of eighths
that `tests/oracles.rs` repeats, so that only the figures are kept:

    python3 tests/peers/cluster_functions.py tests/golden/cluster_functions.csv.gz

made them with Python 3.11, numpy 2.4, scipy 1.17, scikit-learn 1.9. A figure that is NULL is left
empty; a list is its values between blanks. Eighths and their squares are exact as floats.
"""
import csv
import gzip
import io
import sys

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.metrics import davies_bouldin_score

from curve_functions import Random, real

CLUSTERINGS = 300


def clustering(number):
    """k centroids and n >= k points of d dimensions; point i belongs to cluster i % k, from 0."""
    r = Random(30_000 + number)
    k, d = 2 + r.below(4), 1 + r.below(6)
    centroids = [[(r.below(2001) - 1000) / 8 for _ in range(d)] for _ in range(k)]
    n = k + r.below(40)
    points = [[(r.below(2001) - 1000) / 8 for _ in range(d)] for _ in range(n)]
    return np.array(centroids), np.array(points)


def listed(values):
    return " ".join(real(value) for value in values)


def figures(centroids, points):
    labels = np.arange(len(points)) % len(centroids)
    # The first point is of the first cluster.
    distances = cdist(points[:1], centroids)[0]
    first, second = np.argsort(distances, kind="stable")[:2]
    own, next_best = distances[0], distances[1:].min()
    most = max(own, next_best)
    members = points[labels == 0]
    f = {"nearest_centroid.cluster": int(first) + 1, "nearest_centroid.distance": real(distances[first]),
         "nearest_centroid.second_cluster": int(second) + 1,
         "nearest_centroid.second_distance": real(distances[second]),
         "silhouette": real((next_best - own) / most if most > 0 else 0),
         "kmeans_statistics.count": len(members), "kmeans_statistics.sums": listed(members.sum(axis=0)),
         "kmeans_statistics.squares": listed((members**2).sum(axis=0))}
    # Where each cluster has one member no cluster is spread, which scikit-learn refuses.
    is_spread = len(points) > len(centroids)
    f["davies_bouldin"] = real(davies_bouldin_score(points, labels)) if is_spread else real(0)
    return f


NAMES = ["nearest_centroid.cluster", "nearest_centroid.distance", "nearest_centroid.second_cluster",
         "nearest_centroid.second_distance", "silhouette", "kmeans_statistics.count",
         "kmeans_statistics.sums", "kmeans_statistics.squares", "davies_bouldin"]


def main(target):
    text = io.StringIO()
    out = csv.DictWriter(text, NAMES, lineterminator="\n", restval="")
    out.writeheader()
    for number in range(CLUSTERINGS):
        out.writerow(figures(*clustering(number)))
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
