#!/bin/bash
# run.sh SECONDS [TARGET ...] - libFuzzer (clang) on each fuzz target for so many seconds; without
# names, on all. Begins with tests/fuzz/corpus, the findings and what earlier runs came across. An
# input that breaks a promise is kept in tests/fuzz/findings/TARGET: replayed by make check from then on.
# A line for each target: executions, seconds, covered branches, findings.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 4
seconds=${1:?seconds}
shift
work=${FUZZ_WORK:-build-fuzz/work}
make -s -j"$(nproc)" CC=clang BUILD=build-fuzz SAN=address,undefined,fuzzer-no-link \
	FUZZ_MAIN=-fsanitize=fuzzer CFLAGS='-O1 -g' fuzzers || exit 4
[ $# -gt 0 ] || {
	cd tests/fuzz || exit 4
	set -- *.c
	cd ../..
	set -- "${@%.c}"
}

bad=0
for target; do
	findings=tests/fuzz/findings/$target
	mkdir -p "$work/$target" "$findings"
	build-fuzz/fuzz/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=3000 \
		-malloc_limit_mb=512 -max_len=8192 -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$findings/" "$work/$target" "tests/fuzz/corpus/$target" "$findings" \
		>"$work/$target.log" 2>&1
	rc=$?
	awk -v target="$target" -v rc=$rc -v seconds="$seconds" '
		/cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
		/^stat::number_of_executed_units/ { n = $2 }
		/^Done [0-9]+ runs in/ { seconds = $5 }
		/broken:|runtime error:|ERROR: / && why == "" { why = ": " $0 }
		END { printf "%s\t%d executions\t%d s\t%d edges\t%s\n", target, n, seconds, cov,
			rc ? "FOUND" why : "ok" }' "$work/$target.log"
	[ $rc -eq 0 ] || bad=1
	rmdir "$findings" 2>/dev/null
done
exit $bad
