#!/bin/bash
# san.sh - unit and fast command line tests, and the corpora of the fuzz targets, under AddressSanitizer, LeakSanitizer and UBSan.
set -euo pipefail
cd "$(dirname "$0")/../.."
san=address,undefined
make -s -j"$(nproc)" SAN=$san CFLAGS='-O1 -g' all units fuzzers
# Not those that are about scripts, or long
fast=()
for f in tests/cli/*.bats; do
	case ${f##*/} in
	harness.* | rloop.* | vanilla.* | compare.* | plot.* | stories.* | example-*) ;;
	*) fast+=("cli/$(basename "$f" .bats)") ;;
	esac
done
BIN=$PWD/build-$san/bin UNIT=$PWD/build-$san/unit FUZZ=$PWD/build-$san/fuzz tests/run unit fuzz fault/numbers "${fast[@]}"
