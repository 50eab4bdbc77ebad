#!/usr/bin/env python3
"""Independent oracle: the load curves and the bills of one works in 2018.

Shares no code with the Rust side; the figures of a curve are those of curve_functions.py, the
bills are exact decimals of the standard library. The goldens were made by (Python 3.11, numpy
2.4, scipy 1.17)

    PYTHONPATH=tests/peers python3 tests/peers/steel_oracle.py "$KWHY_TEST_DATA" \\
        tests/golden/steel_day.csv.gz tests/golden/steel_month.csv

Input: steel/Steel_industry_data.csv.gz, 365 dates of 96 readings of 15 minutes.
Data: Steel Industry Energy Consumption, UCI Machine Learning Repository, CC BY 4.0.
Definitions:
  reading       kWh of the 15 minutes that END at its label; the one labelled 00:00 is the last of
                the date it carries. Reading i of a date, from 0, covers minutes 15 i to 15 i + 15.
                That each date has its 96 in this order is asserted, none is filled or left out
  watts, Wh     kWh * 4000 and kWh * 1000 of a reading, whole as published (two decimals)
  period        by the minute a reading starts at: sharp 10-12, peak 8-10 and 17-21, valley 0-7
                and 23-24, flat the rest
  max_demand_w  largest watts of a reading of the month
  power_factor  P / sqrt(P^2 + Q^2), P the month's kWh, Q its lagging kvarh, to 6 decimals; the row
                of the table is chosen by the factor before rounding, and is the same after
  energy        Wh of each period at the price of the season, summed, then rounded
  demand        42.0 per kW of max_demand_w, or capacity: 30.0 per kVA of 250 kVA
  power factor  rate of the last row reached, of energy + demand (or capacity), both as rounded
  levy, tax     0.0272 per kWh; 13 % of the items before, as rounded
  total         sum of the items as rounded
Each item is rounded on its own to 0.01, half away from zero. The levy is the same for both
variants and written once, as demand_levy. Output: LF, sorted. The audit goes to stdout.
"""
import csv
import gzip
import io
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, getcontext
from pathlib import Path

from curve_functions import NAMES, figures

getcontext().prec = 60
LABELS = [f"{end // 60 % 24:02d}:{end % 60:02d}" for end in range(15, 1441, 15)]
PERIODS = ("sharp", "peak", "flat", "valley")
SUMMER = dict(zip(PERIODS, map(Decimal, ("1.25", "1.05", "0.68", "0.32"))))
OTHER = dict(zip(PERIODS, map(Decimal, ("1.05", "0.95", "0.64", "0.30"))))
FACTORS = [tuple(map(Decimal, row)) for row in (
    ("0", "0.05"), ("0.80", "0.02"), ("0.85", "0.01"), ("0.90", "0"), ("0.95", "-0.0075"))]
DAY = ["date"] + [name for name in NAMES
                  if name not in ("curve_distance", "curve_correlation", "profile_distance")]


def period(minute):
    if 600 <= minute < 720:
        return "sharp"
    if 480 <= minute < 600 or 1020 <= minute < 1260:
        return "peak"
    return "valley" if minute < 420 or minute >= 1380 else "flat"


def whole(value):
    assert value == int(value), value
    return int(value)


def places(value, unit):
    """Half away from zero; a zero has no sign."""
    return value.quantize(Decimal(unit), ROUND_HALF_UP) + 0


def days(data):
    """Date to its 96 (kWh, lagging kvarh), in order of time."""
    with gzip.open(Path(data) / "steel/Steel_industry_data.csv.gz", "rt", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    found = defaultdict(list)
    for row in rows:
        stamp = datetime.strptime(row["date"], "%d/%m/%Y %H:%M")
        assert stamp.hour * 3600 + stamp.minute * 60 == int(row["NSM"]), row
        found[stamp.date()].append((f"{stamp:%H:%M}", Decimal(row["Usage_kWh"]),
                                    Decimal(row["Lagging_Current_Reactive_Power_kVarh"])))
    first = datetime(2018, 1, 1).date()
    assert list(found) == [first + timedelta(day) for day in range(365)]
    assert all([label for label, *_ in readings] == LABELS for readings in found.values())
    zeros = [f"{date} {label}" for date, readings in found.items() for label, kwh, _ in readings if not kwh]
    print(f"{len(rows)} readings of {len(found)} dates; of 0 kWh: {', '.join(zeros)}")
    return {date: [(kwh, kvarh) for _, kwh, kvarh in readings] for date, readings in found.items()}


def bill(energy, fixed, rate, levy):
    """Power factor charge, tax and total, of items that are rounded."""
    factor = places((energy + fixed) * rate, "0.01")
    tax = places((energy + fixed + factor + levy) * Decimal("0.13"), "0.01")
    return factor, tax, energy + fixed + factor + levy + tax


def month_row(month, curves):
    wh, active, reactive = dict.fromkeys(PERIODS, 0), Decimal(0), Decimal(0)
    for readings in curves:
        for i, (kwh, kvarh) in enumerate(readings):
            wh[period(i * 15)] += whole(kwh * 1000)
            active, reactive = active + kwh, reactive + kvarh
    assert sum(wh.values()) == active * 1000
    most = max(whole(kwh * 4000) for readings in curves for kwh, _ in readings)
    exact = active / (active * active + reactive * reactive).sqrt()
    power_factor = places(exact, "0.000001")
    rate = [rate for start, rate in FACTORS if exact >= start][-1]
    assert rate == [rate for start, rate in FACTORS if power_factor >= start][-1]
    prices = SUMMER if 6 <= month <= 9 else OTHER
    items = [Decimal(wh[name]) / 1000 * prices[name] for name in PERIODS]
    energy = places(sum(items), "0.01")
    levy = places(active * Decimal("0.0272"), "0.01")
    demand = places(Decimal(most) / 1000 * Decimal("42.0"), "0.01")
    capacity = places(Decimal(250) * Decimal("30.0"), "0.01")
    row = {"month": month} | {f"{name}_wh": wh[name] for name in PERIODS}
    row |= {"max_demand_w": most, "power_factor": power_factor, "energy_charge": energy}
    factor, tax, total = bill(energy, demand, rate, levy)
    row |= {"demand_charge": demand, "demand_power_factor_charge": factor, "demand_levy": levy,
            "demand_tax": tax, "demand_total": total}
    factor, tax, total = bill(energy, capacity, rate, levy)
    row |= {"capacity_charge": capacity, "capacity_power_factor_charge": factor,
            "capacity_tax": tax, "capacity_total": total}
    apart = sum(places(item, "0.01") for item in items)
    print(f"{month}: rate {rate}, factor {power_factor}, energy {energy}, rounded by period {apart}")
    return row


def table(names, rows):
    text = io.StringIO()
    out = csv.DictWriter(text, names, lineterminator="\n", restval="")
    out.writeheader()
    out.writerows(rows)
    return text.getvalue().encode()


def main(data, day_target, month_target):
    curves = days(data)
    rows = [{"date": date.isoformat()} | figures([whole(kwh * 4000) for kwh, _ in readings])
            for date, readings in curves.items()]
    with open(day_target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(table(DAY, rows))
    rows = [month_row(month, [readings for date, readings in curves.items() if date.month == month])
            for month in range(1, 13)]
    Path(month_target).write_bytes(table(list(rows[0]), rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
