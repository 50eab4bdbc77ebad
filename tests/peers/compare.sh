#!/usr/bin/env bash
# One query over load curves in kwhy, DuckDB, Polars and Spark, on this machine:
#   tests/peers/compare.sh [ACCOUNTS] [DAYS] [RUNS]      (default 33334 30 3: a million curves)
# Needs Python 3.11 and Java 17. Packages are kept in KWHY_PEERS_VENV (default: kwhy-peers in the
# cache folder), data in a temporary folder, which is removed. KWHY_PEERS_BINARY names a kwhy that
# is built already. What is computed and how it is timed: compare.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
accounts=${1:-33334} days=${2:-30} runs=${3:-3}
venv=${KWHY_PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/kwhy-peers}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

java -version 2>/dev/null || { echo "Spark needs Java 17" >&2; exit 2; }
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check \
  'duckdb==2.0.*' 'polars==2.1.*' 'pyspark==4.3.*' 'pyarrow==26.0.*'

kwhy=${KWHY_PEERS_BINARY:-}
if [ -z "$kwhy" ]; then
  cargo build --release --quiet
  kwhy="${CARGO_TARGET_DIR:-target}/release/kwhy"
fi
export KWHY_LOG=error

# `kwhy sql` reads published tables, and the daily job publishes what it makes of the curves, not
# the curves: this project publishes them, as lists and in a column for each point. Of eight
# buckets, so that all cores have files to read.
mkdir -p "$folder"/project/{jobs,schemas/features,sql/features}
cd "$folder/project"
echo 'extends = "builtin"' >project.toml
printf 'label = "Curves"\nbuild = ["curve", "wide"]\n' >jobs/curves.toml
for table in curve wide; do
  printf 'label = "Curves"\nkey = ["account_id", "date"]\n' >schemas/features/$table.toml
done
echo 'select account_id, date, power_w from stg_load_curve where curve_points(power_w) = 96' \
  >sql/features/curve.sql
{
  echo 'select account_id, date'
  for point in {1..96}; do printf ', power_w[%d] as p%02d' "$point" "$point"; done
  echo ' from stg_load_curve where curve_points(power_w) = 96'
} >sql/features/wide.sql
cd - >/dev/null
"$kwhy" generate --accounts "$accounts" --days "$days" --out "$folder/lake" >"$folder/log"
"$kwhy" run curves --project "$folder/project" --lake "$folder/lake" --out "$folder/out" --buckets 8 \
  --as-of 2026-03-01 >>"$folder/log"

# The JVM's warnings are of use only where something failed.
"$venv/bin/python" tests/peers/compare.py "$kwhy" "$folder/out" "$folder" "$runs" 2>>"$folder/log" ||
  { cat "$folder/log" >&2; exit 1; }
