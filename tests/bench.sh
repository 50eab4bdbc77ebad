#!/usr/bin/env bash
# Seconds and peak memory of each step of the daily job, release build:
#   tests/bench.sh [ACCOUNTS] [DAYS] [RUNS]      (default 100000 30 3)
# Makes a lake in a temporary folder, runs the job RUNS times from nothing, and
# removes both.
set -euo pipefail
cd "$(dirname "$0")/.."
accounts=${1:-100000} days=${2:-30} runs=${3:-3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cargo build --release --quiet
kwhy="${CARGO_TARGET_DIR:-target}/release/kwhy"
grep -m1 'model name' /proc/cpuinfo || true
echo "$(nproc) cores, $(free -g | awk '/^Mem/ {print $2}') GiB"

"$kwhy" generate --accounts "$accounts" --days "$days" --out "$folder/lake"
for _ in $(seq "$runs"); do
  rm -rf "$folder/out"
  KWHY_LOG=error "$kwhy" run daily --lake "$folder/lake" --out "$folder/out" --as-of 2026-03-01
done
