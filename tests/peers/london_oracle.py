#!/usr/bin/env python3
"""Independent oracle: load features of the 100 London homes of 2013.

Shares no code with the Rust side, so that an agreement of the two means something.
The goldens in tests/golden were made by (Python 3.11, standard library only)

    python3 tests/peers/london_oracle.py "$KWHY_TEST_DATA/lcl" tests/golden

Input: lcl_100_2013_long.csv.gz, `LCLid,tstp,energy(kWh/hh)`, GMT all year.
Data: Low Carbon London, UK Power Networks, London Datastore, CC BY 4.0.
Definitions:
  reading     kWh of the half hour that STARTS at its stamp; it belongs to the day
              and month of the stamp. A gap is an absent row.
  edited      before anything else, day by day, in this order: a value other than 0
              that is repeated 24 times and more is unknown (a meter that hangs);
              readings above 20 times the day's third largest are, if that is not 0;
              gaps of one or two half hours between two readings of the day are filled
              by a straight line, rounded half away from zero to whole watts
  watts       kWh * 2000, rounded half away from zero to a whole watt
  day Wh      sum of the day's watts / 2, rounded half up once per day
  energy_wh   (month, home) sum of day Wh: never rounded again
  readings    number of readings of 2013 that are known after that
  estimated   those of them that were filled
  max_demand_w         largest reading of the year in watts
  load_factor          (2 * sum of day Wh / readings) / max_demand_w
  evening_share        Wh of half hours starting 17:00 to 20:30, rounded like the day's,
                       / sum of day Wh
  time_of_peak_minute  start minute (0 to 1410) of the half hour of the day with the
                       largest total of watts over the year; the earliest on a tie
Ratios are exact fractions of integers, rounded half to even once, to 6 decimals;
one whose divisor is zero is left empty. A month without any reading has no row.
Output: london_month.csv, london_home.csv; LF, sorted. The audit goes to stdout.
"""
import csv
import gzip
import sys
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

EVENING = range(34, 42)  # slots: 34 starts at 17:00, 41 at 20:30


@cache  # few distinct texts among 1.7 million: parse each once
def reading(text):
    """kWh text -> (whole watts, exact watts minus whole watts)."""
    exact = Decimal(text.strip()) * 2000  # a space on either side in this file
    if not exact.is_finite() or exact < 0:  # "nan" is a valid Decimal, not a reading
        raise ValueError(f"not an energy: {text!r}")
    whole = exact.quantize(Decimal(1), ROUND_HALF_UP)  # decimal's HALF_UP: away from zero
    return int(whole), exact - whole


@cache
def moment(stamp):
    """'2013-07-01 13:30:00' -> ('2013-07-01', 27); anything off the grid stops the run."""
    day, clock = stamp.split(" ")
    hour, minute, second = clock.split(":")
    if date.fromisoformat(day).year != 2013 or minute not in ("00", "30") \
            or second != "00" or not 0 <= int(hour) <= 23:
        raise ValueError(f"not a half hour of 2013: {stamp!r}")
    return day, int(hour) * 2 + (minute == "30")


def edited(by_slot):
    """slot -> watts of one day, as kwhy's contract of load days says; and how many are new."""
    kept = dict(by_slot)
    start = 0
    while start < 48:
        end = start + 1
        while end < 48 and start in by_slot and by_slot.get(end) == by_slot[start]:
            end += 1
        if end - start >= 24 and by_slot.get(start):
            for slot in range(start, end):
                del kept[slot]
        start = end
    ranked = sorted(kept.values(), reverse=True)
    if len(ranked) > 2 and ranked[2] > 0:
        kept = {slot: watts for slot, watts in kept.items() if watts <= 20 * ranked[2]}
    filled = {}
    known = sorted(kept)
    for left, right in zip(known, known[1:]):
        for slot in range(left + 1, right) if right - left <= 3 else ():
            exact = Fraction(kept[left] * (right - slot) + kept[right] * (slot - left), right - left)
            filled[slot] = int(exact + Fraction(1, 2))  # nothing is negative here
    return kept | filled, len(filled)


def ratio(over, under):
    if under == 0:
        return ""
    millionths = round(Fraction(over * 10**6, under))  # round() of a Fraction: half to even
    return f"{millionths // 10**6}.{millionths % 10**6:06d}"


def write(path, header, rows):
    with open(path, "w", encoding="ascii", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *rows])


def main(source, target):
    source, target = Path(source).resolve(), Path(target).resolve()
    assert not target.is_relative_to(source), "never write beside the data"
    homes = defaultdict(lambda: defaultdict(dict))  # home -> day -> slot -> watts
    left_over = defaultdict(Decimal)  # (home, month) -> exact watts minus whole watts
    fractional = 0
    with gzip.open(source / "lcl_100_2013_long.csv.gz", "rt", encoding="ascii", newline="") as f:
        next(rows := csv.reader(f))  # the header
        for home, stamp, text in rows:
            day, slot = moment(stamp)
            watts, rest = reading(text)
            if slot in homes[home][day]:
                raise ValueError(f"second reading of {home} at {stamp}")
            homes[home][day][slot] = watts
            left_over[home, day[:7]] += rest
            fractional += rest != 0

    month_rows, home_rows, margins = [], [], []
    for home, days in sorted(homes.items()):
        months, slots, all_watts, estimated, evening = defaultdict(int), [0] * 48, [], 0, 0
        for day, measured in days.items():
            by_slot, new = edited(measured)
            estimated += new
            months[day[:7]] += (sum(by_slot.values()) + 1) // 2  # half up, no floats
            evening += (sum(by_slot.get(slot, 0) for slot in EVENING) + 1) // 2
            all_watts += by_slot.values()
            for slot, watts in by_slot.items():
                slots[slot] += watts
        month_rows += [(home, *item) for item in sorted(months.items())]
        total, top, peak = sum(months.values()), max(all_watts), max(slots)
        home_rows.append((home, len(all_watts), estimated, total, top,
                          ratio(2 * total, len(all_watts) * top), ratio(evening, total),
                          slots.index(peak) * 30))  # index(): the first, so the earliest
        margins.append((peak - sorted(slots)[-2], peak, home))  # 0 is a tie
    write(target / "london_month.csv", ("account_id", "month", "energy_wh"), month_rows)
    write(target / "london_home.csv", ("account_id", "readings", "estimated", "energy_wh", "max_demand_w",
          "load_factor", "evening_share", "time_of_peak_minute"), home_rows)

    every_day = [by_slot for days in homes.values() for by_slot in days.values()]
    worst = max(left_over, key=lambda k: abs(left_over[k]))
    print(len(homes), "homes,", sum(map(len, every_day)), "readings; home-days: present",
          len(every_day), "absent", len(homes) * 365 - len(every_day), "with gaps",
          sum(len(d) < 48 for d in every_day), "zero", sum(not any(d.values()) for d in every_day))
    print(fractional, "readings are not whole watts; most lost:", worst, left_over[worst] / 2, "Wh")
    print("closest half hours at the peak (margin W, total W, home):", sorted(margins)[:3])


if __name__ == "__main__":
    main(*sys.argv[1:])  # <folder of lcl> <output folder>
