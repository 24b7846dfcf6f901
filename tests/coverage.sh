#!/bin/bash
# coverage.sh - how much of libcommon the unit, command line, fuzz and fault tests execute, by gcov:
# lines, and branches taken at least once; for each floor, and what is least covered.
# A branch is one way out of a condition: "a && b" has four. A process that is killed counts nothing,
# and faults that would hit the counting itself (fault/save, state, alloc) are left to unit/base/fault.
set -euo pipefail
cd "$(dirname "$0")/.."
build="build-coverage"
# With the hook of test builds (base/fault.h), for fault/numbers
# One set of kernels: gcov would tell each file once a set
make -s -j"$(nproc)" BUILD=$build KERNELS=plain CFLAGS='-O0 -g --coverage -DFAULTS -include tests/coverage.h' \
	LDFLAGS=--coverage all units fuzzers
find $build -name '*.gcda' -delete
export BATS_TEST_TIMEOUT=1200
BIN=$PWD/$build/bin UNIT=$PWD/$build/unit FUZZ=$PWD/$build/fuzz tests/run unit fuzz cli \
	fault/{io-errors,full,numbers} || echo "coverage: some tests failed, see above"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# A file that nothing executed has no counts, but branches
find "$PWD/$build/libcommon" -name '*.gcno' | (cd "$tmp" && xargs gcov -b -s "$OLDPWD" -r) >"$tmp/said" 2>/dev/null
awk '
	/^File / { file = $2; gsub(/\x27/, "", file); sub(/.*libcommon\//, "", file); next }
	/^$/ { file = "" } # what follows the last is the sum of all
	file !~ /\.c$/ { next }
	/^Lines executed:/ { split($0, v, /[:% ]+/); lines[file] = v[5]; hit[file] = v[3] * v[5] / 100 }
	/^Taken at least once:/ { split($0, v, /[:% ]+/); all[file] = v[7]; taken[file] = v[5] * v[7] / 100 }
	END {
		for (f in lines) {
			split(f, part, "/")
			for (i = 1; i <= 2; i++) {
				k = i == 1 ? part[1] : "zz libcommon"
				l[k] += lines[f]; h[k] += hit[f]; a[k] += all[f]; t[k] += taken[f]
			}
			if (all[f])
				printf "1 %5.1f%% of %4d branches  %s\n", 100 * taken[f] / all[f], all[f], f
		}
		for (k in l)
			printf "2 %s: %.1f%% of %d lines, %.1f%% of %d branches\n", k, 100 * h[k] / l[k],
				l[k], 100 * t[k] / a[k], a[k]
	}' "$tmp/said" | sort | sed 's/^[12] //; s/^zz //' >"$tmp/table"
grep branches "$tmp/table" | grep -v lines | head -n "${LEAST:-20}"
grep lines "$tmp/table"
