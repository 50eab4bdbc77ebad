#!/usr/bin/env bash
# All of a segmentation of 40 features (choice of the number of groups, assignment, rules, profile,
# publication) beside k-means alone by scikit-learn on the same matrix, on this machine:
#   tests/peers/segments.sh [ACCOUNTS] [DAYS]      (default 1000000 7)
# Needs Python 3.11. Packages are kept in KWHY_PEERS_VENV (default: kwhy-peers in the cache
# folder), data in a temporary folder, which is removed: 12 GB for a million accounts, most of an
# hour. KWHY_PEERS_BINARY names a kwhy that is built already, KWHY_PEERS_LAKE a lake that is made.
set -euo pipefail
cd "$(dirname "$0")/../.."
accounts=${1:-1000000} days=${2:-7}
venv=${KWHY_PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/kwhy-peers}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'scikit-learn==1.9.*' 'pyarrow==26.0.*'

kwhy=${KWHY_PEERS_BINARY:-}
if [ -z "$kwhy" ]; then
  cargo build --release --quiet
  kwhy="${CARGO_TARGET_DIR:-target}/release/kwhy"
fi
export KWHY_LOG=error

# The built-in project with one segmentation: what is measured is nothing else.
project="$folder/project"
mkdir -p "$project"/{jobs,sql/segments} "$folder/base"
printf 'extends = "builtin"\nwithout = ["sql/segments/*.toml"]\n' >"$folder/base/project.toml"
printf 'extends = "../base"\n' >"$project/project.toml"
limits=$'memory_mib = 2048\nrows_per_unit = 200_000'
printf 'label = "Tags"\nbuild = ["customer_tags"]\n%s\n' "$limits" >"$project/jobs/tags.toml"
tables='"customer_tags", "segment_model", "customer_segments", "segment_path", "segment_profile"'
printf 'label = "Groups"\nbuild = [%s]\n%s\n' "$tables" "$limits" >"$project/jobs/groups.toml"
"$venv/bin/python" tests/peers/segments.py features >"$project/sql/segments/forty.toml"

lake=${KWHY_PEERS_LAKE:-}
if [ -z "$lake" ]; then
  lake="$folder/lake"
  "$kwhy" generate --accounts "$accounts" --days "$days" --out "$lake" >"$folder/log"
fi
run() { "$kwhy" run "$1" --project "$project" --lake "$lake" --out "$folder/out" --as-of 2026-03-01; }
run tags >>"$folder/log"
run groups | grep -E '^ (step|tags|segments) |accounts x'
"$venv/bin/python" tests/peers/segments.py kmeans "$folder/out"
