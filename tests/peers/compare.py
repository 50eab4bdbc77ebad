#!/usr/bin/env python3
"""Peers: the same figures of the same load curves, by kwhy, DuckDB, Polars and Spark.

    python compare.py KWHY OUT FOLDER RUNS       (tests/peers/compare.sh makes all of it)

KWHY is the program, OUT a folder in which it published the tables `curve`, of lists, and `wide`, with
a column for each point, FOLDER a place for files. The tables have rows of the lake that keep its
contract, of 96 points, each account and day once; all tools get these rows and no others. Every tool
works out, for each curve, where null points are unknown,

  energy_wh      sum of the known points, negative ones as 0, over 4, rounded half away from zero
  max_demand_w, min_demand_w               largest and smallest known point
  ramp_up_w      largest rise from one known point to the next, at least 0
  night_share, evening_share               share of the energy in points 0 to 23, 68 to 83
  load_factor    mean of the known points, negative ones as 0, over the largest

(null where no point is known, no two neighbours are, nothing is taken), and for each account the
days, then sum, max, min, max and three means of these: one row per account, the result, whole.
kwhy rounds the ratios of a curve to six decimals. Where a tool's rows differ from kwhy's, integers
at all or ratios by more than 0.000001, the program says so and exits 1.

Seconds: kwhy is a whole process each time, `kwhy sql`, from its start to the last row printed as
text. The others answer inside this process or its JVM, from the text or expressions of the query
to a table in memory; imports, start of the JVM and opening of a database are not counted. All run
on all cores with files in the page cache, one after the other in each of RUNS rounds, after runs
to warm up. Each has the query that was fastest of those tried, DuckDB and Polars also the files;
what was tried stands beside them. Then they answer from kwhy's own files, as Spark does, for which
no others are faster. The making of files is not counted.
"""
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Callable

CORES = os.cpu_count()
os.environ["POLARS_MAX_THREADS"] = str(CORES)  # is read when polars is imported

import duckdb
import polars as pl
import pyspark
from polars import col
from pyspark.sql import SparkSession

INTEGERS = ["days", "energy_wh", "max_demand_w", "min_demand_w", "ramp_up_w"]
RATIOS = ["night_share", "evening_share", "load_factor"]
POINTS = [f"p{i:02}" for i in range(1, 97)]  # the columns of wide files
AS_KWHY = "kwhy's own files"


@dataclass
class Tool:
    name: str
    form: str
    files: list[Path]
    run: Callable[[], Any]
    frame: Callable[[Any], pl.DataFrame] | None = None  # None: nothing to compare
    warm_ups: int = 1


def periods(points):
    return {"night": points[:24], "evening": points[68:84], "rest": points[24:68] + points[84:]}


def neighbours(points):
    return zip(points, points[1:])


# --- kwhy: nullable lists or a column for each point, both delta-packed, not compressed

KWHY_QUERY = """select account_id, count(*) as days, sum(energy_wh(power_w)) as energy_wh,
  max(max_demand_w(power_w)) as max_demand_w, min(min_demand_w(power_w)) as min_demand_w,
  max(ramp_up_w(power_w)) as ramp_up_w, avg(night_share(power_w)) as night_share,
  avg(evening_share(power_w)) as evening_share, avg(load_factor(power_w)) as load_factor
from curve group by account_id"""
KWHY_ONE_ROW = f"select {', '.join(map('sum({})'.format, INTEGERS + RATIOS))} from ({KWHY_QUERY})"
KWHY_SCAN = "select max(account_id), max(curve_points(power_w)) from curve"
KWHY_LISTS = f"(select account_id, curve_of_points(struct({', '.join(POINTS)})) as power_w from wide)"
KWHY_WIDE_SCAN = f"select max(account_id), {', '.join(map('count({})'.format, POINTS))} from wide"


def kwhy_tools(program, out, files, wide):
    """Scans of what was tried, a million curves, two cores, DataFusion 55. Lists, delta-packed, 0.39 to
    0.55; plain 0.55 to 1.06; elements that cannot be null 0.63. A column for each point, plain, 0.17,
    delta-packed 0.16, and 1.06 where make_array puts them into lists.
    """
    def ask(query):
        command = [program, "sql", "--out", out, "-c", query]
        return lambda: subprocess.check_output(command, text=True)

    version = subprocess.check_output([program, "--version"], text=True).strip()
    def of_wide(query):
        return ask(query.replace("from curve", f"from {KWHY_LISTS}"))

    lists, columns = "lists, delta", "wide, delta"
    return Tool(version, lists, files, ask(KWHY_QUERY), kwhy_frame), [
        Tool("kwhy, one row", lists, files, ask(KWHY_ONE_ROW)),
        Tool("kwhy, plain scan", lists, files, ask(KWHY_SCAN)),
        Tool(version, columns, wide, of_wide(KWHY_QUERY), kwhy_frame),
        Tool("kwhy, one row", columns, wide, of_wide(KWHY_ONE_ROW)),
        Tool("kwhy, plain scan", columns, wide, ask(KWHY_WIDE_SCAN)),
        Tool("kwhy, start only", "", [], ask("select 1"))]


def kwhy_frame(printed):
    """Numbers end where their heading ends; null is blank."""
    header, *lines = printed.splitlines()
    ends = [word.end() for word in re.finditer(r"\S+", header)][1:]
    cells = [line[:ends[0]].split() + [line[a:b].strip() for a, b in zip(ends, ends[1:])]
             for line in lines]
    frame = pl.DataFrame(cells, schema=header.split(), orient="row")
    return frame.select(pl.when(col(name) != "").then(col(name)) for name in frame.columns)


# --- DuckDB and Spark: from figures of curves to those of accounts it is the same SQL

ACCOUNTS = """select account_id, count(*) as days, cast(sum(energy_wh) as bigint) as energy_wh,
  max(top) as max_demand_w, min(low) as min_demand_w, max(ramp_up_w) as ramp_up_w,
  avg(night_share) as night_share, avg(evening_share) as evening_share, avg(load_factor) as load_factor
from (select account_id, top, low, case when known > 0 then (used + 2) >> 2 end as energy_wh,
    case when rise > 0 then rise when rise is not null then 0 end as ramp_up_w,
    night / nullif(used, 0) as night_share, evening / nullif(used, 0) as evening_share,
    case when top > 0 then used / known / top end as load_factor
  from (select *, night + evening + rest as used from ({curves})))
group by account_id"""


def total(points, term):
    """A term of each point, added: eight as INTEGER, in which 268 MW fit, then those as BIGINT."""
    terms = [term.format(point) for point in points]
    return "+".join(f"cast({'+'.join(terms[i:i + 8])} as bigint)" for i in range(0, len(terms), 8))


def rises(points):
    return ", ".join(f"{b}-{a}" for a, b in neighbours(points))


def for_periods(points, text):
    """A column of each period, from its name and its points."""
    return ", ".join(text(name, chosen) for name, chosen in periods(points).items())


def duckdb_query(source):
    """Curves without gaps that feed nothing back, nearly all, are added without a look at each point."""
    plain = for_periods(POINTS, lambda name, points: f"{total(points, '{}')} as plain_{name}")
    used = for_periods(POINTS, lambda name, points: f"""
      case when whole then plain_{name} else {total(points, 'greatest({}, 0)')} end as {name}""")
    known = "+".join(f"({point} is not null)::tinyint" for point in POINTS)
    return ACCOUNTS.format(curves=f"""
      select account_id, top, low, rise, {used}, case when whole then 96 else {known} end as known
      from (select *, low >= 0 and plain_night + plain_evening + plain_rest is not null as whole
        from (select *, {plain}, greatest({', '.join(POINTS)}) as top, least({', '.join(POINTS)}) as low,
          greatest({rises(POINTS)}) as rise from {source}))""")


def duckdb_tools(wide, files, folder):
    """Seconds of what was tried, a million curves, two cores. Own storage 0.39, uncompressed 0.40, RLE
    0.53; 0.55 where every point is looked at. Wide Parquet, plain, 0.65; where every point is looked at
    0.75, LZ4 0.79, delta 0.81, Snappy 0.87, dictionary 1.11, dictionary and Zstandard 1.17. Lists of any
    encoding, elements named one by one, 1.03 to 1.07; list functions 1.29. On a tenth of the curves
    list_transform for rises took 1.4 times as long as that, unnest twice; own storage of INTEGER[96]
    1.4 times, FLOAT in Parquet 2.3 times as long as wide columns.
    """
    path, rows = folder / "wide.duckdb", wide.to_arrow()
    with duckdb.connect(path, config={"threads": 1}) as database:  # more leave half the file empty
        database.execute("create table wide as from rows")
    database = duckdb.connect(path, read_only=True, config={"threads": CORES})
    elements = ", ".join(f"power_w[{i}] as {point}" for i, point in enumerate(POINTS, 1))
    lists = f"(select account_id, {elements} from read_parquet({[str(file) for file in files]}))"

    def ask(source):
        return lambda: database.sql(duckdb_query(source)).to_arrow_table()

    name = f"DuckDB {duckdb.__version__}"
    return [Tool(name, "own storage, wide", [path], ask("wide"), pl.from_arrow),
            Tool(name, AS_KWHY, files, ask(lists), pl.from_arrow)]


def spark_tools(files):
    """Seconds of what was tried, a million curves, two cores. Lists, plain, 1.19, kwhy's own files 1.21,
    dictionary 1.29, Snappy 1.62; 1.6 with ANSI mode, the default collector and greatest() in place of
    if(); wide 2.1; numpy by mapInArrow 2.1; aggregate() in one pass 4.3; array functions and lambdas
    5.7. Code of whole stages: no faster with lambdas, two to three times as long with named elements
    or columns. Runs get faster until the sixth or so.
    """
    session = SparkSession.builder.master(f"local[{CORES}]").config(map={
        "spark.driver.memory": "4g", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false",
        "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
        "spark.sql.shuffle.partitions": CORES, "spark.sql.ansi.enabled": "false",
        # The method of a whole stage would be too large for the JIT compiler.
        "spark.sql.codegen.wholeStage": "false"}).getOrCreate()
    session.read.parquet(*map(str, files)).createOrReplaceTempView("curve")
    points = [f"power_w[{i}]" for i in range(96)]
    used = for_periods(points, lambda name, of: f"{total(of, 'if({0} > 0, {0}, 0)')} as {name}")
    query = ACCOUNTS.format(curves=f"""
      select account_id, {used}, array_max(power_w) as top, array_min(power_w) as low,
        greatest({rises(points)}) as rise,
        {'+'.join(f"if({point} is null, 0, 1)" for point in points)} as known from curve""")
    return [Tool(f"Spark {pyspark.__version__}", AS_KWHY, files, lambda: session.sql(query).toArrow(),
                 pl.from_arrow, warm_ups=8)]


# --- Polars

def polars_query(wide):
    """fill_null spares max_horizontal a look at each null, and otherwise() a fill_null."""
    least, greatest = pl.lit(-2**31, pl.Int32), pl.lit(2**31 - 1, pl.Int32)

    def used(points):
        terms = [pl.when(col(point) > 0).then(col(point)).otherwise(0) for point in points]
        eights = [pl.sum_horizontal(terms[i:i + 8]).cast(pl.Int64) for i in range(0, len(terms), 8)]
        return pl.sum_horizontal(eights)

    curves = wide.select(
        "account_id",
        pl.max_horizontal(col(point).fill_null(least) for point in POINTS).alias("top"),
        pl.min_horizontal(col(point).fill_null(greatest) for point in POINTS).alias("low"),
        pl.max_horizontal((col(b) - col(a)).fill_null(least) for a, b in neighbours(POINTS)).alias("rise"),
        pl.sum_horizontal(col(point).is_not_null() for point in POINTS).alias("known"),
        **{name: used(points) for name, points in periods(POINTS).items()},
    ).with_columns(used=col("night") + col("evening") + col("rest"))
    known, taken = pl.when(col("known") > 0), pl.when(col("used") > 0)
    figures = curves.select(
        "account_id",
        energy_wh=known.then((col("used") + 2) // 4),
        max_demand_w=known.then("top"),
        min_demand_w=known.then("low"),
        ramp_up_w=pl.when(col("rise") > least).then(pl.max_horizontal("rise", 0)),
        night_share=taken.then(col("night") / col("used")),
        evening_share=taken.then(col("evening") / col("used")),
        load_factor=taken.then(col("used") / col("known") / col("top")))
    return figures.group_by("account_id").agg(
        pl.len().alias("days"), pl.when(col("energy_wh").count() > 0).then(col("energy_wh").sum()),
        col("max_demand_w").max(), col("min_demand_w").min(), col("ramp_up_w").max(), col(RATIOS).mean())


def elements():
    return [col("power_w").list.get(i, null_on_oob=True).alias(point) for i, point in enumerate(POINTS)]


def polars_tools(wide, files, folder):
    """Seconds of what was tried, a million curves, two cores. Wide: Arrow IPC 0.24; Parquet, plain,
    0.26, dictionary 0.29, LZ4 0.31, dictionary and Zstandard 0.33, delta 0.38, Snappy 0.41; smaller row
    groups longer; clip() and no fill_null 0.64; the in-memory engine a third longer. Lists, list.get:
    kwhy's files 0.93, plain 0.82, IPC 0.60; as arrays no faster; explode and gather_every 1.1; list
    functions and list.eval 1.4.
    """
    path = folder / "wide.arrow"
    wide.write_ipc(path, compression="uncompressed", record_batch_size=125_000)

    def from_lists():
        return pl.scan_parquet(files, hive_partitioning=False).select("account_id", *elements())

    def ask(scan):
        return lambda: polars_query(scan()).collect(engine="streaming")

    name = f"Polars {pl.__version__}"
    return [Tool(name, "Arrow IPC, wide", [path], ask(lambda: pl.scan_ipc(path)), lambda frame: frame),
            Tool(name, AS_KWHY, files, ask(from_lists), lambda frame: frame)]


# --- all of them

def normal(frame):
    """By account, in one order of columns, each of one type."""
    numbers = [col(INTEGERS).cast(pl.Int64), col(RATIOS).cast(pl.Float64)]
    return frame.sort("account_id").select("account_id", *numbers)


def difference(ours, theirs):
    """In words, the first difference between two results; None where there is none."""
    if not ours["account_id"].equals(theirs["account_id"]):
        return "other accounts"
    for name in INTEGERS + RATIOS:
        a, b = ours[name], theirs[name]
        off = (a - b).abs() > (1e-6 if name in RATIOS else 0)
        far = (a.is_null() != b.is_null()) | off.fill_null(False)
        if far.any():
            row = far.arg_max()
            return f"{name} of {ours['account_id'][row]} is {b[row]}, kwhy's {a[row]}; {far.sum()} differ"


def timed(tool):
    start = time.perf_counter()
    tool.run()
    return time.perf_counter() - start


def main():
    program, out, folder, runs = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    files, columns = [sorted((out / "features" / table).glob("**/*.parquet")) for table in ("curve", "wide")]
    lists = pl.read_parquet(files, columns=["account_id", "power_w"], hive_partitioning=False)
    wide = lists.select("account_id", *elements())
    accounts, curves = wide["account_id"].n_unique(), len(wide)
    whole, parts = kwhy_tools(program, out, files, columns)
    peers = duckdb_tools(wide, files, folder) + polars_tools(wide, files, folder) + spark_tools(files)
    del lists, wide

    expected = None
    for tool in [whole, *peers, *parts]:
        for _ in range(tool.warm_ups):
            result = tool.run()
        if tool is whole:
            expected = normal(tool.frame(result))
        elif tool.frame and (words := difference(expected, normal(tool.frame(result)))):
            sys.exit(f"{tool.name}, {tool.form}: {words}")
    rounds = [[timed(tool) for tool in [whole, *peers, *parts]] for _ in range(runs)]

    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    print(f" {model}, {CORES} cores, {memory} GiB")
    print(f" {accounts:,} accounts, {curves:,} curves, {curves * 96:,} readings, {runs} runs, equal rows\n")
    line = " {:<18} {:<18} {:>5} {:>7} {:>9} {:>8} {:>13}".format
    print(line("tool", "files", "MB", "min s", "median s", "to kwhy", "M readings/s"))
    for tool, seconds in zip([whole, *peers, *parts], zip(*rounds)):
        megabytes = sum(file.stat().st_size for file in tool.files) / 1e6
        best, to_kwhy = min(seconds), min(seconds) / min(next(zip(*rounds)))
        speed = f"{curves * 96 / best / 1e6:.0f}" if tool.files else ""
        print(line(tool.name, tool.form, f"{megabytes:.0f}" if tool.files else "", f"{best:.3f}",
                   f"{median(seconds):.3f}", f"{to_kwhy:.2f}", speed))
    print("""
 kwhy is a whole process: start, query, rows printed as text. In `one row` the rows of the same query
 are added up, so that one is printed; `plain scan` decodes account_id and power_w, and no more.""")


if __name__ == "__main__":
    main()
