#!/usr/bin/env python3
"""Independent oracle: functions of single values, texts and rows, by numpy and other libraries.

Shares no code with the Rust side. 10,000 rows come from a small generator of whole numbers that
`tests/oracles/values.rs` repeats, so that only the figures are kept:

    python3 tests/peers/value_functions.py tests/golden/value_functions.csv.gz

made them with Python 3.11, numpy 2.4, xxhash 4.1 and rapidfuzz 3.14. A figure that is NULL is left
empty.
"""
import csv
import gzip
import hashlib
import hmac
import io
import sys

import numpy as np
import xxhash
from rapidfuzz.distance import JaroWinkler

from curve_functions import Random, ratio, real

ROWS = 10_000
LETTERS = "abcdeo"


def word(r):
    return "".join(LETTERS[r.below(len(LETTERS))] for _ in range(3 + r.below(10)))


def slip(text, r):
    """The same with a letter changed, left out, or two of them turned, or another word."""
    at, kind = r.below(len(text) - 1), r.below(4)
    return (text[:at] + "z" + text[at + 1:], text[:at] + text[at + 1:],
            text[:at] + text[at + 1] + text[at] + text[at + 2:], word(r))[kind]


def row_of(number):
    r = Random(800_000 + number)
    left = word(r)
    right = slip(left, r)
    above, below = r.below(2_000_000) - 1_000_000, r.below(4_000) - 2_000
    eighths = r.below(10 ** (1 + r.below(9))) - 7
    before = [None if r.below(5) == 0 else r.below(3) for _ in range(3)]
    after = [None if r.below(5) == 0 else r.below(3) for _ in range(3)]
    return left, right, above, below, eighths, before, after


def shown(value):
    return "NULL" if value is None else str(value)


def figures(left, right, above, below, eighths, before, after):
    fields = list(zip("abc", before, after))
    f = {"account_bucket": xxhash.xxh64(left.encode(), seed=0).intdigest() % 64,
         "pseudonym": hmac.new(right.encode(), left.encode(), hashlib.sha256).hexdigest()[:32],
         "name_similarity": real(JaroWinkler.similarity(left, right)),
         "log1p": real(np.log1p(eighths / 8)),
         "changed_fields": ", ".join(f"{{field: {name}, before: {shown(old)}, after: {shown(new)}}}"
                                     for name, old, new in fields if old != new),
         "named_fields": ", ".join(f"{{field: {name}, value: {old}}}" for name, old, _ in fields if old is not None)}
    return f | ({"ratio": ratio(above, below)} if below else {})


NAMES = ["account_bucket", "pseudonym", "name_similarity", "log1p", "ratio", "changed_fields", "named_fields"]


def main(target):
    text = io.StringIO()
    out = csv.DictWriter(text, NAMES, lineterminator="\n", restval="")
    out.writeheader()
    for number in range(ROWS):
        out.writerow(figures(*row_of(number)))
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
