#!/usr/bin/env python3
"""Independent oracle: functions of dates, zones and clocks, by pandas and Python's own calendar.

Shares no code with the Rust side. 10,000 days in six zones, half of them days on which a clock is
changed, with the curves of `curve_functions.py`, repeated or cut to the length of the day:

    python3 tests/peers/clock_functions.py tests/golden/clock_functions.csv.gz

(Python 3.11, pandas 3.1, tzdata 2026) writes what was asked, from `zone` to `format`, and what
`day_minutes` and its like answer. Of a list there is what `shape_functions.py` keeps. A figure
that is NULL is left empty.
"""
import csv
import gzip
import io
import sys
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import pandas as pd

from curve_functions import CURVES, Random, curve, rounded
from shape_functions import digest

ZONES = ["Europe/London", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe",
         "America/Santiago"]
FORMATS = ["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%Y%m%d%H%M%S", "%m/%d/%y %I:%M %p", "%d-%b-%Y %H:%M:%S.%f",
           "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d", "%j %Y %H"]


def midnight(day, zone):
    """The begin of a local day: the first time that is of its date."""
    return pd.Timestamp(day).tz_localize(zone, ambiguous=True, nonexistent="shift_forward")


def stamps(day, zone, minutes):
    """When each interval of a local day begins."""
    return pd.date_range(midnight(day, zone), midnight(day + timedelta(days=1), zone), freq=f"{minutes}min",
                         inclusive="left")


def length(day, zone):
    """Minutes of a local day."""
    return int((midnight(day + timedelta(days=1), zone) - midnight(day, zone)).total_seconds()) // 60


def days_of_change(zone):
    days = (date(2012, 1, 1) + timedelta(days=at) for at in range(15 * 365))
    return [day for day in days if length(day, zone) != 1440] or [date(2020, 2, 29)]


def minute_of(stamp):
    return stamp.hour * 60 + stamp.minute


def by_the_clock(values, day, zone):
    """`wall_clock_curve`: the mean of what was read while the clock showed the same."""
    minutes, rest = divmod(length(day, zone), len(values))
    if rest or 60 % minutes:
        return None
    shown = pd.DataFrame({"slot": [minute_of(stamp) // minutes for stamp in stamps(day, zone, minutes)], "w": values})
    known = shown.dropna().groupby("slot")["w"].agg(["sum", "count"])
    return [rounded(Fraction(int(known["sum"][slot]), int(known["count"][slot]))) if slot in known.index else None
            for slot in range(1440 // minutes)]


def elapsed(values, second, day, zone):
    """`elapsed_curve`: what the clock showed at each moment, from the second list when it shows it again."""
    minutes = 1440 // len(values)
    if length(day, zone) % minutes:
        return None
    met, result = set(), []
    for stamp in stamps(day, zone, minutes):
        minute = minute_of(stamp)
        source = second if minute in met else values
        met.add(minute)
        result.append(source[minute // minutes] if source else None)
    return result


def cut(values, day, zone):
    last = length(day, zone) * len(values) // 1500
    return values if any(value is not None for value in values[last:]) else values[:last]


def shown_by(clock, zone, other):
    """What the clock of `other` shows, and whether for the second time; the first of two instants."""
    instant = clock.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(timezone.utc)
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != clock:
        return None, None  # the clock skips it
    shown = instant.astimezone(ZoneInfo(other))
    return shown.replace(tzinfo=None), bool(shown.fold)


def text_of(moment):
    """As kwhy shows a timestamp: a fraction of three or six digits, or none."""
    if moment is None:
        return ""
    whole = moment.isoformat(timespec="seconds")
    micros = moment.microsecond
    return whole + (f".{micros // 1000:03d}" if micros % 1000 == 0 else f".{micros:06d}") * (micros > 0)


def written(clock, r):
    """A time as some file has it, the format it is read by, and what that says."""
    layout = FORMATS[r.below(len(FORMATS))]
    offset = timezone(timedelta(minutes=15 * (r.below(97) - 48)))
    text = clock.replace(tzinfo=offset).strftime(layout)
    if r.below(10) == 0:  # something went wrong
        at = r.below(len(text))
        text = text[:at] + "x" + text[at + 1:]
    try:
        moment = datetime.strptime(text, layout)
    except ValueError:
        return text, layout, None
    return text, layout, moment.astimezone(timezone.utc).replace(tzinfo=None) if moment.tzinfo else moment


NAMES = ["zone", "source", "reader", "date", "points", "beyond", "clock", "text", "format", "day_minutes", "month_start",
         "wall_clock_curve", "elapsed_curve", "cut_curve", "local_time", "is_second_hour", "parse_timestamp"]


def main(target):
    changes = {zone: days_of_change(zone) for zone in ZONES}
    out_text = io.StringIO()
    out = csv.DictWriter(out_text, NAMES, lineterminator="\n", restval="")
    out.writeheader()
    for number in range(CURVES):
        r = Random(200_000 + number)
        zone, other = ZONES[r.below(len(ZONES))], ZONES[r.below(len(ZONES))]
        days = changes[zone]
        day = days[r.below(len(days))] if r.below(2) else date(2012, 1, 1) + timedelta(days=r.below(5478))
        values = curve(number)
        intervals = length(day, zone) * len(values) // 1440
        repeated = [values[at % len(values)] for at in range(intervals)]
        # A row for 25 hours, in one of four cases with a value where this day has none.
        room, beyond = 25 * len(values) // 24, 7 if r.below(4) == 0 else ""
        row = repeated[:room] + [None] * (room - len(repeated))
        if beyond:
            row[-1] = beyond
        second = values[::-1] if number % 5 else None
        # A moment of that day as another clock shows it; or a time of the day, which its own may skip.
        since = timedelta(seconds=r.below(4 * 3600 if r.below(2) else 86_400), microseconds=r.below(4) * 250)
        if r.below(3) == 0:
            clock, source, reader = datetime(day.year, day.month, day.day) + since, zone, other
        else:
            moment = midnight(day, zone).tz_convert("UTC").to_pydatetime() + since
            clock, source, reader = moment.astimezone(ZoneInfo(other)).replace(tzinfo=None), other, zone
        shown, again = shown_by(clock, source, reader)
        text, layout, parsed = written(clock, r)
        figures = {"zone": zone, "source": source, "reader": reader, "date": day.isoformat(), "points": intervals,
                   "beyond": beyond,
                   "clock": text_of(clock), "text": text, "format": layout, "day_minutes": length(day, zone),
                   "month_start": pd.Timestamp(day).to_period("M").start_time.date().isoformat(),
                   "cut_curve": digest(cut(row, day, zone)), "local_time": text_of(shown),
                   "is_second_hour": "" if again is None else str(again).lower(), "parse_timestamp": text_of(parsed)}
        for name, found in (("wall_clock_curve", by_the_clock(repeated, day, zone)),
                            ("elapsed_curve", elapsed(values, second, day, zone))):
            if found is not None:
                figures[name] = digest(found)
        out.writerow(figures)
    with open(target, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(out_text.getvalue().encode())


if __name__ == "__main__":
    main(sys.argv[1])
