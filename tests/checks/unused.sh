#!/bin/bash
# unused.sh - every function that a module offers has a user outside the module: a tool or another
# module; a test alone is no user.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(dirname "${BIN:-build/bin}")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

nm --defined-only "$build/libcommon.a" | awk '$2 == "T" { print $3 }' | sort -u >"$tmp/offered"
for f in cmd/*.c; do
	echo "$build/${f%.c}.o"
done | xargs nm -u "$build/libcommon.a" | awk '$1 == "U" { print $2 }' | sort -u >"$tmp/needed"
comm -23 "$tmp/offered" "$tmp/needed" >"$tmp/unused"
cat "$tmp/unused"
[ -s "$tmp/offered" ] && [ ! -s "$tmp/unused" ]
