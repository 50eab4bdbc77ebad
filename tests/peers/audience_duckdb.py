#!/usr/bin/env python3
"""How long a question to customer_tags takes, beside DuckDB on the same files.

    V/bin/python tests/peers/audience_duckdb.py KWHY OUT     (package duckdb; KWHY: the program)

OUT is an output folder of the daily job. Asks for the accounts that meet five conditions
(`kwhy audience --count`) and for counts by two tags (`kwhy sql`); kwhy as a whole process,
DuckDB in this one with two threads. Prints milliseconds, least and median of nine, and ends
with 1 where the two do not count the same.
"""
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import duckdb

CONDITION = (
    "account_class = 'residential' and energy_12m_kwh > 2000 and arrears_cny = 0"
    " and on_time_rate > 0.9 and not is_in_arrears"
)
TAGS = "account_class, arrears_age"
ROUNDS = 9


def files(table):
    """The data files of the last version of a Delta table."""
    live = set()
    for log in sorted((table / "_delta_log").glob("*.json")):
        for action in map(json.loads, log.read_text().splitlines()):
            live |= {action["add"]["path"]} if "add" in action else set()
            live -= {action["remove"]["path"]} if "remove" in action else set()
    return [str(table / unquote(path)) for path in sorted(live)]


def timed(name, ask):
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer = ask()
        took.append((time.perf_counter() - start) * 1000)
    print(f"{name:34} {min(took):6.0f} {statistics.median(took):6.0f}")
    return answer


def main():
    kwhy, out = sys.argv[1], Path(sys.argv[2])
    live = files(out / "marts" / "customer_tags")
    con = duckdb.connect()
    con.sql("set threads = 2")
    scan = f"read_parquet({live})"

    def run(*arguments):
        done = subprocess.run([kwhy, *arguments, "--out", str(out)], capture_output=True, text=True, check=True)
        return done.stdout

    print(f"{len(live)} files, DuckDB {duckdb.__version__}{'least':>22} {'median':>6}")
    ours = timed("kwhy audience --count", lambda: run("audience", CONDITION, "--count"))
    theirs = timed("DuckDB", lambda: con.sql(f"select count(*) from {scan} where {CONDITION}").fetchall())
    by_two = f"select {TAGS}, count(*) as accounts from {{}} group by 1, 2 order by 1, 2"
    table = timed("kwhy sql, by two tags", lambda: run("sql", "-c", by_two.format("customer_tags")))
    rows = timed("DuckDB, by two tags", lambda: con.sql(by_two.format(scan)).fetchall())
    is_equal = int(ours) == theirs[0][0] and sorted(
        line.split()[-1] for line in table.splitlines()[1:]
    ) == sorted(str(row[-1]) for row in rows)
    print("equal" if is_equal else f"not equal: {ours} and {theirs}, or\n{table}{rows}")
    sys.exit(not is_equal)


if __name__ == "__main__":
    main()
