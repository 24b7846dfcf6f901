#!/bin/bash
# long.sh [NAME ...] - the tests that make check runs in a short form, in full; without names, all:
#   alloc    each allocation of each tool fails        state  each system call of a run with a state
#   power    each state that a loss of power leaves    kills  100 kills of a whole run of pipelines/rloop
#   ranks    50 endings of runs of several processes
#   fuzz     FUZZ_SECONDS (60) on each fuzz target
# The last line of each says how much that was.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 4
export BIN=${BIN:-$PWD/build/bin}
[ $# -gt 0 ] || set -- alloc state power kills ranks fuzz
failed=0
for name; do
	began=$SECONDS
	case $name in
	alloc | state | power) tests/fault/"$name".sh all ;;
	kills) SEED=${SEED:-7} tests/fault/kills.sh 100 ;;
	ranks) SEED=${SEED:-7} tests/fault/ranks.sh 50 ;;
	fuzz) tests/fuzz/run.sh "${FUZZ_SECONDS:-60}" ;;
	*) echo "long: $name: no such test" ;;
	esac || failed=1
	echo "== $name: $((SECONDS - began)) s"
done
exit $failed
