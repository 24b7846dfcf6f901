#!/bin/bash
# docs.sh [--update] - what README.md and docs/TUTORIAL.md tell a reader to type runs, in a fresh folder with
# the tools on PATH alone, and prints what they say. --update writes what is printed into TUTORIAL.md.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
root=$PWD
tmp=$(mktemp -d) || exit 4
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/bin" "$tmp/work"
ln -s "$root/pipelines/rloop" "$tmp/bin/rloop"
PATH=${BIN:=$root/build/bin}:$tmp/bin:$PATH
export TEST_ENV=${TEST_ENV:-$tmp/env} PYTHONDONTWRITEBYTECODE=1
tests/man-env.sh "$TEST_ENV" tasks base || exit 1
python3 tests/docs.py "$tmp/work" "$@"
