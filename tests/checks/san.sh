#!/bin/bash
# san.sh - under AddressSanitizer, LeakSanitizer and UBSan: unit tests, the corpora of the fuzz targets, the command line
# tests of the tools that work on streams, and what the manual pages show of every other tool.
set -euo pipefail
cd "$(dirname "$0")/../.."
san=address,undefined
make -s -j"$(nproc)" SAN=$san CFLAGS='-O1 -g1' all units fuzzers
# What trains or asks servers is long, and its libraries are in the unit tests: of these tools, the examples.
# (Examples of the others are run without sanitizers only; their tests have each option.)
fast=()
for f in tests/cli/{traj-[cfsv]*,pass-at-k,policy-init,policy-mix,task-gen,readback,rows}.bats; do
	fast+=("cli/$(basename "$f" .bats)")
done
pages=()
for f in cmd/*.c; do
	tool=$(basename "$f" .c)
	[[ " ${fast[*]} " == *" cli/$tool "* ]] || pages+=("man/$tool.1")
done
[ ${#pages[@]} -gt 0 ]
export BIN=$PWD/build-$san/bin UNIT=$PWD/build-$san/unit FUZZ=$PWD/build-$san/fuzz
tests/run unit fuzz fault/numbers "${fast[@]}"
examples=$(tests/checks/man-examples.sh "${pages[@]}") || {
	printf '%s\n' "$examples" | grep -v '^ok'
	exit 1
}
