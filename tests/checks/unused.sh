#!/bin/bash
# unused.sh - every function that a module offers is called by a tool or by the library; a test
# alone is no user.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(dirname "${BIN:-build/bin}")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# gemm_v3 is gemm, of a set of kernels
nm --defined-only "$build/libcommon.a" | awk '
	/^kernelset\.[a-z0-9]*\.o:$/ { split($0, part, "."); sets = sets "|" part[2] }
	$2 == "T" { names[$3] }
	END {
		for (n in names) {
			sub("_(" substr(sets, 2) ")$", "", n)
			print n
		}
	}' | sort -u >"$tmp/offered"
# named once in all code, where it is defined, and not by what is inline in a header, which declares it too
cat libcommon/*/*.h | grep -owFf "$tmp/offered" | sort | uniq -d >"$tmp/inline"
cat libcommon/*/*.c cmd/*.c | grep -owFf "$tmp/offered" | sort | uniq -u | comm -23 - "$tmp/inline" >"$tmp/unused"
cat "$tmp/unused"
[ -s "$tmp/offered" ] && [ ! -s "$tmp/unused" ]
