"""Draws days of real London homes beside days of made ones:

    python3 tests/peers/draw_days.py DATA LAKE > tests/made_lake/days.svg

DATA holds `lcl/` (Low Carbon London, UK Power Networks, CC BY 4.0), LAKE is a
made lake with at least a week of curves. Each panel is a home that was drawn by
a fixed seed, in a week of February: kW, half hour by half hour. Needs
duckdb.
"""

import csv
import datetime
import gzip
import random
import sys

import duckdb

DATA, LAKE = sys.argv[1:3]
ROWS = 6
DAYS = 7
WIDTH, HEIGHT, GAP = 420, 84, 22
REAL, MADE = "#3b6ea5", "#b5562b"


def london():
    first = datetime.date(2013, 2, 18)
    homes = {}
    with gzip.open(f"{DATA}/lcl/lcl_100_2013_long.csv.gz", "rt") as file:
        reader = csv.reader(file)
        next(reader)
        for home, stamp, value in reader:
            at = datetime.datetime.fromisoformat(stamp)
            place = ((at.date() - first).days * 48) + at.hour * 2 + at.minute // 30
            if 0 <= place < DAYS * 48:
                homes.setdefault(home, [None] * (DAYS * 48))[place] = float(value) * 2
    whole = {home: values for home, values in homes.items() if None not in values and max(values) > 0.3}
    return [whole[home] for home in random.Random(5).sample(sorted(whole), ROWS)]


def made():
    lived_in = "archetype in ('working_family', 'at_home', 'night_owl') and pv_since is null and ev_charger_since is null"
    rows = duckdb.sql(f"""
        select account_id, list(power_w order by date) as days
        from read_parquet('{LAKE}/sources/load_curve/*/*.parquet', hive_partitioning = true)
        where date between '2026-02-02' and '2026-02-08' and len(power_w) = 96
          and account_id in (select account_id from read_parquet('{LAKE}/_truth/accounts/*.parquet') where {lived_in})
        group by account_id having count(*) = {DAYS} order by account_id""").fetchall()
    homes = []
    for _, days in rows:
        points = [point for day in days for point in day]
        if None not in points and max(points) > 300:
            homes.append([(one + other) / 2000 for one, other in zip(points[::2], points[1::2])])
    return random.Random(5).sample(homes, ROWS)


def panel(values, left, top, colour):
    highest = max(values)
    step = WIDTH / len(values)
    points = " ".join(
        f"{left + place * step:.1f},{top + HEIGHT - value / highest * HEIGHT:.1f}" for place, value in enumerate(values)
    )
    days = "".join(
        f'<line x1="{left + day * WIDTH / DAYS:.1f}" y1="{top}" x2="{left + day * WIDTH / DAYS:.1f}" y2="{top + HEIGHT}" '
        'stroke="#ddd"/>'
        for day in range(DAYS + 1)
    )
    return (
        f'{days}<polyline fill="none" stroke="{colour}" stroke-width="0.9" points="{points}"/>'
        f'<text x="{left + 3}" y="{top + 10}" fill="#666">{highest:.1f} kW</text>'
    )


def main():
    width, height = 2 * WIDTH + 3 * GAP, ROWS * (HEIGHT + GAP) + GAP + 14
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10">')
    print(f'<rect width="{width}" height="{height}" fill="white"/>')
    for column, (title, colour, homes) in enumerate([
        ("London homes (Low Carbon London, UK Power Networks, CC BY 4.0)", REAL, london()),
        ("made homes", MADE, made()),
    ]):
        left = GAP + column * (WIDTH + GAP)
        print(f'<text x="{left}" y="16" fill="#333">{title}</text>')
        for row, values in enumerate(homes):
            print(panel(values, left, GAP + 6 + row * (HEIGHT + GAP), colour))
    print("</svg>")


main()
