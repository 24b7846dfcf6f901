#!/bin/bash
# unused.sh - every function that a module offers is called by a tool or by the library; a test
# alone is no user.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(dirname "${BIN:-build/bin}")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

nm --defined-only "$build/libcommon.a" | awk '$2 == "T" { print $3 }' | sort -u >"$tmp/offered"
# named once in all code: where it is defined
cat libcommon/*/*.c cmd/*.c | grep -owFf "$tmp/offered" | sort | uniq -u >"$tmp/unused"
cat "$tmp/unused"
[ -s "$tmp/offered" ] && [ ! -s "$tmp/unused" ]
